//! Where a transaction's own time counts, and what can be wrong with it.

use std::time::Duration;

use exact_text::timestamp::Timestamp;

use crate::transaction::TimeField;

/// How far an event time may lie from the arrival and still decide the partition and the window. Outside, a wrong
/// clock is likelier than a late record, and the arrival time takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTimeBounds {
    /// The furthest before arrival; `None` means no bound.
    pub max_age: Option<Duration>,
    /// The furthest after arrival; `None` means no bound.
    pub max_ahead: Option<Duration>,
}

impl EventTimeBounds {
    /// No bounds: every event time counts.
    pub const UNBOUNDED: EventTimeBounds = EventTimeBounds { max_age: None, max_ahead: None };

    /// Whether an event time lies within the bounds. A bound itself is within.
    fn hold(&self, event_time: Timestamp, arrival: Timestamp) -> bool {
        let ahead = event_time.millis() - arrival.millis();
        let exceeds = |distance: i64, bound: Option<Duration>| {
            bound.is_some_and(|bound| {
                u128::try_from(distance).is_ok_and(|distance| distance > bound.as_millis())
            })
        };
        !exceeds(ahead, self.max_ahead) && !exceeds(-ahead, self.max_age)
    }

    /// When a transaction that arrived at `arrival` counts, and what is wrong with its event time. A missing one is no
    /// fault: the arrival takes its place.
    #[inline(always)]
    pub fn counted(&self, event_time: &TimeField<'_>, arrival: Timestamp) -> CountedTime {
        let (at, fault) = match event_time {
            TimeField::Missing => (arrival, None),
            TimeField::Unreadable => (arrival, Some(EventTimeFault::Unreadable)),
            TimeField::Known(time, _) => match (self.hold(time.instant, arrival), time.hour) {
                (true, Some(_)) => (time.instant, None),
                (true, None) => (time.instant, Some(EventTimeFault::WithoutLocalTime)),
                (false, Some(_)) => (arrival, Some(EventTimeFault::OutOfBounds)),
                (false, None) => (arrival, Some(EventTimeFault::OutOfBoundsWithoutLocalTime)),
            },
        };
        CountedTime { at, fault }
    }
}

/// When a transaction counts, for its partition and its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedTime {
    /// Its event time if that can be read and is within the bounds, else its arrival.
    pub at: Timestamp,
    /// What is wrong with its event time, if anything.
    pub fault: Option<EventTimeFault>,
}

/// Why an event time did not have its full effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTimeFault {
    /// No time can be read from it: no factor over the time of day applies, and the arrival decides partition and window.
    Unreadable,
    /// It lies further from the arrival than the [`EventTimeBounds`]: the arrival decides partition and window.
    OutOfBounds,
    /// It is an epoch number: no factor over the time of day applies.
    WithoutLocalTime,
    /// It is an epoch number further from the arrival than the bounds.
    OutOfBoundsWithoutLocalTime,
}

impl EventTimeFault {
    /// The words that records and alerts carry.
    pub fn as_str(self) -> &'static str {
        match self {
            EventTimeFault::Unreadable => "unreadable",
            EventTimeFault::OutOfBounds => "out_of_bounds",
            EventTimeFault::WithoutLocalTime => "without_local_time",
            EventTimeFault::OutOfBoundsWithoutLocalTime => "out_of_bounds without_local_time",
        }
    }

    /// The fault that these words name.
    pub fn of_words(words: &str) -> Option<Self> {
        [
            EventTimeFault::Unreadable,
            EventTimeFault::OutOfBounds,
            EventTimeFault::WithoutLocalTime,
            EventTimeFault::OutOfBoundsWithoutLocalTime,
        ]
        .into_iter()
        .find(|fault| fault.as_str() == words)
    }
}

/// How many event times of a batch had each fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EventTimeFaults {
    /// Times that cannot be read.
    pub unreadable: usize,
    /// Times beyond the bounds.
    pub out_of_bounds: usize,
    /// Epoch numbers.
    pub without_local_time: usize,
}

impl EventTimeFaults {
    /// Adds the counts of another batch.
    pub fn add(&mut self, other: &EventTimeFaults) {
        self.unreadable += other.unreadable;
        self.out_of_bounds += other.out_of_bounds;
        self.without_local_time += other.without_local_time;
    }

    /// Counts one record's fault, or that it has none.
    pub fn count(&mut self, fault: Option<EventTimeFault>) {
        match fault {
            None => {}
            Some(EventTimeFault::Unreadable) => self.unreadable += 1,
            Some(EventTimeFault::OutOfBounds) => self.out_of_bounds += 1,
            Some(EventTimeFault::WithoutLocalTime) => self.without_local_time += 1,
            Some(EventTimeFault::OutOfBoundsWithoutLocalTime) => {
                self.out_of_bounds += 1;
                self.without_local_time += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exact_text::written_time::{WrittenTime, parse};

    #[test]
    fn an_event_time_has_each_fault_that_keeps_it_from_its_full_effect() {
        let arrival = parse("2026-11-26T02:00:00Z").unwrap().instant;
        let day = Duration::from_secs(86_400);
        let bounds = EventTimeBounds { max_age: Some(day), max_ahead: Some(day) };
        let mut faults = EventTimeFaults::default();
        for (text, fault) in [
            (Some("2026-11-26T01:03:14Z"), None),
            (None, None),
            (Some("1795655000"), Some(EventTimeFault::WithoutLocalTime)),
            (Some("2019-01-01 00:00:18"), Some(EventTimeFault::OutOfBounds)),
            (Some("1546300818"), Some(EventTimeFault::OutOfBoundsWithoutLocalTime)),
            (Some("2026-11-26"), Some(EventTimeFault::Unreadable)),
        ] {
            let field = match text {
                None => TimeField::Missing,
                Some(text) => {
                    parse(text).map_or(TimeField::Unreadable, |time| TimeField::Known(time, text.into()))
                }
            };
            let found = bounds.counted(&field, arrival).fault;
            assert_eq!(found, fault, "{text:?}");
            assert_eq!(found.and_then(|fault| EventTimeFault::of_words(fault.as_str())), fault);
            faults.count(found);
        }
        assert_eq!(faults, EventTimeFaults { unreadable: 1, out_of_bounds: 2, without_local_time: 2 });
    }

    #[test]
    fn a_time_counts_up_to_its_bound_and_arrival_beyond_it() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let arrival = at(1_000_000_000);
        let hour = Duration::from_secs(3600);
        let bounds = EventTimeBounds { max_age: Some(24 * hour), max_ahead: Some(hour) };
        let unbounded = EventTimeBounds::UNBOUNDED;
        for (event_time, within) in [
            (1_000_000_000 - 24 * 3_600_000, true),
            (1_000_000_000 - 24 * 3_600_000 - 1, false),
            (1_000_000_000 + 3_600_000, true),
            (1_000_000_000 + 3_600_001, false),
        ] {
            let event_time = at(event_time);
            let time = WrittenTime { instant: event_time, hour: Some(3), offset_minutes: 0 };
            let field = TimeField::Known(time, "".into());
            assert_eq!(bounds.counted(&field, arrival).at, if within { event_time } else { arrival });
            assert_eq!(unbounded.counted(&field, arrival).at, event_time);
        }
        assert_eq!(unbounded.counted(&TimeField::Missing, arrival).at, arrival);
    }
}
