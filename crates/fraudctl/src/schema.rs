//! How producers write their transactions.

use clap::Subcommand;

use crate::Failure;

mod check;
mod mapping;

pub use mapping::{LackingCounts, SchemaArgs};

/// What can be done with schemas.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Check(check::CheckSchemaArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub fn run(command: &SchemaCommand) -> Result<(), Failure> {
    match command {
        SchemaCommand::Check(arguments) => check::run(arguments),
    }
}
