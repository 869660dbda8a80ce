//! A policy into the store.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::policies::{Publication, PublishedPolicy};
use fraud_core::policy::Policy;
use serde_json::json;
use tokio::time::Instant;

use super::{LIMIT, StoreArgs};
use crate::Failure;
use crate::display::{note, print_line};
use crate::options::who;

/// The most bytes of a row (Amazon DynamoDB developer guide, "Quotas": 400 KB, names included), with some to spare.
const MOST_BYTES: usize = 390_000;

/// Publish a policy: put it into the table that functions read it from.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy publish card.toml --store dynamodb:policies
  fraudctl policy publish card.toml --store dynamodb:policies --by ana --compared report.json

Prints the policy's id. A published policy is never changed: another text that decides otherwise has another id, and publishing
the same again changes nothing. To make it the one that scores, deploy with PublishedPolicy=<id> (FRAUD_POLICY=store:<id>); to
roll back, deploy with the id before it.

Exit status: 0 it is published, 1 the table refused it, 2 a file is wrong.")]
pub struct PublishPolicyArgs {
    /// The policy (TOML).
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    /// Who publishes it; the default is the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// The report (JSON) of what the policy was compared with; it is kept with it.
    #[arg(long, value_name = "FILE")]
    compared: Option<PathBuf>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if a file is wrong or nobody is named; [`Failure::Failed`] if the table does not take the policy.
pub(super) async fn run(arguments: &PublishPolicyArgs) -> Result<(), Failure> {
    let path = &arguments.file;
    let text = read(path)?;
    let policy =
        Policy::parse(&text).map_err(|error| Failure::input(anyhow!("{}: {error}", path.display())))?;
    let compared = arguments.compared.as_deref().map(report).transpose()?;
    let published = PublishedPolicy {
        policy_id: policy.id().to_owned(),
        canonical: policy.canonical(),
        text,
        published_at: SystemClock.now().to_string(),
        published_by: who(arguments.by.as_deref())?,
        compared,
    };
    let bytes =
        published.text.len() + published.canonical.len() + published.compared.as_ref().map_or(0, String::len);
    if bytes > MOST_BYTES {
        return Err(Failure::input(anyhow!(
            "{}: policy and report have {bytes} bytes, a row of the table up to {MOST_BYTES}; shorten the report",
            path.display()
        )));
    }
    let store = arguments.store.open().await?;
    let outcome = store.store.publish(&published, Instant::now() + LIMIT).await;
    let outcome = outcome.map_err(|fault| store.failed(&fault))?;
    if let Some(factor) = policy.needs_history() {
        note!(
            "it looks at the customers' history ({factor}): functions start with it only where HISTORY says where that is kept"
        );
    }
    let id = policy.id();
    let (is_new, standing) = match &outcome {
        Publication::New => (true, &published),
        Publication::Before(before) => (false, &**before),
    };
    if arguments.json {
        print_line(json!({
            "policy_id": id,
            "new": is_new,
            "published_at": standing.published_at,
            "published_by": standing.published_by,
        }))?;
    } else if is_new {
        print_line(format_args!("{id} published to {}", store.table))?;
    } else {
        let PublishedPolicy { published_by, published_at, .. } = standing;
        print_line(format_args!(
            "{id} was published before, by {published_by} at {published_at}; nothing is changed"
        ))?;
    }
    if !is_new && published.compared.is_some() && published.compared != standing.compared {
        note!("what it was compared with stays as it was published");
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    text.map_err(Failure::input)
}

/// A report's text.
fn report(path: &Path) -> Result<String, Failure> {
    let text = read(path)?;
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::input(anyhow!("{} is not JSON: {error}", path.display()))),
    }
}
