//! The ledger that the configuration names.

use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use tokio::time::Instant;

use super::{
    AlertLedger, Claim, Claimed, DynamoDbLedger, LedgerFault, Marked, MemoryLedger, OnRecord, Release,
};
use crate::config::AlertLedgerTarget;
use aws_calls::sdk::Sdk;

/// A ledger of either kind.
#[derive(Debug)]
pub enum Ledger {
    /// A DynamoDB table.
    DynamoDb(DynamoDbLedger),
    /// This process's memory.
    Memory(MemoryLedger),
}

impl Ledger {
    /// Opens the ledger. A table is not asked for anything yet.
    pub async fn connect(target: &AlertLedgerTarget, sdk: &Sdk) -> Self {
        match target {
            AlertLedgerTarget::DynamoDb { table, retention } => {
                Ledger::DynamoDb(DynamoDbLedger::new(sdk.config().await, table, *retention))
            }
            AlertLedgerTarget::Memory => Ledger::Memory(MemoryLedger::default()),
        }
    }
}

impl AlertLedger for Ledger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        match self {
            Ledger::DynamoDb(ledger) => ledger.claim(alert, claim, deadline).await,
            Ledger::Memory(ledger) => ledger.claim(alert, claim, deadline).await,
        }
    }

    async fn find(&self, alert: &Alert, deadline: Instant) -> Result<Option<OnRecord>, LedgerFault> {
        match self {
            // Boxed: every record of a history has this future within its own, and few make the call.
            Ledger::DynamoDb(ledger) => Box::pin(ledger.find(alert, deadline)).await,
            Ledger::Memory(ledger) => ledger.find(alert, deadline).await,
        }
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        match self {
            Ledger::DynamoDb(ledger) => ledger.mark_sent(alert_id, claim, sent_at, deadline).await,
            Ledger::Memory(ledger) => ledger.mark_sent(alert_id, claim, sent_at, deadline).await,
        }
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        match self {
            Ledger::DynamoDb(ledger) => ledger.release(alert_id, claim, release, deadline).await,
            Ledger::Memory(ledger) => ledger.release(alert_id, claim, release, deadline).await,
        }
    }
}
