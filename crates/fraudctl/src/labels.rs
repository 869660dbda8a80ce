//! Labels: what became known of transactions, back into the score.

use std::time::Duration;

use clap::Subcommand;

use crate::Failure;

mod add;
mod apply;
mod check;
mod delays;
mod details;
mod lake;
mod lines;
mod show;
mod summary;
mod target;
mod unknown;

pub(crate) use lines::LineCounts;

/// No label takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// What can be done with labels.
#[derive(Debug, Subcommand)]
pub enum LabelsCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Check(check::CheckLabelsArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Apply(apply::ApplyLabelsArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Add(add::AddLabelArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowLabelsArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &LabelsCommand) -> Result<(), Failure> {
    match command {
        LabelsCommand::Check(arguments) => check::run(arguments),
        LabelsCommand::Apply(arguments) => apply::run(arguments).await,
        LabelsCommand::Add(arguments) => add::run(arguments).await,
        LabelsCommand::Show(arguments) => show::run(arguments).await,
    }
}
