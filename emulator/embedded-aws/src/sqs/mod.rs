//! SQS: standard queues. Messages stay until they are deleted; they do not expire.

mod batches;
mod digest;
mod draft;
mod queue;
mod receive;
mod requests;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::watch;

pub use queue::QueuedMessage;

use crate::front::{Backend, Extent, ResponseFuture};
use crate::http::{self, AMZ_JSON_1_0, HttpResponse, Request};
use crate::service::{ACCOUNT_ID, Service, ServiceError};
use draft::Draft;
use queue::Queue;
use requests::{
    ChangeMessageVisibility, CreateQueue, DeleteMessage, GetQueueAttributes, GetQueueUrl, ListQueues,
    OfQueue, SendMessage, parse,
};
use settings::Settings;

/// The prefix that the Query protocol's codes have before most of the JSON protocol's.
const CODE_PREFIX: &str = "AWS.SimpleQueueService.";

/// The service.
#[derive(Debug)]
pub(crate) struct Sqs {
    endpoint: String,
    queues: Mutex<BTreeMap<String, Queue>>,
    /// Changes whenever a message may have become visible, so that long polling needs no polling of its own.
    changes: watch::Sender<()>,
}

impl Sqs {
    /// The service at `http://<host>:<port>`, which its queues' URLs begin with.
    pub(crate) fn new(endpoint: String) -> Self {
        Self { endpoint, queues: Mutex::default(), changes: watch::Sender::new(()) }
    }

    /// Creates a queue with the default settings, or finds the one of this name. Gives its URL.
    pub(crate) fn create_queue(&self, name: &str) -> Result<String, ServiceError> {
        self.create(CreateQueue { queue_name: name.to_owned(), attributes: BTreeMap::new() })
    }

    /// A queue's URL; `None` if there is no such queue.
    pub(crate) fn queue_url(&self, name: &str) -> Option<String> {
        self.queues().contains_key(name).then(|| self.url(name))
    }

    /// All messages of a queue in the order they were sent, visible or not; `None` if there is no such queue.
    pub(crate) fn messages(&self, name: &str) -> Option<Vec<QueuedMessage>> {
        self.queues().get(name).map(Queue::messages)
    }

    async fn answer(&self, request: &Request, extent: &Extent) -> Result<Option<Value>, ServiceError> {
        let body = &request.body;
        match request.operation.as_str() {
            "ReceiveMessage" => self.receive(parse(body)?).await.map(Some),
            "SendMessage" => self.send(parse(body)?).map(Some),
            "SendMessageBatch" => self.send_batch(parse(body)?, extent).map(Some),
            "DeleteMessage" => {
                let request: DeleteMessage = parse(body)?;
                self.with(&request.queue_url, |queue| queue.delete(&request.receipt_handle)).map(|()| None)
            }
            "DeleteMessageBatch" => self.delete_batch(parse(body)?).map(Some),
            "ChangeMessageVisibility" => self.change_visibility(&parse(body)?).map(|()| None),
            "CreateQueue" => Ok(Some(json!({ "QueueUrl": self.create(parse(body)?)? }))),
            "GetQueueUrl" => {
                let request: GetQueueUrl = parse(body)?;
                let url = self.queue_url(&request.queue_name).ok_or_else(no_such_queue)?;
                Ok(Some(json!({ "QueueUrl": url })))
            }
            "ListQueues" => self.list(&parse(body)?).map(Some),
            "GetQueueAttributes" => {
                let request: GetQueueAttributes = parse(body)?;
                let attributes =
                    self.with(&request.queue_url, |queue| queue.attributes(&request.names, Instant::now()))?;
                Ok(Some(json!({ "Attributes": attributes })))
            }
            "PurgeQueue" => {
                let request: OfQueue = parse(body)?;
                self.with(&request.queue_url, |queue| queue.purge(Instant::now())).map(|()| None)
            }
            _ => Err(ServiceError::new(
                400,
                "UnknownOperationException",
                "This is not an operation of SQS, or embedded-aws does not have it.",
            )),
        }
    }

    fn create(&self, request: CreateQueue) -> Result<String, ServiceError> {
        let name = request.queue_name;
        let well_formed = (1..=80).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if !well_formed {
            return Err(invalid(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            ));
        }
        let settings = Settings::read(&request.attributes)?;
        let url = self.url(&name);
        let mut queues = self.queues();
        match queues.get(&name) {
            Some(queue) => queue.same_settings(&settings, &request.attributes)?,
            None => {
                queues.insert(name.clone(), Queue::new(name, settings));
            }
        }
        Ok(url)
    }

    fn list(&self, request: &ListQueues) -> Result<Value, ServiceError> {
        let max = request.max_results.unwrap_or(1000);
        if !(1..=1000).contains(&max) {
            return Err(out_of_range("MaxResults", max, 1, 1000));
        }
        let queues = self.queues();
        let prefix = request.queue_name_prefix.as_deref().unwrap_or_default();
        let after = request.next_token.as_deref();
        let mut rest = queues
            .keys()
            .filter(|name| name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after));
        let page: Vec<&String> = rest.by_ref().take(usize::try_from(max).unwrap_or(1000)).collect();
        let urls: Vec<String> = page.iter().map(|name| self.url(name)).collect();
        let mut answer = json!({ "QueueUrls": urls });
        // SQS gives a token only to those who asked for pages.
        if let (Some(last), Some(_), Some(_)) = (page.last(), rest.next(), request.max_results) {
            answer["NextToken"] = json!(last);
        }
        Ok(answer)
    }

    fn send(&self, request: SendMessage) -> Result<Value, ServiceError> {
        let draft = Draft::read(request.message)?;
        let sent = self.with(&request.queue_url, |queue| {
            draft.check_size(queue.max_bytes())?;
            Ok(queue.send(draft, Instant::now()))
        })?;
        self.changes.send_replace(());
        Ok(sent)
    }

    fn change_visibility(&self, request: &ChangeMessageVisibility) -> Result<(), ServiceError> {
        let timeout =
            seconds("VisibilityTimeout", request.visibility_timeout, settings::MAX_VISIBILITY_SECONDS)?;
        self.with(&request.queue_url, |queue| {
            queue.change_visibility(&request.receipt_handle, timeout, Instant::now())
        })?;
        self.changes.send_replace(());
        Ok(())
    }

    /// Does something to the queue that a URL names, and to nothing else meanwhile.
    fn with<T>(
        &self,
        url: &str,
        action: impl FnOnce(&mut Queue) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let name = queue_name(url)?;
        action(self.queues().get_mut(name).ok_or_else(no_such_queue)?)
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT_ID}/{name}", self.endpoint)
    }

    fn queues(&self) -> MutexGuard<'_, BTreeMap<String, Queue>> {
        // Nothing panics while it holds the lock.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Sqs {
    fn call(self: Arc<Self>, request: Request, extent: Extent) -> ResponseFuture {
        Box::pin(async move {
            match self.answer(&request, &extent).await {
                Ok(answer) => answered(answer),
                Err(error) => Service::Sqs.error_answer(&error),
            }
        })
    }
}

fn answered(answer: Option<Value>) -> HttpResponse {
    http::answer(200, AMZ_JSON_1_0, answer.map(|answer| answer.to_string()).unwrap_or_default())
}

/// The queue's name in a URL: after host and account. The host is not compared, for one service has many names.
fn queue_name(url: &str) -> Result<&str, ServiceError> {
    if url.is_empty() {
        return Err(missing("QueueUrl"));
    }
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
    path.and_then(|path| path.strip_prefix(ACCOUNT_ID)?.strip_prefix('/')).ok_or_else(no_such_queue)
}

fn no_such_queue() -> ServiceError {
    ServiceError::new(400, format!("{CODE_PREFIX}NonExistentQueue"), "The specified queue does not exist.")
}

fn missing(parameter: &str) -> ServiceError {
    let message = format!("The request must contain the parameter {parameter}.");
    ServiceError::new(400, "MissingParameter", message)
}

/// What SQS says to a request whose content it refuses.
fn invalid(message: impl Into<String>) -> ServiceError {
    Service::Sqs.validation_error(message)
}

fn out_of_range(parameter: &str, value: i64, min: i64, max: i64) -> ServiceError {
    invalid(format!(
        "Value {value} for parameter {parameter} is invalid. Reason: Must be between {min} and {max}, if provided."
    ))
}

/// A time in whole seconds from 0 to `max`.
fn seconds(parameter: &str, value: i64, max: i64) -> Result<Duration, ServiceError> {
    match u64::try_from(value) {
        Ok(seconds) if value <= max => Ok(Duration::from_secs(seconds)),
        _ => Err(out_of_range(parameter, value, 0, max)),
    }
}
