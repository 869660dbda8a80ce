//! From the Lambda runtime to a function's handler and back.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use exact_text::timestamp::Timestamp;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn};
use serde::de::IgnoredAny;

use crate::telemetry::{MetricLine, metric};

mod allocator;
mod bytes_layer;

pub use allocator::keep_freed_memory;
use bytes_layer::BytesLayer;

/// A deadline farther away than this, ahead or in the past, is not Lambda's.
const FARTHEST_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a handler gives back: the response, and the invocation's metrics but for its duration.
#[derive(Debug)]
pub struct HandlerResult {
    /// The response: JSON.
    pub response: String,
    /// The metrics.
    pub metrics: MetricLine,
}

/// The time that an invocation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvocationTime {
    /// The time until it must have answered.
    pub remaining: Duration,
    /// When that is by Lambda's own clock, where Lambda said so: true also on a machine whose clock is wrong.
    pub ends_at: Option<Timestamp>,
}

impl From<Duration> for InvocationTime {
    fn from(remaining: Duration) -> Self {
        InvocationTime { remaining, ends_at: None }
    }
}

/// Serves invocations until the runtime ends. `handler` gets the event's JSON and the time until it must have answered.
/// Event and response stay text: each is read or written once, by the function that knows its form.
///
/// # Errors
/// If the Lambda runtime API cannot be reached.
pub async fn serve<E: Into<Diagnostic>>(
    handler: impl AsyncFn(&str, InvocationTime) -> Result<HandlerResult, E>,
) -> Result<(), Error> {
    let answer = async |event: &[u8], deadline: u64| {
        let start = Instant::now();
        let event = simdutf8::basic::from_utf8(event).map_err(|error| diagnostic("InvalidEvent", &error))?;
        let outcome = handler(event, time_until(deadline)).await;
        let HandlerResult { response, mut metrics } = outcome.map_err(Into::into)?;
        metrics.milliseconds(metric::DURATION, start.elapsed().as_secs_f64() * 1000.0);
        // The work is done: to fail now would have it done again, as often as that fails. Missing metrics raise alarms.
        if let Err(error) = metrics.write(io::stdout()) {
            tracing::error!(%error, "metrics not written");
        }
        Ok(response)
    };
    keep_freed_memory();
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
/// time is over: a deadline in the past is an emulator's (cargo-lambda gives a constant) or says that this machine's clock is
/// ahead, and is taken to leave a minute.
fn time_until(deadline: u64) -> InvocationTime {
    let deadline = Duration::from_millis(deadline);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let remaining = deadline.checked_sub(now).filter(|remaining| !remaining.is_zero());
    let is_lambdas = now.abs_diff(deadline) < FARTHEST_DEADLINE;
    let ends_at = i64::try_from(deadline.as_millis()).ok().and_then(Timestamp::from_millis);
    InvocationTime {
        remaining: remaining.unwrap_or(Duration::from_secs(60)),
        ends_at: ends_at.filter(|_| is_lambdas),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_leaves_the_time_until_it_and_one_in_the_past_a_minute() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        let hour = Duration::from_secs(3600);
        let time = time_until(millis(now + hour));
        assert!(time.remaining > hour - Duration::from_secs(600) && time.remaining <= hour, "{time:?}");
        assert_eq!(time.ends_at.map(Timestamp::millis), i64::try_from(millis(now + hour)).ok());
        // The clock is an hour ahead.
        let time = time_until(millis(now - hour));
        assert_eq!(time.remaining, Duration::from_secs(60));
        assert_eq!(time.ends_at.map(Timestamp::millis), i64::try_from(millis(now - hour)).ok());
        for emulators in [0, 600_000] {
            assert_eq!(time_until(emulators), Duration::from_secs(60).into());
        }
    }
}
