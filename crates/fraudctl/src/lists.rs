//! Lists: what is on them, until when, and who put it there.

use clap::Subcommand;
use fraud_aws::entities::table::is_list_name;

use crate::Failure;

mod add;
mod remove;
mod show;

/// What can be done with lists.
#[derive(Debug, Subcommand)]
pub enum ListsCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Add(add::AddToListArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Remove(remove::RemoveFromListArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowListArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &ListsCommand) -> Result<(), Failure> {
    match command {
        ListsCommand::Add(arguments) => add::run(arguments).await,
        ListsCommand::Remove(arguments) => remove::run(arguments).await,
        ListsCommand::Show(arguments) => show::run(arguments).await,
    }
}

/// A list's name as an argument.
fn list(name: &str) -> Result<String, String> {
    match is_list_name(name) {
        true => Ok(name.to_owned()),
        false => Err("a list's name has lower-case letters, digits and _, 1 to 64 of them".to_owned()),
    }
}
