//! The ledger's table: what its attributes are called. What they mean is listed in `row.rs`.

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
pub(super) const CUSTOMER_SEGMENT: &str = "customer_segment";
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

/// All attributes, in the order of their description.
pub(super) const ATTRIBUTES: [&str; 24] = [
    ALERT_ID,
    STATUS,
    CLAIM_TOKEN,
    CLAIM_EXPIRES_AT,
    MAY_HAVE_BEEN_SENT,
    CLAIMED_AT,
    SENT_AT,
    SENT_AGAIN_AT,
    MESSAGE,
    CUSTOMER_SEGMENT,
    CUSTOMER_ID,
    TRANSACTION_ID,
    EVENT_TIME,
    TRANSACTION_AMOUNT,
    FRAUD_SCORE,
    REASONS,
    POLICY,
    ENRICHMENT,
    STREAM,
    SHARD,
    ARRIVAL,
    SEQUENCE_NUMBER,
    SUB_SEQUENCE_NUMBER,
    TTL,
];
