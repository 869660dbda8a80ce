#![doc = include_str!("../README.md")]

mod event;
pub mod firehose;
pub mod firehose_json;
pub mod kinesis;
pub mod kinesis_json;

pub use event::{InvalidEvent, stream_name};
