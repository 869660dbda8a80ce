//! The time of day, by tokio's clock.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A time of day that passes as tokio's clock does: a test that pauses or advances that clock moves this one too.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: SystemTime,
    started: Instant,
}

impl Clock {
    /// A clock that shows the machine's time now.
    #[must_use]
    pub fn starting_now() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// A clock that shows `start` now.
    #[must_use]
    pub fn starting_at(start: SystemTime) -> Self {
        Self { start, started: Instant::now() }
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.start + self.started.elapsed()
    }

    /// How much time has passed since `then`; none if that is still to come.
    pub(super) fn since(&self, then: SystemTime) -> Duration {
        self.now().duration_since(then).unwrap_or_default()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::starting_now()
    }
}
