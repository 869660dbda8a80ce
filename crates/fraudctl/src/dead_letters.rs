//! Records that could not be processed: what waits, what it holds, and its way back.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::{Args, Subcommand};
use fraud_aws::config::DeadLettersTarget;
use fraud_aws::dead_letters::DeadLetterQueue;

use crate::Failure;
use crate::aws;
use crate::options::named;

mod delete;
mod letter_data;
mod list;
mod objects;
mod redrive;
mod selection;
mod show;
mod walk;

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    List(list::ListLettersArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowLetterArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Redrive(redrive::RedriveArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Delete(delete::DeleteLettersArgs),
}

/// A queue of letters, and how long they are hidden from others while they are looked at.
#[derive(Debug, Args)]
struct QueueArgs {
    /// The queue of dead letters: `sqs:<queue url>` [env: DEAD_LETTERS]
    #[arg(long, value_name = "TARGET")]
    queue: Option<String>,
    /// For how many seconds letters stay hidden from other readers if this command dies. While it runs they stay hidden;
    /// when it ends they become visible.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=43_200))]
    visibility_timeout: u16,
}

/// Where letters are: in a queue, or given-up batches in a folder.
#[derive(Debug, Args)]
struct LetterSourceArgs {
    #[command(flatten)]
    letters: QueueArgs,
    /// Instead of a queue: an object, or a folder of objects, that a mapping wrote to its on-failure destination in S3;
    /// fetch them with `aws s3 cp --recursive`.
    #[arg(long, value_name = "PATH", conflicts_with = "queue")]
    objects: Option<PathBuf>,
}

impl QueueArgs {
    /// The queue, and the settings of AWS's clients. It is not asked for anything yet.
    ///
    /// # Errors
    /// [`Failure::Input`] if no queue is named, [`Failure::Failed`] if there is no region or there are no credentials.
    async fn open(&self) -> Result<(DeadLetterQueue, Sdk), Failure> {
        match named("--queue", "DEAD_LETTERS", self.queue.as_deref(), DeadLettersTarget::from_environment)? {
            DeadLettersTarget::Sqs { queue_url } => {
                let sdk = aws::sdk().await?;
                Ok((DeadLetterQueue::connect(queue_url, &sdk).await, sdk))
            }
            DeadLettersTarget::Stdout => {
                Err(Failure::input(anyhow!("letters that went to standard output cannot be read again")))
            }
        }
    }

    fn hidden(&self) -> Duration {
        Duration::from_secs(u64::from(self.visibility_timeout))
    }
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &DeadLettersCommand) -> Result<(), Failure> {
    match command {
        DeadLettersCommand::List(arguments) => list::run(arguments).await,
        DeadLettersCommand::Show(arguments) => show::run(arguments).await,
        DeadLettersCommand::Redrive(arguments) => redrive::run(arguments).await,
        DeadLettersCommand::Delete(arguments) => delete::run(arguments).await,
    }
}
