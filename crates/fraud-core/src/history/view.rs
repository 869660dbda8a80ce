//! What a history holds that decisions do not ask it for: for people.

use std::fmt;

use super::totals::{Day, Week};
use super::{Entry, History, InputKey};

impl History {
    /// What counts towards the mean, by week of the event time, ascending.
    pub fn weeks(&self) -> &[Week] {
        &self.totals.weeks
    }

    /// What counts, by UTC day of the event time, ascending.
    pub fn days(&self) -> &[Day] {
        &self.totals.days
    }

    /// How many merchants are remembered.
    pub fn merchants(&self) -> usize {
        self.totals.merchants.len()
    }

    /// The event time of the first transaction that counts, in seconds since the epoch.
    pub fn first_event_time(&self) -> Option<i64> {
        self.totals.first
    }

    /// The newest event time of those that count, in seconds since the epoch.
    pub fn newest_event_time(&self) -> Option<i64> {
        self.totals.newest
    }
}

impl Entry {
    /// Whether it counts: refunds do not.
    pub fn counts(&self) -> bool {
        self.counts
    }

    /// When its latest copy arrived, in milliseconds since the epoch, if there was one.
    pub fn copied(&self) -> Option<i64> {
        self.copied
    }
}

/// Ten hexadecimal digits: a row has an input's name as a hash only.
impl fmt::Display for InputKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
