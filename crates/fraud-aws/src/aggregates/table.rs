//! The aggregates' table: what its attributes are called. What they mean is listed in `row.rs`.

pub(super) const CUSTOMER_ID: &str = "customer_id";
pub(super) const WINDOW_START: &str = "window_start";
pub(super) const EVENT_WINDOW_START: &str = "event_window_start";
pub(super) const EVENT_WINDOW_END: &str = "event_window_end";
pub(super) const WINDOW_SECONDS: &str = "window_seconds";
pub(super) const EVENT_COUNT: &str = "event_count";
pub(super) const TOTAL_AMOUNT: &str = "total_amount";
pub(super) const SUM_COMPLETE: &str = "sum_complete";
pub(super) const COUNTED: &str = "counted";
pub(super) const DEDUP_COMPLETE: &str = "dedup_complete";
pub(super) const UPDATED_AT: &str = "updated_at";
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#ttl`.
pub(super) const TTL: &str = "ttl";
/// Of the item that holds the [rule](super::rule).
pub(super) const WINDOW_RULE: &str = "window_rule";
