//! How an invocation's time is shared out.

use std::time::Duration;

use fraud_aws::lookup::lookup_deadline;
use tokio::time::Instant;

/// The instants by which parts of an invocation's work must have ended.
#[derive(Debug, Clone, Copy)]
pub struct TimeLimits {
    /// No lookup lasts longer.
    pub lookup: Instant,
    /// No record is begun and no call is waited for beyond it, save those that settle what was begun.
    pub work: Instant,
    /// Settling what was begun, such as noting what was sent, ends here, and the answer is given.
    pub settle: Instant,
    /// The runtime kills the invocation.
    pub end: Instant,
}

/// What is kept for settling at most; it is a few calls.
const LONGEST_SETTLING: Duration = Duration::from_secs(6);
/// What is kept for the answer at most.
const LONGEST_ANSWERING: Duration = Duration::from_secs(1);

impl TimeLimits {
    /// The limits of an invocation that begins now and has `remaining` until it is killed. Short invocations keep a
    /// quarter of their time for settling and a tenth for the answer.
    pub fn starting_now(remaining: Duration) -> Self {
        let now = Instant::now();
        let end = now + remaining;
        let settle = end - LONGEST_ANSWERING.min(remaining / 10);
        let work = end - (LONGEST_SETTLING + LONGEST_ANSWERING).min(remaining / 4 + remaining / 10);
        TimeLimits { lookup: lookup_deadline(now, remaining), work, settle, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_follow_one_another_whatever_the_time() {
        for remaining in
            [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(3), Duration::from_secs(900)]
        {
            let now = Instant::now();
            let limits = TimeLimits::starting_now(remaining);
            assert!(
                limits.lookup <= limits.work && limits.work <= limits.settle && limits.settle <= limits.end
            );
            assert!(limits.work >= now);
        }
        let limits = TimeLimits::starting_now(Duration::from_secs(60));
        assert_eq!(limits.end - limits.settle, LONGEST_ANSWERING);
        assert_eq!(limits.settle - limits.work, LONGEST_SETTLING);
    }
}
