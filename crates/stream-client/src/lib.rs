#![doc = include_str!("../README.md")]

pub mod consumer;
pub mod firehose;
pub mod kinesis;
pub mod producer;
mod shards;
pub mod streams;
