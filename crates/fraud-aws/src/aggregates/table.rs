//! The aggregates' table: its key, and what its attributes are called. What they mean is listed in `row.rs`.

use aws_calls::table::{Attribute, Kind, Table};

pub(super) const CUSTOMER_ID: &str = "customer_id";
pub(super) const WINDOW_START: &str = "window_start";
pub(super) const EVENT_WINDOW_START: &str = "event_window_start";
pub(super) const EVENT_WINDOW_END: &str = "event_window_end";
pub(super) const WINDOW_SECONDS: &str = "window_seconds";
pub(super) const EVENT_COUNT: &str = "event_count";
pub(super) const TOTAL_AMOUNT: &str = "total_amount";
pub(super) const SUM_COMPLETE: &str = "sum_complete";
pub(super) const COUNTED: &str = "counted";
pub(super) const COUNTED_BY: &str = "counted_by";
pub(super) const DEDUP_COMPLETE: &str = "dedup_complete";
pub(super) const UPDATED_AT: &str = "updated_at";
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#ttl`.
pub(super) const TTL: &str = "ttl";
/// Of the item that holds the [rule](super::rule).
pub(super) const WINDOW_RULE: &str = "window_rule";

/// The table.
pub const TABLE: Table = Table {
    name: "aggregates",
    partition_key: Attribute::new(CUSTOMER_ID, Kind::S),
    sort_key: Some(Attribute::new(WINDOW_START, Kind::N)),
    attributes: &[
        Attribute::new(EVENT_WINDOW_START, Kind::S),
        Attribute::new(EVENT_WINDOW_END, Kind::S),
        Attribute::new(WINDOW_SECONDS, Kind::N),
        Attribute::new(EVENT_COUNT, Kind::N),
        Attribute::new(TOTAL_AMOUNT, Kind::N),
        Attribute::new(SUM_COMPLETE, Kind::Bool),
        Attribute::new(COUNTED, Kind::Bs),
        Attribute::new(COUNTED_BY, Kind::S),
        Attribute::new(DEDUP_COMPLETE, Kind::Bool),
        Attribute::new(UPDATED_AT, Kind::S),
        Attribute::new(TTL, Kind::N),
        Attribute::new(WINDOW_RULE, Kind::S),
    ],
    time_to_live: Some(TTL),
};
