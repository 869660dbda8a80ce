//! A batch's shares on their way into the table.

use fraud_aws::aggregates::{AggregateFault, AggregateStore, ShareOutcome, count};
use fraud_core::reason::FailureReason;
use fraud_core::timestamp::Timestamp;
use fraud_core::window::{Share, WindowRule, WindowTotals};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kinesis_batch::{Progress, RetryReason};
use tokio::time::Instant;

use crate::Poison;
use crate::metrics::BatchMetrics;

/// Rows written at the same time. A batch of 10,000 records is at most as many rows: at five milliseconds each they take
/// less than two seconds.
const WRITES_AT_ONCE: usize = 32;

/// What came of a batch's shares.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The totals of every row that answered, also where nothing was left to add, with the first record that counts in
    /// it; in the order of those.
    pub(crate) totals: Vec<(usize, WindowTotals)>,
    /// Records whose row cannot be added to.
    pub(crate) refused: Poison,
}

/// Adds shares to their rows, in the order of their first records until one must wait. All wait where the store's
/// windows are not those of `rule`.
pub(crate) async fn shares(
    store: &impl AggregateStore,
    rule: &WindowRule,
    shares: &[Share<'_>],
    at: Timestamp,
    work: Instant,
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
) -> Written {
    let mut written = Written::default();
    let first =
        shares.iter().filter_map(|share| share.transactions.first()).map(|counted| counted.index).min();
    if let Some(first) = first
        && let Err(fault) = store.hold_to(rule, work).await
    {
        match fault {
            AggregateFault::OtherRule { .. } => tracing::error!(reason = %fault, "aggregates refused"),
            fault => tracing::warn!(reason = %fault, "aggregates unavailable"),
        }
        progress.stop_at(first, RetryReason::AggregatesUnavailable);
        return written;
    }
    let mut waiting = shares.iter().filter_map(|share| Some((share.transactions.first()?.index, share)));
    let mut under_way = FuturesUnordered::new();
    loop {
        while under_way.len() < WRITES_AT_ONCE
            && let Some((first, share)) = waiting.next()
        {
            if Instant::now() >= work {
                progress.stop_at(first, RetryReason::OutOfTime);
            }
            if !progress.allows(first) {
                break;
            }
            under_way.push(async move { (first, count(store, share, at, work).await) });
        }
        let Some((first, outcome)) = under_way.next().await else { break };
        metrics.written(&outcome);
        let ShareOutcome { totals, failed, .. } = outcome;
        written.totals.extend(totals.map(|totals| (first, totals)));
        match failed {
            None => {}
            Some((left, fault @ AggregateFault::UnreadableRow { .. })) => {
                tracing::error!(reason = %fault, "aggregates damaged");
                let reason = FailureReason::AggregateRefused;
                written.refused.extend(left.iter().map(|counted| (counted.index, reason)));
            }
            Some((left, fault)) => {
                tracing::warn!(reason = %fault, "aggregates unavailable");
                let first_left = left.first().map_or(first, |counted| counted.index);
                progress.stop_at(first_left, RetryReason::AggregatesUnavailable);
            }
        }
    }
    written.totals.sort_by_key(|(first, _)| *first);
    written
}
