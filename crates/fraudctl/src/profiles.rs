//! Customer profiles: into a table, out of it, and from files.

use clap::Subcommand;

use crate::Failure;

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
