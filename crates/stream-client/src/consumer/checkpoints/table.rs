//! The table of checkpoints: its key, and what its attributes are called. What they mean is listed in `row.rs`.

use aws_calls::table::{Attribute, Kind, Table};

/// The stream's shard, or `lease`.
pub(super) const SHARD_ID: &str = "shard_id";
pub(super) const CONSUMER_NAME: &str = "consumer_name";
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#owner`.
pub(super) const OWNER: &str = "owner";
pub(super) const UPDATED_AT: &str = "updated_at";
pub(super) const SEQUENCE_NUMBER: &str = "sequence_number";
pub(super) const TERM: &str = "term";
pub(super) const LEASE_COUNTER: &str = "lease_counter";
pub(super) const LEASE_MS: &str = "lease_ms";
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#start`.
pub(super) const START: &str = "start";
pub(super) const STREAM_CREATED_AT: &str = "stream_created_at";

/// The table.
pub const TABLE: Table = Table {
    name: "checkpoints",
    partition_key: Attribute::new(SHARD_ID, Kind::S),
    sort_key: Some(Attribute::new(CONSUMER_NAME, Kind::S)),
    attributes: &[
        Attribute::new(OWNER, Kind::S),
        Attribute::new(UPDATED_AT, Kind::S),
        Attribute::new(SEQUENCE_NUMBER, Kind::S),
        Attribute::new(TERM, Kind::N),
        Attribute::new(LEASE_COUNTER, Kind::N),
        Attribute::new(LEASE_MS, Kind::N),
        Attribute::new(START, Kind::S),
        Attribute::new(STREAM_CREATED_AT, Kind::S),
    ],
    time_to_live: None,
};
