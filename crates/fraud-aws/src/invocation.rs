//! From the Lambda runtime to a function's handler and back.

use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

use crate::telemetry::MetricLine;

/// What a handler gives back: the response, and the invocation's metrics but for its duration.
#[derive(Debug)]
pub struct Outcome {
    /// The response: JSON.
    pub response: String,
    /// The metrics.
    pub metrics: MetricLine,
}

/// Serves invocations until the runtime ends. `handler` gets the event's JSON and the time until it must have answered.
/// Event and response stay text: each is read or written once, by the function that knows its form.
///
/// # Errors
/// Where the Lambda runtime API cannot be reached.
pub async fn serve<E: Into<Diagnostic>>(
    handler: impl AsyncFn(&str, Duration) -> Result<Outcome, E>,
) -> Result<(), Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Box<RawValue>>| {
        let start = Instant::now();
        let outcome = handler(event.payload.get(), remaining_time(event.context.deadline)).await;
        let Outcome { response, mut metrics } = outcome.map_err(Into::into)?;
        metrics.milliseconds("Duration", start.elapsed().as_secs_f64() * 1000.0);
        metrics.write(io::stdout()).map_err(|error| diagnostic("MetricsNotWritten", &error))?;
        RawValue::from_string(response).map_err(|error| diagnostic("ResponseNotJson", &error))
    }))
    .await
}

fn diagnostic(error_type: &str, error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message: error.to_string() }
}

/// The time left until `deadline`, in milliseconds since the epoch as the runtime gives it. An emulator that gives none
/// (0) is taken to leave a minute.
fn remaining_time(deadline: u64) -> Duration {
    if deadline == 0 {
        return Duration::from_secs(60);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline).saturating_sub(now)
}
