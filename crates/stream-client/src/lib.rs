//! Getting transactions into Kinesis and Firehose, and reading them from Kinesis; for tools, no function depends on it.

pub mod consumer;
pub mod firehose;
pub mod kinesis;
pub mod producer;
mod shards;
pub mod streams;
