//! Entities: what is known of merchants, devices, cards, addresses and customers beside their profiles. The port, and what
//! implements it.

use fraud_core::entity::{Entity, EntityFound, EntityKind};

use crate::config::ENTITY_SOURCE;
use crate::lookup::{self, Known, Store};
use crate::port::{Call, Port};

mod connect;
mod counts;
mod dynamodb;
mod editable;
mod file;
mod looked_up;
pub mod rows;
pub mod table;

pub use connect::{Entities, EntitiesError};
pub use counts::EntityCounts;
pub use dynamodb::DynamoDbEntities;
pub use editable::EditableEntities;
pub(crate) use editable::{lock, replace};
pub use file::{EntitiesFault, EntityFileError, FileEntities};
pub use looked_up::{LookedUpEntities, look_up_entities, merchant_counts_age};

/// The port as data.
pub const PORT: Port = Port {
    name: "entities",
    variable: ENTITY_SOURCE,
    calls: &[Call::new("BatchGetItem", "dynamodb:BatchGetItem")],
};

/// Where entities are looked up, by their [key](key_of).
pub trait EntityStore: Store<Known = Entity> {}

impl<S: Store<Known = Entity>> EntityStore for S {}

/// What is known of one entity.
pub type Lookup = lookup::Lookup<Entity>;

impl Lookup {
    /// The outcome as a decision takes it.
    pub fn found(&self) -> EntityFound<'_> {
        match self {
            Lookup::Found(entity) => EntityFound::Known(entity),
            Lookup::Absent => EntityFound::Absent,
            Lookup::Unavailable => EntityFound::Unavailable,
        }
    }
}

impl Known for Entity {
    fn size(&self) -> usize {
        self.size()
    }
}

/// The key of an entity: its kind, `/`, and its id as transactions have it.
pub fn key_of(kind: EntityKind, id: &str) -> String {
    [kind.as_str(), "/", id].concat()
}

/// The entity that a key is of.
pub fn parse_key(key: &str) -> Option<(EntityKind, &str)> {
    let (kind, id) = key.split_once('/')?;
    Some((EntityKind::of_name(kind)?, id)).filter(|_| (1..=MAX_ID_CHARACTERS).contains(&id.chars().count()))
}

/// The longest id, in characters: a transaction names none that is longer.
const MAX_ID_CHARACTERS: usize = 256;

#[cfg(test)]
mod tests;
