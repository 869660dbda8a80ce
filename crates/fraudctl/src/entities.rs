//! Entities: into their table, and what it has of them.

use anyhow::anyhow;
use aws_sdk_dynamodb::Client;
use clap::{Args, Subcommand};
use fraud_aws::config::EntitySource;
use fraud_aws::entities::parse_key;
use fraud_aws::entities::rows::accepted_keys;

use crate::Failure;
use crate::options::named;

mod files;
mod import;
mod show;
mod table;

pub use files::{LoadedEntities, for_policies};
pub(crate) use table::{Change, time_of};
pub use table::{EntityItem, EntityTable};

/// What can be done with entities.
#[derive(Debug, Subcommand)]
pub enum EntitiesCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Import(import::ImportEntitiesArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowEntitiesArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &EntitiesCommand) -> Result<(), Failure> {
    match command {
        EntitiesCommand::Import(arguments) => import::run(arguments).await,
        EntitiesCommand::Show(arguments) => show::run(arguments).await,
    }
}

/// The table of entities.
#[derive(Debug, Args)]
pub(crate) struct TableArgs {
    /// The table of entities: `dynamodb:<table>` [env: ENTITY_SOURCE]
    #[arg(long, value_name = "TARGET")]
    table: Option<String>,
}

impl TableArgs {
    pub(crate) async fn open(&self) -> Result<EntityTable, Failure> {
        match named("--table", "ENTITY_SOURCE", self.table.as_deref(), EntitySource::from_environment)? {
            EntitySource::DynamoDb { table } => {
                let client = Client::new(crate::aws::sdk().await?.config().await);
                Ok(EntityTable::new(client, table))
            }
            EntitySource::File { path } => Err(Failure::input(anyhow!(
                "file:{} is not a table: change the file itself, or give --table dynamodb:<table>",
                path.display()
            ))),
            EntitySource::None => Err(Failure::input(anyhow!(
                "no table is named: give --table dynamodb:<table>, or set ENTITY_SOURCE"
            ))),
        }
    }
}

/// An entity's key as an argument.
pub(crate) fn entity(key: &str) -> Result<String, String> {
    match parse_key(key) {
        Some(_) => Ok(key.to_owned()),
        None => Err(accepted_keys()),
    }
}
