//! The history that the configuration names.

use aws_calls::fault::{CallFault, FaultKind};
use aws_calls::sdk::Sdk;
use fraud_core::shadow::Policies;
use tokio::time::Instant;

use super::{DynamoDbHistory, HistoryFault, HistoryStore, MemoryHistory, RowWrite, StoredHistory, Written};
use crate::config::{HISTORY, HistoryTarget};
use crate::ledger::Ledger;

/// Rows of any kind.
#[derive(Debug)]
pub enum HistoryRows {
    /// The policy does not ask for them.
    Unasked,
    /// A DynamoDB table.
    DynamoDb(DynamoDbHistory),
    /// This process's memory.
    Memory(MemoryHistory),
}

/// What keeps the history from being looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// The policy asks for it, and it is kept nowhere.
    #[error(
        "the policy {policy} looks at the customers' history ({asks}) and {variable} keeps none; it accepts {accepts}",
        variable = HISTORY.name,
        accepts = HISTORY.accepts
    )]
    Nowhere {
        /// The policy's id.
        policy: String,
        /// What asks for it: a factor, or `[history]`.
        asks: String,
    },
    /// It is kept, and the policy does not say by what.
    #[error(
        "{variable} keeps the customers' history and the policy {policy} has no [history]: name a policy that has one, or set {variable} to none:",
        variable = HISTORY.name
    )]
    Unasked {
        /// The policy's id.
        policy: String,
    },
}

impl HistoryRows {
    /// Opens the rows if a policy asks for them, and only then. A table is not asked for anything yet.
    ///
    /// # Errors
    /// [`HistoryError`] if policies and configuration differ.
    pub async fn connect(
        target: &HistoryTarget,
        policies: &Policies,
        sdk: &Sdk,
    ) -> Result<Self, HistoryError> {
        match (policies.needs_history(), target) {
            (None, HistoryTarget::None) => Ok(HistoryRows::Unasked),
            (None, _) => Err(HistoryError::Unasked { policy: policies.active().id().to_owned() }),
            (Some((policy, asks)), HistoryTarget::None) => {
                Err(HistoryError::Nowhere { policy: policy.id().to_owned(), asks: asks.to_owned() })
            }
            (Some(_), HistoryTarget::DynamoDb { table }) => {
                Ok(HistoryRows::DynamoDb(DynamoDbHistory::new(sdk.config().await, table)))
            }
            (Some(_), HistoryTarget::Memory) => Ok(HistoryRows::Memory(MemoryHistory::default())),
        }
    }
}

impl HistoryStore for HistoryRows {
    type Ledger = Ledger;

    async fn read(&self, customers: &[&str], deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        match self {
            HistoryRows::Unasked => {
                vec![Err(CallFault::new(FaultKind::NotSent, "no history")); customers.len()]
            }
            // Boxed: a call's future is large, and where rows are in memory none is made.
            HistoryRows::DynamoDb(rows) => Box::pin(rows.read(customers, deadline)).await,
            HistoryRows::Memory(rows) => rows.read(customers, deadline).await,
        }
    }

    async fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &Ledger,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        match (self, ledger) {
            (HistoryRows::DynamoDb(rows), Ledger::DynamoDb(ledger)) => {
                Box::pin(rows.write(write, ledger, deadline)).await
            }
            (HistoryRows::Memory(rows), Ledger::Memory(ledger)) => rows.write(write, ledger, deadline).await,
            _ => Err(HistoryFault::Apart),
        }
    }
}
