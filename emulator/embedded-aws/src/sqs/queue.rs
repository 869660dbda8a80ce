//! One queue. The caller gives the time, so that it can be tested without waiting.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::settings::{MAX_VISIBILITY_SECONDS, PURGE_INTERVAL, Settings, purge_in_progress};
use super::{CODE_PREFIX, digest, invalid};
use crate::http;
use crate::messaging::MessageAttribute;
use crate::service::{ACCOUNT_ID, REGION, ServiceError};

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// The id that SQS gave it.
    pub message_id: String,
    /// The body.
    pub body: String,
    /// The message attributes by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// When SQS accepted it.
    pub sent_at: SystemTime,
    /// How often it was received so far.
    pub receive_count: u32,
}

#[derive(Debug)]
pub(super) struct Queue {
    name: String,
    settings: Settings,
    created_at: SystemTime,
    /// By a number that grows with each message.
    messages: BTreeMap<u64, Stored>,
    next_number: u64,
    purged_at: Option<Instant>,
}

#[derive(Debug)]
struct Stored {
    message: QueuedMessage,
    visible_at: Instant,
    received: Option<Receipt>,
}

#[derive(Debug, Clone, Copy)]
struct Receipt {
    first_at: SystemTime,
    last_at: Instant,
}

/// A message that was received, and the handle that names this receipt of it.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) message: QueuedMessage,
    pub(super) receipt_handle: String,
    pub(super) first_received_at: SystemTime,
}

impl Queue {
    pub(super) fn new(name: String, settings: Settings) -> Self {
        Self {
            name,
            settings,
            created_at: SystemTime::now(),
            messages: BTreeMap::new(),
            next_number: 0,
            purged_at: None,
        }
    }

    pub(super) fn same_settings(
        &self,
        asked: &Settings,
        named: &BTreeMap<String, String>,
    ) -> Result<(), ServiceError> {
        self.settings.same(asked, named)
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.settings.max_bytes()
    }

    pub(super) fn wait(&self) -> Duration {
        self.settings.wait()
    }

    pub(super) fn messages(&self) -> Vec<QueuedMessage> {
        self.messages.values().map(|stored| stored.message.clone()).collect()
    }

    /// Takes a message in, and gives what SendMessage answers.
    pub(super) fn send(&mut self, draft: Draft, now: Instant) -> Value {
        let mut answer = json!({
            "MessageId": http::new_id(),
            "MD5OfMessageBody": digest::of_body(&draft.body),
        });
        if let Some(digest) = digest::of_attributes(&draft.attributes) {
            answer["MD5OfMessageAttributes"] = digest.into();
        }
        let message = QueuedMessage {
            message_id: answer["MessageId"].as_str().unwrap_or_default().to_owned(),
            body: draft.body,
            attributes: draft.attributes,
            sent_at: SystemTime::now(),
            receive_count: 0,
        };
        let visible_at = now + draft.delay.unwrap_or_else(|| self.settings.delay());
        self.messages.insert(self.next_number, Stored { message, visible_at, received: None });
        self.next_number += 1;
        answer
    }

    /// Receives up to `max` visible messages, the oldest first, and hides them.
    pub(super) fn receive(&mut self, max: usize, timeout: Option<Duration>, now: Instant) -> Vec<Received> {
        let hidden_until = now + timeout.unwrap_or_else(|| self.settings.visibility_timeout());
        let visible = self.messages.iter_mut().filter(|(_, stored)| stored.visible_at <= now).take(max);
        visible
            .map(|(number, stored)| {
                stored.visible_at = hidden_until;
                stored.message.receive_count += 1;
                let first_at = stored.received.map_or_else(SystemTime::now, |receipt| receipt.first_at);
                stored.received = Some(Receipt { first_at, last_at: now });
                Received {
                    message: stored.message.clone(),
                    receipt_handle: handle(&self.name, *number, stored.message.receive_count),
                    first_received_at: first_at,
                }
            })
            .collect()
    }

    /// When the next hidden message becomes visible, if nobody deletes it.
    pub(super) fn next_visible(&self, now: Instant) -> Option<Instant> {
        self.messages.values().map(|stored| stored.visible_at).filter(|at| *at > now).min()
    }

    /// Deletes a message by the handle of its latest receipt. One that is gone is deleted; under an older handle
    /// the request succeeds and the message stays, which SQS leaves open for standard queues.
    pub(super) fn delete(&mut self, receipt_handle: &str) -> Result<(), ServiceError> {
        let (number, count) = self.read_handle(receipt_handle)?;
        if self.messages.get(&number).is_some_and(|stored| stored.message.receive_count == count) {
            self.messages.remove(&number);
        }
        Ok(())
    }

    /// Hides a message for another time from now on.
    pub(super) fn change_visibility(
        &mut self,
        receipt_handle: &str,
        timeout: Duration,
        now: Instant,
    ) -> Result<(), ServiceError> {
        let (number, count) = self.read_handle(receipt_handle)?;
        let Some(stored) = self.messages.get_mut(&number) else {
            return Err(invalid(format!(
                "Value {receipt_handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or \
                 is not available for visibility timeout change."
            )));
        };
        let Some(receipt) =
            stored.received.filter(|_| stored.message.receive_count == count && stored.visible_at > now)
        else {
            let message = "The specified message isn't in flight.";
            return Err(ServiceError::new(400, format!("{CODE_PREFIX}MessageNotInflight"), message));
        };
        // The limit holds for all extensions together, from the receipt on.
        let total = now.duration_since(receipt.last_at) + timeout;
        if total > Duration::from_secs(MAX_VISIBILITY_SECONDS.unsigned_abs()) {
            return Err(invalid(format!(
                "Value {} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the \
                 message is beyond the limit [{MAX_VISIBILITY_SECONDS} seconds].",
                timeout.as_secs()
            )));
        }
        stored.visible_at = now + timeout;
        Ok(())
    }

    pub(super) fn purge(&mut self, now: Instant) -> Result<(), ServiceError> {
        if self.purged_at.is_some_and(|at| now.duration_since(at) < PURGE_INTERVAL) {
            return Err(purge_in_progress(&self.name));
        }
        self.purged_at = Some(now);
        self.messages.clear();
        Ok(())
    }

    /// The attributes of these names, or all.
    pub(super) fn attributes(
        &self,
        names: &[String],
        now: Instant,
    ) -> Result<Map<String, Value>, ServiceError> {
        let hidden = |stored: &&Stored| stored.visible_at > now;
        let delayed =
            self.messages.values().filter(hidden).filter(|stored| stored.received.is_none()).count();
        let in_flight = self.messages.values().filter(hidden).count() - delayed;
        let created =
            self.created_at.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        let computed = [
            ("ApproximateNumberOfMessages", (self.messages.len() - in_flight - delayed).to_string()),
            ("ApproximateNumberOfMessagesNotVisible", in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", delayed.to_string()),
            ("CreatedTimestamp", created.to_string()),
            ("LastModifiedTimestamp", created.to_string()),
            ("QueueArn", format!("arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{}", self.name)),
        ];
        let mut all: Map<String, Value> =
            self.settings.all().map(|(name, value)| (name.to_owned(), value.into())).collect();
        all.extend(computed.map(|(name, value)| (name.to_owned(), value.into())));
        if names.iter().any(|name| name == "All") {
            return Ok(all);
        }
        match names.iter().find(|name| !all.contains_key(*name)) {
            Some(unknown) => {
                let message = format!("Unknown Attribute {unknown}, or one that this queue does not have.");
                Err(ServiceError::new(400, "InvalidAttributeName", message))
            }
            None => {
                all.retain(|name, _| names.contains(name));
                Ok(all)
            }
        }
    }

    /// The message's number and which receipt of it a handle names.
    fn read_handle(&self, handle: &str) -> Result<(u64, u32), ServiceError> {
        let read = || {
            let decoded = base64_simd::STANDARD.decode_to_vec(handle).ok()?;
            let decoded = String::from_utf8(decoded).ok()?;
            let (number, count) = decoded.strip_prefix(&self.name)?.strip_prefix('/')?.split_once('/')?;
            Some((number.parse().ok()?, count.parse().ok()?))
        };
        read().ok_or_else(|| {
            let message = format!("The input receipt handle \"{handle}\" is not a valid receipt handle.");
            ServiceError::new(400, "ReceiptHandleIsInvalid", message)
        })
    }
}

fn handle(queue: &str, number: u64, receive_count: u32) -> String {
    base64_simd::STANDARD.encode_to_string(format!("{queue}/{number}/{receive_count}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue::new("letters".to_owned(), Settings::read(&BTreeMap::new()).unwrap())
    }

    fn draft() -> Draft {
        Draft { body: "m".to_owned(), attributes: BTreeMap::new(), delay: None }
    }

    #[test]
    fn a_message_is_hidden_for_the_queues_30_seconds_unless_the_receiver_says_more() {
        let (mut queue, begin) = (queue(), Instant::now());
        queue.send(draft(), begin);

        assert_eq!(queue.receive(10, None, begin).len(), 1);
        assert_eq!(queue.receive(10, None, begin + Duration::from_secs(29)).len(), 0);
        assert_eq!(queue.next_visible(begin), Some(begin + Duration::from_secs(30)));
        assert_eq!(
            queue.receive(10, Some(Duration::from_secs(3600)), begin + Duration::from_secs(30)).len(),
            1
        );
        assert_eq!(queue.receive(10, None, begin + Duration::from_secs(3629)).len(), 0);
    }

    #[test]
    fn no_extension_hides_a_message_for_more_than_12_hours_from_its_receipt() {
        let (mut queue, begin) = (queue(), Instant::now());
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        queue.send(draft(), begin);
        let handle = queue.receive(1, Some(hours(12)), begin).remove(0).receipt_handle;

        let at_the_limit = queue.change_visibility(&handle, hours(11), begin + hours(1));
        let beyond = queue.change_visibility(&handle, hours(11), begin + hours(1) + Duration::from_secs(1));

        assert_eq!(at_the_limit, Ok(()));
        assert_eq!(beyond.map_err(|error| error.code), Err("InvalidParameterValue".to_owned()));
    }

    #[test]
    fn a_purge_may_be_repeated_after_a_minute() {
        let (mut queue, begin) = (queue(), Instant::now());

        assert!(queue.purge(begin).is_ok());
        assert!(queue.purge(begin + Duration::from_secs(59)).is_err());
        assert!(queue.purge(begin + Duration::from_secs(60)).is_ok());
    }
}
