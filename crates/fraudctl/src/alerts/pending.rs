//! Alerts whose sender died.

use anyhow::anyhow;
use clap::Args;
use exact_text::json::ObjectWriter;
use fraud_aws::ledger::{Pending, PendingAlert};
use serde_json::Value;

use super::{LedgerArgs, search};
use crate::Failure;
use crate::display::{Table, counted, note, print_line, table, three_places};

/// List alerts that were claimed and never sent: their sender died or gave them up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl alerts pending --ledger dynamodb:alert_ledger
  fraudctl alerts pending --ledger dynamodb:alert_ledger --json

Reads the whole table. Lambda redelivers a record whose alert could not be sent, and the function then sends the alert. An
alert that is still pending after the mapping's retries are over is sent only by `fraudctl alerts send`.")]
pub struct PendingAlertsArgs {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the ledger is not said, or it or a row of it cannot be read.
pub(super) async fn run(arguments: &PendingAlertsArgs) -> Result<(), Failure> {
    let (ledger, _) = arguments.ledger.open().await?;
    let Pending { alerts, unreadable } = search(&ledger).await?;
    if arguments.json {
        alerts.iter().map(json).try_for_each(print_line)?;
    } else if !alerts.is_empty() {
        print_line(rows(&alerts))?;
    } else if unreadable.is_empty() {
        print_line("no alert is pending")?;
    }
    for (id, fault) in &unreadable {
        note!("{id}: {fault}");
    }
    match unreadable.len() as u64 {
        0 => Ok(()),
        count => Err(anyhow!("{} cannot be read, see above", counted(count, "pending row")).into()),
    }
}

pub(super) fn rows(pending: &[PendingAlert]) -> Table {
    let columns = ["alert", "score", "amount", "reasons", "claimed at", "may have been sent"];
    let mut shown = table(&columns, &["score", "amount"]);
    for alert in pending {
        shown.add_row([
            alert.alert_id.clone(),
            three_places(&alert.fraud_score),
            alert.transaction_amount.clone(),
            reason_names(&alert.reasons),
            alert.claimed_at.clone(),
            if alert.may_have_been_sent { "yes" } else { "no" }.to_owned(),
        ]);
    }
    shown
}

/// The names of a message's reasons.
fn reason_names(reasons: &str) -> String {
    let reasons: Vec<Value> = serde_json::from_str(reasons).unwrap_or_default();
    reasons.iter().filter_map(|reason| reason["name"].as_str()).collect::<Vec<_>>().join(" ")
}

fn json(alert: &PendingAlert) -> String {
    let flag = |flag| if flag { "true" } else { "false" };
    let mut object = ObjectWriter::new();
    object
        .text("alert_id", &alert.alert_id)
        .json("fraud_score", &alert.fraud_score)
        .json("transaction_amount", &alert.transaction_amount)
        .json("reasons", &alert.reasons)
        .text("claimed_at", &alert.claimed_at)
        .json("given_up", flag(alert.given_up))
        .json("may_have_been_sent", flag(alert.may_have_been_sent));
    object.finish()
}
