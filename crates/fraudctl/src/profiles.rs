//! Customer profiles: into a table, out of it, and from files.

use anyhow::anyhow;
use clap::Subcommand;
use fraud_aws::config::ProfileSource;

use crate::Failure;
use crate::options::named;

mod export;
mod files;
mod import;
mod table;

pub use files::{LoadedProfiles, items, load};
pub use table::{ProfileItem, write};

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub enum ProfilesCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Export(export::ExportProfilesArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Import(import::ImportProfilesArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &ProfilesCommand) -> Result<(), Failure> {
    match command {
        ProfilesCommand::Export(arguments) => export::run(arguments).await,
        ProfilesCommand::Import(arguments) => import::run(arguments).await,
    }
}

/// The name of the table that a flag names, or PROFILE_SOURCE.
fn named_table(flag: &'static str, value: Option<&str>) -> Result<String, Failure> {
    match named(flag, "PROFILE_SOURCE", value, ProfileSource::from_environment)? {
        ProfileSource::DynamoDb { table } => Ok(table),
        ProfileSource::File { path } => Err(Failure::input(anyhow!(
            "file:{} is not a table: give {flag} dynamodb:<table>",
            path.display()
        ))),
    }
}
