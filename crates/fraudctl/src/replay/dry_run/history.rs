//! Histories that start with what the table holds, and continue in memory.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_calls::fault::CallFault;
use fraud_aws::history::{HistoryFault, HistoryRows, HistoryStore, RowWrite, StoredHistory, Written};
use tokio::time::Instant;

use super::DryRunLedger;

/// The histories.
#[derive(Debug)]
pub(in crate::replay) struct DryRunHistory {
    table: HistoryRows,
    /// The rows that were written here.
    written: Mutex<HashMap<String, StoredHistory>>,
}

impl DryRunHistory {
    pub(super) fn over(table: HistoryRows) -> Self {
        DryRunHistory { table, written: Mutex::default() }
    }

    fn written(&self) -> MutexGuard<'_, HashMap<String, StoredHistory>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HistoryStore for DryRunHistory {
    type Ledger = DryRunLedger;

    async fn read(&self, customers: &[&str], deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        let mut rows = self.table.read(customers, deadline).await;
        let written = self.written();
        for (row, customer) in rows.iter_mut().zip(customers) {
            if let Some(own) = written.get(*customer) {
                *row = Ok(own.clone());
            }
        }
        rows
    }

    async fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &DryRunLedger,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        let mut standing = Vec::new();
        for alert in write.alerts {
            standing.extend(ledger.table.standing(alert, deadline).await?);
        }
        if standing.is_empty() {
            standing = ledger.memory.claim_all(write.alerts, write.claim);
        }
        if !standing.is_empty() {
            return Ok(Written::Claimed(standing));
        }
        let history = Ok(write.history.clone());
        let row = StoredHistory { version: write.version + 1, history };
        self.written().insert(write.customer_id.to_owned(), row);
        Ok(Written::Done)
    }
}
