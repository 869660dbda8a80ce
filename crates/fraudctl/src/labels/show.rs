//! What is said of a transaction.

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::Args;
use fraud_aws::labels::{DynamoDbLabels, FileLabels, LabelStore, StoredLabels};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::LIMIT;
use super::target::{Kept, kept};
use crate::Failure;
use crate::display::{on_one_line, print_line, table};

/// Show what is said of a transaction, by whom, and on which merchant's day it counts.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl labels show C000042/T000007 --table dynamodb:labels
  fraudctl labels show C000042/T000007 --table file:labels.kept --json")]
pub struct ShowLabelsArgs {
    /// The transaction's identity (decision_id), or the alert's id.
    #[arg(value_name = "ID")]
    id: String,
    /// Where labels are kept: `dynamodb:<table>` or `file:<path>`.
    #[arg(long, value_name = "TARGET", value_parser = kept)]
    table: Kept,
    /// Print the row as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if the labels cannot be read, or nothing is said of the transaction.
pub(super) async fn run(arguments: &ShowLabelsArgs) -> Result<(), Failure> {
    let deadline = Instant::now() + LIMIT;
    let stored = match &arguments.table {
        Kept::Table(name) => {
            let sdk: Sdk = crate::aws::sdk().await?;
            DynamoDbLabels::new(sdk.config().await, name, "").read(&arguments.id, deadline).await
        }
        Kept::File(path) => FileLabels::look_up(path, &arguments.id),
    };
    let stored = stored.map_err(anyhow::Error::from)?;
    if stored.version == 0 {
        return Err(anyhow!("nothing is said of {}", arguments.id).into());
    }
    match arguments.json {
        true => Ok(print_line(row(&arguments.id, &stored))?),
        false => print(&stored),
    }
}

fn row(id: &str, stored: &StoredLabels) -> Value {
    let statements: Vec<Value> = stored
        .labelled
        .statements()
        .iter()
        .map(|statement| serde_json::from_str(&statement.to_json()).unwrap_or_default())
        .collect();
    let counted = stored.labelled.counted();
    json!({
        "decision_id": id,
        "verdict": stored.labelled.verdict().map(|statement| statement.verdict.as_str()),
        "statements": statements,
        "merchant_id": counted.map(|counted| &counted.merchant_id),
        "day": counted.map(|counted| counted.day),
        "ordinary": counted.map(|counted| counted.ordinary),
        "changed_by": stored.changed_by,
        "changed_at": stored.changed_at,
    })
}

fn print(stored: &StoredLabels) -> Result<(), Failure> {
    let holding = stored.labelled.verdict();
    let mut shown = table(&["source", "verdict", "reported at", "holds"], &[]);
    for statement in stored.labelled.statements() {
        let holds = if holding == Some(statement) { "yes" } else { "" };
        let reported = statement.reported_at.to_string();
        shown.add_row([statement.source.as_str(), statement.verdict.as_str(), &reported, holds]);
    }
    print_line(shown)?;
    if let Some(fraud) = stored.labelled.counted() {
        let day = chrono::NaiveDate::from_epoch_days(fraud.day);
        let day = day.map_or_else(|| fraud.day.to_string(), |day| day.to_string());
        let ordinary = if fraud.ordinary { " as ordinary" } else { "" };
        print_line(format_args!(
            "counted on {day} of merchant/{}{ordinary}",
            on_one_line(&fraud.merchant_id)
        ))?;
    }
    let (by, at) = (on_one_line(&stored.changed_by), &stored.changed_at);
    Ok(print_line(format_args!("last changed by {by} at {at}"))?)
}
