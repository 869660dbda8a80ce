//! The alert ledger: alerts whose sender died, and what is on record of an alert.

use std::time::Duration;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::{Args, Subcommand};
use fraud_aws::config::{AlertLedgerTarget, Environment};
use fraud_aws::ledger::{DynamoDbLedger, LedgerFault, Pending};

use crate::Failure;
use crate::display::{counted, progress, thousands};
use crate::options::with_options;

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
    /// The ledger: `dynamodb:<table>`; the default is ALERT_LEDGER.
    #[arg(long, value_name = "TARGET")]
    ledger: Option<String>,
}

impl LedgerArgs {
    async fn open(&self, sdk: &Sdk) -> Result<DynamoDbLedger, Failure> {
        let options = [("ALERT_LEDGER", self.ledger.clone())];
        let lookup = with_options(&options);
        match AlertLedgerTarget::from_environment(Environment::new(&lookup)).map_err(Failure::input)? {
            AlertLedgerTarget::DynamoDb { table, retention } => {
                Ok(DynamoDbLedger::new(sdk.config().await, table, retention))
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
