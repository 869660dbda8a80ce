//! The table of profiles: its key, and what its attributes are called. Files of profiles use the same names.

use aws_calls::table::{Attribute, Kind, Table};

/// The customer's id, 1 to 256 characters: the table's key.
pub const CUSTOMER_ID: &str = "customer_id";
/// The customer's segment: text.
pub const SEGMENT: &str = "segment";
/// The customer's lifetime value: a number.
pub const LIFETIME_VALUE: &str = "lifetime_value";
/// The customer's risk score: a number from 0 to 1.
pub const RISK_SCORE: &str = "risk_score";

/// The table.
pub const TABLE: Table = Table {
    name: "profiles",
    partition_key: Attribute::new(CUSTOMER_ID, Kind::S),
    sort_key: None,
    attributes: &[
        Attribute::new(SEGMENT, Kind::S),
        Attribute::new(LIFETIME_VALUE, Kind::N),
        Attribute::new(RISK_SCORE, Kind::N),
    ],
    time_to_live: None,
};
