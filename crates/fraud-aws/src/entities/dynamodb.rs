//! Entities from a DynamoDB table: key `entity` (S), attributes `risk` (N) and `list_<name>` (N).

use fraud_core::entity::Entity;

use super::table::ENTITY;
use crate::lookup::{Item, Row, TableStore, of_value};

/// A DynamoDB table of entities.
pub type DynamoDbEntities = TableStore<Entity>;

impl Row for Entity {
    const KEY: &'static str = ENTITY;
    // Whole rows: an expression cannot name attributes by what they begin with.
    const ATTRIBUTES: &'static [(&'static str, &'static str)] = &[];

    fn of_item(item: &Item) -> Self {
        Entity::new(item.iter().map(|(name, value)| (name.as_str(), of_value(value))))
    }
}
