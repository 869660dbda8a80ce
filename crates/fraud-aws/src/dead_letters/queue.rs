//! A queue of dead letters from the side of who empties it.

use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Attribute, QueueAttributeName};
use exact_text::timestamp::Timestamp;

/// The most messages of one call (Amazon SQS API reference, ReceiveMessage).
pub const MAX_RECEIVED: usize = 10;

/// How long a call waits if there is no message. A wait of any length asks all of SQS's servers; without one a call
/// may miss messages that are there (Amazon SQS developer guide, "Short and long polling").
const WAIT_SECONDS: i32 = 1;

/// A queue.
#[derive(Debug, Clone)]
pub struct DeadLetterQueue {
    client: Client,
    queue_url: String,
}

/// A message that was received: it is hidden from others for a while, and stays in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// SQS's id of the message, the same each time it is received.
    pub message_id: String,
    /// What names this receipt of it.
    pub receipt: String,
    /// The message.
    pub body: String,
    /// When it was sent to the queue.
    pub sent_at: Option<Timestamp>,
    /// How often it was received, this time included.
    pub receive_count: u64,
}

/// About how many messages a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Those that can be received.
    pub visible: u64,
    /// Those that somebody has received and may yet remove.
    pub hidden: u64,
}

impl DeadLetterQueue {
    /// The queue at `queue_url`.
    pub fn new(client: Client, queue_url: impl Into<String>) -> Self {
        DeadLetterQueue { client, queue_url: queue_url.into() }
    }

    /// Opens the queue at `queue_url`. It is not asked for anything yet.
    pub async fn connect(queue_url: impl Into<String>, sdk: &Sdk) -> Self {
        Self::new(Client::new(sdk.config().await), queue_url)
    }

    /// About how many messages there are.
    ///
    /// # Errors
    /// [`CallFault`]
    pub async fn waiting(&self) -> Result<Waiting, CallFault> {
        let (visible, hidden) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let call = self.client.get_queue_attributes().queue_url(&self.queue_url);
        let call = call.attribute_names(visible.clone()).attribute_names(hidden.clone());
        let answer = call.send().await.map_err(|error| CallFault::of(&error))?;
        let number = |name| {
            let number = answer.attributes().and_then(|attributes| attributes.get(&name));
            let number = number.and_then(|number| number.parse().ok());
            number.ok_or_else(|| CallFault::unreadable(format!("the answer has no {}", name.as_str())))
        };
        Ok(Waiting { visible: number(visible)?, hidden: number(hidden)? })
    }

    /// Receives up to `most` messages (no more than [`MAX_RECEIVED`]) and hides them for `hidden`, in whole seconds.
    /// None where there was none within a second.
    ///
    /// # Errors
    /// [`CallFault`]
    pub async fn receive(&self, most: usize, hidden: Duration) -> Result<Vec<ReceivedMessage>, CallFault> {
        let most = most.clamp(1, MAX_RECEIVED);
        let call = self
            .client
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(i32::try_from(most).unwrap_or(1))
            .visibility_timeout(seconds(hidden))
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(Attribute::SentTimestamp)
            .message_system_attribute_names(Attribute::ApproximateReceiveCount);
        let answer = call.send().await.map_err(|error| CallFault::of(&error))?;
        answer.messages.unwrap_or_default().into_iter().map(received).collect()
    }

    /// Hides a received message for `hidden` from now on, in whole seconds; for 0 gives it back to whoever receives
    /// next. One that is no longer hidden stays as it is.
    ///
    /// # Errors
    /// [`CallFault`]; it comes back when the time is over that it was hidden for.
    pub async fn hide(&self, receipt: &str, hidden: Duration) -> Result<(), CallFault> {
        let call = self.client.change_message_visibility().queue_url(&self.queue_url);
        let call = call.receipt_handle(receipt).visibility_timeout(seconds(hidden));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_message_not_inflight()) => {
                Ok(())
            }
            Err(error) => Err(CallFault::of(&error)),
        }
    }

    /// Removes a received message from the queue for good.
    ///
    /// # Errors
    /// [`CallFault`]; it may have been removed all the same.
    pub async fn remove(&self, receipt: &str) -> Result<(), CallFault> {
        let call = self.client.delete_message().queue_url(&self.queue_url).receipt_handle(receipt);
        call.send().await.map(drop).map_err(|error| CallFault::of(&error))
    }
}

fn received(message: Message) -> Result<ReceivedMessage, CallFault> {
    let attribute = |name| message.attributes().and_then(|attributes| attributes.get(&name));
    let sent_at = attribute(Attribute::SentTimestamp).and_then(|millis| millis.parse().ok());
    let count = attribute(Attribute::ApproximateReceiveCount).and_then(|count| count.parse().ok());
    let missing =
        |what| move || CallFault::unreadable(format!("the answer has a message without its {what}"));
    Ok(ReceivedMessage {
        sent_at: sent_at.and_then(Timestamp::from_millis),
        receive_count: count.unwrap_or_default(),
        message_id: message.message_id.ok_or_else(missing("id"))?,
        receipt: message.receipt_handle.ok_or_else(missing("receipt"))?,
        body: message.body.ok_or_else(missing("body"))?,
    })
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
