//! What a failed call means: whether another attempt may help, and whether the service may have done what was asked.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::iter;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use tokio::time::{Instant, timeout_at};

/// The code of a call that was not answered in time.
pub const NO_ANSWER_IN_TIME: &str = "no answer in time";
/// The code of a call that found no connection.
pub const CANNOT_REACH: &str = "cannot reach the service";
/// The code of a request that could not be sent, for want of a region or of credentials.
pub const CANNOT_SEND: &str = "cannot send the request";
/// The code of an answer that says nothing of what was asked: one that cannot be read, or an error without a code.
pub const UNREADABLE_ANSWER: &str = "unreadable answer";

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct CallFault {
    /// The service's error code, or the kind of failure to reach it. Holds no part of the request: fit for a log line.
    pub code: Cow<'static, str>,
    /// The service's explanation, which may quote the request: for a person at a terminal.
    pub message: String,
    /// What the failure means.
    pub kind: FaultKind,
}

/// What a failure means for who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// No answer, or none that can be read, or an error without a code, as proxies give: the service may have done what
    /// was asked.
    NoAnswer,
    /// The service failed: it may have done what was asked.
    Failed,
    /// The service was asked too much, and did nothing.
    Throttled,
    /// The service said no. It will say so again.
    Refused,
    /// The request was not sent: there is no region, there are no credentials, or it cannot be built.
    NotSent,
}

/// Codes that say that somebody asks too much: of the shard, of the table, of the API, or of the key.
const THROTTLES: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "KMSThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
];
/// Codes of the service's own trouble, which may come under a client's status.
const OWN_TROUBLE: [&str; 2] = ["ServiceUnavailableException", "InternalFailureException"];

impl CallFault {
    /// The time for the call ran out.
    pub fn deadline() -> Self {
        Self::new(FaultKind::NoAnswer, NO_ANSWER_IN_TIME)
    }

    /// An answer that lacks what the service always says. `message` says what, for a person.
    pub fn unreadable(message: impl Into<String>) -> Self {
        CallFault { message: message.into(), ..Self::new(FaultKind::NoAnswer, UNREADABLE_ANSWER) }
    }

    /// A failure of this kind. `code` must hold no part of the request.
    pub fn new(kind: FaultKind, code: impl Into<Cow<'static, str>>) -> Self {
        CallFault { code: code.into(), message: String::new(), kind }
    }

    /// A request that cannot be built.
    pub fn unusable(error: &impl fmt::Debug) -> Self {
        CallFault { message: format!("{error:?}"), ..Self::new(FaultKind::NotSent, "unusable request") }
    }

    /// The service's word for one entry of a batch that it did not take.
    pub fn of_entry(code: &str) -> Self {
        let kind = if is_throttle(code) { FaultKind::Throttled } else { FaultKind::Failed };
        Self::new(kind, code.to_owned())
    }

    /// A writer that takes calls, such as standard output, and failed.
    pub fn of_writer(error: &io::Error) -> Self {
        Self::new(FaultKind::Failed, error.kind().to_string())
    }

    /// What the SDK says of a call that failed, after its own retries. Only a service's own error code is the service's
    /// word: without one the call may have been done, whatever the status.
    pub fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            SdkError::ServiceError(context) => {
                let (status, error) = (context.raw().status(), context.err());
                let Some(code) = error.code().filter(|code| !code.is_empty()) else {
                    return Self::unreadable(format!(
                        "HTTP status {} without an error code",
                        status.as_u16()
                    ));
                };
                let kind = if is_throttle(code) {
                    FaultKind::Throttled
                } else if !status.is_client_error() || OWN_TROUBLE.contains(&code) {
                    FaultKind::Failed
                } else {
                    FaultKind::Refused
                };
                CallFault {
                    message: error.message().unwrap_or_default().to_owned(),
                    ..Self::new(kind, code.to_owned())
                }
            }
            SdkError::TimeoutError(_) => Self::deadline(),
            SdkError::DispatchFailure(failure) => {
                let failure = failure.as_connector_error();
                let is_of_the_line = failure
                    .is_some_and(|error| error.is_io() || error.is_timeout() || error.as_other().is_some());
                if is_of_the_line {
                    Self::new(FaultKind::NoAnswer, CANNOT_REACH)
                } else if failure.is_some_and(|error| error.is_other() && is_of_http(error)) {
                    Self::new(FaultKind::NoAnswer, UNREADABLE_ANSWER)
                } else {
                    CallFault { message: causes(failure), ..Self::new(FaultKind::NotSent, CANNOT_SEND) }
                }
            }
            SdkError::ResponseError(_) => Self::new(FaultKind::NoAnswer, UNREADABLE_ANSWER),
            SdkError::ConstructionFailure(failure) => Self::unusable(failure),
            _ => Self::new(FaultKind::NoAnswer, "unknown failure"),
        }
    }

    /// Whether another attempt may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, FaultKind::NoAnswer | FaultKind::Failed | FaultKind::Throttled)
    }

    /// Whether the service may have done what was asked.
    pub fn may_be_done(&self) -> bool {
        matches!(self.kind, FaultKind::NoAnswer | FaultKind::Failed)
    }

    /// The code and the service's explanation.
    pub fn explained(&self) -> impl fmt::Display {
        let CallFault { code, message, .. } = self;
        if message.is_empty() { code.to_string() } else { format!("{code}: {message}") }
    }
}

/// Waits for a call's answer, at most until `deadline`.
///
/// # Errors
/// [`CallFault`]
pub async fn answer_by<T, E: ProvideErrorMetadata>(
    deadline: Instant,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, CallFault> {
    match timeout_at(deadline, call).await {
        Ok(answer) => answer.map_err(|error| CallFault::of(&error)),
        Err(_elapsed) => Err(CallFault::deadline()),
    }
}

fn is_throttle(code: &str) -> bool {
    THROTTLES.contains(&code) || code.contains("Throttl")
}

/// Whether the HTTP client met the failure after it had begun, such as an answer that is not HTTP. The SDK gives such a
/// failure and credentials that are missing the same kind, and does not export the client's type.
fn is_of_http(error: &ConnectorError) -> bool {
    behind(error).any(|cause| format!("{cause:?}").starts_with("hyper"))
}

/// What the errors behind an error say.
fn causes(error: Option<&ConnectorError>) -> String {
    let texts: Vec<String> = error.into_iter().flat_map(behind).map(ToString::to_string).collect();
    texts.join(": ")
}

fn behind(error: &ConnectorError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(error.source(), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::error::ErrorMetadata;
    use aws_sdk_dynamodb::operation::get_item::GetItemError;

    use super::*;
    use crate::sdk::Sdk;

    /// What the SDK gives for an answer with this status and error code.
    fn answered(status: u16, code: &str) -> CallFault {
        let metadata = ErrorMetadata::builder().code(code).message("the key is `secret`").build();
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        CallFault::of(&SdkError::service_error(GetItemError::generic(metadata), response))
    }

    #[test]
    fn a_failure_says_whether_to_try_again_and_whether_it_may_be_done() {
        for (fault, kind, is_transient, may_be_done) in [
            (answered(400, "ProvisionedThroughputExceededException"), FaultKind::Throttled, true, false),
            (answered(400, "RequestThrottled"), FaultKind::Throttled, true, false),
            (answered(503, "ThrottlingException"), FaultKind::Throttled, true, false),
            (answered(500, "InternalServerError"), FaultKind::Failed, true, true),
            (answered(400, "InternalFailureException"), FaultKind::Failed, true, true),
            (answered(400, "ResourceNotFoundException"), FaultKind::Refused, false, false),
            (answered(403, "AccessDeniedException"), FaultKind::Refused, false, false),
            (CallFault::deadline(), FaultKind::NoAnswer, true, true),
            (CallFault::unusable(&"no key"), FaultKind::NotSent, false, false),
            (CallFault::of_entry("InternalFailure"), FaultKind::Failed, true, true),
            (
                CallFault::of_entry("ProvisionedThroughputExceededException"),
                FaultKind::Throttled,
                true,
                false,
            ),
        ] {
            let found = (fault.kind, fault.is_transient(), fault.may_be_done());
            assert_eq!(found, (kind, is_transient, may_be_done), "{fault}");
        }
    }

    /// What the SDK gives for an error answer without a code.
    fn without_code(status: u16) -> CallFault {
        let response = HttpResponse::new(status.try_into().unwrap(), "".into());
        CallFault::of(&SdkError::service_error(GetItemError::unhandled("half a document"), response))
    }

    #[test]
    fn without_an_error_code_a_call_may_have_been_done_whatever_the_status() {
        for fault in [200, 400, 403, 429, 500, 503].map(without_code) {
            assert_eq!((fault.kind, &*fault.code), (FaultKind::NoAnswer, UNREADABLE_ANSWER), "{fault:?}");
            assert!(fault.is_transient() && fault.may_be_done());
        }
        assert_eq!(answered(403, "").kind, FaultKind::NoAnswer);
        assert_eq!(
            without_code(403).explained().to_string(),
            "unreadable answer: HTTP status 403 without an error code"
        );
    }

    #[tokio::test]
    async fn an_answer_that_is_not_http_leaves_the_call_in_doubt() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut start = [0; 4];
                connection.read_exact(&mut start).unwrap();
                connection.write_all(b"no HTTP\r\n\r\n").unwrap();
            }
        });
        let sdk = Sdk::at(&endpoint, "us-east-1").await;
        let failed = Client::new(sdk.config().await).list_tables().send().await.unwrap_err();
        let fault = CallFault::of(&failed);
        assert_eq!((fault.kind, &*fault.code), (FaultKind::NoAnswer, UNREADABLE_ANSWER), "{failed:?}");
    }

    #[test]
    fn a_log_line_has_the_code_and_only_a_person_is_shown_the_explanation() {
        let fault = answered(400, "ValidationException");
        assert_eq!(fault.to_string(), "ValidationException");
        assert_eq!(fault.explained().to_string(), "ValidationException: the key is `secret`");
        assert_eq!(CallFault::deadline().explained().to_string(), "no answer in time");
    }
}
