//! Aggregates in this process's memory, for development and tests.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fraud_core::money::Money;
use fraud_core::window::{WindowRule, WindowTotals};
use tokio::time::Instant;

use super::{
    Added, Addend, Addition, AggregateFault, AggregateStore, CountedBy, Memory, REMEMBERED, RowState, row,
    rule,
};

/// The aggregates: they expire with the process. A cloneable handle.
#[derive(Debug, Clone)]
pub struct MemoryAggregates {
    rows: Arc<Mutex<BTreeMap<Key, RowState>>>,
    /// The rule that it is held to.
    rule: Arc<OnceLock<String>>,
    remembered: u64,
}

impl Default for MemoryAggregates {
    fn default() -> Self {
        MemoryAggregates { rows: Arc::default(), rule: Arc::default(), remembered: REMEMBERED }
    }
}

/// Customer, and the window's start in seconds since the epoch.
type Key = (String, i64);

impl MemoryAggregates {
    /// The same rows, each with a memory of this many transactions.
    pub fn remembering(self, transactions: u64) -> Self {
        MemoryAggregates { remembered: transactions, ..self }
    }

    /// Puts a row that was read elsewhere in its place, unless there is one already.
    pub fn insert(&self, row: RowState) {
        let key = (row.totals.customer_id.clone(), row.totals.window.start_seconds());
        self.rows().entry(key).or_insert(row);
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<Key, RowState>> {
        // Every change under the lock is complete before anything can panic.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AggregateStore for MemoryAggregates {
    fn remembered_per_row(&self) -> u64 {
        self.remembered
    }

    async fn hold_to(&self, rule: &WindowRule, _deadline: Instant) -> Result<(), AggregateFault> {
        rule::check(self.rule.get_or_init(|| rule::text(rule)), rule)
    }

    async fn add(&self, addition: &Addition<'_>, _deadline: Instant) -> Result<Added, AggregateFault> {
        addition.check_size()?;
        let Addition { customer_id, window, transactions, counted_by, memory, .. } = *addition;
        let mut rows = self.rows();
        let key = (customer_id.to_owned(), window.start_seconds());
        let standing = rows.get(&key);
        if let Some(standing) = standing {
            row::check_length(standing.totals.window, window)?;
        }
        let count = standing.map_or(0, |row| row.totals.event_count);
        let has_memory = match memory {
            Memory::HasRoom => count + transactions.len() as u64 <= self.remembered,
            Memory::IsFull => count >= self.remembered,
        };
        let is_as_supposed = standing.map_or(CountedBy::Content, |row| row.counted_by) == counted_by;
        let is_known = |addend: &Addend| standing.is_some_and(|row| row.remembered.contains(&addend.hash));
        if !has_memory || !is_as_supposed || transactions.iter().any(is_known) {
            return Ok(Added::Refused(standing.cloned()));
        }
        let before = standing.map_or(Money::ZERO, |row| row.totals.total_amount);
        let total_amount = addition.sum_with(before)?;
        let row = rows.entry(key).or_insert_with(|| RowState {
            totals: WindowTotals {
                customer_id: customer_id.to_owned(),
                window,
                event_count: 0,
                total_amount: Money::ZERO,
                sum_complete: true,
                dedup_complete: true,
            },
            counted_by,
            remembered: HashSet::new(),
        });
        row.totals.event_count += transactions.len() as u64;
        row.totals.total_amount = total_amount;
        row.totals.sum_complete &= addition.has_all_amounts();
        match memory {
            Memory::HasRoom => row.remembered.extend(transactions.iter().map(|addend| addend.hash)),
            Memory::IsFull => row.totals.dedup_complete = false,
        }
        Ok(Added::Done(row.totals.clone()))
    }

    async fn recent(
        &self,
        customer_id: &str,
        limit: usize,
        _deadline: Instant,
    ) -> Result<Vec<WindowTotals>, AggregateFault> {
        let rows = self.rows();
        let windows = (customer_id.to_owned(), i64::MIN)..=(customer_id.to_owned(), i64::MAX);
        Ok(rows.range(windows).rev().take(limit).map(|(_, row)| row.totals.clone()).collect())
    }

    async fn all(&self, _deadline: Instant) -> Result<Vec<WindowTotals>, AggregateFault> {
        Ok(self.rows().values().map(|row| row.totals.clone()).collect())
    }
}
