//! The table of labels: its key, and what its attributes are called.

use aws_calls::table::{Attribute, Kind, Table};

/// The transaction's identity; of a reused id the alert's id.
pub(super) const DECISION_ID: &str = fraud_core::fields::DECISION_ID;
/// How often the row was written: what a write is conditional on.
pub(super) const VERSION: &str = "version";
/// What each source says: a JSON array of statements.
pub(super) const STATEMENTS: &str = "statements";
/// The verdict that holds, for people; absent if all is taken back.
pub(super) const VERDICT: &str = fraud_core::label::VERDICT;
/// The merchant on whose days it counts, if it does.
pub(super) const MERCHANT_ID: &str = fraud_core::fields::MERCHANT_ID;
/// The day on which it counts, if it does.
pub(super) const DAY: &str = "day";
/// Whether it counts as ordinary, if it counts.
pub(super) const ORDINARY: &str = "ordinary";
/// Who wrote the row last.
pub(super) const CHANGED_BY: &str = crate::entities::table::CHANGED_BY;
/// When: RFC 3339.
pub(super) const CHANGED_AT: &str = crate::entities::table::CHANGED_AT;
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#ttl`.
pub(super) const TTL: &str = "ttl";

/// The table.
pub const TABLE: Table = Table {
    name: "labels",
    partition_key: Attribute::new(DECISION_ID, Kind::S),
    sort_key: None,
    attributes: &[
        Attribute::new(VERSION, Kind::N),
        Attribute::new(STATEMENTS, Kind::S),
        Attribute::new(VERDICT, Kind::S),
        Attribute::new(MERCHANT_ID, Kind::S),
        Attribute::new(DAY, Kind::N),
        Attribute::new(ORDINARY, Kind::Bool),
        Attribute::new(CHANGED_BY, Kind::S),
        Attribute::new(CHANGED_AT, Kind::S),
        Attribute::new(TTL, Kind::N),
    ],
    time_to_live: Some(TTL),
};
