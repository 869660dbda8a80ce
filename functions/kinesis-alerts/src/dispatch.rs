//! Sending alerts, each once: claim, publish, mark as sent.
//!
//! Alerts go in chunks, so that the first is out before the last is claimed and little is begun when the time runs out.
//! Within a chunk all claims are made, then what was claimed is published in order, then what was published is marked.
//! From the first alert that must wait nothing more is published, and its claim is given back.

use std::time::Duration;

use exact_text::decimal::same_number;
use exact_text::timestamp::Timestamp;
use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::clock::Clock;
use fraud_aws::ledger::{AlertLedger, Claim, Claimed, LedgerFault, Marked, Release};
use fraud_core::alert::Alert;
use fraud_core::reason::FailureReason;
use futures_util::StreamExt;
use kinesis_batch::{Progress, RetryReason, TimeLimits};
use tokio::time::{Instant, sleep_until};

use crate::Ports;
use crate::metrics::BatchMetrics;

/// Alerts that are claimed together: a few calls of ten to the sink.
const CHUNK: usize = 50;
/// Calls to the ledger under way at once.
const LEDGER_CALLS_AT_ONCE: usize = 16;
/// The pause before an alert that was sent is marked again, where the ledger refused. It doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

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

/// What is published: a due alert's own message, or the one that an earlier invocation stored under its id.
struct Ready<'d> {
    due: &'d Due,
    stored: Option<Box<Alert>>,
}

impl Ready<'_> {
    fn alert(&self) -> &Alert {
        self.stored.as_deref().unwrap_or(&self.due.alert)
    }
}

/// A claim that was not used, and how it is given back.
struct Unused<'d> {
    due: &'d Due,
    release: Release,
}

/// The alerts of one invocation on their way.
pub(crate) struct Dispatch<'p, S, L, K, D, C> {
    ports: &'p Ports<S, L, K, D, C>,
    limits: TimeLimits,
    claim: Claim,
    undeliverable: Vec<(usize, FailureReason)>,
}

impl<'p, S, L: AlertLedger, K: AlertSink, D, C: Clock> Dispatch<'p, S, L, K, D, C> {
    /// `remaining` is the time until the invocation is killed, and with it the time that its claims are in force.
    pub(crate) fn new(ports: &'p Ports<S, L, K, D, C>, limits: TimeLimits, remaining: Duration) -> Self {
        let now = ports.clock.now();
        let remaining = i64::try_from(remaining.as_millis()).unwrap_or(i64::MAX);
        let end = Timestamp::saturating_from_millis(now.millis().saturating_add(remaining));
        let claim = Claim::new(now, end);
        Dispatch { ports, limits, claim, undeliverable: Vec::new() }
    }

    /// The items whose alert the sink will never accept.
    pub(crate) fn into_undeliverable(self) -> Vec<(usize, FailureReason)> {
        self.undeliverable
    }

    /// Sends alerts in order until one must wait.
    pub(crate) async fn send(&mut self, due: &[Due], progress: &mut Progress, metrics: &mut BatchMetrics) {
        for chunk in due.chunks(CHUNK) {
            let Some(first) = chunk.first() else { continue };
            if Instant::now() >= self.limits.work {
                progress.stop_at(first.index, RetryReason::OutOfTime);
            }
            if !progress.allows(first.index) {
                break;
            }
            self.send_chunk(chunk, progress, metrics).await;
        }
        for (index, differs) in due.iter().flat_map(|due| &due.repeats) {
            if progress.allows(*index) {
                metrics.suppressed(*differs);
            }
        }
    }

    async fn send_chunk(&mut self, chunk: &[Due], progress: &mut Progress, metrics: &mut BatchMetrics) {
        let mut unused = Vec::new();
        let ready = self.claim(chunk, progress, metrics, &mut unused).await;
        let (now, later): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|ready| progress.allows(ready.due.index));
        unused.extend(later.iter().map(|ready| Unused { due: ready.due, release: Release::NotSent }));
        let alerts: Vec<&Alert> = now.iter().map(Ready::alert).collect();
        let results = match alerts.is_empty() {
            true => Vec::new(),
            false => self.ports.sink.publish(&alerts, self.limits.work).await,
        };
        let published_at = self.ports.clock.now();
        let mut sent = Vec::new();
        for (ready, result) in now.iter().zip(results) {
            let index = ready.due.index;
            match result {
                Ok(()) => {
                    metrics.sent(ready.due.arrival, published_at, ready.stored.is_some());
                    sent.push(ready);
                }
                Err(fault) => {
                    match &fault {
                        PublishFault::TooLarge { .. } => {
                            self.undeliverable.push((index, FailureReason::AlertTooLarge));
                        }
                        PublishFault::Refused { .. } => {
                            self.undeliverable.push((index, FailureReason::AlertRefused));
                        }
                        PublishFault::Unavailable { .. } | PublishFault::HeldBack => {
                            progress.stop_at(index, RetryReason::AlertSinkUnavailable);
                        }
                    }
                    tracing::warn!(reason = %fault, position = %ready.due.alert.position(), "alert not published");
                    unused.push(Unused { due: ready.due, release: fault.release() });
                }
            }
        }
        self.mark(&sent, published_at, progress, metrics).await;
        self.release(unused).await;
    }
}

impl<S, L: AlertLedger, K, D, C> Dispatch<'_, S, L, K, D, C> {
    /// Claims the alerts of a chunk, and gives those that are to be sent, in order.
    async fn claim<'d>(
        &mut self,
        chunk: &'d [Due],
        progress: &mut Progress,
        metrics: &mut BatchMetrics,
        unused: &mut Vec<Unused<'d>>,
    ) -> Vec<Ready<'d>> {
        let ledger = &self.ports.ledger;
        // Collected, here and below: the compiler cannot tell that a stream over a borrowing closure can change threads.
        let claims: Vec<_> =
            chunk.iter().map(|due| ledger.claim(&due.alert, &self.claim, self.limits.work)).collect();
        let claimed: Vec<_> =
            futures_util::stream::iter(claims).buffered(LEDGER_CALLS_AT_ONCE).collect().await;
        let mut ready = Vec::with_capacity(chunk.len());
        for (due, claimed) in chunk.iter().zip(claimed) {
            match claimed {
                Ok(Claimed::Fresh) => ready.push(Ready { due, stored: None }),
                Ok(Claimed::TakenOver(stored)) => ready.push(Ready { due, stored: Some(stored) }),
                Ok(Claimed::AlreadySent { transaction_amount }) => {
                    metrics.suppressed(!same_number(&due.alert.transaction_amount, &transaction_amount));
                }
                Ok(Claimed::InForce { .. }) => progress.stop_at(due.index, RetryReason::ClaimInForce),
                Err(LedgerFault::RowTooLarge { .. }) => {
                    self.undeliverable.push((due.index, FailureReason::AlertTooLarge));
                }
                Err(fault @ LedgerFault::UnreadableRow { .. }) => {
                    tracing::error!(reason = %fault, position = %due.alert.position(), "alert ledger damaged");
                    self.undeliverable.push((due.index, FailureReason::AlertRefused));
                }
                Err(fault) => {
                    tracing::warn!(reason = %fault, position = %due.alert.position(), "alert ledger unavailable");
                    progress.stop_at(due.index, RetryReason::LedgerUnavailable);
                    // The call may have reached the ledger all the same.
                    unused.push(Unused { due, release: Release::NotSent });
                }
            }
        }
        ready
    }

    /// Marks alerts as sent. An alert that cannot be marked comes again: its claim runs out, and then it is sent a second
    /// time. So this is tried for as long as there is time.
    async fn mark(
        &self,
        sent: &[&Ready<'_>],
        sent_at: Timestamp,
        progress: &mut Progress,
        metrics: &mut BatchMetrics,
    ) {
        let marks: Vec<_> = sent.iter().map(|ready| self.mark_one(ready.alert(), sent_at)).collect();
        let marked: Vec<_> = futures_util::stream::iter(marks).buffered(LEDGER_CALLS_AT_ONCE).collect().await;
        for (ready, marked) in sent.iter().zip(marked) {
            match marked {
                Ok(Marked::Sent) => {}
                Ok(Marked::ClaimLost) => metrics.claim_lost(),
                Err(fault) => {
                    let position = ready.due.alert.position();
                    tracing::error!(reason = %fault, %position, "an alert was sent and could not be marked as sent");
                    progress.stop_at(ready.due.index, RetryReason::LedgerUnavailable);
                }
            }
        }
    }

    async fn mark_one(&self, alert: &Alert, sent_at: Timestamp) -> Result<Marked, LedgerFault> {
        let mut pause = FIRST_PAUSE;
        loop {
            let marked =
                self.ports.ledger.mark_sent(&alert.alert_id, &self.claim, sent_at, self.limits.settle).await;
            let again = Instant::now() + pause.mul_f64(fastrand::f64());
            if marked.is_ok() || again >= self.limits.settle {
                return marked;
            }
            sleep_until(again).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Gives claims back. One that cannot be given back runs out with the invocation, which costs time and no alert.
    async fn release(&self, unused: Vec<Unused<'_>>) {
        let ledger = &self.ports.ledger;
        let releases: Vec<_> = unused
            .iter()
            .map(|Unused { due, release }| {
                ledger.release(&due.alert.alert_id, &self.claim, *release, self.limits.settle)
            })
            .collect();
        let released: Vec<_> =
            futures_util::stream::iter(releases).buffered(LEDGER_CALLS_AT_ONCE).collect().await;
        for (Unused { due, .. }, released) in unused.iter().zip(released) {
            if let Err(fault) = released {
                let position = due.alert.position();
                tracing::warn!(reason = %fault, %position, "a claim could not be given back");
            }
        }
    }
}
