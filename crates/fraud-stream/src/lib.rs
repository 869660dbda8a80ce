//! Getting transactions into Kinesis and Firehose, for tools; no function depends on it.

mod errors;
pub mod firehose;
pub mod kinesis;
pub mod producer;
pub mod streams;
