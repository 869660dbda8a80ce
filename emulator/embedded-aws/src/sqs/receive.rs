//! ReceiveMessage: it waits, and gives what was asked for of each message.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::queue::Received;
use super::requests::ReceiveMessage;
use super::settings::{MAX_VISIBILITY_SECONDS, MAX_WAIT_SECONDS};
use super::{Sqs, digest, out_of_range, seconds};
use crate::messaging::MessageAttributeValue;
use crate::service::{ACCOUNT_ID, ServiceError};

/// The most messages of one answer. Source: SQS API reference, ReceiveMessage.
const MAX_MESSAGES: i64 = 10;

impl Sqs {
    /// Receives at once what is visible, else waits for the first message. As on AWS, a client that gives up on the
    /// answer has received the messages in it all the same.
    pub(super) async fn receive(&self, request: ReceiveMessage) -> Result<Value, ServiceError> {
        let max = request.max_number_of_messages.unwrap_or(1);
        let max = match usize::try_from(max) {
            Ok(count) if (1..=MAX_MESSAGES).contains(&max) => count,
            _ => return Err(out_of_range("MaxNumberOfMessages", max, 1, MAX_MESSAGES)),
        };
        let timeout = request
            .visibility_timeout
            .map(|timeout| seconds("VisibilityTimeout", timeout, MAX_VISIBILITY_SECONDS))
            .transpose()?;
        let wait = request
            .wait_time_seconds
            .map(|wait| seconds("WaitTimeSeconds", wait, MAX_WAIT_SECONDS))
            .transpose()?;
        let begin = Instant::now();
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let now = Instant::now();
            let (received, until, deadline) = self.with(&request.queue_url, |queue| {
                let received = queue.receive(max, timeout, now);
                let deadline = begin + wait.unwrap_or_else(|| queue.wait());
                let until = queue.next_visible(now).map_or(deadline, |visible| visible.min(deadline));
                Ok((received, until, deadline))
            })?;
            if !received.is_empty() || now >= deadline {
                return Ok(answer(received, &request));
            }
            // Whichever comes first: both are reasons to look again.
            let _ = tokio::time::timeout_at(until.into(), changes.changed()).await;
        }
    }
}

fn answer(received: Vec<Received>, request: &ReceiveMessage) -> Value {
    if received.is_empty() {
        return json!({});
    }
    let messages: Vec<Value> = received.into_iter().map(|received| message(received, request)).collect();
    json!({ "Messages": messages })
}

fn message(received: Received, request: &ReceiveMessage) -> Value {
    let Received { message, receipt_handle, first_received_at } = received;
    let mut answer = json!({
        "MessageId": message.message_id,
        "ReceiptHandle": receipt_handle,
        "MD5OfBody": digest::of_body(&message.body),
        "Body": message.body,
    });
    let system = [
        ("ApproximateReceiveCount", message.receive_count.to_string()),
        ("SentTimestamp", milliseconds(message.sent_at)),
        ("ApproximateFirstReceiveTimestamp", milliseconds(first_received_at)),
        ("SenderId", ACCOUNT_ID.to_owned()),
    ];
    let asked = |name: &str| {
        let mut names = request.message_system_attribute_names.iter().chain(&request.attribute_names);
        names.any(|asked| asked == "All" || asked == name)
    };
    let system: Map<String, Value> = system
        .into_iter()
        .filter(|(name, _)| asked(name))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    if !system.is_empty() {
        answer["Attributes"] = system.into();
    }
    let mut attributes = message.attributes;
    attributes.retain(|name, _| request.message_attribute_names.iter().any(|asked| matches(asked, name)));
    // The digest is of those that are given, not of those that the message has.
    if let Some(digest) = digest::of_attributes(&attributes) {
        answer["MD5OfMessageAttributes"] = digest.into();
        let attributes = attributes.into_iter().map(|(name, attribute)| {
            let mut value = json!({ "DataType": attribute.data_type });
            match attribute.value {
                MessageAttributeValue::Text(text) => value["StringValue"] = text.into(),
                MessageAttributeValue::Binary(bytes) => {
                    value["BinaryValue"] = base64_simd::STANDARD.encode_to_string(bytes).into();
                }
            }
            (name, value)
        });
        answer["MessageAttributes"] = Value::Object(attributes.collect());
    }
    answer
}

/// Whether an attribute is meant by `All`, `.*`, its name, or a prefix with `.*`.
fn matches(asked: &str, name: &str) -> bool {
    match asked.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => asked == "All" || asked == name,
    }
}

fn milliseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).map(|since| since.as_millis()).unwrap_or_default().to_string()
}
