//! What the ledger knows of a label's transaction.

use anyhow::anyhow;
use clap::Args;
use fraud_aws::config::AlertLedgerTarget;
use fraud_aws::ledger::{DynamoDbLedger, LedgerFault};
use fraud_core::label::Details;
use fraud_core::policy::HistorySettings;

use crate::Failure;
use crate::options::named;

/// The ledger, if it is to be asked.
#[derive(Debug, Args)]
pub(super) struct LedgerArgs {
    /// Ask this ledger for the transactions of labels that do not tell merchant, time and amount: `dynamodb:<table>`.
    #[arg(long, value_name = "TARGET")]
    ledger: Option<String>,
}

impl LedgerArgs {
    /// # Errors
    /// [`Failure::Input`] if it is not a table.
    pub(super) async fn open(&self) -> Result<Option<DynamoDbLedger>, Failure> {
        let Some(target) = &self.ledger else { return Ok(None) };
        match named("--ledger", "ALERT_LEDGER", Some(target), AlertLedgerTarget::from_environment)? {
            AlertLedgerTarget::DynamoDb { table, retention } => {
                let sdk = crate::aws::sdk().await?;
                Ok(Some(DynamoDbLedger::new(sdk.config().await, table, retention)))
            }
            AlertLedgerTarget::Memory => {
                Err(Failure::input(anyhow!("a ledger in the memory of another process cannot be read")))
            }
        }
    }
}

/// What the ledger knows of an alert's transaction; `None` if it has no such alert.
///
/// # Errors
/// [`Failure::Failed`] if the ledger does not answer. A row that cannot be read is as none.
pub(super) async fn of_ledger(
    ledger: &DynamoDbLedger,
    alert_id: &str,
    settings: Option<HistorySettings>,
) -> Result<Option<Details>, Failure> {
    match ledger.row(alert_id).await {
        Ok(row) => Ok(row.and_then(|row| row.alert().ok()).map(|alert| Details::of_alert(&alert, settings))),
        Err(LedgerFault::Call(fault)) => Err(anyhow!("cannot read the ledger: {fault}").into()),
        Err(_) => Ok(None),
    }
}
