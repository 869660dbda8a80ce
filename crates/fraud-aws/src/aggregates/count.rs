//! A batch's share of a window, added so that nothing counts twice.

use std::collections::HashSet;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_core::window::{Counted, Share, TransactionHash, WindowTotals};
use tokio::time::Instant;

use super::{
    Added, Addend, Addition, AggregateFault, AggregateStore, CountedBy, Memory, RowState,
    TRANSACTIONS_AT_ONCE,
};

/// What became of a share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShareOutcome {
    /// The window's totals as the last answer has them.
    pub totals: Option<WindowTotals>,
    /// How many transactions were added.
    pub added: usize,
    /// How many had been counted before.
    pub known: usize,
    /// How many additions were tried; each is a write, also one that is refused.
    pub writes: usize,
    /// The places in the batch of the transactions that may not be counted, in its order, and why.
    pub failed: Option<(Vec<usize>, AggregateFault)>,
}

/// Adds a share to its row. That takes one write if none of its transactions was counted before, and one if all
/// of them were; one more for each further [`TRANSACTIONS_AT_ONCE`] transactions, and for each time that somebody else
/// has added some of them in between, or that the row is not as it was supposed to be.
///
/// It ends at the first fault; what was added until then stays added, and will be known when it is redelivered.
pub async fn count(
    store: &impl AggregateStore,
    share: &Share<'_>,
    at: Timestamp,
    deadline: Instant,
) -> ShareOutcome {
    let mut outcome = ShareOutcome::default();
    let limit = store.remembered_per_row();
    let room_in = |totals: &WindowTotals| limit.saturating_sub(totals.event_count);
    // Of a row that has not been seen it is supposed that it is new.
    let mut left = Left::of(share);
    let mut room = limit;
    while !left.waiting.is_empty() {
        let (most, memory) = match usize::try_from(room).unwrap_or(usize::MAX) {
            0 => (TRANSACTIONS_AT_ONCE, Memory::IsFull),
            room => (TRANSACTIONS_AT_ONCE.min(room), Memory::HasRoom),
        };
        let transactions = left.first(most);
        let addition = Addition {
            customer_id: share.customer_id,
            window: share.window,
            transactions: &transactions,
            counted_by: left.counted_by,
            memory,
            at,
        };
        let added = if Instant::now() < deadline {
            outcome.writes += 1;
            store.add(&addition, deadline).await
        } else {
            Err(CallFault::deadline().into())
        };
        match added {
            Ok(Added::Done(totals)) => {
                outcome.added += transactions.len();
                left.waiting.drain(..transactions.len());
                room = room_in(&totals);
                outcome.totals = Some(totals);
            }
            Ok(Added::Refused(row)) => {
                let before = (left.waiting.len(), left.counted_by, room);
                // A row that has expired since it was seen is new again.
                room = row.as_ref().map_or(limit, |row| room_in(&row.totals));
                outcome.known += left.refused_by(row.as_ref());
                if (left.waiting.len(), left.counted_by, room) == before {
                    outcome.failed = Some((left.places(), AggregateFault::Inconsistent));
                    return outcome;
                }
                outcome.totals = row.map(|row| row.totals).or(outcome.totals);
            }
            Err(fault) => {
                outcome.failed = Some((left.places(), fault));
                return outcome;
            }
        }
    }
    outcome.known += left.repeated.len();
    outcome
}

/// The transactions of a share that are not counted yet.
struct Left<'s> {
    /// What the row is supposed to recognise them by.
    counted_by: CountedBy,
    /// Those that are to be added, in the order of the batch.
    waiting: Vec<Waiting<'s>>,
    /// Those that such a row takes for one before them in the share.
    repeated: Vec<Waiting<'s>>,
}

/// A transaction, and what the row would remember it by.
#[derive(Debug, Clone, Copy)]
struct Waiting<'s> {
    counted: &'s Counted<'s>,
    hash: TransactionHash,
}

impl<'s> Left<'s> {
    /// All of a share, whose row is new.
    fn of(share: &'s Share<'_>) -> Self {
        let waiting = share.transactions.iter().map(|counted| Waiting { counted, hash: counted.hash });
        Left { counted_by: CountedBy::Content, waiting: waiting.collect(), repeated: Vec::new() }
    }

    /// The first of those that are to be added, at most this many.
    fn first(&self, most: usize) -> Vec<Addend> {
        let addend = |waiting: &Waiting<'_>| Addend { hash: waiting.hash, amount: waiting.counted.amount };
        self.waiting.iter().take(most).map(addend).collect()
    }

    /// Leaves out what the row remembers, which is `None` if there is no row; gives how many that were.
    fn refused_by(&mut self, row: Option<&RowState>) -> usize {
        self.count_by(row.map_or(CountedBy::Content, |row| row.counted_by));
        let before = self.waiting.len();
        if let Some(row) = row {
            self.waiting.retain(|waiting| !row.remembered.contains(&waiting.hash));
        }
        before - self.waiting.len()
    }

    fn count_by(&mut self, counted_by: CountedBy) {
        if counted_by == self.counted_by {
            return;
        }
        let mut hashes = HashSet::new();
        let (waiting, repeated) = self
            .all()
            .into_iter()
            .map(|counted| Waiting { counted, hash: hash(counted, counted_by) })
            .partition(|waiting| hashes.insert(waiting.hash));
        *self = Left { counted_by, waiting, repeated };
    }

    /// Their places in the batch.
    fn places(&self) -> Vec<usize> {
        self.all().into_iter().map(|counted| counted.index).collect()
    }

    fn all(&self) -> Vec<&'s Counted<'s>> {
        let mut all: Vec<_> =
            self.waiting.iter().chain(&self.repeated).map(|waiting| waiting.counted).collect();
        all.sort_by_key(|counted| counted.index);
        all
    }
}

fn hash(counted: &Counted<'_>, counted_by: CountedBy) -> TransactionHash {
    match counted_by {
        CountedBy::Content => counted.hash,
        CountedBy::Identity => TransactionHash::of_identity(&counted.identity),
    }
}
