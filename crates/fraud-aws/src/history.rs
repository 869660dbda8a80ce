//! The customers' history: the port, and what implements it.
//!
//! A row and the claims of its high scores are one write: that a transaction was decided high and taken in, and that the
//! ledger holds its alert, is one fact.

use std::future::Future;
use std::marker::PhantomData;

use aws_calls::fault::{CallFault, FaultKind};
use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use fraud_core::history::{DamagedRow, History};
use tokio::time::Instant;

use crate::config::HISTORY;
use crate::ledger::{AlertLedger, Claim, LedgerFault, StandingClaim};
use crate::port::{Call, Port};

mod connect;
mod dynamodb;
mod memory;
mod table;

pub use connect::{HistoryError, HistoryRows};
pub use dynamodb::{Deleted, DynamoDbHistory, HistoryRow};
pub use memory::MemoryHistory;
pub use table::TABLE;

/// The port as data, for who writes rows and claims. The ledger's rows are read, too: of a transaction that is forgotten it
/// tells whether an alert was claimed.
pub const PORT: Port = Port {
    name: "history",
    variable: HISTORY,
    calls: &[
        Call::new("BatchGetItem", "dynamodb:BatchGetItem"),
        Call::new("GetItem", "dynamodb:GetItem"),
        Call::new("PutItem", "dynamodb:PutItem"),
        Call::new("TransactWriteItems", "dynamodb:PutItem"),
    ],
};

/// The port as data, for who only reads them.
pub const READING_PORT: Port =
    Port { name: "history", variable: HISTORY, calls: &[Call::new("BatchGetItem", "dynamodb:BatchGetItem")] };

/// Days after its last write that a row is kept: longer than anything that it says counts.
pub const ROW_DAYS: i64 = 70;

/// Keeps one row for each customer.
pub trait HistoryStore: Send + Sync {
    /// The ledger whose claims go with rows.
    type Ledger: AlertLedger;

    /// The rows of distinct customers as they are after every write that was answered: one for each, in that order. Answers by
    /// `deadline` at the latest.
    fn read(
        &self,
        customers: &[&str],
        deadline: Instant,
    ) -> impl Future<Output = Vec<Result<StoredHistory, CallFault>>> + Send;

    /// Writes a row if it still has the version that was read, and claims alerts that nobody claimed yet; all of it, or
    /// nothing.
    ///
    /// # Errors
    /// [`HistoryFault`]; whether the write was made is then unknown. Reading the row tells.
    fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &Self::Ledger,
        deadline: Instant,
    ) -> impl Future<Output = Result<Written, HistoryFault>> + Send;
}

/// What histories said of a batch's records, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistoryCounts {
    /// Records whose transaction is forgotten.
    pub expired: usize,
    /// Records of customers whose row cannot be read.
    pub invalid: usize,
}

/// A customer's row.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredHistory {
    /// How often it was written; 0 if there is none.
    pub version: u64,
    /// What it says; nothing if there is none.
    pub history: Result<History, InvalidRow>,
}

/// A row that cannot be read. It is not written over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRow {
    /// Its state is damaged, or that of a later release.
    #[error(transparent)]
    Damaged(#[from] DamagedRow),
    /// An attribute is missing, or of another type.
    #[error("the row's `{0}` is missing or of another type")]
    Attribute(&'static str),
}

/// A write of a customer's row.
#[derive(Debug, Clone, Copy)]
pub struct RowWrite<'a> {
    /// The customer.
    pub customer_id: &'a str,
    /// The version that was read; 0 if there was no row.
    pub version: u64,
    /// What it is to say.
    pub history: &'a History,
    /// The alerts that are claimed with it, no two with one id.
    pub alerts: &'a [&'a Alert],
    /// Who claims them.
    pub claim: &'a Claim,
    /// Now.
    pub at: Timestamp,
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It was made.
    Done,
    /// The row has another version: nothing was written.
    Conflict,
    /// Alerts are claimed already: nothing was written.
    Claimed(Vec<StandingClaim>),
}

/// Why a row was not written, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryFault {
    /// The call failed, after retries.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// An alert cannot be put into the ledger, and never will.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// Rows and claims are of different kinds, so that they cannot be one write.
    #[error("HISTORY and ALERT_LEDGER must both be `dynamodb:` or both be `memory:`")]
    Apart,
}

impl HistoryFault {
    /// Whether the same write may succeed another time.
    pub fn is_transient(&self) -> bool {
        match self {
            HistoryFault::Call(_) => true,
            HistoryFault::Ledger(fault) => fault.is_transient(),
            HistoryFault::Apart => false,
        }
    }
}

/// No history, beside any ledger: for policies that do not look at it.
#[derive(Debug)]
pub struct NoHistory<Ledger>(PhantomData<fn() -> Ledger>);

impl<Ledger> Default for NoHistory<Ledger> {
    fn default() -> Self {
        NoHistory(PhantomData)
    }
}

impl<Ledger: AlertLedger> HistoryStore for NoHistory<Ledger> {
    type Ledger = Ledger;

    async fn read(&self, customers: &[&str], _deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        vec![Err(CallFault::new(FaultKind::NotSent, "no history")); customers.len()]
    }

    async fn write(
        &self,
        _write: RowWrite<'_>,
        _ledger: &Ledger,
        _deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        Err(CallFault::new(FaultKind::NotSent, "no history").into())
    }
}

#[cfg(test)]
mod tests;
