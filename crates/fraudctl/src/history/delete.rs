//! The end of a customer's history.

use anyhow::anyhow;
use clap::Args;
use fraud_aws::history::Deleted;
use serde_json::json;
use tokio::time::Instant;

use super::{LIMIT, TableArgs};
use crate::Failure;
use crate::display::{counted, note, print_line};

/// Delete a customer's history for good, to erase it or because the row is damaged.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl history delete C000042 --table dynamodb:customer_history
  fraudctl history delete C000042 --table dynamodb:customer_history --yes

Without --yes the command says what would be deleted, and deletes nothing.

The customer's next transaction is then decided as the first one. Records that arrived before and are delivered or replayed
again are taken in again and count as new; an alert that was sent for one is not sent again, because the ledger remembers it.
The row is deleted only if it was not written since it was read. To erase a customer, stop what writes the customer's rows
first, and erase the lake, the raw backup, the ledger, the aggregates and the dead letters too.

Exit status: 0 the row was deleted, 1 there is none, it was written in between, or the table refused, 2 --yes is missing.")]
pub struct DeleteHistoryArgs {
    /// The customer's id.
    #[arg(value_name = "CUSTOMER")]
    customer: String,
    #[command(flatten)]
    table: TableArgs,
    /// Delete it; it cannot be restored.
    #[arg(long)]
    yes: bool,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if no table is said or --yes is missing; [`Failure::Failed`] if there is no row, it was written in
/// between, or the table does not answer.
pub(super) async fn run(arguments: &DeleteHistoryArgs) -> Result<(), Failure> {
    let DeleteHistoryArgs { customer, table, yes, json } = arguments;
    let table = table.open().await?;
    let row = table.row(customer).await?;
    let holds = match &row.history {
        Ok(history) => {
            format!("{} remembered one by one", counted(history.entries().len() as u64, "transaction"))
        }
        Err(fault) => format!("not readable: {fault}"),
    };
    let version = row.version.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
    if !yes {
        note!("{}: version {version}, {holds}", table.name);
        note!(
            "records of this customer that are delivered or replayed again after it is deleted are taken in again, and count"
        );
        return Err(Failure::input(anyhow!(
            "nothing was deleted: give --yes to delete the history for good"
        )));
    }
    let deleted = table.rows.delete(customer, &row, Instant::now() + LIMIT).await;
    match deleted.map_err(|fault| table.cannot("write to", &fault))? {
        Deleted::Done if *json => {
            Ok(print_line(json!({ "customer_id": customer, "deleted": true, "version": row.version }))?)
        }
        Deleted::Done => {
            Ok(print_line(format_args!("the history of {customer} is deleted: version {version}, {holds}"))?)
        }
        Deleted::Conflict => {
            Err(anyhow!("the history was written or deleted in between; nothing was deleted: run it again")
                .into())
        }
    }
}
