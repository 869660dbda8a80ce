//! A batch's share of a window, added so that nothing counts twice.

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_core::window::{Counted, Share, WindowTotals};
use tokio::time::Instant;

use super::{
    Added, Addition, AggregateFault, AggregateStore, Memory, REMEMBERED_PER_ROW, TRANSACTIONS_AT_ONCE,
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
    /// The transactions that may not be counted, in the order of the batch, and why.
    pub failed: Option<(Vec<Counted>, AggregateFault)>,
}

/// Adds a share to its row. That takes one write if none of its transactions was counted before, and one if all
/// of them were; one more for each further [`TRANSACTIONS_AT_ONCE`] transactions, and for each time that somebody else
/// has added some of them in between.
///
/// It ends at the first fault; what was added until then stays added, and will be known when it is redelivered.
pub async fn count(
    store: &impl AggregateStore,
    share: &Share<'_>,
    at: Timestamp,
    deadline: Instant,
) -> ShareOutcome {
    let mut outcome = ShareOutcome::default();
    let mut left = share.transactions.clone();
    // Of a row that has not been seen it is supposed that it is new.
    let mut room = REMEMBERED_PER_ROW;
    while !left.is_empty() {
        let (most, memory) = match usize::try_from(room).unwrap_or(usize::MAX) {
            0 => (TRANSACTIONS_AT_ONCE, Memory::IsFull),
            room => (TRANSACTIONS_AT_ONCE.min(room), Memory::HasRoom),
        };
        let size = most.min(left.len());
        let transactions = left.get(..size).unwrap_or_default();
        let addition =
            Addition { customer_id: share.customer_id, window: share.window, transactions, memory, at };
        let added = if Instant::now() < deadline {
            outcome.writes += 1;
            store.add(&addition, deadline).await
        } else {
            Err(CallFault::deadline().into())
        };
        match added {
            Ok(Added::Done(totals)) => {
                outcome.added += size;
                left.drain(..size);
                room = room_beside(&totals);
                outcome.totals = Some(totals);
            }
            Ok(Added::Refused(row)) => {
                let before = (left.len(), room);
                // A row that has expired since it was seen is new again.
                room = row.as_ref().map_or(REMEMBERED_PER_ROW, |row| room_beside(&row.totals));
                if let Some(row) = row {
                    left.retain(|counted| !row.remembered.contains(&counted.identity));
                    outcome.known += before.0 - left.len();
                    outcome.totals = Some(row.totals);
                }
                if (left.len(), room) == before {
                    outcome.failed = Some((left, AggregateFault::Inconsistent));
                    return outcome;
                }
            }
            Err(fault) => {
                outcome.failed = Some((left, fault));
                return outcome;
            }
        }
    }
    outcome
}

/// How many more transactions the row with these totals can remember. As long as that is any it has remembered all.
fn room_beside(totals: &WindowTotals) -> u64 {
    REMEMBERED_PER_ROW.saturating_sub(totals.event_count)
}
