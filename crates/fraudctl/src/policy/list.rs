//! What is published.

use clap::Args;
use serde_json::json;

use super::StoreArgs;
use crate::Failure;
use crate::display::{print_line, table};

/// List the published policies, the newest first.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy list --store dynamodb:policies
  fraudctl policy list --store dynamodb:policies --json | jq -r .policy_id")]
pub struct ListPoliciesArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the store is not said or cannot be read.
pub(super) async fn run(arguments: &ListPoliciesArgs) -> Result<(), Failure> {
    let store = arguments.store.open().await?;
    let mut policies = store.all().await?;
    policies.sort_by(|one, other| {
        (&other.published_at, &one.policy_id).cmp(&(&one.published_at, &other.policy_id))
    });
    if arguments.json {
        for policy in &policies {
            print_line(json!({
                "policy_id": policy.policy_id,
                "published_at": policy.published_at,
                "published_by": policy.published_by,
                "compared": policy.compared.is_some(),
            }))?;
        }
        return Ok(());
    }
    if policies.is_empty() {
        return Ok(print_line("no policy is published")?);
    }
    let mut shown = table(&["policy", "published", "by", "compared"], &[]);
    for policy in &policies {
        let compared = if policy.compared.is_some() { "yes" } else { "no" };
        shown.add_row([policy.policy_id.as_str(), &policy.published_at, &policy.published_by, compared]);
    }
    Ok(print_line(shown)?)
}
