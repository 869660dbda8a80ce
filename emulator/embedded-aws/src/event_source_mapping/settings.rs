//! A mapping's settings, held to the ranges of Lambda's own.

use std::time::Duration;

use super::clock::Clock;
use super::on_failure::OnFailure;
use crate::service::{ACCOUNT_ID, REGION};

/// The settings of a mapping. Those that Lambda has bear its names and have its defaults.
///
/// Source of ranges and defaults, if nothing else is said: Lambda API reference, CreateEventSourceMapping.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The function's ARN, for on-failure destinations.
    pub function_arn: String,
    /// The name of an enhanced fan-out consumer: events then bear the consumer's ARN in place of the stream's.
    pub consumer: Option<String>,
    /// The most records of one event, 1 to 10,000. An event also has at most 6 MB; a single record that is larger
    /// comes alone.
    pub batch_size: usize,
    /// How long a batch that is not full waits for more records, up to 300 seconds.
    pub batching_window: Duration,
    /// How many batches of one shard are under way at once, 1 to 10. The records of one partition key are always in
    /// one after the other.
    pub parallelization_factor: usize,
    /// Whether a failed batch is split in two, and its halves come one after the other.
    pub bisect_batch_on_function_error: bool,
    /// How often a failed batch is tried again before it is discarded, up to 10,000; `None`: until it succeeds.
    pub maximum_retry_attempts: Option<u32>,
    /// The age beyond which a record is discarded instead of being delivered, 60 seconds to 7 days; `None`: never.
    pub maximum_record_age: Option<Duration>,
    /// Whether the function's answer is read (`FunctionResponseTypes: [ReportBatchItemFailures]`). Otherwise an
    /// invocation that does not fail is a success whatever it answers.
    pub report_batch_item_failures: bool,
    /// Where discarded batches go; `None`: nowhere.
    pub on_failure: Option<OnFailure>,
    /// How long the function may take, 1 second to 15 minutes; then it is aborted where it is, as a process that
    /// dies. Source: Lambda developer guide, "Configure Lambda function timeout".
    pub function_timeout: Duration,
    /// How long a failed batch waits before it is delivered again.
    pub backoff: Backoff,
    /// How long a mapping that follows a stream waits before it looks for new records. Lambda polls a shard once a
    /// second for standard consumers and is notified at once for enhanced fan-out.
    pub polling_interval: Duration,
    /// The probability with which a batch that succeeded, or a random tail of it, comes once more for no reason that
    /// can be seen. Lambda promises delivery at least once, not once.
    pub redelivery_probability: f64,
    /// The seed of all decisions by chance: the length of a backoff, redelivery.
    pub seed: u64,
    /// The time of day by which records age and deadlines are measured.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            function_arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:function"),
            consumer: None,
            batch_size: 100,
            batching_window: Duration::ZERO,
            parallelization_factor: 1,
            bisect_batch_on_function_error: false,
            maximum_retry_attempts: None,
            maximum_record_age: None,
            report_batch_item_failures: false,
            on_failure: None,
            function_timeout: Duration::from_secs(3),
            backoff: Backoff::default(),
            polling_interval: Duration::from_secs(1),
            redelivery_probability: 0.0,
            seed: 0,
            clock: Clock::default(),
        }
    }
}

/// How long a failed batch waits before it is delivered again: doubling with each failure, less up to a half by chance.
/// Lambda does not say how long it waits, only that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub first: Duration,
    /// The longest wait after any.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait after the `failures`-th failure in a row, counted from 1.
    pub(crate) fn after(&self, failures: u32, random: &mut fastrand::Rng) -> Duration {
        let doubled =
            self.first.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest).mul_f64(0.5 + random.f64() / 2.0)
    }
}

/// A setting beyond its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// See [`Settings::batch_size`].
    #[error("BatchSize is {0}: it must be from 1 to 10000")]
    BatchSize(usize),
    /// See [`Settings::batching_window`].
    #[error("MaximumBatchingWindowInSeconds is {}: it must be from 0 to 300", .0.as_secs_f64())]
    BatchingWindow(Duration),
    /// See [`Settings::parallelization_factor`].
    #[error("ParallelizationFactor is {0}: it must be from 1 to 10")]
    ParallelizationFactor(usize),
    /// See [`Settings::maximum_retry_attempts`].
    #[error("MaximumRetryAttempts is {0}: it must be from 0 to 10000")]
    MaximumRetryAttempts(u32),
    /// See [`Settings::maximum_record_age`].
    #[error("MaximumRecordAgeInSeconds is {}: it must be from 60 to 604800", .0.as_secs_f64())]
    MaximumRecordAge(Duration),
    /// See [`Settings::function_timeout`].
    #[error("the function's timeout is {} seconds: it must be from 1 to 900", .0.as_secs_f64())]
    FunctionTimeout(Duration),
    /// See [`Settings::redelivery_probability`].
    #[error("a probability of {0}: it must lie in 0..=1")]
    Probability(f64),
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let seconds = Duration::from_secs;
        if !(1..=10_000).contains(&self.batch_size) {
            return Err(SettingsError::BatchSize(self.batch_size));
        }
        if self.batching_window > seconds(300) {
            return Err(SettingsError::BatchingWindow(self.batching_window));
        }
        if !(1..=10).contains(&self.parallelization_factor) {
            return Err(SettingsError::ParallelizationFactor(self.parallelization_factor));
        }
        if let Some(attempts) = self.maximum_retry_attempts.filter(|attempts| *attempts > 10_000) {
            return Err(SettingsError::MaximumRetryAttempts(attempts));
        }
        let ages = seconds(60)..=seconds(604_800);
        if let Some(age) = self.maximum_record_age.filter(|age| !ages.contains(age)) {
            return Err(SettingsError::MaximumRecordAge(age));
        }
        if !(seconds(1)..=seconds(900)).contains(&self.function_timeout) {
            return Err(SettingsError::FunctionTimeout(self.function_timeout));
        }
        if !(0.0..=1.0).contains(&self.redelivery_probability) {
            return Err(SettingsError::Probability(self.redelivery_probability));
        }
        Ok(())
    }
}
