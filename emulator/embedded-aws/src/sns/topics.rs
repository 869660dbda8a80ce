//! Topics: standard ones, without subscriptions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::form::Form;
use super::invalid;
use crate::http::escape_xml;
use crate::service::{ACCOUNT_ID, REGION, ServiceError};

/// The most topics of one ListTopics answer. Source: SNS API reference, ListTopics.
const PAGE: usize = 100;

/// The longest name, in characters. Source: SNS API reference, CreateTopic.
const MAX_NAME: usize = 256;

/// The topics by their ARNs.
#[derive(Debug, Default)]
pub(super) struct Topics(BTreeSet<String>);

impl Topics {
    pub(super) fn create(&mut self, name: &str) -> Result<String, ServiceError> {
        let well_formed = (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if !well_formed {
            // A FIFO topic's name ends in ".fifo".
            return Err(invalid("Topic Name"));
        }
        let arn = arn(name);
        self.0.insert(arn.clone());
        Ok(arn)
    }

    pub(super) fn create_from(&mut self, form: &Form) -> Result<String, ServiceError> {
        self.create(form.get("Name").unwrap_or_default())
    }

    pub(super) fn arn(&self, name: &str) -> Option<String> {
        self.0.get(&arn(name)).cloned()
    }

    /// The topic that a request names.
    pub(super) fn named_by(&self, arn: Option<&str>) -> Result<&str, ServiceError> {
        let Some(arn) = arn else {
            return Err(invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        };
        let elements = arn.split(':').count();
        if elements < 6 || !arn.starts_with("arn:") {
            return Err(invalid(&format!(
                "TopicArn Reason: An ARN must have at least 6 elements, not {elements}"
            )));
        }
        match self.0.get(arn) {
            Some(arn) => Ok(arn),
            None => Err(ServiceError::new(404, "NotFound", "Topic does not exist")),
        }
    }

    /// One page of a list; the token is the last ARN of the page before.
    pub(super) fn list(&self, token: Option<&str>) -> Result<String, ServiceError> {
        let mut rest = self.0.iter().filter(|arn| token.is_none_or(|token| arn.as_str() > token));
        let mut result = String::from("<Topics>");
        let mut last = None;
        for arn in rest.by_ref().take(PAGE) {
            // Writing to a string cannot fail.
            let _ = write!(result, "<member><TopicArn>{}</TopicArn></member>", escape_xml(arn));
            last = Some(arn);
        }
        result.push_str("</Topics>");
        if let (Some(last), Some(_)) = (last, rest.next()) {
            let _ = write!(result, "<NextToken>{}</NextToken>", escape_xml(last));
        }
        Ok(result)
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:sns:{REGION}:{ACCOUNT_ID}:{name}")
}

/// What ListSubscriptionsByTopic says of a topic: who reads what was published stands for a subscriber.
pub(super) fn subscriptions(arn: &str) -> String {
    let arn = escape_xml(arn);
    format!(
        "<Subscriptions><member><TopicArn>{arn}</TopicArn><Protocol>application</Protocol><Owner>{ACCOUNT_ID}</Owner>\
         <SubscriptionArn>{arn}:embedded</SubscriptionArn><Endpoint>embedded</Endpoint></member></Subscriptions>"
    )
}

/// What GetTopicAttributes says of a topic.
pub(super) fn attributes(arn: &str) -> String {
    let entries = [
        ("TopicArn", arn),
        ("Owner", ACCOUNT_ID),
        ("DisplayName", ""),
        // Who reads what was published stands for a subscriber.
        ("SubscriptionsConfirmed", "1"),
        ("SubscriptionsPending", "0"),
        ("SubscriptionsDeleted", "0"),
    ];
    let mut result = String::from("<Attributes>");
    for (key, value) in entries {
        // Writing to a string cannot fail.
        let _ = write!(result, "<entry><key>{key}</key><value>{}</value></entry>", escape_xml(value));
    }
    result.push_str("</Attributes>");
    result
}
