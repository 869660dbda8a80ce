//! A batch's shares on their way into the table.

use exact_text::timestamp::Timestamp;
use fraud_aws::aggregates::{AggregateFault, AggregateStore, ShareOutcome, count};
use fraud_aws::reason::FailureReason;
use fraud_batch::{Batch, Progress, RetryReason};
use fraud_core::window::{Share, WindowRule, WindowTotals};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::Undeliverable;
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
    pub(crate) refused: Undeliverable,
}

/// Makes sure that the store's windows are those of `rule`: if they are not, no share may be begun.
pub(crate) async fn hold_to_rule(
    store: &impl AggregateStore,
    rule: &WindowRule,
    batch: &Batch<'_>,
    shares: &[Share<'_>],
    work: Instant,
    progress: &mut Progress,
) {
    let firsts = shares.iter().filter_map(|share| share.transactions.first()).map(|counted| counted.index);
    let Some(first) = firsts.min() else { return };
    if let Err(fault) = store.hold_to(rule, work).await {
        let position = batch.position_text(first);
        match fault {
            AggregateFault::OtherRule { .. } => {
                tracing::error!(reason = %fault, position, "aggregates refused");
            }
            fault => tracing::warn!(reason = %fault, position, "aggregates unavailable"),
        }
        progress.stop_at(first, RetryReason::AggregatesUnavailable);
    }
}

/// Adds shares to their rows, in the order of their first records until one must wait.
pub(crate) async fn shares(
    store: &impl AggregateStore,
    batch: &Batch<'_>,
    shares: &[Share<'_>],
    at: Timestamp,
    work: Instant,
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
) -> Written {
    let mut written = Written::default();
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
                let first_left = left.first().copied().unwrap_or(first);
                tracing::error!(reason = %fault, position = batch.position_text(first_left), "aggregates damaged");
                let reason = FailureReason::AggregateRefused;
                written.refused.extend(left.into_iter().map(|index| (index, reason)));
            }
            Some((left, fault)) => {
                let first_left = left.first().copied().unwrap_or(first);
                tracing::warn!(reason = %fault, position = batch.position_text(first_left), "aggregates unavailable");
                progress.stop_at(first_left, RetryReason::AggregatesUnavailable);
            }
        }
    }
    written.totals.sort_by_key(|(first, _)| *first);
    written
}
