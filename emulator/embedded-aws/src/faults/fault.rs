//! What can happen to a call.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::Entries;
use crate::calls::Call;
use crate::service::ServiceError;

/// What happens to a call that a rule picked out. Times pass by the machine's clock.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// The call is not done; the service answers that it failed through a fault of its own (500).
    InternalError,
    /// The call is not done; the service answers with this error.
    Error(ServiceError),
    /// The call is not done; the service answers that the caller is too fast, in its own words:
    /// `ProvisionedThroughputExceededException`, `ServiceUnavailableException`, `Throttled`, `RequestThrottled`.
    Throttle,
    /// The call begins later. The other rules still apply to it.
    Delay(Duration),
    /// The call is not done and never answered: the client must give up.
    Hang,
    /// The call is not done; the connection closes without an answer.
    DropConnection,
    /// The call is done, then the connection closes without an answer: the client cannot know.
    LoseAnswer,
    /// The call is done, and its answer never comes: the client must give up, and cannot know.
    HoldAnswer,
    /// The call is done, and the second half of its answer's document is missing: the client cannot know.
    CutAnswer,
    /// The call is done, and its answer is a 200 with a document that says nothing: `{}`, or XML with an empty result. The
    /// client cannot know.
    EmptyAnswer,
    /// The answer is an error without the service's code, such as a proxy's page: the client cannot know whether the call
    /// was done.
    CodelessError {
        /// HTTP status, 400 to 599.
        status: u16,
        /// The answer's document, which holds no error code.
        body: String,
        /// Whether the call is done.
        done: bool,
    },
    /// The call is done for the first half of its entries, rounded down; the others come back as the service
    /// gives back what it did not do: `UnprocessedKeys`, `UnprocessedItems`, `Failed`, an `ErrorCode` in an entry's
    /// place. A call with one entry does nothing. Only for [`Service::operations_with_half`](crate::Service::operations_with_half).
    Half,
    /// The call is done but for these entries, which come back as with [`Fault::Half`]. Only for
    /// [`Service::operations_with_entries`](crate::Service::operations_with_entries).
    FailEntries(Entries),
    /// The answer, if one arrives, has this `Date` header. The other rules still apply to the call.
    Date(String),
    /// Runs a hook before the call is done, and goes on when it returns. The other rules still apply to the call.
    Before(Hook),
    /// Runs a hook after the call was done and before its answer leaves, or is lost. The other rules still apply
    /// to the call; if one of them keeps it from being done, the hook does not run.
    After(Hook),
}

impl Fault {
    /// [`Fault::Before`] with an async closure.
    pub fn before<F, Fut>(hook: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::Before(Hook::new(hook))
    }

    /// [`Fault::After`] with an async closure.
    pub fn after<F, Fut>(hook: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self::After(Hook::new(hook))
    }

    /// Whether this settles what becomes of the call.
    pub(crate) fn decides(&self) -> bool {
        !matches!(self, Self::Delay(_) | Self::Date(_) | Self::Before(_) | Self::After(_))
    }
}

/// A test's own code at a point of a call: to cancel an invocation exactly there, or to hold the call until
/// something else has happened. It runs on the servers' thread and must not block it.
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(Call) -> HookFuture + Send + Sync>);

type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Hook {
    /// A hook from an async closure; it receives the call.
    pub fn new<F, Fut>(hook: F) -> Self
    where
        F: Fn(Call) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |call| Box::pin(hook(call))))
    }

    pub(crate) async fn run(&self, call: Call) {
        (self.0)(call).await;
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
