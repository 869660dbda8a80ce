//! A batch's alerts on their way.
//!
//! Alerts go in chunks, so that the first is out before the last is claimed and little is begun when the time runs out.
//! From the first alert that must wait nothing more is published.

use std::time::Duration;

use exact_text::decimal::same_number;
use exact_text::timestamp::Timestamp;
use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::clock::Clock;
use fraud_aws::ledger::{AlertLedger, LedgerFault, Marked, SendLimits, Sender, Sent, Which};
use fraud_aws::reason::FailureReason;
use fraud_core::alert::Alert;
use kinesis_batch::{Progress, RetryReason, TimeLimits};
use tokio::time::Instant;

use crate::Ports;
use crate::metrics::BatchMetrics;

/// Alerts that are claimed together: a few calls of ten to the sink.
const CHUNK: usize = 50;

/// An alert that a batch raises.
#[derive(Debug)]
pub(crate) struct Due {
    /// The first item of the batch that raises it.
    index: usize,
    arrival: Timestamp,
    alert: Alert,
    /// The other items that raise it, and whether their amount differs.
    repeats: Vec<(usize, bool)>,
}

impl Due {
    pub(crate) fn new(index: usize, arrival: Timestamp, alert: Alert) -> Self {
        Due { index, arrival, alert, repeats: Vec::new() }
    }

    /// The item at `index` raises the same alert again.
    pub(crate) fn repeated(&mut self, index: usize, alert: &Alert) {
        self.repeats.push((index, !same_number(&self.alert.transaction_amount, &alert.transaction_amount)));
    }
}

/// Sends alerts in order until one must wait. `remaining` is the time until the invocation is killed, and with it the
/// time that its claims are in force. Gives the items whose alert the sink or the ledger will never take.
pub(crate) async fn dispatch<Profiles, Ledger: AlertLedger, Sink: AlertSink, Letters, Now: Clock>(
    due: &[Due],
    ports: &Ports<Profiles, Ledger, Sink, Letters, Now>,
    limits: TimeLimits,
    remaining: Duration,
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
) -> Vec<(usize, FailureReason)> {
    let send_limits = SendLimits { claim: remaining, work: limits.work, settle: limits.settle };
    let sender = Sender::new(&ports.ledger, &ports.sink, &ports.clock, send_limits);
    let mut undeliverable = Vec::new();
    for chunk in due.chunks(CHUNK) {
        let Some(first) = chunk.first() else { continue };
        if Instant::now() >= limits.work {
            progress.stop_at(first.index, RetryReason::OutOfTime);
        }
        if !progress.allows(first.index) {
            break;
        }
        let alerts: Vec<&Alert> = chunk.iter().map(|due| &due.alert).collect();
        let outcomes = sender.send(&alerts, Which::Unsent).await;
        for (due, outcome) in chunk.iter().zip(outcomes) {
            settle(due, outcome, progress, metrics, &mut undeliverable);
        }
    }
    for (index, differs) in due.iter().flat_map(|due| &due.repeats) {
        if progress.allows(*index) {
            metrics.suppressed(*differs);
        }
    }
    undeliverable
}

/// Notes what became of an alert.
fn settle(
    due: &Due,
    outcome: Sent,
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
    undeliverable: &mut Vec<(usize, FailureReason)>,
) {
    let position = due.alert.position();
    match outcome {
        Sent::Published { at, stored, marked } => {
            metrics.sent(due.arrival, at, stored);
            match marked {
                Ok(Marked::Sent) => {}
                Ok(Marked::ClaimLost) => metrics.claim_lost(),
                Err(fault) => {
                    tracing::error!(reason = %fault, %position, "an alert was sent and could not be marked as sent");
                    progress.stop_at(due.index, RetryReason::LedgerUnavailable);
                }
            }
        }
        Sent::Before { transaction_amount } => {
            metrics.suppressed(!same_number(&due.alert.transaction_amount, &transaction_amount));
        }
        Sent::InForce { .. } => progress.stop_at(due.index, RetryReason::ClaimInForce),
        Sent::NotClaimed(LedgerFault::RowTooLarge { .. }) => {
            undeliverable.push((due.index, FailureReason::AlertTooLarge));
        }
        Sent::NotClaimed(fault @ LedgerFault::UnreadableRow { .. }) => {
            tracing::error!(reason = %fault, %position, "alert ledger damaged");
            undeliverable.push((due.index, FailureReason::AlertRefused));
        }
        Sent::NotClaimed(fault @ LedgerFault::Call(_)) => {
            tracing::warn!(reason = %fault, %position, "alert ledger unavailable");
            progress.stop_at(due.index, RetryReason::LedgerUnavailable);
        }
        Sent::NotPublished(fault) => {
            tracing::warn!(reason = %fault, %position, "alert not published");
            match fault {
                PublishFault::TooLarge { .. } => {
                    undeliverable.push((due.index, FailureReason::AlertTooLarge));
                }
                PublishFault::Refused { .. } => undeliverable.push((due.index, FailureReason::AlertRefused)),
                PublishFault::Unavailable { .. } | PublishFault::HeldBack => {
                    progress.stop_at(due.index, RetryReason::AlertSinkUnavailable);
                }
            }
        }
        // An earlier alert has stopped the batch before it.
        Sent::HeldBack | Sent::NotPending => progress.stop_at(due.index, RetryReason::ClaimInForce),
    }
}
