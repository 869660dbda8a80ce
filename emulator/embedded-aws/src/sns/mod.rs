//! SNS: topics and what was published to them. It delivers to nobody: what it accepted is there for tests to see.

mod draft;
mod form;
mod topics;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::faults::BatchEntry;
use crate::front::{Backend, Extent, ResponseFuture};
use crate::http::{self, HttpResponse, Request, escape_xml};
use crate::messaging::{BatchError, MessageAttribute, check_entries};
use crate::service::{Service, ServiceError};
use draft::Draft;
use form::Form;
use topics::Topics;

/// The largest message, and the largest sum of a batch's messages, in bytes of body and attributes.
/// Source: SNS API reference, Publish and PublishBatch.
const MAX_BYTES: usize = 262_144;

/// A message that SNS accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The topic that it was published to.
    pub topic_arn: String,
    /// The id that SNS gave it.
    pub message_id: String,
    /// Its entry's id if it came in a PublishBatch.
    pub batch_entry_id: Option<String>,
    /// The subject, if it has one.
    pub subject: Option<String>,
    /// The body.
    pub message: String,
    /// The message attributes by name.
    pub attributes: BTreeMap<String, MessageAttribute>,
    /// When SNS accepted it.
    pub accepted_at: SystemTime,
}

/// The service.
#[derive(Debug, Default)]
pub(crate) struct Sns {
    state: Mutex<TopicsAndMessages>,
}

#[derive(Debug, Default)]
struct TopicsAndMessages {
    topics: Topics,
    published: Vec<Published>,
}

impl Sns {
    /// Creates a topic, or finds the one of this name. Gives its ARN.
    pub(crate) fn create_topic(&self, name: &str) -> Result<String, ServiceError> {
        self.state().topics.create(name)
    }

    /// A topic's ARN; `None` if there is no such topic.
    pub(crate) fn topic_arn(&self, name: &str) -> Option<String> {
        self.state().topics.arn(name)
    }

    /// All that was accepted, in order.
    pub(crate) fn published(&self) -> Vec<Published> {
        self.state().published.clone()
    }

    fn answer(&self, request: &Request, extent: &Extent) -> Result<String, ServiceError> {
        let form = Form::parse(&request.body);
        match request.operation.as_str() {
            "Publish" => self.publish(&form),
            "PublishBatch" => self.publish_batch(&form, extent),
            "CreateTopic" => {
                let arn = self.state().topics.create_from(&form)?;
                Ok(format!("<TopicArn>{}</TopicArn>", escape_xml(&arn)))
            }
            "ListTopics" => self.state().topics.list(form.get("NextToken")),
            "GetTopicAttributes" => {
                let state = self.state();
                let arn = state.topics.named_by(form.get("TopicArn"))?;
                Ok(topics::attributes(arn))
            }
            "ListSubscriptionsByTopic" => {
                let state = self.state();
                let arn = state.topics.named_by(form.get("TopicArn"))?;
                Ok(topics::subscriptions(arn))
            }
            _ => Err(ServiceError::new(
                400,
                "InvalidAction",
                "The action or operation requested is invalid, or is none that embedded-aws has: \
                 Publish, PublishBatch, CreateTopic, ListTopics, GetTopicAttributes, ListSubscriptionsByTopic.",
            )),
        }
    }

    fn publish(&self, form: &Form) -> Result<String, ServiceError> {
        if form.get("PhoneNumber").is_some() {
            return Err(invalid("PhoneNumber Reason: embedded-aws publishes to topics only"));
        }
        let mut state = self.state();
        let arn = state.topics.named_by(form.get("TopicArn").or(form.get("TargetArn")))?.to_owned();
        let draft = Draft::read(form, "")?;
        draft.check()?;
        if draft.size() > MAX_BYTES {
            return Err(invalid("Message too long"));
        }
        let id = state.accept(arn, None, draft);
        Ok(format!("<MessageId>{id}</MessageId>"))
    }

    fn publish_batch(&self, form: &Form, extent: &Extent) -> Result<String, ServiceError> {
        let mut state = self.state();
        let arn = state.topics.named_by(form.get("TopicArn"))?.to_owned();
        let prefixes = form.entries("PublishBatchRequestEntries");
        let ids: Vec<&str> =
            prefixes.iter().map(|prefix| form.get(&format!("{prefix}Id")).unwrap_or_default()).collect();
        check_entries(&ids).map_err(|error| error.answered(""))?;
        // A bad attribute of one entry refuses the whole batch; so does the sum of the sizes.
        let drafts =
            prefixes.iter().map(|prefix| Draft::read(form, prefix)).collect::<Result<Vec<_>, _>>()?;
        let sent = drafts.iter().map(Draft::size).sum();
        if sent > MAX_BYTES {
            return Err(BatchError::BatchRequestTooLong { sent, limit: MAX_BYTES }.answered(""));
        }
        let (mut successful, mut failed) = (String::new(), String::new());
        for (index, (id, draft)) in ids.iter().zip(drafts).enumerate() {
            let entry = BatchEntry { index, key: id, content: draft.message.as_bytes() };
            let left_out = extent.leaves_out(ids.len(), entry);
            let refused = match draft.check() {
                Ok(()) if left_out => Some(Service::Sns.internal_error()),
                checked => checked.err(),
            };
            // Writing to a string cannot fail.
            let _ = match refused {
                None => {
                    let message_id = state.accept(arn.clone(), Some((*id).to_owned()), draft);
                    write!(successful, "<member><Id>{id}</Id><MessageId>{message_id}</MessageId></member>")
                }
                Some(error) => write!(
                    failed,
                    "<member><Id>{id}</Id><Code>{}</Code><Message>{}</Message>\
                     <SenderFault>{}</SenderFault></member>",
                    escape_xml(&error.code),
                    escape_xml(&error.message),
                    error.status < 500,
                ),
            };
        }
        Ok(format!("<Successful>{successful}</Successful><Failed>{failed}</Failed>"))
    }

    fn state(&self) -> MutexGuard<'_, TopicsAndMessages> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TopicsAndMessages {
    fn accept(&mut self, topic_arn: String, batch_entry_id: Option<String>, draft: Draft) -> String {
        let message_id = http::new_id();
        self.published.push(Published {
            topic_arn,
            message_id: message_id.clone(),
            batch_entry_id,
            subject: draft.subject,
            message: draft.message,
            attributes: draft.attributes,
            accepted_at: SystemTime::now(),
        });
        message_id
    }
}

impl Backend for Sns {
    fn call(self: Arc<Self>, request: Request, extent: Extent) -> ResponseFuture {
        Box::pin(async move {
            match self.answer(&request, &extent) {
                Ok(result) => answered(&request.operation, &result),
                Err(error) => Service::Sns.error_answer(&error),
            }
        })
    }
}

/// What SNS says to a request whose content it refuses.
fn invalid(what: &str) -> ServiceError {
    Service::Sns.validation_error(format!("Invalid parameter: {what}"))
}

fn answered(operation: &str, result: &str) -> HttpResponse {
    let body = format!(
        "<{operation}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
         <{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{operation}Response>",
        http::new_id(),
    );
    http::answer(200, "text/xml", body)
}
