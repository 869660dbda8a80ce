//! A published policy.

use clap::Args;

use super::{StoreArgs, json};
use crate::Failure;
use crate::display::{on_one_line, print_line};

/// Show a published policy: who published it and when, what it was compared with, and its text.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy show card@0123456789ab --store dynamodb:policies
  fraudctl policy show card@0123456789ab --store dynamodb:policies --json | jq .compared")]
pub struct ShowPolicyArgs {
    /// The policy's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON object, with the canonical form that the id is the hash of.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the store is not said, cannot be read, or has no such policy.
pub(super) async fn run(arguments: &ShowPolicyArgs) -> Result<(), Failure> {
    let policy = arguments.store.open().await?.policy(&arguments.id).await?;
    if arguments.json {
        return Ok(print_line(json(&policy))?);
    }
    let compared = policy.compared.as_deref().unwrap_or("nothing");
    for (name, value) in [
        ("policy", policy.policy_id.as_str()),
        ("published", &policy.published_at),
        ("by", &policy.published_by),
        ("compared with", compared.trim_end()),
    ] {
        print_line(format_args!("{name:>13}  {}", on_one_line(value)))?;
    }
    Ok(print_line(format_args!("\n{}", policy.text.trim_end()))?)
}
