//! The time of day, as a port: what depends on it can be tested at any time.

use std::time::{SystemTime, UNIX_EPOCH};

use exact_text::timestamp::Timestamp;

/// Tells the time of day.
pub trait Clock: Send + Sync {
    /// Now, to the millisecond.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A machine that is set before 1970 is taken to be there; one that is set after 9999 stays in that year.
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::saturating_from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_is_read_to_the_millisecond() {
        let millis = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let (before, now, after) = (millis(), SystemClock.now().millis(), millis());
        assert!((before..=after).contains(&u128::try_from(now).unwrap()));
    }
}
