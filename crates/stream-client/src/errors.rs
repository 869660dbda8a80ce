//! The SDK's errors as whoever calls sees them: will another attempt help?

use std::error::Error;

use aws_sdk_kinesis::config::http::HttpResponse;
use aws_sdk_kinesis::error::{ConnectorError, ProvideErrorMetadata, SdkError};

/// Why a call failed as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It may succeed later: throttling, a failure of the service's own, no answer.
    #[error("{code}")]
    Transient {
        /// The service's error code, or the kind of failure to reach it.
        code: String,
    },
    /// It will fail however often it is made: no such stream, no permission.
    #[error("{code}: {message}")]
    Permanent {
        /// The service's error code.
        code: String,
        /// The service's explanation.
        message: String,
    },
}

/// Codes that say that somebody asks too much: of the shard, of the API, or of the stream's key.
const THROTTLES: [&str; 6] = [
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
];
/// Codes of the service's own trouble, which may come under a client's status.
const OWN_TROUBLE: [&str; 2] = ["ServiceUnavailableException", "InternalFailureException"];

/// Whether an error code says that somebody asks too much.
pub(crate) fn is_throttle(code: &str) -> bool {
    THROTTLES.contains(&code)
}

/// Whether a failed call is worth making again. An answer with a client's status is final unless its code says
/// otherwise; everything else (the service's own failures, no answer, no connection) passes.
pub(crate) fn call_error<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> CallError {
    let transient = |code: &str| CallError::Transient { code: code.to_owned() };
    match error {
        SdkError::ServiceError(context) => {
            let (code, message) = (context.err().code(), context.err().message());
            let code = code.unwrap_or("unknown service error");
            let passes = is_throttle(code) || OWN_TROUBLE.contains(&code);
            if context.raw().status().is_client_error() && !passes {
                CallError::Permanent {
                    code: code.to_owned(),
                    message: message.unwrap_or_default().to_owned(),
                }
            } else {
                transient(code)
            }
        }
        SdkError::ConstructionFailure(failure) => CallError::Permanent {
            code: "ConstructionFailure".to_owned(),
            message: format!("the request could not be made: {failure:?}"),
        },
        SdkError::TimeoutError(_) => transient("no answer in time"),
        SdkError::DispatchFailure(_) => transient("cannot reach the service"),
        SdkError::ResponseError(_) => transient("unreadable answer"),
        _ => transient("unknown failure"),
    }
}

/// As [`call_error`], for who repeats calls without end: what keeps a request from being sent at all must not be waited
/// for.
pub(crate) fn sendable_call_error<E>(error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match unsendable(error) {
        Some(message) => CallError::Permanent { code: "the request cannot be sent".to_owned(), message },
        None => call_error(error),
    }
}

/// What kept a request from being sent at all, such as having no credentials or no region; `None` where that is not why
/// it failed.
pub(crate) fn unsendable<E>(error: &SdkError<E, HttpResponse>) -> Option<String> {
    let SdkError::DispatchFailure(failure) = error else { return None };
    let failure = failure.as_connector_error();
    let is_of_the_line = failure
        .is_some_and(|failure| failure.is_io() || failure.is_timeout() || failure.as_other().is_some());
    (!is_of_the_line).then(|| causes(failure))
}

/// What an error says, and what those behind it say.
fn causes(error: Option<&ConnectorError>) -> String {
    let mut texts = Vec::new();
    let mut cause = error.and_then(|error| error.source());
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.join(": ")
}
