//! AWS in one process, for tests and for running a pipeline on a laptop.
//!
//! [`EmbeddedAws`] serves DynamoDB, Firehose, Kinesis, SNS and SQS over real HTTP on loopback ports, so that unmodified AWS SDK
//! clients reach them through endpoint URLs. In front of every service stands one layer that records calls
//! ([`Calls`]) and does to them what a test orders ([`Faults`]).
//!
//! ```
//! # use embedded_aws::{EmbeddedAws, Fault, Service, When};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let aws = EmbeddedAws::builder().table("profiles", "customer_id").start().await?;
//! aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem").nth(2), Fault::Throttle)?;
//! // ... clients of `aws.endpoint(Service::DynamoDb)`, or a child process with `aws.env()` ...
//! assert_eq!(aws.calls().count(Service::DynamoDb, "BatchGetItem"), 0);
//! aws.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`event_source_mapping`] is Lambda's way of calling a function with the records of a Kinesis stream, over any
//! function; [`EmbeddedAws::record_source`] is where it reads an embedded stream.
//!
//! [`delivery_stream`] is Firehose's way, with what it writes to S3.
//!
//! The servers run on threads of their own and by the machine's clock. A test that pauses tokio's clock must not
//! call them: with the clock paused tokio skips every timer, also a client's timeout, while it waits for a socket.

mod aws;
mod calls;
pub mod delivery_stream;
mod dynamodb;
pub mod event_source_mapping;
mod faults;
mod firehose;
mod front;
mod http;
mod kinesis;
mod messaging;
mod service;
mod sns;
mod sqs;

pub use aws::{Builder, EmbeddedAws, StartError};
pub use calls::{Call, Calls, Recording};
pub use dynamodb::{KeyType, TableDefinition};
pub use faults::{BatchEntry, Entries, Fault, FaultError, Faults, Hook, RuleId, When};
pub use kinesis::{EmbeddedStream, SourceError};
pub use messaging::{MessageAttribute, MessageAttributeValue};
pub use service::{ACCOUNT_ID, REGION, Service, ServiceError};
pub use sns::Published;
pub use sqs::QueuedMessage;
