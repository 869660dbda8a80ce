//! The entity store that the configuration names.

use aws_calls::fault::{CallFault, FaultKind};
use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use fraud_core::entity::Entity;
use fraud_core::shadow::Policies;
use tokio::time::Instant;

use super::{DynamoDbEntities, EntityFileError, FileEntities};
use crate::config::{CacheSettings, ENTITY_SOURCE, EntitySource};
use crate::lookup::{Answer, Cached, Store};

/// An entity store of any kind.
#[derive(Debug)]
pub enum Entities {
    /// The policy asks for none. Whoever asks all the same is told that nothing can be looked up.
    Unasked,
    /// A file; it is in memory already.
    File(FileEntities),
    /// A DynamoDB table, remembered.
    DynamoDb(Cached<DynamoDbEntities>),
}

/// What keeps entities from being looked up.
#[derive(Debug, thiserror::Error)]
pub enum EntitiesError {
    /// The policy asks for entities, and there is no source of any.
    #[error(
        "the policy {policy} asks for entities ({kinds}) and {variable} names no source of them; it accepts {accepts}",
        variable = ENTITY_SOURCE.name,
        accepts = ENTITY_SOURCE.accepts
    )]
    NoSource {
        /// The policy's id.
        policy: String,
        /// The kinds that it asks for.
        kinds: String,
    },
    /// The source is a file that cannot be used.
    #[error(transparent)]
    File(#[from] EntityFileError),
}

impl Entities {
    /// Opens the store if a policy asks for entities, and only then. A table is not asked for anything yet.
    ///
    /// # Errors
    /// [`EntitiesError`] if there is no source and a policy needs one, or if the source is a file that cannot be used.
    pub async fn connect(
        source: &EntitySource,
        policies: &Policies,
        cache: CacheSettings,
        sdk: &Sdk,
    ) -> Result<Self, EntitiesError> {
        let asked = policies.asked().entities;
        if asked.is_empty() {
            return Ok(Entities::Unasked);
        }
        match source {
            EntitySource::None => {
                let kinds: Vec<_> = asked.iter().map(|kind| kind.as_str()).collect();
                let policy = policies.asking_for_entities().id().to_owned();
                Err(EntitiesError::NoSource { policy, kinds: kinds.join(", ") })
            }
            EntitySource::File { path } => Ok(Entities::File(FileEntities::load(path)?)),
            EntitySource::DynamoDb { table } => {
                let client = Client::new(sdk.config().await);
                Ok(Entities::DynamoDb(Cached::new(DynamoDbEntities::new(client, table), cache)))
            }
        }
    }
}

impl Store for Entities {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], deadline: Instant) -> Answer<Entity> {
        match self {
            Entities::Unasked => {
                Answer::unavailable(keys.len(), CallFault::new(FaultKind::NotSent, "no entity source"))
            }
            Entities::File(entities) => entities.lookup(keys, deadline).await,
            Entities::DynamoDb(entities) => entities.lookup(keys, deadline).await,
        }
    }
}
