//! The whole: what runs, where it listens, how it stops.

mod builder;
mod running;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use builder::{Builder, StartError};

use crate::calls::Calls;
use crate::delivery_stream::DirectPut;
use crate::faults::Faults;
use crate::firehose::Firehose;
use crate::kinesis::{EmbeddedStream, Streams};
use crate::service::{REGION, Service};
use crate::sns::{Published, Sns};
use crate::sqs::{QueuedMessage, Sqs};
use running::Running;

/// Services that run until this is dropped or [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct EmbeddedAws {
    addresses: BTreeMap<Service, String>,
    calls: Calls,
    faults: Faults,
    firehose: Option<Arc<Firehose>>,
    streams: Option<Arc<Streams>>,
    sns: Option<Arc<Sns>>,
    sqs: Option<Arc<Sqs>>,
    running: Option<Running>,
}

impl EmbeddedAws {
    /// Settings to start from: all services, no table, stream, delivery stream, topic or queue.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A service's endpoint URL, `http://127.0.0.1:<port>`; `None` if it was not wanted.
    #[must_use]
    pub fn endpoint(&self, service: Service) -> Option<&str> {
        self.addresses.get(&service).map(String::as_str)
    }

    /// The environment in which a child process reaches the services: endpoints, region, and credentials that mean
    /// nothing. Metadata services are switched off, for SDKs would wait for them.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, String)> {
        let endpoints =
            self.addresses.iter().map(|(service, url)| (service.endpoint_variable(), url.clone()));
        let others = [
            ("AWS_REGION", REGION),
            // What boto3 and version 1 of the AWS CLI read.
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "embedded"),
            ("AWS_SECRET_ACCESS_KEY", "embedded"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        endpoints.chain(others.map(|(name, value)| (name, value.to_owned()))).collect()
    }

    /// The faults in force.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// The calls that arrived.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// A stream to be read in process, without HTTP: where an
    /// [`EventSourceMapping`](crate::event_source_mapping::EventSourceMapping) reads. The stream need not be there
    /// yet; reading it fails until it is.
    #[must_use]
    pub fn record_source(&self, stream: impl Into<String>) -> EmbeddedStream {
        EmbeddedStream::new(self.streams.clone(), stream)
    }

    /// What producers put on a delivery stream: for a test to look at, or as the source of a
    /// [`DeliveryStream`](crate::delivery_stream::DeliveryStream). `None` if there is no such delivery stream.
    #[must_use]
    pub fn direct_put(&self, delivery_stream: &str) -> Option<DirectPut> {
        self.firehose.as_ref()?.direct_put(delivery_stream)
    }

    /// Whether records' arrivals at the Kinesis streams are [simulated](crate::Arrivals::Simulated).
    #[must_use]
    pub fn simulates_arrivals(&self) -> bool {
        self.streams.as_ref().is_some_and(|streams| streams.simulates_arrivals())
    }

    /// A topic's ARN; `None` if there is no such topic.
    #[must_use]
    pub fn topic_arn(&self, name: &str) -> Option<String> {
        self.sns.as_ref()?.topic_arn(name)
    }

    /// Everything that SNS accepted so far, on all topics, in the order of acceptance.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.sns.as_ref().map(|sns| sns.published()).unwrap_or_default()
    }

    /// A queue's URL; `None` if there is no such queue.
    #[must_use]
    pub fn queue_url(&self, name: &str) -> Option<String> {
        self.sqs.as_ref()?.queue_url(name)
    }

    /// All messages of a queue in the order in which they were sent, also those that are hidden, without receiving
    /// them; `None` if there is no such queue.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Option<Vec<QueuedMessage>> {
        self.sqs.as_ref()?.messages(queue)
    }

    /// Stops the services: closes their ports and all connections, answered or not, and waits until that is done.
    /// Dropping does the same without waiting.
    pub async fn shutdown(mut self) {
        if let Some(running) = self.running.take() {
            // Joining threads blocks; they end at once, but not on the caller's event loop.
            let _ = tokio::task::spawn_blocking(|| running.stop()).await;
        }
    }
}
