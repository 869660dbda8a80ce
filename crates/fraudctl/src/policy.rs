//! Policies: what is wrong with one, what it does, and the store of published ones.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use fraud_aws::config::policy_store;
use fraud_aws::policies::{PolicyStore, PublishedPolicy, StoreFault};
use fraud_core::policy::{Policy, PolicyError};
use tokio::time::Instant;

use crate::Failure;
use crate::options::named;

mod check;
mod diff;
mod explain;
mod export;
mod fit;
mod known;
mod list;
mod publish;
mod schema;
mod show;
mod threshold;

pub(crate) use known::known_policies;

/// No answer of the store takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// What can be done with policies.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Check(check::CheckArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Explain(explain::ExplainArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Schema(schema::SchemaArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Publish(publish::PublishPolicyArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    List(list::ListPoliciesArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowPolicyArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Export(export::ExportPolicyArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Diff(diff::DiffArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Threshold(threshold::ThresholdArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Fit(fit::FitArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Check(arguments) => check::run(arguments),
        PolicyCommand::Explain(arguments) => explain::run(arguments),
        PolicyCommand::Schema(_) => schema::run(),
        PolicyCommand::Publish(arguments) => publish::run(arguments).await,
        PolicyCommand::List(arguments) => list::run(arguments).await,
        PolicyCommand::Show(arguments) => show::run(arguments).await,
        PolicyCommand::Export(arguments) => export::run(arguments).await,
        PolicyCommand::Diff(arguments) => diff::run(arguments).await,
        PolicyCommand::Threshold(arguments) => threshold::run(arguments).await,
        PolicyCommand::Fit(arguments) => fit::run(arguments),
    }
}

/// The store of published policies.
#[derive(Debug, Args)]
struct StoreArgs {
    /// The store: `dynamodb:<table>` [env: POLICY_STORE]
    #[arg(long, value_name = "TARGET")]
    store: Option<String>,
}

/// A store, and what its table is called.
struct OpenStore {
    store: PolicyStore,
    table: String,
}

impl StoreArgs {
    async fn open(&self) -> Result<OpenStore, Failure> {
        let table = named("--store", "POLICY_STORE", self.store.as_deref(), policy_store)?;
        let table = table.ok_or_else(|| {
            Failure::input(anyhow!("no store is named: give --store dynamodb:<table>, or set POLICY_STORE"))
        })?;
        let store = PolicyStore::connect(&table, &crate::aws::sdk().await?).await;
        Ok(OpenStore { store, table })
    }
}

impl OpenStore {
    /// A published policy.
    async fn policy(&self, id: &str) -> Result<PublishedPolicy, Failure> {
        let policy = self.store.get(id, Instant::now() + LIMIT).await.map_err(|fault| self.failed(&fault))?;
        policy.ok_or_else(|| {
            anyhow!("the table {} has no policy {id}; fraudctl policy list tells which it has", self.table)
                .into()
        })
    }

    /// Every published policy, in no order.
    async fn all(&self) -> Result<Vec<PublishedPolicy>, Failure> {
        let (mut policies, mut start) = (Vec::new(), None);
        loop {
            let page = self.store.page(start, Instant::now() + LIMIT).await;
            let (page, next) = page.map_err(|fault| self.failed(&fault))?;
            policies.extend(page);
            start = next;
            if start.is_none() {
                return Ok(policies);
            }
        }
    }

    fn failed(&self, fault: &StoreFault) -> Failure {
        Failure::Failed(anyhow!("the table {}: {fault}", self.table))
    }
}

/// The published policies of a store, `dynamodb:<table>`; `None` stands for `POLICY_STORE`.
///
/// # Errors
/// [`Failure`] if the store is not said or cannot be read, or a text of it is not a valid policy.
pub(crate) async fn published_policies(store: Option<String>) -> Result<Vec<Policy>, Failure> {
    let published = StoreArgs { store }.open().await?.all().await?;
    let parsed = published.iter().map(|policy| {
        Policy::parse(&policy.text).map_err(|error| Failure::input(anyhow!("{}: {error}", policy.policy_id)))
    });
    parsed.collect()
}

/// A published policy as JSON.
fn json(policy: &PublishedPolicy) -> serde_json::Value {
    let PublishedPolicy { policy_id, text, canonical, published_at, published_by, compared } = policy;
    // What is not JSON any more is shown as the text that it is.
    let compared = compared.as_ref().map(|compared| {
        serde_json::from_str(compared).unwrap_or_else(|_| serde_json::Value::from(compared.as_str()))
    });
    serde_json::json!({
        "policy_id": policy_id,
        "published_at": published_at,
        "published_by": published_by,
        "compared": compared,
        "text": text,
        "canonical": canonical,
    })
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
