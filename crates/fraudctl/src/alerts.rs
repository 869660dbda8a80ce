//! The alert ledger: alerts whose sender died, and what is on record of an alert.

use std::time::Duration;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::{Args, Subcommand};
use fraud_aws::config::AlertLedgerTarget;
use fraud_aws::ledger::{DynamoDbLedger, LedgerFault, Pending};

use crate::Failure;
use crate::display::{counted, progress, thousands};
use crate::options::named;

mod pending;
mod proof;
mod scored_line;
mod send;
mod show;
mod story;

/// What can be done with alerts.
#[derive(Debug, Subcommand)]
pub enum AlertsCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Pending(pending::PendingAlertsArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Show(show::ShowAlertArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Send(send::SendAlertsArgs),
}

/// The ledger.
#[derive(Debug, Args)]
struct LedgerArgs {
    /// The ledger: `dynamodb:<table>` [env: ALERT_LEDGER]
    #[arg(long, value_name = "TARGET")]
    ledger: Option<String>,
}

impl LedgerArgs {
    /// The ledger, and the settings of AWS's clients.
    async fn open(&self) -> Result<(DynamoDbLedger, Sdk), Failure> {
        match named("--ledger", "ALERT_LEDGER", self.ledger.as_deref(), AlertLedgerTarget::from_environment)?
        {
            AlertLedgerTarget::DynamoDb { table, retention } => {
                let sdk = crate::aws::sdk().await?;
                Ok((DynamoDbLedger::new(sdk.config().await, table, retention), sdk))
            }
            AlertLedgerTarget::Memory => {
                Err(Failure::input(anyhow!("a ledger in the memory of another process cannot be read")))
            }
        }
    }
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &AlertsCommand) -> Result<(), Failure> {
    match command {
        AlertsCommand::Pending(arguments) => pending::run(arguments).await,
        AlertsCommand::Show(arguments) => show::run(arguments).await,
        AlertsCommand::Send(arguments) => send::run(arguments).await,
    }
}

/// Searches the whole ledger for alerts whose sender died.
async fn search(ledger: &DynamoDbLedger) -> Result<Pending, Failure> {
    use fraud_aws::clock::{Clock, SystemClock};
    let bar = progress(None);
    bar.enable_steady_tick(Duration::from_millis(200));
    let pending = ledger.pending(SystemClock.now(), |searched| {
        bar.set_message(format!(
            "{} read, {} pending",
            counted(searched.rows, "row"),
            thousands(searched.found)
        ));
    });
    let pending = pending.await;
    bar.finish_and_clear();
    pending.map_err(|fault| unreadable(&fault))
}

fn unreadable(fault: &LedgerFault) -> Failure {
    Failure::Failed(anyhow!("cannot read the ledger: {fault}"))
}
