//! Streams: created, and described.

use anyhow::anyhow;
use clap::Subcommand;
use stream_client::streams::StreamError;

use crate::Failure;

mod create;
mod describe;

/// What can be done with streams.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Create(create::Arguments),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Describe(describe::Arguments),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Create(arguments) => create::run(arguments).await,
        Command::Describe(arguments) => describe::run(arguments).await,
    }
}

fn failed(error: StreamError) -> Failure {
    Failure::Failed(anyhow!(error))
}
