//! Pauses between attempts.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pauses of one row of failures: each is drawn at random up to a limit that doubles ("full jitter", AWS
/// Architecture Blog, <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Debug, Clone)]
pub struct Pauses {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Pauses {
    /// Pauses of at most `first`, then at most twice that, and so on up to `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Pauses { first, longest, failures: 0 }
    }

    /// How long to wait before the next attempt.
    pub fn draw(&mut self) -> Duration {
        let pause = self.after(self.failures);
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// How long to wait after this many failures before the one at hand, for whoever counts them himself.
    pub fn after(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(2u32.saturating_pow(failures));
        doubled.min(self.longest).mul_f64(fastrand::f64())
    }

    /// Waits before the next attempt. Gives `false` at once if the wait would not end before `deadline`.
    pub async fn wait_before(&mut self, deadline: Instant) -> bool {
        let again = Instant::now() + self.draw();
        if again >= deadline {
            return false;
        }
        sleep_until(again).await;
        true
    }

    /// An attempt succeeded: the next row of failures begins with the first pause.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(3);

    /// The longest of many draws of the pause after `failures` failures.
    fn longest_drawn(failures: usize, mut pauses: Pauses) -> Duration {
        (0..failures).for_each(|_| _ = pauses.draw());
        (0..200).map(|_| pauses.clone().draw()).max().unwrap()
    }

    #[test]
    fn limits_double_up_to_the_longest_and_begin_anew_after_a_success() {
        let pauses = Pauses::new(FIRST, LONGEST);
        for (failures, limit) in [1u32, 2, 3, 3, 3].into_iter().enumerate() {
            let drawn = longest_drawn(failures, pauses.clone());
            let limit = FIRST * limit;
            assert!(drawn <= limit && drawn > limit.mul_f64(0.8), "{drawn:?} of {limit:?}");
        }
        let mut pauses = pauses;
        (0..5).for_each(|_| _ = pauses.draw());
        pauses.reset();
        assert!(longest_drawn(0, pauses) <= FIRST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
        let mut pauses = Pauses::new(FIRST, LONGEST);
        let start = Instant::now();
        assert!(!pauses.wait_before(start).await);
        assert_eq!(Instant::now(), start);
        assert!(pauses.wait_before(start + LONGEST).await);
        assert!(Instant::now() <= start + FIRST * 2);
    }
}
