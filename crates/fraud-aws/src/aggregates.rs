//! What customers' windows count and come to: the port, what implements it, and how a batch's share is added so that
//! nothing counts twice.

use std::collections::HashSet;
use std::future::Future;

use aws_calls::fault::{CallFault, FaultKind};
use exact_text::timestamp::Timestamp;
use fraud_core::money::Money;
use fraud_core::window::{TransactionHash, Window, WindowRule, WindowTotals};
use tokio::time::Instant;

use crate::config::AGGREGATES;
use crate::port::{Call, Port};

mod connect;
mod count;
mod dynamodb;
mod memory;
mod row;
mod rule;
mod table;

pub use connect::Aggregates;
pub use count::{ShareOutcome, count};
pub use dynamodb::DynamoDbAggregates;
pub use memory::MemoryAggregates;
pub use rule::variables as rule_variables;
pub use table::TABLE;

/// The port as data.
pub const PORT: Port = Port {
    name: "aggregates",
    variable: AGGREGATES,
    calls: &[Call::new("UpdateItem", "dynamodb:UpdateItem")],
};

/// The most transactions of one addition. DynamoDB takes 300 operators and 4 KB in an expression (Amazon DynamoDB
/// developer guide, "Constraints", "Expression parameters"), and each transaction needs two and 27 bytes.
pub const TRANSACTIONS_AT_ONCE: usize = 100;

/// How many transactions a row remembers unless a store is told otherwise, in 27 KB: each write of a row costs a unit for
/// every KB of it.
pub const REMEMBERED: u64 = 3_000;

/// The most transactions that a row can remember, in 180 KB: a row has at most 400 (Amazon DynamoDB developer guide,
/// "Constraints", "Item size").
pub const MOST_REMEMBERED: u64 = 20_000;

/// Keeps one row for each customer and window: a count, a sum, and what they are made of.
pub trait AggregateStore: Send + Sync {
    /// How many transactions a row remembers. Another limit may have held when it was written.
    fn remembered_per_row(&self) -> u64;

    /// Makes sure that the store's windows are those of `rule`. The first rule that it is asked for is remembered for as
    /// long as the store exists, also if it holds rows that were written before it remembered any.
    ///
    /// # Errors
    /// [`AggregateFault::OtherRule`] if it remembers another, else why it did not answer.
    fn hold_to(
        &self,
        rule: &WindowRule,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), AggregateFault>> + Send;

    /// Adds transactions to a row in one piece, if the row remembers none of them and its memory is as the addition
    /// supposes; else changes nothing and tells what the row holds. Made again after it was done, it is
    /// refused by what it has added itself.
    ///
    /// # Errors
    /// [`AggregateFault`]; whether the addition was made is then unknown, and to make it again does no harm as long as
    /// the row's memory is not full.
    fn add(
        &self,
        addition: &Addition<'_>,
        deadline: Instant,
    ) -> impl Future<Output = Result<Added, AggregateFault>> + Send;

    /// A customer's latest windows that have transactions, the newest first, at most `limit` of them.
    ///
    /// # Errors
    /// [`AggregateFault`]
    fn recent(
        &self,
        customer_id: &str,
        limit: usize,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<WindowTotals>, AggregateFault>> + Send;

    /// All windows of all customers, by customer and then by time. It reads everything that there is: for reports and
    /// checks.
    ///
    /// # Errors
    /// [`AggregateFault`]
    fn all(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<WindowTotals>, AggregateFault>> + Send;
}

/// What is added to a row at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addition<'a> {
    /// The customer.
    pub customer_id: &'a str,
    /// The window.
    pub window: Window,
    /// The transactions: 1 to [`TRANSACTIONS_AT_ONCE`], no two with the same hash.
    pub transactions: &'a [Addend],
    /// What the row is supposed to recognise transactions by, and what the hashes are made of.
    pub counted_by: CountedBy,
    /// What the row's memory is supposed to be.
    pub memory: Memory,
    /// Now.
    pub at: Timestamp,
}

/// A transaction as a row counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addend {
    /// What it is remembered by.
    pub hash: TransactionHash,
    /// Its amount, above zero; `None` if it is too large to be added up.
    pub amount: Option<Money>,
}

/// What a row recognises transactions by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedBy {
    /// Identity and content: another content under an identity counts by itself. A new row is of this kind.
    Content,
    /// The identity alone, in rows that an older release began: the first content under an identity counts.
    Identity,
}

/// A row's memory of the transactions that it has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// It has room for those of the addition, which are remembered with it.
    HasRoom,
    /// As many transactions were counted as a row [remembers](AggregateStore::remembered_per_row): those of the addition
    /// count without being remembered, and the row says for good that its deduplication is not complete.
    IsFull,
}

/// What an addition came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It was made: the row's totals with it.
    Done(WindowTotals),
    /// It was not: the row as it is, `None` if there is none.
    Refused(Option<RowState>),
}

/// A row and its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowState {
    /// The row's totals.
    pub totals: WindowTotals,
    /// What it recognises transactions by.
    pub counted_by: CountedBy,
    /// What it remembers of them.
    pub remembered: HashSet<TransactionHash>,
}

/// Why the aggregates did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AggregateFault {
    /// The call failed, after retries.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// The row was refused an addition that its content gives no reason to refuse.
    #[error("the row refused an addition that it has room for")]
    Inconsistent,
    /// The row is not one that this product wrote, or one for windows of another length; it stays so until somebody
    /// mends it.
    #[error("the row's `{attribute}` cannot be read, or is another than was expected")]
    UnreadableRow {
        /// The attribute that is missing, of another form, or not as expected.
        attribute: &'static str,
    },
    /// The store's windows are kept under another rule: a transaction would be in another window there, and count
    /// twice. It stays so until the settings are as they were, or name another table.
    #[error(
        "the table's windows were written with {standing}, not with {asked}: set it as it was, or name another table in AGGREGATES"
    )]
    OtherRule {
        /// The variables that give the rule that the store remembers.
        standing: String,
        /// Those of the rule that it was asked for.
        asked: String,
    },
    /// An addition of no transaction, or of more than [`TRANSACTIONS_AT_ONCE`].
    #[error("{count} transactions at once; 1 to {TRANSACTIONS_AT_ONCE} are possible")]
    AdditionSize {
        /// How many it has.
        count: usize,
    },
}

impl Addition<'_> {
    /// # Errors
    /// [`AggregateFault::AdditionSize`]
    fn check_size(&self) -> Result<(), AggregateFault> {
        let count = self.transactions.len();
        let possible = (1..=TRANSACTIONS_AT_ONCE).contains(&count);
        if possible { Ok(()) } else { Err(AggregateFault::AdditionSize { count }) }
    }

    /// Whether every transaction has an amount that can be added up.
    fn has_all_amounts(&self) -> bool {
        self.transactions.iter().all(|transaction| transaction.amount.is_some())
    }

    /// The sum that a row has after the addition, given the sum before.
    ///
    /// # Errors
    /// [`AggregateFault::Call`] if no number can hold it, with DynamoDB's code.
    fn sum_with(&self, before: Money) -> Result<Money, AggregateFault> {
        let mut amounts = self.transactions.iter().filter_map(|transaction| transaction.amount);
        let sum = amounts.try_fold(before, Money::checked_add);
        sum.ok_or_else(|| CallFault::new(FaultKind::Refused, "ValidationException").into())
    }
}

#[cfg(test)]
mod tests;
