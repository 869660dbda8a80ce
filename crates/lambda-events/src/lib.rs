//! The events that Firehose and Kinesis event source mappings invoke a function with, read record by record and borrowed
//! from their JSON.
//!
//! The published request types (`aws_lambda_events`) fail the whole event for one record's bad base64, read some arrival
//! times wrong, and end the process on others. Here a record's fault stays its own: only what no record can be answered
//! without fails the event.

mod event;
pub mod firehose;
pub mod firehose_json;
pub mod kinesis;
pub mod kinesis_json;

pub use event::{InvalidEvent, stream_name};
