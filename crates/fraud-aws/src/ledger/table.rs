//! The ledger's table: its key, and what its attributes are called. What they mean is listed in `row.rs`.

use aws_calls::table::{Attribute, Kind, Table};

pub(super) const ALERT_ID: &str = "alert_id";
/// A reserved word (Amazon DynamoDB developer guide, "Reserved words"): expressions name it through `#status`.
pub(super) const STATUS: &str = "status";
pub(super) const CLAIM_TOKEN: &str = "claim_token";
pub(super) const CLAIM_EXPIRES_AT: &str = "claim_expires_at";
pub(super) const MAY_HAVE_BEEN_SENT: &str = "may_have_been_sent";
pub(super) const CLAIMED_AT: &str = "claimed_at";
pub(super) const SENT_AT: &str = "sent_at";
pub(super) const SENT_AGAIN_AT: &str = "sent_again_at";
pub(super) const MESSAGE: &str = "message";
pub(super) const FINGERPRINT: &str = "fingerprint";
pub(super) const REUSES_ID_OF: &str = "reuses_id_of";
pub(super) const CUSTOMER_SEGMENT: &str = "customer_segment";
pub(super) const MERCHANT_ID: &str = "merchant_id";
pub(super) const CUSTOMER_ID: &str = "customer_id";
pub(super) const TRANSACTION_ID: &str = "transaction_id";
pub(super) const EVENT_TIME: &str = "event_time";
pub(super) const TRANSACTION_AMOUNT: &str = "transaction_amount";
pub(super) const FRAUD_SCORE: &str = "fraud_score";
pub(super) const REASONS: &str = "reasons";
pub(super) const POLICY: &str = "policy";
pub(super) const ENRICHMENT: &str = "enrichment";
pub(super) const STREAM: &str = "stream";
pub(super) const SHARD: &str = "shard";
pub(super) const ARRIVAL: &str = "arrival";
pub(super) const SEQUENCE_NUMBER: &str = "sequence_number";
pub(super) const SUB_SEQUENCE_NUMBER: &str = "sub_sequence_number";
/// A reserved word: expressions name it through `#ttl`.
pub(super) const TTL: &str = "ttl";

/// The table. Its attributes are in the order in which people read a row.
pub const TABLE: Table = Table {
    name: "ledger",
    partition_key: Attribute::new(ALERT_ID, Kind::S),
    sort_key: None,
    attributes: &[
        Attribute::new(STATUS, Kind::S),
        Attribute::new(CLAIM_TOKEN, Kind::S),
        Attribute::new(CLAIM_EXPIRES_AT, Kind::N),
        Attribute::new(MAY_HAVE_BEEN_SENT, Kind::Bool),
        Attribute::new(CLAIMED_AT, Kind::S),
        Attribute::new(SENT_AT, Kind::S),
        Attribute::new(SENT_AGAIN_AT, Kind::S),
        Attribute::new(MESSAGE, Kind::S),
        Attribute::new(FINGERPRINT, Kind::S),
        Attribute::new(REUSES_ID_OF, Kind::S),
        Attribute::new(CUSTOMER_SEGMENT, Kind::S),
        Attribute::new(MERCHANT_ID, Kind::S),
        Attribute::new(CUSTOMER_ID, Kind::S),
        Attribute::new(TRANSACTION_ID, Kind::S),
        Attribute::new(EVENT_TIME, Kind::S),
        Attribute::new(TRANSACTION_AMOUNT, Kind::S),
        Attribute::new(FRAUD_SCORE, Kind::S),
        Attribute::new(REASONS, Kind::S),
        Attribute::new(POLICY, Kind::S),
        Attribute::new(ENRICHMENT, Kind::S),
        Attribute::new(STREAM, Kind::S),
        Attribute::new(SHARD, Kind::S),
        Attribute::new(ARRIVAL, Kind::S),
        Attribute::new(SEQUENCE_NUMBER, Kind::S),
        Attribute::new(SUB_SEQUENCE_NUMBER, Kind::N),
        Attribute::new(TTL, Kind::N),
    ],
    time_to_live: Some(TTL),
};
