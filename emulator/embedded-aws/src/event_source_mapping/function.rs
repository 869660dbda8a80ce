//! The function that a mapping invokes.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::time::Instant;

/// One invocation of a function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The invocation's own id, as in Lambda's context.
    pub request_id: String,
    /// The event, JSON.
    pub event: String,
    /// When the function is aborted, by tokio's clock.
    pub deadline: Instant,
    /// The same by the mapping's [`Clock`](super::Clock): what Lambda's context says in milliseconds since 1970.
    pub deadline_at: SystemTime,
}

/// A function's own failure; as an answer of Lambda it has the function error `Unhandled`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FunctionError {
    /// What the function said.
    pub message: String,
}

impl FunctionError {
    /// A failure in a function's own words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// Why an invocation brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The function failed or panicked.
    Function,
    /// The function was aborted at its deadline: wherever it was, it went no further.
    Timeout,
}

/// Waits for a function's answer. A function that panics has failed: Lambda's runtime for Rust catches that.
pub(crate) async fn answer(
    function: impl Future<Output = Result<String, FunctionError>>,
    timeout: Duration,
) -> Result<String, Failure> {
    match tokio::time::timeout(timeout, AssertUnwindSafe(function).catch_unwind()).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(_) => Err(Failure::Function),
        Err(_) => Err(Failure::Timeout),
    }
}
