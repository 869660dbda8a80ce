//! Records that can never be processed, kept with their bytes and a reason: the port, what implements it, and for tools
//! the way back: a queue's letters as they are read again.

use std::future::Future;

use aws_calls::fault::CallFault;
use tokio::time::Instant;

use crate::config::{DEAD_LETTERS, UNALERTED_LETTERS};
use crate::port::{Call, Port};

mod connect;
mod letter;
mod lines;
mod queue;
mod routed;
mod sqs;
mod stored;

pub use connect::DeadLetters;
pub use letter::{DeadLetter, MAX_BODY_BYTES};
pub use lines::DeadLetterLines;
pub use queue::{DeadLetterQueue, MAX_RECEIVED, ReceivedMessage, Waiting};
pub use routed::RoutedLetters;
pub use sqs::SqsDeadLetters;
pub use stored::{NotALetter, StoredLetter};

/// The port as data.
pub const PORT: Port = Port {
    name: "dead_letters",
    variable: DEAD_LETTERS,
    calls: &[Call::new("SendMessage", "sqs:SendMessage")],
};

/// The port of the letters whose high score nobody was alerted of, as data.
pub const UNALERTED_PORT: Port = Port { name: "unalerted_letters", variable: UNALERTED_LETTERS, ..PORT };

/// Takes dead letters.
pub trait DeadLetterSink: Send + Sync {
    /// Sends a letter, at least once. Answers by `deadline` at the latest.
    ///
    /// # Errors
    /// [`CallFault`]; the record must then be retried.
    fn send(
        &self,
        letter: &DeadLetter<'_>,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), CallFault>> + Send;
}

#[cfg(test)]
mod tests;
