//! Streams: created, and described.

use anyhow::anyhow;
use clap::Subcommand;
use stream_client::streams::StreamError;

use crate::Failure;

mod create;
mod describe;

/// What can be done with streams.
#[derive(Debug, Subcommand)]
pub enum StreamCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Create(create::CreateStreamArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Describe(describe::DescribeStreamArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &StreamCommand) -> Result<(), Failure> {
    match command {
        StreamCommand::Create(arguments) => create::run(arguments).await,
        StreamCommand::Describe(arguments) => describe::run(arguments).await,
    }
}

fn failed(error: StreamError) -> Failure {
    Failure::Failed(anyhow!(error))
}
