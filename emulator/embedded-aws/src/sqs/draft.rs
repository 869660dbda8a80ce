//! A message as a request holds it, before it is in a queue.

use std::collections::BTreeMap;
use std::time::Duration;

use super::requests::RawMessage;
use super::settings::MAX_DELAY_SECONDS;
use super::{invalid, missing, seconds};
use crate::messaging::{MessageAttribute, checked_attribute};
use crate::service::ServiceError;

/// The most attributes of a message. Source: SQS developer guide, "Amazon SQS message quotas".
const MAX_ATTRIBUTES: usize = 10;

#[derive(Debug)]
pub(super) struct Draft {
    pub(super) body: String,
    pub(super) attributes: BTreeMap<String, MessageAttribute>,
    pub(super) delay: Option<Duration>,
}

impl Draft {
    /// Holds a message to all rules but that of its size.
    pub(super) fn read(raw: RawMessage) -> Result<Self, ServiceError> {
        if raw.message_body.is_empty() {
            return Err(missing("MessageBody"));
        }
        if !raw.message_body.chars().all(is_allowed) {
            return Err(ServiceError::new(
                400,
                "InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | \
                 #xE000 to #xFFFD | #x10000 to #x10FFFF",
            ));
        }
        if raw.message_deduplication_id.is_some() {
            return Err(invalid(
                "The request includes a parameter that is not valid for this queue type: MessageDeduplicationId",
            ));
        }
        if raw.message_attributes.len() > MAX_ATTRIBUTES {
            return Err(invalid(format!(
                "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
                raw.message_attributes.len()
            )));
        }
        let delay = raw.delay_seconds.map(|delay| seconds("DelaySeconds", delay, MAX_DELAY_SECONDS));
        let attributes = raw.message_attributes.into_iter().map(|(name, value)| {
            let attribute = checked_attribute(&name, value).map_err(invalid)?;
            if attribute.text().is_some_and(|text| !text.chars().all(is_allowed)) {
                return Err(invalid(format!("Invalid binary character in message attribute '{name}'.")));
            }
            Ok((name, attribute))
        });
        Ok(Self {
            body: raw.message_body,
            attributes: attributes.collect::<Result<_, _>>()?,
            delay: delay.transpose()?,
        })
    }

    /// Bytes of body and attributes.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.attributes.iter().map(|(name, attribute)| attribute.size(name)).sum::<usize>()
    }

    pub(super) fn check_size(&self, limit: usize) -> Result<(), ServiceError> {
        if self.size() > limit {
            return Err(invalid(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes."
            )));
        }
        Ok(())
    }
}

/// What XML 1.0 can hold. Source: SQS API reference, SendMessage.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
