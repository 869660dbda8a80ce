//! Why an alert was raised, and what is on record of it.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use fraud_aws::ledger::{AuditRow, AuditValue};
use fraud_core::alert::Alert;
use fraud_core::verify::Verifier;

use super::proof::Proof;
use super::scored_line::ScoredLine;
use super::story::{OnRecord, Story};
use super::{LedgerArgs, unreadable};
use crate::Failure;
use crate::display::{note, on_one_line, print_line};
use crate::input::{Input, Source};
use crate::policy::known_policies;

/// Tell why an alert was raised, what became of it, and where its record lies.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl alerts show C000042/T000007 --ledger dynamodb:alert_ledger
  fraudctl alerts show C000042/T000007 --policies store --scored 'lake/year=2026/month=01/day=15/**'
  fraudctl alerts show C000042/T000007 --policies policies --html why.html
  fraudctl alerts show C000042/T000007 --messages alerts.ndjson --json | jq .decision.factors

The decision is told factor by factor: the points, what was observed, and the band or condition that was met or not. It is computed
again from the message and the policy's text; with --scored also from the transaction's line in the lake, which has all that
the producer wrote. The alert of a policy that looks at amount, risk and hour alone tells of the customer's risk in its reasons only.

A section `ledger` tells what the ledger noted; messages of the archive have none. JSON has all of it, and the ledger's row under
`row`.")]
pub struct ShowAlertArgs {
    /// The alert's id.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Take the alert from messages in files, such as the archive's, and not from the ledger.
    #[arg(long, value_name = "FILE|DIR|PATTERN", conflicts_with = "ledger")]
    messages: Vec<Source>,
    /// The policies beside the built-in one: a file, a folder of `.toml` files, `dynamodb:<table>`, or `store` for POLICY_STORE.
    #[arg(long, value_name = "FILE|DIR|STORE")]
    policies: Vec<PathBuf>,
    /// Search these files for the transaction's scored line.
    #[arg(long, value_name = "FILE|DIR|PATTERN")]
    scored: Vec<Source>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    /// Write the story as a page of its own into this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the ledger is not said, a file or a policy cannot be read, or no line has the decision;
/// [`Failure::Failed`] if the ledger cannot be read, or there is no such alert.
pub(super) async fn run(arguments: &ShowAlertArgs) -> Result<(), Failure> {
    let verifier = Verifier::new(known_policies(&arguments.policies).await?, None);
    let (alert, row) = match arguments.messages.is_empty() {
        true => of_ledger(arguments).await?,
        false => (of_files(arguments)?, None),
    };
    let line = match arguments.scored.is_empty() {
        true => None,
        false => Some(ScoredLine::search(&arguments.scored, &alert)?),
    };
    let proof = Proof::of(&alert, line.as_ref(), &verifier);
    let policy = verifier.policy(&alert.policy);
    let on_record = OnRecord { alert: &alert, row: row.as_ref(), line: line.as_ref(), policy, proof: &proof };
    let story = Story::of(&on_record);
    if let Some(path) = &arguments.html {
        let written = std::fs::write(path, story.to_page());
        written.with_context(|| format!("cannot write {}", path.display())).map_err(Failure::input)?;
        note!("written: {}", path.display());
    }
    match (arguments.json, &arguments.html) {
        (true, _) => print_line(story.to_json(row.as_ref().map(AuditRow::to_json).as_deref()))?,
        (false, None) => print_line(story)?,
        (false, Some(_)) => {}
    }
    Ok(())
}

async fn of_ledger(arguments: &ShowAlertArgs) -> Result<(Alert, Option<AuditRow>), Failure> {
    let (ledger, _) = arguments.ledger.open().await?;
    let row = ledger.row(&arguments.id).await.map_err(|fault| unreadable(&fault))?;
    let row = row.ok_or_else(|| anyhow!("the ledger has no alert {}", arguments.id))?;
    match row.alert() {
        Ok(alert) => Ok((alert, Some(row))),
        Err(fault) => {
            // What is there is all that is left to mend it by.
            match arguments.json {
                true => print_line(row.to_json())?,
                false => print_row(&row)?,
            }
            Err(unreadable(&fault))
        }
    }
}

fn print_row(row: &AuditRow) -> anyhow::Result<()> {
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

fn of_files(arguments: &ShowAlertArgs) -> Result<Alert, Failure> {
    for entry in Input::open(&arguments.messages).map_err(Failure::input)? {
        let entry = entry.map_err(Failure::input)?;
        let Ok(text) = std::str::from_utf8(&entry.bytes) else { continue };
        match Alert::from_message(text.to_owned(), None, None) {
            Ok(alert) if alert.alert_id == arguments.id => return Ok(alert),
            Ok(_) | Err(_) => {}
        }
    }
    Err(Failure::Failed(anyhow!("the files have no message of {}", arguments.id)))
}
