//! The customers' history: what a row says, its end, and rows for a past that is in the lake.

use std::time::Duration;

use anyhow::anyhow;
use aws_calls::fault::CallFault;
use clap::{Args, Subcommand};
use fraud_aws::config::HistoryTarget;
use fraud_aws::history::{DynamoDbHistory, HistoryRow};
use tokio::time::Instant;

use crate::Failure;
use crate::options::named;

mod backfill;
mod delete;
mod show;

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// What can be done with histories.
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Backfill(backfill::BackfillHistoryArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowHistoryArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Delete(delete::DeleteHistoryArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &HistoryCommand) -> Result<(), Failure> {
    match command {
        HistoryCommand::Backfill(arguments) => backfill::run(arguments).await,
        HistoryCommand::Show(arguments) => show::run(arguments).await,
        HistoryCommand::Delete(arguments) => delete::run(arguments).await,
    }
}

/// The table of histories.
#[derive(Debug, Args)]
struct TableArgs {
    /// The table of histories: `dynamodb:<table>` [env: HISTORY]
    #[arg(long, value_name = "TARGET")]
    table: Option<String>,
}

/// A table of histories, and what it is called.
struct HistoryTable {
    rows: DynamoDbHistory,
    name: String,
}

impl TableArgs {
    async fn open(&self) -> Result<HistoryTable, Failure> {
        HistoryTable::open(table("--table", self.table.as_deref())?).await
    }
}

/// The name of the table that a flag names, or HISTORY.
fn table(flag: &'static str, value: Option<&str>) -> Result<String, Failure> {
    match named(flag, "HISTORY", value, HistoryTarget::from_environment)? {
        HistoryTarget::DynamoDb { table } => Ok(table),
        HistoryTarget::Memory => {
            Err(Failure::input(anyhow!("a history in the memory of another process is out of reach")))
        }
        HistoryTarget::None => {
            Err(Failure::input(anyhow!("no table is named: give {flag} dynamodb:<table>, or set HISTORY")))
        }
    }
}

impl HistoryTable {
    async fn open(name: String) -> Result<Self, Failure> {
        let rows = DynamoDbHistory::new(crate::aws::sdk().await?.config().await, &name);
        Ok(HistoryTable { rows, name })
    }

    /// A customer's row.
    ///
    /// # Errors
    /// If the table cannot be read, or has no row of the customer.
    async fn row(&self, customer: &str) -> anyhow::Result<HistoryRow> {
        let row = self.rows.row(customer, Instant::now() + LIMIT).await;
        let row = row.map_err(|fault| self.cannot("read", &fault))?;
        row.ok_or_else(|| anyhow!("the table {} has no history of {customer}", self.name))
    }

    fn cannot(&self, what: &str, fault: &CallFault) -> anyhow::Error {
        anyhow!("cannot {what} the table {}: {fault}", self.name)
    }
}
