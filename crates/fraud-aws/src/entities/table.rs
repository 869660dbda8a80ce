//! The table of entities: its key, and what its attributes are called. Files of entities use the same names.

use aws_calls::table::{Attribute, Kind, Table};
use fraud_core::entity::LIST_PREFIX;
pub use fraud_core::entity::{RISK, is_list_name};

/// The table's key: the entity's kind, `/` and its id.
pub const ENTITY: &str = "entity";
/// Who changed the row last.
pub const CHANGED_BY: &str = "changed_by";
/// When: RFC 3339.
pub const CHANGED_AT: &str = "changed_at";

/// The key of the row that says through which day merchants' transactions are counted. No entity has it.
pub const COUNTED: &str = "count/merchants";
/// That day: a UTC day counted from the epoch.
pub const THROUGH: &str = fraud_core::entity::THROUGH;

/// The table. A row has besides, for each list that the entity is on, an [attribute](list_attribute) of its own: the second
/// since the epoch from which on it is no longer on it, 0 for never. A merchant's row has its [counts by day](fraud_core::merchant::Bucket::attribute).
pub const TABLE: Table = Table {
    name: "entities",
    partition_key: Attribute::new(ENTITY, Kind::S),
    sort_key: None,
    attributes: &[
        Attribute::new(RISK, Kind::N),
        Attribute::new(CHANGED_BY, Kind::S),
        Attribute::new(CHANGED_AT, Kind::S),
        Attribute::new(THROUGH, Kind::N),
    ],
    time_to_live: None,
};

/// The attribute that puts an entity on a list.
pub fn list_attribute(list: &str) -> String {
    [LIST_PREFIX, list].concat()
}

/// The list that an attribute puts an entity on, if it does.
pub fn list_of(attribute: &str) -> Option<&str> {
    attribute.strip_prefix(LIST_PREFIX).filter(|list| is_list_name(list))
}
