//! Tumbling windows: what a customer's transactions of each five minutes count and come to.
//!
//! A transaction counts where its amount is above zero and it has a customer; it counts once in the window that its time
//! lies in, however often it comes. One that comes under the id of another with another amount, event time or merchant is
//! a transaction of its own. [`Accumulator`] takes a batch apart into one [`Share`] for each customer and window.
//! [`Fold`] does the same for a whole stream at once and in another way: it is what the aggregates are checked against.

use std::num::NonZeroU32;

use crate::event_time::EventTimeBounds;
use crate::transaction::Transaction;
use exact_text::timestamp::Timestamp;

mod accumulator;
mod fold;
#[cfg(test)]
mod testing;
mod totals;
mod transaction_hash;

pub use accumulator::{Accumulator, Counted, Share, Taken};
pub use fold::Fold;
pub use totals::WindowTotals;
pub use transaction_hash::{TransactionDigest, TransactionHash};

/// Which time decides the window that a transaction lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowTime {
    /// The event time where it is known and within the bounds, else the arrival: the same transaction lies in the same
    /// window whenever and however often it comes.
    #[default]
    Event,
    /// The arrival at the stream.
    Arrival,
}

/// What decides the window that a transaction lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRule {
    /// The length of a window in seconds.
    pub seconds: NonZeroU32,
    /// The time that counts.
    pub time: WindowTime,
    /// How far an event time may lie from the arrival and still count.
    pub bounds: EventTimeBounds,
}

impl WindowRule {
    /// The window of a transaction that arrived at `arrival`.
    pub fn window_of(&self, transaction: &Transaction<'_>, arrival: Timestamp) -> Window {
        let time = match self.time {
            WindowTime::Event => self.bounds.counted(&transaction.event_time, arrival).at,
            WindowTime::Arrival => arrival,
        };
        Window::containing(time, self.seconds)
    }
}

/// A span of time from its start on, up to its end and without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    start: i64,
    seconds: NonZeroU32,
}

impl Window {
    /// The window of this length that contains an instant. Windows follow one another without gaps, and one begins at
    /// the epoch, 1970-01-01T00:00:00Z.
    pub fn containing(time: Timestamp, seconds: NonZeroU32) -> Self {
        let second = time.millis().div_euclid(1000);
        Window { start: second - second.rem_euclid(i64::from(seconds.get())), seconds }
    }

    /// The window of this length that starts at a second since the epoch; `None` if none does.
    pub fn starting_at(start: i64, seconds: NonZeroU32) -> Option<Self> {
        (start.rem_euclid(i64::from(seconds.get())) == 0).then_some(Window { start, seconds })
    }

    /// The start in seconds since the epoch, negative before it.
    pub fn start_seconds(&self) -> i64 {
        self.start
    }

    /// The length in seconds.
    pub fn seconds(&self) -> NonZeroU32 {
        self.seconds
    }

    /// The start; before the year 1 it is the first instant of that year.
    pub fn start(&self) -> Timestamp {
        Timestamp::saturating_from_millis(self.start.saturating_mul(1000))
    }

    /// The first instant that is no longer in the window; after the year 9999 it is the last instant of that year.
    pub fn end(&self) -> Timestamp {
        let end = self.start.saturating_add(i64::from(self.seconds.get()));
        Timestamp::saturating_from_millis(end.saturating_mul(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;
    use proptest::prelude::*;

    fn window(millis: i64, seconds: u32) -> Window {
        Window::containing(Timestamp::from_millis(millis).unwrap(), NonZeroU32::new(seconds).unwrap())
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        let start = 1_705_287_600_000;
        let five_past = window(start, 300);
        assert_eq!(five_past.start_seconds(), 1_705_287_600);
        assert_eq!(window(start + 299_999, 300), five_past);
        assert_eq!(window(start + 300_000, 300).start(), five_past.end());
        assert_eq!(window(start - 1, 300).end(), five_past.start());
        assert_eq!(five_past.start().to_string(), "2024-01-15T03:00:00.000Z");
        assert_eq!(five_past.end().to_string(), "2024-01-15T03:05:00.000Z");
    }

    #[test]
    fn windows_before_1970_are_aligned_like_those_after() {
        assert_eq!(window(-1, 300).start_seconds(), -300);
        assert_eq!(window(-300_000, 300).start_seconds(), -300);
        assert_eq!(window(-300_001, 300).start_seconds(), -600);
    }

    #[test]
    fn bounds_beyond_the_calendar_are_its_ends() {
        let (first, last) = (-62_135_596_800_000, 253_402_300_799_999);
        assert_eq!(window(first, 7).start().to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(window(last, 300).end().to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn the_event_time_decides_within_its_bounds_and_the_arrival_elsewhere() {
        let early = arrival(0).millis() - 3_600_000;
        let event = transaction(r#"{"amount":1,"event_time":"2024-01-15T02:00:00Z"}"#);
        assert_eq!(rule().window_of(&event, arrival(0)).start().millis(), early);
        let by_arrival = WindowRule { time: WindowTime::Arrival, ..rule() };
        assert_eq!(by_arrival.window_of(&event, arrival(0)).start(), arrival(0));
        for elsewhere in [
            r#"{"amount":1}"#,
            r#"{"amount":1,"event_time":null}"#,
            r#"{"amount":1,"event_time":"2024-01-01T02:00:00Z"}"#,
            r#"{"amount":1,"event_time":"2024-01-15T04:00:01Z"}"#,
        ] {
            assert_eq!(
                rule().window_of(&transaction(elsewhere), arrival(0)).start(),
                arrival(0),
                "{elsewhere}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_its_window_and_the_start_names_the_window(
            millis in -62_135_000_000_000i64..253_402_000_000_000,
            seconds in 1u32..100_000,
        ) {
            let window = window(millis, seconds);
            prop_assert!(window.start().millis() <= millis && millis < window.end().millis());
            prop_assert_eq!(window.end().millis() - window.start().millis(), i64::from(seconds) * 1000);
            prop_assert_eq!(window.start_seconds() % i64::from(seconds), 0);
            prop_assert_eq!(Window::starting_at(window.start_seconds(), window.seconds()), Some(window));
            prop_assert_eq!(Window::starting_at(window.start_seconds() + 1, window.seconds()).is_some(), seconds == 1);
        }
    }
}
