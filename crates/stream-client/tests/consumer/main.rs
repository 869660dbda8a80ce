//! The consumer over Kinesis and DynamoDB in process: the real SDK, with faults on order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod beginnings;
mod in_doubt;
mod leases;
mod reading;
mod retries;
mod shards;
mod support;
