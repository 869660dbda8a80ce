//! A message as a request holds it, before it is accepted.

use std::collections::BTreeMap;

use super::form::Form;
use super::invalid;
use crate::messaging::MessageAttribute;
use crate::service::ServiceError;

/// The longest subject, in characters. Source: SNS API reference, Publish; it says "less than 100" and accepts 100.
const MAX_SUBJECT: usize = 100;

pub(super) struct Draft {
    pub(super) subject: Option<String>,
    pub(super) message: String,
    pub(super) attributes: BTreeMap<String, MessageAttribute>,
    structure: Option<String>,
    deduplication_id: bool,
}

impl Draft {
    /// Reads the message whose parameters begin with the prefix. The error is of a kind that refuses a whole batch.
    pub(super) fn read(form: &Form, prefix: &str) -> Result<Self, ServiceError> {
        let get = |name: &str| form.get(&format!("{prefix}{name}")).map(str::to_owned);
        let attributes = form
            .attributes(prefix)
            .map_err(|message| ServiceError::new(400, "ParameterValueInvalid", message))?;
        Ok(Self {
            subject: get("Subject"),
            message: get("Message").unwrap_or_default(),
            attributes,
            structure: get("MessageStructure"),
            deduplication_id: get("MessageDeduplicationId").is_some(),
        })
    }

    /// Bytes of body and attributes; a subject does not count.
    pub(super) fn size(&self) -> usize {
        self.message.len()
            + self.attributes.iter().map(|(name, attribute)| attribute.size(name)).sum::<usize>()
    }

    /// What is wrong with this message alone: in a batch the others go through.
    pub(super) fn check(&self) -> Result<(), ServiceError> {
        if self.message.is_empty() {
            return Err(invalid("Empty message"));
        }
        if self.subject.as_deref().is_some_and(|subject| !is_subject(subject)) {
            return Err(invalid("Subject"));
        }
        if self.deduplication_id {
            return Err(invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not \
                 valid for this topic type",
            ));
        }
        match self.structure.as_deref() {
            None => Ok(()),
            Some("json") if has_default(&self.message) => Ok(()),
            Some("json") => Err(invalid("Message Structure - No default entry in JSON message body")),
            Some(_) => Err(invalid("MessageStructure")),
        }
    }
}

/// One line that begins with a letter, a digit or a punctuation mark.
/// Source: SNS API reference, Publish, `Subject`.
fn is_subject(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_graphic())
        && !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        && text.chars().count() <= MAX_SUBJECT
}

/// Whether a message with `MessageStructure=json` says what goes to subscribers of any protocol.
fn has_default(message: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(message)
        .is_ok_and(|message| message.get("default").is_some_and(serde_json::Value::is_string))
}
