//! A published policy's file.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;

use super::StoreArgs;
use crate::Failure;
use crate::display::{note, print_line};

/// Write a published policy's text, as it was published, to a file or to standard output.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy export card@0123456789ab --store dynamodb:policies --out card.toml
  fraudctl policy export card@0123456789ab --store dynamodb:policies | diff - card.toml

A file that exists is not overwritten.")]
pub struct ExportPolicyArgs {
    /// The policy's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    store: StoreArgs,
    /// Write to this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the store is not said, cannot be read, or has no such policy, or if the file exists or cannot be written.
pub(super) async fn run(arguments: &ExportPolicyArgs) -> Result<(), Failure> {
    let policy = arguments.store.open().await?.policy(&arguments.id).await?;
    let Some(path) = &arguments.out else {
        if io::stdout().is_terminal() {
            return Ok(print_line(policy.text.trim_end())?);
        }
        return match io::stdout().write_all(policy.text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(anyhow!(error).context("cannot write to standard output").into())
            }
            _ => Ok(()),
        };
    };
    let mut file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Failure::input(anyhow!("{} exists: delete it, or name another file", path.display()))
        }
        _ => anyhow!(error).context(format!("cannot write {}", path.display())).into(),
    })?;
    file.write_all(policy.text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    note!("{} exported to {}", policy.policy_id, path.display());
    Ok(())
}
