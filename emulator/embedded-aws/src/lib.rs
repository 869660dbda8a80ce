#![doc = include_str!("../README.md")]

mod arrivals;
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

pub use arrivals::{Arrivals, Simulation};
pub use aws::{Builder, EmbeddedAws, StartError};
pub use calls::{Call, Calls, Recording};
pub use dynamodb::{KeyType, TableDefinition};
pub use faults::{BatchEntry, Entries, Fault, FaultError, Faults, Hook, RuleId, When};
pub use kinesis::{EmbeddedStream, SourceError};
pub use messaging::{MessageAttribute, MessageAttributeValue};
pub use service::{ACCOUNT_ID, REGION, Service, ServiceError};
pub use sns::Published;
pub use sqs::QueuedMessage;
