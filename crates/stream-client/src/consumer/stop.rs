//! The wish to end, shared by all that a consumer has under way.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Whether the consumer is to end: what is under way is finished, nothing new is begun. A cloneable handle.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(super) fn new() -> Self {
        Stop(watch::Sender::new(false))
    }

    pub(super) fn set(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn wait(&self) {
        // The sender lives in `self`, so that this cannot fail while we wait.
        let _ = self.0.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Waits so long, or until the consumer is to end.
    pub(super) async fn pause(&self, time: Duration) {
        let _ = timeout(time, self.wait()).await;
    }
}
