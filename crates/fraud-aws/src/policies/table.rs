//! The table of published policies: its key, and what its attributes are called.

use aws_calls::table::{Attribute, Kind, Table};

/// The policy's id: the table's key.
pub const POLICY_ID: &str = "policy_id";
/// The file's text, as it was published.
pub const TEXT: &str = "text";
/// The policy's canonical form, which its id is the hash of.
pub const CANONICAL: &str = "canonical";
/// When it was published: RFC 3339.
pub const PUBLISHED_AT: &str = "published_at";
/// Who published it.
pub const PUBLISHED_BY: &str = "published_by";
/// What the policy was compared with, as JSON, if anything.
pub const COMPARED: &str = "compared";

/// The table. A row is written once and never changed.
pub const TABLE: Table = Table {
    name: "policies",
    partition_key: Attribute::new(POLICY_ID, Kind::S),
    sort_key: None,
    attributes: &[
        Attribute::new(TEXT, Kind::S),
        Attribute::new(CANONICAL, Kind::S),
        Attribute::new(PUBLISHED_AT, Kind::S),
        Attribute::new(PUBLISHED_BY, Kind::S),
        Attribute::new(COMPARED, Kind::S),
    ],
    time_to_live: None,
};
