//! Entities from a file, for development, tests and the tool.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fraud_core::entity::Entity;
use fraud_core::merchant::MerchantDays;
use fraud_core::profile::Attribute;
use tokio::time::Instant;

use super::rows::{self, BadRow, FormError, Rows};
use super::table::{COUNTED, THROUGH};
use crate::lookup::{Answer, Store};

/// The entities of a file in any of the forms that [`rows::read`] reads. Of an entity with several rows the last counts. An
/// attribute that cannot be used makes the entity invalid, as it does in a table; a row that cannot be read makes the file
/// unusable.
#[derive(Debug, Clone, Default)]
pub struct FileEntities(HashMap<String, Arc<Entity>>);

/// A file of entities that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the entities in {path}: {fault}", path = path.display())]
pub struct EntityFileError {
    path: PathBuf,
    fault: EntitiesFault,
}

/// Entities that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EntitiesFault {
    /// They cannot be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// They are in no form that is read.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Something would be lost when the file is written again.
    #[error(
        "`{0}` is not an attribute of an entity, and would be lost when the file is written: take it out"
    )]
    LeftOut(String),
    /// Rows cannot be read.
    #[error("rows that cannot be read: {count}, the first of them {first}")]
    Rows {
        /// The first of them.
        first: BadRow,
        /// How many there are.
        count: usize,
    },
}

impl FileEntities {
    /// Reads a file.
    ///
    /// # Errors
    /// [`EntityFileError`] if it cannot be read or used.
    pub fn load(path: &Path) -> Result<Self, EntityFileError> {
        let entities = std::fs::read(path).map_err(EntitiesFault::from).and_then(Self::parse);
        entities.map_err(|fault| EntityFileError { path: path.to_owned(), fault })
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`EntitiesFault`] if they cannot be used.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self, EntitiesFault> {
        Self::of_rows(&rows::read(bytes.as_ref())?)
    }

    /// The entities of rows.
    ///
    /// # Errors
    /// [`EntitiesFault::Rows`] if some could not be read.
    pub fn of_rows(rows: &Rows) -> Result<Self, EntitiesFault> {
        if let Some(first) = rows.bad.first() {
            return Err(EntitiesFault::Rows { first: first.clone(), count: rows.bad.len() });
        }
        let entities = rows.rows.iter().map(|(_, row)| (row.entity.clone(), Arc::new(row.entity())));
        let through = rows.through.map(|day| {
            let day = day.to_string();
            (COUNTED.to_owned(), Arc::new(Entity::new([(THROUGH, Attribute::Number(&day))])))
        });
        Ok(FileEntities(entities.chain(through).collect()))
    }

    /// What is known of the entity with this key.
    pub fn get(&self, key: &str) -> Option<&Entity> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// The same, without what is known of merchants by day.
    #[must_use]
    pub fn without_days(self) -> Self {
        let without = |entity: Arc<Entity>| match entity.days() {
            None => entity,
            Some(_) => Arc::new(Arc::unwrap_or_clone(entity).with_days(MerchantDays::default())),
        };
        FileEntities(self.0.into_iter().map(|(key, entity)| (key, without(entity))).collect())
    }

    /// Sets what is known by day of the merchant with this key, and leaves the rest.
    pub fn set_days(&mut self, key: &str, days: MerchantDays) {
        let entity = self.get(key).cloned().unwrap_or_else(|| Entity::new([])).with_days(days);
        self.0.insert(key.to_owned(), Arc::new(entity));
    }
}

impl Store for FileEntities {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], _deadline: Instant) -> Answer<Entity> {
        Answer::from_all(&self.0, keys)
    }
}
