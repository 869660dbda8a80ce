//! When records arrive at a stream.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use md5::{Digest, Md5};

/// When records arrive at a stream.
///
/// The stream keeps a record's arrival: everyone who reads the record is told the same one, however often.
#[derive(Debug, Clone, Default)]
pub enum Arrivals {
    /// When they are put, by the clock.
    #[default]
    Real,
    /// When they would have been put if the stream had been there all the time that they tell of: months pass in minutes.
    ///
    /// Nothing else follows: deadlines, leases and a mapping's
    /// [`maximum_record_age`](crate::event_source_mapping::Settings::maximum_record_age) go by the clock.
    Simulated(Simulation),
}

/// Arrivals that follow from what records say.
///
/// A record arrives a delay after its event time, but never before the one that is before it in its shard. A record that tells
/// no event time arrives with the one before it. One far ahead of the others makes those behind it late. The delay is drawn from the seed and the data: the same data has the same.
#[derive(Clone)]
pub struct Simulation {
    begin: SystemTime,
    delays: Range<Duration>,
    seed: u64,
    event_time: Arc<EventTime>,
}

type EventTime = dyn Fn(&[u8]) -> Option<SystemTime> + Send + Sync;

impl Simulation {
    /// `event_time` reads a record's data. Short delays are likelier than long ones. `begin` is where records arrive that tell
    /// no event time and are the first of their shard.
    pub fn new(
        begin: SystemTime,
        delays: Range<Duration>,
        seed: u64,
        event_time: impl Fn(&[u8]) -> Option<SystemTime> + Send + Sync + 'static,
    ) -> Self {
        Self { begin, delays, seed, event_time: Arc::new(event_time) }
    }

    fn arrival(&self, data: &[u8], last: Option<SystemTime>) -> SystemTime {
        let floor = last.unwrap_or(self.begin);
        let told = (self.event_time)(data).and_then(|time| time.checked_add(self.delay(data)));
        match (told, last) {
            (Some(told), None) => told,
            (Some(told), Some(_)) => told.max(floor),
            (None, _) => floor,
        }
    }

    fn delay(&self, data: &[u8]) -> Duration {
        let digest = u128::from_be_bytes(Md5::digest(data).into());
        #[allow(clippy::cast_possible_truncation, reason = "any part of the digest will do")]
        let draw = fastrand::Rng::with_seed(self.seed ^ digest as u64).f64();
        let longest = self.delays.end.saturating_sub(self.delays.start);
        self.delays.start + longest.mul_f64(draw * draw * draw)
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begin, delays, seed, event_time: _ } = self;
        let mut shown = f.debug_struct("Simulation");
        shown.field("begin", begin).field("delays", delays).field("seed", seed).finish_non_exhaustive()
    }
}

impl Arrivals {
    /// Whether the clock does not decide them.
    #[must_use]
    pub fn are_simulated(&self) -> bool {
        matches!(self, Arrivals::Simulated(_))
    }

    /// When a record of this data arrives that is put at `now`, behind one of its shard that arrived at `last`.
    pub(crate) fn arrival(&self, data: &[u8], last: Option<SystemTime>, now: SystemTime) -> SystemTime {
        match self {
            Arrivals::Real => now,
            Arrivals::Simulated(simulation) => simulation.arrival(data, last),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const DELAYS: Range<Duration> = Duration::from_millis(200)..Duration::from_secs(6);

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Data is `<seconds>,<anything>`.
    fn seconds(data: &[u8]) -> Option<SystemTime> {
        let text = std::str::from_utf8(data).ok()?;
        Some(at(text.split(',').next()?.parse().ok()?))
    }

    fn simulated(seed: u64) -> Arrivals {
        Arrivals::Simulated(Simulation::new(at(50), DELAYS, seed, seconds))
    }

    #[test]
    fn a_record_arrives_a_drawn_delay_after_its_event_time_whenever_it_is_put() {
        let delay = |seed, number: u32| {
            let data = format!("1000,{number}");
            let put_at = |now| simulated(seed).arrival(data.as_bytes(), None, now);
            assert_eq!(put_at(at(7)), put_at(at(70_000)));
            put_at(at(7)).duration_since(at(1000)).unwrap()
        };
        let delays: Vec<Duration> = (0..1000).map(|number| delay(1, number)).collect();
        assert!(delays.iter().all(|delay| DELAYS.contains(delay)));
        let under = |millis| delays.iter().filter(|delay| **delay < Duration::from_millis(millis)).count();
        assert!((350..650).contains(&under(1000)) && under(4000) < 950, "{} {}", under(1000), under(4000));
        assert_ne!(delay(1, 5), delay(2, 5));
    }

    #[test]
    fn no_record_arrives_before_the_one_before_it_and_one_without_an_event_time_with_it() {
        let arrival = |data: &str, last| simulated(1).arrival(data.as_bytes(), last, at(9));
        assert_eq!(arrival("1000,x", Some(at(2000))), at(2000));
        assert!(arrival("3000,x", Some(at(2000))) > at(3000));
        assert_eq!(arrival("no time", Some(at(2000))), at(2000));
        assert_eq!(arrival("no time", None), at(50));
        assert!(arrival("10,x", None) < at(17));
    }

    #[test]
    fn real_arrivals_are_the_clocks() {
        assert_eq!(Arrivals::Real.arrival(b"1000,x", Some(at(2000)), at(9)), at(9));
    }
}
