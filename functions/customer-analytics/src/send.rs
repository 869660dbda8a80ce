//! Windows' totals on their way to the sink.

use fraud_aws::aggregate_sink::AggregateSink;
use fraud_batch::{Batch, Progress, RetryReason};
use fraud_core::window::WindowTotals;
use tokio::time::Instant;

use crate::metrics::BatchMetrics;

/// Sends totals. A record whose window's totals were not taken is retried: it is known then, and its row's totals are
/// sent as they are.
pub(crate) async fn totals(
    sink: &impl AggregateSink,
    batch: &Batch<'_>,
    changed: &[(usize, WindowTotals)],
    deadline: Instant,
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
) {
    if changed.is_empty() {
        return;
    }
    let (firsts, totals): (Vec<usize>, Vec<WindowTotals>) = changed.iter().cloned().unzip();
    for (first, sent) in firsts.into_iter().zip(sink.send(&totals, deadline).await) {
        match sent {
            Ok(()) => metrics.totals_sent += 1,
            Err(fault) => {
                tracing::warn!(reason = %fault, position = batch.position_text(first), "totals not sent");
                progress.stop_at(first, RetryReason::AggregateSinkUnavailable);
            }
        }
    }
}
