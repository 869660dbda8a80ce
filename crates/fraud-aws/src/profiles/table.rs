//! The table of profiles: what its attributes are called. Files of profiles use the same names.

/// The customer's id, 1 to 256 characters: the table's key.
pub const CUSTOMER_ID: &str = "customer_id";
/// The customer's segment: text.
pub const SEGMENT: &str = "segment";
/// The customer's lifetime value: a number.
pub const LIFETIME_VALUE: &str = "lifetime_value";
/// The customer's risk score: a number from 0 to 1.
pub const RISK_SCORE: &str = "risk_score";
