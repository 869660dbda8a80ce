//! Histories in this process's memory, for development and tests: as bytes, as a table has them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_calls::fault::CallFault;
use fraud_core::history::History;
use tokio::time::Instant;

use super::{HistoryFault, HistoryStore, RowWrite, StoredHistory, Written};
use crate::ledger::MemoryLedger;

/// The rows by customer.
#[derive(Debug, Default)]
pub struct MemoryHistory(Mutex<HashMap<String, Row>>);

#[derive(Debug)]
struct Row {
    version: u64,
    state: Vec<u8>,
}

impl MemoryHistory {
    fn rows(&self) -> MutexGuard<'_, HashMap<String, Row>> {
        // Every change under the lock is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a row's bytes in place of what there is.
    pub fn put(&self, customer_id: &str, version: u64, state: Vec<u8>) {
        self.rows().insert(customer_id.to_owned(), Row { version, state });
    }
}

impl HistoryStore for MemoryHistory {
    type Ledger = MemoryLedger;

    async fn read(&self, customers: &[&str], _deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        let rows = self.rows();
        let of = |customer: &&str| match rows.get(*customer) {
            None => StoredHistory { version: 0, history: Ok(History::default()) },
            Some(row) => StoredHistory {
                version: row.version,
                history: History::decode(&row.state).map_err(Into::into),
            },
        };
        customers.iter().map(|customer| Ok(of(customer))).collect()
    }

    async fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &MemoryLedger,
        _deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        let mut rows = self.rows();
        if rows.get(write.customer_id).map_or(0, |row| row.version) != write.version {
            return Ok(Written::Conflict);
        }
        let standing = ledger.claim_all(write.alerts, write.claim);
        if !standing.is_empty() {
            return Ok(Written::Claimed(standing));
        }
        let row = Row { version: write.version + 1, state: write.history.encode() };
        rows.insert(write.customer_id.to_owned(), row);
        Ok(Written::Done)
    }
}
