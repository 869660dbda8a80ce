//! What is on record of an alert.

use anyhow::anyhow;
use clap::Args;
use fraud_aws::ledger::AuditValue;

use super::{LedgerArgs, unreadable};
use crate::Failure;
use crate::display::{on_one_line, print_line};

/// Show an alert's whole row, its message included.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl alerts show C000042/T000007 --ledger dynamodb:alert_ledger
  fraudctl alerts show C000042/T000007 --ledger dynamodb:alert_ledger --json | jq -r .message

The message is shown as it was sent, or will be sent. Characters that would control the terminal are escaped as in JSON, so
that the JSON value stays the same.")]
pub struct ShowAlertArgs {
    /// The alert's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// The row as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the ledger is not said, cannot be read, or has no such alert.
pub(super) async fn run(arguments: &ShowAlertArgs) -> Result<(), Failure> {
    let ledger = arguments.ledger.open(&crate::aws::sdk().await?).await?;
    let row = ledger.row(&arguments.id).await.map_err(|fault| unreadable(&fault))?;
    let row = row.ok_or_else(|| anyhow!("the ledger has no alert {}", arguments.id))?;
    if arguments.json {
        print_line(row.to_json())?;
        return Ok(());
    }
    for (name, value) in row.attributes() {
        let text = match value {
            AuditValue::Text(text) | AuditValue::Number(text) => text.to_owned(),
            AuditValue::Flag(flag) => flag.to_string(),
            AuditValue::Other(other) => format!("{other:?}"),
        };
        print_line(format_args!("{:>19}  {}", on_one_line(name), on_one_line(&text)))?;
    }
    Ok(())
}
