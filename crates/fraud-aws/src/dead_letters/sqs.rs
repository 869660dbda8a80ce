//! Dead letters to an SQS queue.

use aws_calls::fault::{CallFault, answer_by};
use aws_sdk_sqs::Client;
use tokio::time::Instant;

use super::{DeadLetter, DeadLetterSink, MAX_BODY_BYTES};

/// What SQS says to a message that is larger than its queue takes; a queue may be set to take less than SQS does.
const TOO_LARGE: &str = "InvalidParameterValue";

/// An SQS queue.
#[derive(Debug, Clone)]
pub struct SqsDeadLetters {
    client: Client,
    queue_url: String,
}

impl SqsDeadLetters {
    /// The queue at `queue_url`.
    pub fn new(client: Client, queue_url: impl Into<String>) -> Self {
        SqsDeadLetters { client, queue_url: queue_url.into() }
    }

    async fn send_message(&self, body: String, deadline: Instant) -> Result<(), CallFault> {
        let send = self.client.send_message().queue_url(&self.queue_url).message_body(body);
        let answer = answer_by(deadline, send.send()).await?;
        match answer.message_id {
            Some(_) => Ok(()),
            None => Err(CallFault::unreadable("the answer has no message id")),
        }
    }
}

impl DeadLetterSink for SqsDeadLetters {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        match self.send_message(letter.body(MAX_BODY_BYTES), deadline).await {
            // A letter without its data is better than a record that blocks its shard.
            Err(fault) if fault.code == TOO_LARGE => self.send_message(letter.body(0), deadline).await,
            result => result,
        }
    }
}
