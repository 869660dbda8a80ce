//! Puts records into Kinesis and Firehose, and reads Kinesis with checkpoints. For tools: no function depends on it.

pub mod consumer;
pub mod firehose;
pub mod kinesis;
pub mod producer;
mod shards;
pub mod streams;
