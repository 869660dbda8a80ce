//! A queue's settings: the attributes that CreateQueue takes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::CODE_PREFIX;
use crate::service::ServiceError;

/// The largest message, and the largest sum of a batch's messages, in bytes of body and attributes.
/// Source: SQS API reference, SendMessage and SendMessageBatch: 1 MiB since August 2025.
pub(super) const MAX_BYTES: usize = 1_048_576;

/// The longest time that a message is hidden. Source: SQS API reference, ChangeMessageVisibility: 12 hours.
pub(super) const MAX_VISIBILITY_SECONDS: i64 = 43_200;

/// The longest delay of a message. Source: SQS API reference, SendMessage: 15 minutes.
pub(super) const MAX_DELAY_SECONDS: i64 = 900;

/// The longest wait of a ReceiveMessage. Source: SQS API reference, ReceiveMessage.
pub(super) const MAX_WAIT_SECONDS: i64 = 20;

/// Attributes with a number: name, default, smallest, largest. Source: SQS API reference, CreateQueue.
const NUMBERS: [(&str, i64, i64, i64); 5] = [
    ("VisibilityTimeout", 30, 0, MAX_VISIBILITY_SECONDS),
    ("DelaySeconds", 0, 0, MAX_DELAY_SECONDS),
    ("ReceiveMessageWaitTimeSeconds", 0, 0, MAX_WAIT_SECONDS),
    ("MaximumMessageSize", 1_048_576, 1024, 1_048_576),
    ("MessageRetentionPeriod", 345_600, 60, 1_209_600),
];

/// Attributes that change nothing here: who may call, and how messages are encrypted at rest.
const WITHOUT_EFFECT: [&str; 4] =
    ["Policy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"];

/// A queue's settings by name, as text: all those with a number, and what was set of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    pub(super) fn read(attributes: &BTreeMap<String, String>) -> Result<Self, ServiceError> {
        let mut settings: BTreeMap<_, _> =
            NUMBERS.iter().map(|(name, default, ..)| ((*name).to_owned(), default.to_string())).collect();
        for (name, value) in attributes {
            if let Some((_, _, min, max)) = NUMBERS.iter().find(|(number, ..)| number == name) {
                if !value.parse::<i64>().is_ok_and(|value| (*min..=*max).contains(&value)) {
                    let message = format!("Invalid value for the parameter {name}.");
                    return Err(ServiceError::new(400, "InvalidAttributeValue", message));
                }
            } else if !WITHOUT_EFFECT.contains(&name.as_str()) {
                // Among them FifoQueue and RedrivePolicy: a queue that ignored them would be another queue.
                let message = format!("Unknown Attribute {name}, or one that embedded-aws does not have.");
                return Err(ServiceError::new(400, "InvalidAttributeName", message));
            }
            settings.insert(name.clone(), value.clone());
        }
        Ok(Self(settings))
    }

    /// Whether what a second CreateQueue asks for is what there is.
    pub(super) fn same(&self, asked: &Self, named: &BTreeMap<String, String>) -> Result<(), ServiceError> {
        match named.keys().find(|name| self.0.get(*name) != asked.0.get(*name)) {
            None => Ok(()),
            Some(name) => Err(ServiceError::new(
                400,
                "QueueAlreadyExists",
                format!(
                    "A queue already exists with the same name and a different value for attribute {name}"
                ),
            )),
        }
    }

    pub(super) fn visibility_timeout(&self) -> Duration {
        self.seconds("VisibilityTimeout")
    }

    pub(super) fn delay(&self) -> Duration {
        self.seconds("DelaySeconds")
    }

    pub(super) fn wait(&self) -> Duration {
        self.seconds("ReceiveMessageWaitTimeSeconds")
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.number("MaximumMessageSize").unwrap_or(MAX_BYTES)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name).unwrap_or_default())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.parse().ok()
    }
}

/// PurgeQueue may be called once in this time. Source: SQS API reference, PurgeQueue.
pub(super) const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// The answer to a PurgeQueue that comes too soon.
pub(super) fn purge_in_progress(name: &str) -> ServiceError {
    let message = format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds.");
    ServiceError::new(403, format!("{CODE_PREFIX}PurgeQueueInProgress"), message)
}
