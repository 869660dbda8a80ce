//! Policies: what is wrong with one, what it does.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use fraud_core::policy::{Policy, PolicyError};

use crate::Failure;

mod check;
mod explain;
mod schema;

/// What to do with a policy.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Check(check::CheckArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Explain(explain::ExplainArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Schema(schema::SchemaArgs),
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Check(arguments) => check::run(arguments),
        PolicyCommand::Explain(arguments) => explain::run(arguments),
        PolicyCommand::Schema(_) => schema::run(),
    }
}

/// The text that names the policy which is compiled in.
const BUILTIN: &str = "builtin:default";

/// Reads the policy in a file, or the one that is compiled in.
///
/// # Errors
/// [`Failure::Input`] if the file cannot be read; the inner error if the policy is not valid.
fn read(path: &PathBuf) -> Result<Result<Policy, PolicyError>, Failure> {
    if path.as_os_str() == BUILTIN {
        return Ok(Policy::builtin_default());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    Ok(Policy::parse(&text.map_err(Failure::input)?))
}
