//! The services over real HTTP, as the unmodified SDK sees them.

// What is allowed in tests is allowed in their helpers too.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod arrivals;
mod dynamodb;
mod faults;
mod firehose;
mod in_doubt;
mod kinesis;
mod record_source;
mod sns;
mod sqs;
mod support;
