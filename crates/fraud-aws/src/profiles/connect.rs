//! The profile store that the configuration names.

use aws_sdk_dynamodb::Client;
use fraud_core::profile::Profile;
use tokio::time::Instant;

use super::{DynamoDbProfiles, FileProfiles, ProfileAnswer, ProfileFileError};
use crate::config::{CacheSettings, ProfileSource};
use crate::lookup::{Cached, Store};
use aws_calls::sdk::Sdk;

/// A profile store of either kind.
#[derive(Debug)]
pub enum Profiles {
    /// A file; it is in memory already.
    File(FileProfiles),
    /// A DynamoDB table, remembered.
    DynamoDb(Cached<DynamoDbProfiles>),
}

impl Profiles {
    /// Opens the store. A table is not asked for anything yet.
    ///
    /// # Errors
    /// [`ProfileFileError`] if the source is a file that cannot be used.
    pub async fn connect(
        source: &ProfileSource,
        cache: CacheSettings,
        sdk: &Sdk,
    ) -> Result<Self, ProfileFileError> {
        match source {
            ProfileSource::File { path } => FileProfiles::load(path).map(Profiles::File),
            ProfileSource::DynamoDb { table } => {
                let client = Client::new(sdk.config().await);
                Ok(Profiles::DynamoDb(Cached::new(DynamoDbProfiles::new(client, table), cache)))
            }
        }
    }
}

impl Store for Profiles {
    type Known = Profile;

    async fn lookup(&self, customers: &[&str], deadline: Instant) -> ProfileAnswer {
        match self {
            Profiles::File(profiles) => profiles.lookup(customers, deadline).await,
            Profiles::DynamoDb(profiles) => profiles.lookup(customers, deadline).await,
        }
    }
}
