//! What one invocation gave.

use fraud_batch::RetryReason;

/// What an invocation gave.
#[derive(Debug)]
pub struct Invocation {
    /// The function's response: JSON.
    pub response: String,
    /// What happened, in numbers.
    pub metrics: InvocationMetrics,
}

/// An invocation's numbers.
#[derive(Debug)]
pub enum InvocationMetrics {
    /// Of the alerting function.
    Alerts(Box<kinesis_alerts::metrics::BatchMetrics>),
    /// Of the analytics function.
    Analytics(Box<customer_analytics::metrics::BatchMetrics>),
}

impl InvocationMetrics {
    /// Why records are delivered again, if some do.
    pub fn retry_reason(&self) -> Option<RetryReason> {
        let retried = match self {
            InvocationMetrics::Alerts(metrics) => metrics.retried,
            InvocationMetrics::Analytics(metrics) => metrics.retried,
        };
        retried.map(|(reason, _)| reason)
    }
}
