//! What one invocation gave.

use kinesis_batch::RetryReason;

/// What an invocation gave.
#[derive(Debug)]
pub struct Handled {
    /// The function's response: JSON.
    pub response: String,
    /// What happened, in numbers.
    pub metrics: Metrics,
}

/// An invocation's numbers.
#[derive(Debug)]
pub enum Metrics {
    /// Of the alerting function.
    Alerts(Box<kinesis_alerts::metrics::BatchMetrics>),
    /// Of the analytics function.
    Analytics(Box<customer_analytics::metrics::BatchMetrics>),
}

impl Metrics {
    /// Why records come again, where some do.
    pub fn retry_reason(&self) -> Option<RetryReason> {
        let retried = match self {
            Metrics::Alerts(metrics) => metrics.retried,
            Metrics::Analytics(metrics) => metrics.retried,
        };
        retried.map(|(reason, _)| reason)
    }
}
