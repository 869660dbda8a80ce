//! The whole: what runs, where it listens, how it stops.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::calls::{Calls, Recording};
use crate::delivery_stream::DirectPut;
use crate::dynamodb::{self, DynamoDb, KeyType, TableDefinition};
use crate::faults::Faults;
use crate::firehose::Firehose;
use crate::front::{Backend, Front};
use crate::kinesis::{EmbeddedStream, Kinesis, Streams};
use crate::service::{REGION, Service, ServiceError};
use crate::sns::{Published, Sns};
use crate::sqs::{QueuedMessage, Sqs};

/// Why the services could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No port on 127.0.0.1 could be had.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
    /// No thread or no event loop could be had.
    #[error("cannot start a server thread: {0}")]
    Runtime(#[source] io::Error),
    /// The database in memory could not be opened.
    #[error("cannot open the database: {0}")]
    Database(String),
    /// A table of the builder's could not be created.
    #[error("cannot create a table: {0}")]
    Table(String),
    /// A stream of the builder's could not be created.
    #[error("cannot create the stream {0:?}: {1}")]
    Stream(String, #[source] ServiceError),
    /// A delivery stream of the builder's could not be created.
    #[error("cannot create the delivery stream {0:?}: {1}")]
    DeliveryStream(String, #[source] ServiceError),
    /// A topic of the builder's could not be created.
    #[error("cannot create the topic {0:?}: {1}")]
    Topic(String, #[source] ServiceError),
    /// A queue of the builder's could not be created.
    #[error("cannot create the queue {0:?}: {1}")]
    Queue(String, #[source] ServiceError),
}

/// What shall run, see [`EmbeddedAws::builder`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    services: Option<Vec<Service>>,
    tables: Vec<TableDefinition>,
    streams: Vec<(String, u32)>,
    shard_write_limits: bool,
    delivery_streams: Vec<String>,
    topics: Vec<String>,
    queues: Vec<String>,
    recording: Recording,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            services: None,
            tables: Vec::new(),
            streams: Vec::new(),
            shard_write_limits: true,
            delivery_streams: Vec::new(),
            topics: Vec::new(),
            queues: Vec::new(),
            recording: Recording::default(),
        }
    }
}

impl Builder {
    /// Runs only these services; without this all of them.
    pub fn services(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.services = Some(services.into_iter().collect());
        self
    }

    /// Creates a DynamoDB table whose key is one string attribute.
    pub fn table(self, name: impl Into<String>, partition_key: impl Into<String>) -> Self {
        self.table_definition(TableDefinition::new(name, partition_key, KeyType::String))
    }

    /// Creates a DynamoDB table.
    pub fn table_definition(mut self, table: TableDefinition) -> Self {
        self.tables.push(table);
        self
    }

    /// Creates a Kinesis stream whose shards split the hash keys evenly. It is active from the start.
    pub fn stream(mut self, name: impl Into<String>, shards: u32) -> Self {
        self.streams.push((name.into(), shards));
        self
    }

    /// Whether a shard takes no more than 1,000 records and 1 MiB in a second, as it does without this. What is too
    /// much comes back as `ProvisionedThroughputExceededException`.
    /// Source: Kinesis developer guide, "Quotas and limits".
    pub fn shard_write_limits(mut self, enforced: bool) -> Self {
        self.shard_write_limits = enforced;
        self
    }

    /// Creates a Firehose delivery stream that takes records by Direct PUT.
    pub fn delivery_stream(mut self, name: impl Into<String>) -> Self {
        self.delivery_streams.push(name.into());
        self
    }

    /// Creates an SNS topic.
    pub fn topic(mut self, name: impl Into<String>) -> Self {
        self.topics.push(name.into());
        self
    }

    /// Creates an SQS queue with the default settings.
    pub fn queue(mut self, name: impl Into<String>) -> Self {
        self.queues.push(name.into());
        self
    }

    /// How much [`Calls`] remembers. What SNS and SQS accepted is kept whatever this says: it is not a recording but
    /// what the calls brought about.
    pub fn recording(mut self, recording: Recording) -> Self {
        self.recording = recording;
        self
    }

    /// Starts the services, each on a port of its own on 127.0.0.1.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub async fn start(self) -> Result<EmbeddedAws, StartError> {
        let wanted: BTreeSet<_> =
            self.services.unwrap_or_else(|| Service::ALL.to_vec()).into_iter().collect();
        let calls = Calls::new(self.recording);
        let faults = Faults::default();
        let mut aws = EmbeddedAws {
            addresses: BTreeMap::new(),
            calls: calls.clone(),
            faults: faults.clone(),
            firehose: None,
            streams: None,
            sns: None,
            sqs: None,
            running: None,
        };
        let mut fronts = Vec::new();
        let mut database = None;
        for service in wanted {
            let (listener, address) = listen()?;
            let endpoint = format!("http://{address}");
            aws.addresses.insert(service, endpoint.clone());
            let backend: Arc<dyn Backend> = match service {
                Service::DynamoDb => {
                    let server = database.insert(dynamodb::Server::start(&self.tables)?);
                    Arc::new(DynamoDb::new(server.uri()?))
                }
                Service::Firehose => {
                    let firehose = Firehose::new(self.delivery_streams.iter());
                    let firehose =
                        firehose.map_err(|(name, error)| StartError::DeliveryStream(name, error))?;
                    aws.firehose.insert(Arc::new(firehose)).clone()
                }
                Service::Kinesis => {
                    let kinesis = Kinesis::new(self.shard_write_limits);
                    for (name, shards) in &self.streams {
                        let created = kinesis.streams().create(name, *shards).await;
                        created.map_err(|error| StartError::Stream(name.clone(), error))?;
                    }
                    aws.streams = Some(kinesis.streams().clone());
                    Arc::new(kinesis)
                }
                Service::Sns => aws.sns.insert(sns(&self.topics)?).clone(),
                Service::Sqs => aws.sqs.insert(sqs(endpoint, &self.queues)?).clone(),
            };
            fronts.push((listener, Front { service, backend, calls: calls.clone(), faults: faults.clone() }));
        }
        aws.running = Some(Running::start(fronts, database)?);
        Ok(aws)
    }
}

fn sns(topics: &[String]) -> Result<Arc<Sns>, StartError> {
    let sns = Sns::default();
    for name in topics {
        sns.create_topic(name).map_err(|error| StartError::Topic(name.clone(), error))?;
    }
    Ok(Arc::new(sns))
}

fn sqs(endpoint: String, queues: &[String]) -> Result<Arc<Sqs>, StartError> {
    let sqs = Sqs::new(endpoint);
    for name in queues {
        sqs.create_queue(name).map_err(|error| StartError::Queue(name.clone(), error))?;
    }
    Ok(Arc::new(sqs))
}

fn listen() -> Result<(TcpListener, SocketAddr), StartError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(StartError::Listen)?;
    listener.set_nonblocking(true).map_err(StartError::Listen)?;
    let address = listener.local_addr().map_err(StartError::Listen)?;
    Ok((listener, address))
}

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

/// The threads behind the ports.
#[derive(Debug)]
struct Running {
    stop: oneshot::Sender<()>,
    fronts: JoinHandle<()>,
    database: Option<dynamodb::Server>,
}

impl Running {
    fn start(
        fronts: Vec<(TcpListener, Front)>,
        database: Option<dynamodb::Server>,
    ) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            runtime.block_on(async move {
                for (listener, front) in fronts {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                    tokio::spawn(front.serve(listener));
                }
                // Dropping the sender stops it too.
                let _ = stopped.await;
            });
            // Not waiting for its tasks: a call that hangs would never end.
            runtime.shutdown_background();
        };
        let fronts = std::thread::Builder::new()
            .name("embedded-aws".to_owned())
            .spawn(serve)
            .map_err(StartError::Runtime)?;
        Ok(Self { stop, fronts, database })
    }

    fn stop(self) {
        // The fronts first: they are the database's clients.
        drop(self.stop);
        let _ = self.fronts.join();
        if let Some(database) = self.database {
            database.stop();
        }
    }
}
