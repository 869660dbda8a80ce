//! What shall run, and its start.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use super::EmbeddedAws;
use super::running::Running;
use crate::arrivals::Arrivals;
use crate::calls::{Calls, Recording};
use crate::dynamodb::{self, DynamoDb, KeyType, TableDefinition};
use crate::faults::Faults;
use crate::firehose::Firehose;
use crate::front::{Backend, Front};
use crate::kinesis::{CreateStream, Kinesis};
use crate::service::{Service, ServiceError};
use crate::sns::Sns;
use crate::sqs::Sqs;

/// Why the services could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No port on 127.0.0.1 could be had.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
    /// This port on 127.0.0.1, which a service is to have, could not be had.
    #[error("cannot listen on 127.0.0.1:{port} for {}: {error}", service.name())]
    Port {
        /// The service.
        service: Service,
        /// Its port.
        port: u16,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The services' ports would go beyond 65,535.
    #[error("port {0} and those behind it do not suffice for all services: begin at 65531 or below")]
    NoPorts(u16),
    /// No thread or no event loop could be had.
    #[error("cannot start a server thread: {0}")]
    Runtime(#[source] io::Error),
    /// No temporary file could be had, for records or for items.
    #[error("cannot create a temporary file: {0}")]
    TemporaryFile(#[source] io::Error),
    /// The database could not be opened.
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
    first_port: Option<u16>,
    tables: Vec<TableDefinition>,
    streams: Vec<(String, u32)>,
    shard_write_limits: bool,
    arrivals: Arrivals,
    delivery_streams: Vec<String>,
    topics: Vec<String>,
    queues: Vec<String>,
    recording: Recording,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            services: None,
            first_port: None,
            tables: Vec::new(),
            streams: Vec::new(),
            shard_write_limits: true,
            arrivals: Arrivals::Real,
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

    /// The services' ports, in the order of [`Service::ALL`], from this one on: the same addresses with every start. Without this
    /// each has any port that is free.
    pub fn first_port(mut self, port: u16) -> Self {
        self.first_port = Some(port);
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

    /// When records arrive at the Kinesis streams; without this when they are put. What is put on a delivery stream
    /// directly arrives then in either case.
    pub fn arrivals(mut self, arrivals: Arrivals) -> Self {
        self.arrivals = arrivals;
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

    /// Starts the services, each on a port of its own on 127.0.0.1, see [`Builder::first_port`].
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
            let (listener, address) = listen(service, port_of(service, self.first_port)?)?;
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
                    let kinesis = Kinesis::new(self.shard_write_limits, self.arrivals.clone())
                        .map_err(StartError::TemporaryFile)?;
                    for (name, shards) in &self.streams {
                        let created =
                            kinesis.streams().create(CreateStream::provisioned(name, *shards)).await;
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

/// The port that a service is to have; 0 for any.
fn port_of(service: Service, first: Option<u16>) -> Result<u16, StartError> {
    let Some(first) = first else { return Ok(0) };
    let place = Service::ALL.iter().position(|other| *other == service).unwrap_or_default();
    u16::try_from(place).ok().and_then(|place| first.checked_add(place)).ok_or(StartError::NoPorts(first))
}

fn listen(service: Service, port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| match port {
        0 => StartError::Listen(error),
        port => StartError::Port { service, port, error },
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
