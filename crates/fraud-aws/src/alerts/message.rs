//! What goes with an alert's message to a topic: the subject, and attributes that subscriptions filter by.

use exact_text::json::is_portable;
use fraud_core::alert::{ALERT_TYPE, Alert};
use fraud_core::fields;

/// The subject line.
pub const SUBJECT: &str = "High Risk Transaction Detected";

/// An attribute of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertAttribute<'a> {
    /// The attribute's name.
    pub name: &'static str,
    /// `String` or `Number`, as SNS calls them.
    pub data_type: &'static str,
    /// The value, never empty.
    pub value: &'a str,
}

/// The message's attributes. The segment is left out if there is none, or none that queues would take.
pub fn attributes(alert: &Alert) -> impl Iterator<Item = AlertAttribute<'_>> {
    let segment = alert.customer_segment.as_deref();
    let segment = segment.filter(|segment| !segment.is_empty() && segment.chars().all(is_portable));
    [
        Some(("alert_type", "String", ALERT_TYPE)),
        Some((fields::FRAUD_SCORE, "Number", alert.fraud_score.as_str())),
        segment.map(|segment| (fields::CUSTOMER_SEGMENT, "String", segment)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, data_type, value)| AlertAttribute { name, data_type, value })
}

/// What the alert takes of a message's size limit, in bytes: the message, its attributes' names, types and values
/// (<https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html>), and the subject, of which the guide does
/// not speak.
pub fn size(alert: &Alert) -> usize {
    let attribute = |attribute: AlertAttribute<'_>| {
        attribute.name.len() + attribute.data_type.len() + attribute.value.len()
    };
    SUBJECT.len() + alert.message.len() + attributes(alert).map(attribute).sum::<usize>()
}

#[cfg(test)]
mod tests;
