//! From the Lambda runtime to a function's handler and back.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn};
use serde::de::IgnoredAny;

use crate::telemetry::{MetricLine, metric};

mod allocator;
mod bytes_layer;

use bytes_layer::BytesLayer;

/// What a handler gives back: the response, and the invocation's metrics but for its duration.
#[derive(Debug)]
pub struct HandlerResult {
    /// The response: JSON.
    pub response: String,
    /// The metrics.
    pub metrics: MetricLine,
}

/// Serves invocations until the runtime ends. `handler` gets the event's JSON and the time until it must have answered.
/// Event and response stay text: each is read or written once, by the function that knows its form.
///
/// # Errors
/// If the Lambda runtime API cannot be reached.
pub async fn serve<E: Into<Diagnostic>>(
    handler: impl AsyncFn(&str, Duration) -> Result<HandlerResult, E>,
) -> Result<(), Error> {
    let answer = async |event: &[u8], deadline: u64| {
        let start = Instant::now();
        let event = simdutf8::basic::from_utf8(event).map_err(|error| diagnostic("InvalidEvent", &error))?;
        let outcome = handler(event, remaining_time(deadline)).await;
        let HandlerResult { response, mut metrics } = outcome.map_err(Into::into)?;
        metrics.milliseconds(metric::DURATION, start.elapsed().as_secs_f64() * 1000.0);
        // The work is done: to fail now would have it done again, as often as that fails. Missing metrics raise alarms.
        if let Err(error) = metrics.write(io::stdout()) {
            tracing::error!(%error, "metrics not written");
        }
        Ok(response)
    };
    allocator::keep_freed_memory();
    tell_panics_without_their_messages();
    // A runtime has a handler of its own kind; the layer answers everything before anything gets there.
    let never_called = service_fn(async |_: LambdaEvent<IgnoredAny>| Ok::<(), Error>(()));
    Runtime::new(never_called).layer(BytesLayer::new(&answer)).layer(TracingLayer::new()).run().await
}

/// The exit status of a function's `main`. What ended it goes to standard error, with the causes behind it.
pub fn exit_code(function: &str, result: Result<(), Error>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let mut told = error.to_string();
    for cause in std::iter::successors(error.source(), |cause| cause.source()).map(ToString::to_string) {
        // Some errors' own texts end with their cause.
        if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    eprintln!("{function} cannot run: {told}");
    ExitCode::FAILURE
}

/// A panic's message may hold a payload: the log has its place only.
fn tell_panics_without_their_messages() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "the handler panicked");
    }));
}

fn diagnostic(error_type: &str, error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message: error.to_string() }
}

/// The time left until `deadline`, in milliseconds since the epoch as the runtime gives it. Lambda invokes nothing whose
/// time is over: a deadline in the past is an emulator's (cargo-lambda gives a constant), and is taken to leave a minute.
fn remaining_time(deadline: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    match Duration::from_millis(deadline).checked_sub(now) {
        None | Some(Duration::ZERO) => Duration::from_secs(60),
        Some(remaining) => remaining,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_leaves_the_time_until_it_and_one_in_the_past_a_minute() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let in_an_hour = u64::try_from((now + Duration::from_secs(3600)).as_millis()).unwrap();
        let remaining = remaining_time(in_an_hour);
        assert!(
            remaining > Duration::from_secs(3000) && remaining <= Duration::from_secs(3600),
            "{remaining:?}"
        );
        for past in [0, 600_000] {
            assert_eq!(remaining_time(past), Duration::from_secs(60));
        }
    }
}
