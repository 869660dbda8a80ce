//! The dead-letter sink that the configuration names.

use std::io::{Stdout, stdout};

use aws_sdk_sqs::Client;
use tokio::time::Instant;

use super::{DeadLetter, DeadLetterLines, DeadLetterSink, SqsDeadLetters};
use crate::config::DeadLettersTarget;
use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;

/// A dead-letter sink of either kind.
#[derive(Debug)]
pub enum DeadLetters {
    /// An SQS queue.
    Sqs(SqsDeadLetters),
    /// Standard output.
    Stdout(DeadLetterLines<Stdout>),
}

impl DeadLetters {
    /// Opens the sink. A queue is not asked for anything yet.
    pub async fn connect(target: &DeadLettersTarget, sdk: &Sdk) -> Self {
        match target {
            DeadLettersTarget::Sqs { queue_url } => {
                DeadLetters::Sqs(SqsDeadLetters::new(Client::new(sdk.config().await), queue_url))
            }
            DeadLettersTarget::Stdout => DeadLetters::Stdout(DeadLetterLines::new(stdout())),
        }
    }
}

impl DeadLetterSink for DeadLetters {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        match self {
            DeadLetters::Sqs(sink) => sink.send(letter, deadline).await,
            DeadLetters::Stdout(sink) => sink.send(letter, deadline).await,
        }
    }
}
