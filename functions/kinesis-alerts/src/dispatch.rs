//! A batch's alerts on their way.
//!
//! Alerts go in chunks, so that the first is out before the last is claimed, a claim is short, and little is begun when the time
//! runs out. Customers go side by side; each customer's alerts go in order, and from the first that must wait nothing more
//! of that customer is published.

use std::collections::BTreeSet;
use std::time::Duration;

use exact_text::timestamp::Timestamp;
use fraud_aws::alerts::{AlertSink, Chunk, Fit, Lanes, PublishFault};
use fraud_aws::clock::Clock;
use fraud_aws::ledger::{AlertLedger, Claim, LedgerFault, Marked, SendLimits, Sender, Sent, ToSend};
use fraud_aws::reason::FailureReason;
use fraud_batch::{Progress, RetryReason, TimeLimits};
use fraud_core::alert::Alert;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::Ports;
use crate::metrics::BatchMetrics;

/// Alerts that are claimed together: a few calls of ten to the sink.
const CHUNK: usize = 50;
/// Chunks under way at once.
const CHUNKS_AT_ONCE: usize = 4;
/// The shortest and the longest pause before an alert is looked at again that another sender holds.
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// An alert that a batch raises.
#[derive(Debug)]
pub(crate) struct Due {
    /// The first item of the batch that raises it.
    index: usize,
    arrival: Timestamp,
    alert: Alert,
    /// The other items that raise it.
    repeats: Vec<usize>,
    /// The claim that was made with the customer's row.
    held: Option<Claim>,
}

/// Who sends, and until when.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invocation {
    /// When the invocation is killed by Lambda's clock, if that is known.
    pub(crate) ends_at: Option<Timestamp>,
    /// The token of claims that were made with rows, if some may have been.
    pub(crate) token: Option<String>,
}

impl Due {
    pub(crate) fn new(index: usize, arrival: Timestamp, alert: Alert) -> Self {
        Due { index, arrival, alert, repeats: Vec::new(), held: None }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn alert(&self) -> &Alert {
        &self.alert
    }

    /// The alert was claimed with the customer's row.
    pub(crate) fn hold(&mut self, claim: Claim) {
        self.held = Some(claim);
    }

    /// The alert goes under an id of its own.
    pub(crate) fn rename(&mut self, id: String) {
        self.alert = self.alert.reusing(id);
    }

    fn to_send(&self) -> ToSend<'_> {
        ToSend { alert: &self.alert, held: self.held.as_ref() }
    }

    /// The item at `index` raises the same alert again.
    pub(crate) fn repeated(&mut self, index: usize) {
        self.repeats.push(index);
    }
}

/// Sends alerts until they must wait. One that another sender holds is waited for if that sender's claim ends in time:
/// Lambda's own pause before the next attempt may be longer. Gives the items whose alert the sink or the ledger will never take.
pub(crate) async fn dispatch<
    Profiles,
    Entities,
    Rows,
    Ledger: AlertLedger,
    Sink: AlertSink,
    Letters,
    Now: Clock,
>(
    due: &[Due],
    ports: &Ports<Profiles, Entities, Rows, Ledger, Sink, Letters, Now>,
    limits: TimeLimits,
    invocation: &Invocation,
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
) -> Vec<(usize, FailureReason)> {
    let send_limits = SendLimits { work: limits.work, settle: limits.settle, ends_at: invocation.ends_at };
    let mut sender = Sender::new(&ports.ledger, &ports.sink, &ports.clock, send_limits);
    if let Some(token) = &invocation.token {
        sender = sender.with_token(token);
    }
    let mut undeliverable = Vec::new();
    let mut open: BTreeSet<usize> = (0..due.len()).collect();
    let mut untouched: BTreeSet<usize> = open.clone();
    loop {
        let untouched = &mut untouched;
        let mut round =
            Round { due, limits, untouched, progress, metrics, undeliverable: &mut undeliverable };
        let held_until = round.send(&sender, &mut open).await;
        open.retain(|&place| progress.allows(index(due, place)));
        let Some(&first) = open.first() else { break };
        let wait = held_until.map(|until| until.millis().saturating_sub(ports.clock.now().millis()));
        let wait = wait.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or_default()));
        let Some(wait) = wait.filter(|wait| Instant::now() + *wait < limits.work) else {
            progress.stop_at(index(due, first), RetryReason::ClaimInForce);
            break;
        };
        // Its sender may be done long before the claim ends.
        tokio::time::sleep(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT)).await;
    }
    // What is not sent now is retried: until then nobody holds it.
    let unsent: Vec<ToSend<'_>> =
        untouched.iter().filter_map(|&place| Some(due.get(place)?.to_send())).collect();
    sender.give_back(&unsent).await;
    for index in due.iter().flat_map(|due| &due.repeats) {
        if progress.allows(*index) {
            metrics.alerts_suppressed += 1;
        }
    }
    undeliverable
}

fn index(due: &[Due], place: usize) -> usize {
    due.get(place).map_or(usize::MAX, |due| due.index)
}

/// One attempt at the alerts of a batch, and what it notes.
struct Round<'r> {
    due: &'r [Due],
    limits: TimeLimits,
    /// The places of alerts that were not handed to the sender yet. A claim that came with a row is used once: the sender gives
    /// back what it does not publish.
    untouched: &'r mut BTreeSet<usize>,
    progress: &'r mut Progress,
    metrics: &'r mut BatchMetrics,
    undeliverable: &'r mut Vec<(usize, FailureReason)>,
}

impl Round<'_> {
    /// Sends the alerts at the places `open` and leaves there what is not settled. Gives when the first of those that other
    /// senders hold can be taken over.
    async fn send<Ledger: AlertLedger, Sink: AlertSink, Now: Clock>(
        &mut self,
        sender: &Sender<'_, Ledger, Sink, Now>,
        open: &mut BTreeSet<usize>,
    ) -> Option<Timestamp> {
        let due = self.due;
        let customer = |place: usize| due.get(place)?.alert.customer_id.as_deref();
        let mut lanes = Lanes::new(open.iter().map(|&place| (place, customer(place))));
        let mut under_way = FuturesUnordered::new();
        let mut held_until: Option<Timestamp> = None;
        loop {
            if Instant::now() >= self.limits.work
                && let Some(first) = lanes.ready().next()
            {
                self.progress.stop_at(index(due, first), RetryReason::OutOfTime);
            }
            while under_way.len() < CHUNKS_AT_ONCE
                && let Some(chunk) = next_chunk(&mut lanes, due, self.progress)
            {
                let to_send = |place: usize| {
                    let to_send = due.get(place)?.to_send();
                    let is_untouched = self.untouched.remove(&place);
                    Some(ToSend { held: to_send.held.filter(|_| is_untouched), ..to_send })
                };
                let alerts: Vec<ToSend<'_>> = chunk.places().filter_map(to_send).collect();
                under_way.push(async move { (chunk, sender.send_held(&alerts).await) });
            }
            let Some((chunk, outcomes)) = under_way.next().await else { return held_until };
            for (place, outcome) in chunk.places().zip(outcomes) {
                match outcome {
                    Sent::InForce { until } => {
                        held_until = Some(held_until.map_or(until, |earliest| earliest.min(until)));
                    }
                    // An earlier alert of the customer must wait.
                    Sent::HeldBack => {}
                    outcome => {
                        open.remove(&place);
                        if let Some(due) = due.get(place) {
                            settle(due, outcome, self.progress, self.metrics, self.undeliverable);
                        }
                    }
                }
            }
            lanes.settled(chunk, |place| open.contains(&place) || !self.progress.allows(index(due, place)));
        }
    }
}

/// The next chunk of the alerts whose records are not retried anyway.
fn next_chunk(lanes: &mut Lanes, due: &[Due], progress: &Progress) -> Option<Chunk> {
    let mut taken = 0;
    lanes.next(|place| {
        taken += 1;
        match progress.allows(index(due, place)) {
            false => Fit::Dropped,
            true if taken > CHUNK => Fit::Full,
            true => Fit::Fits,
        }
    })
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
        Sent::Published { at, again, reuses_id, marked } => {
            metrics.sent(&due.alert, at.millis() - due.arrival.millis(), again, reuses_id);
            match marked {
                Ok(Marked::Sent) => {}
                Ok(Marked::ClaimLost) => metrics.claim_lost(),
                Err(fault) => {
                    tracing::error!(reason = %fault, %position, "an alert was sent and could not be marked as sent");
                    progress.stop_at(due.index, RetryReason::LedgerUnavailable);
                }
            }
        }
        Sent::Before => metrics.alerts_suppressed += 1,
        Sent::NotClaimed(LedgerFault::RowTooLarge { .. }) => {
            undeliverable.push((due.index, FailureReason::AlertTooLarge));
        }
        Sent::NotClaimed(fault @ LedgerFault::UnreadableRow { .. }) => {
            tracing::error!(reason = %fault, %position, "alert ledger damaged");
            undeliverable.push((due.index, FailureReason::AlertRefused));
        }
        Sent::NotClaimed(fault @ (LedgerFault::Call(_) | LedgerFault::NoRandomness)) => {
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
        // They stay open.
        Sent::InForce { .. } | Sent::HeldBack => {}
    }
}
