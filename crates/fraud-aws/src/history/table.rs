//! The table of the customers' history: its key, and what its attributes are called.

use aws_calls::table::{Attribute, Kind, Table};

pub(super) const CUSTOMER_ID: &str = "customer_id";
/// How often the row was written: what a write is conditional on.
pub(super) const VERSION: &str = "version";
/// What is remembered, in the form of [`fraud_core::history`].
pub(super) const STATE: &str = "state";
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#ttl`.
pub(super) const TTL: &str = "ttl";

/// The table.
pub const TABLE: Table = Table {
    name: "history",
    partition_key: Attribute::new(CUSTOMER_ID, Kind::S),
    sort_key: None,
    attributes: &[
        Attribute::new(VERSION, Kind::N),
        Attribute::new(STATE, Kind::B),
        Attribute::new(TTL, Kind::N),
    ],
    time_to_live: Some(TTL),
};
