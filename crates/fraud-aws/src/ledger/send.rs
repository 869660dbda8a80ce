//! Sending alerts, each once: claim, publish, mark as sent. What the function and the tool do, in one place.

use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::pauses::Pauses;
use fraud_core::alert::Alert;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::{AlertLedger, Claim, Claimed, LedgerFault, Marked, Release, Timestamp};
use crate::alerts::{AlertSink, PublishFault};
use crate::clock::Clock;

/// Calls to the ledger under way at once.
const LEDGER_CALLS_AT_ONCE: usize = 16;
/// The first pause before an alert that was sent is marked again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Sends alerts under one claim.
#[derive(Debug)]
pub struct Sender<'p, Ledger, Sink, Now> {
    ledger: &'p Ledger,
    sink: &'p Sink,
    clock: &'p Now,
    claim: Claim,
    limits: SendLimits,
}

/// How long sending may take.
#[derive(Debug, Clone, Copy)]
pub struct SendLimits {
    /// How long a claim is in force.
    pub claim: Duration,
    /// Nothing is claimed or published beyond it.
    pub work: Instant,
    /// What was published is marked, and what was not is given back, until here.
    pub settle: Instant,
}

/// Which alerts are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that were not sent before.
    Unsent,
    /// Only those that another sender claimed and did not mark as sent.
    Pending,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// The sink took it.
    Published {
        /// When.
        at: Timestamp,
        /// Whether it is the message that an earlier sender had stored.
        stored: bool,
        /// Whether it is marked as sent. One that is not is pending, and goes out again once its claim has ended; with a
        /// lost claim another sender may have sent it too.
        marked: Result<Marked, LedgerFault>,
    },
    /// It was sent before; nothing was done.
    Before {
        /// The stored alert's amount.
        transaction_amount: String,
    },
    /// Another sender holds it; nothing was done.
    InForce {
        /// When the other's claim can be taken over.
        until: Timestamp,
    },
    /// It is not pending: who held it has given it up unsent. Nothing was done.
    NotPending,
    /// The ledger did not give a claim; nothing was sent.
    NotClaimed(LedgerFault),
    /// The sink did not take it, and its claim was given back.
    NotPublished(PublishFault),
    /// An earlier one must wait, and so must this one: its claim was given back.
    HeldBack,
}

/// An alert that is to be published: its place, and the stored message if another sender had claimed it.
struct Ready {
    place: usize,
    stored: Option<Box<Alert>>,
}

impl<'p, Ledger: AlertLedger, Sink: AlertSink, Now: Clock> Sender<'p, Ledger, Sink, Now> {
    /// A sender whose claims begin now.
    pub fn new(ledger: &'p Ledger, sink: &'p Sink, clock: &'p Now, limits: SendLimits) -> Self {
        let now = clock.now();
        let millis = i64::try_from(limits.claim.as_millis()).unwrap_or(i64::MAX);
        let claim = Claim::new(now, Timestamp::saturating_from_millis(now.millis().saturating_add(millis)));
        Sender { ledger, sink, clock, claim, limits }
    }

    /// Sends alerts, and gives what became of each, in their order. All claims are made first, then what was claimed is
    /// published in order, then what was published is marked. From the first alert on that another sender holds, or that
    /// the ledger cannot be asked about now, nothing is published.
    pub async fn send(&self, alerts: &[&Alert], which: Which) -> Vec<Sent> {
        let mut outcomes = vec![Sent::HeldBack; alerts.len()];
        let mut unused = Vec::new();
        let ready = self.claim(alerts, which, &mut outcomes, &mut unused).await;
        let published = self.publish(alerts, ready, &mut outcomes, &mut unused).await;
        self.mark(&published, alerts, &mut outcomes).await;
        self.release(unused, alerts).await;
        outcomes
    }

    async fn claim(
        &self,
        alerts: &[&Alert],
        which: Which,
        outcomes: &mut [Sent],
        unused: &mut Vec<(usize, Release)>,
    ) -> Vec<Ready> {
        // Collected, here and below: the compiler cannot tell that a stream over a borrowing closure can change threads.
        let claims: Vec<_> =
            alerts.iter().map(|alert| self.ledger.claim(alert, &self.claim, self.limits.work)).collect();
        let claimed: Vec<_> =
            futures_util::stream::iter(claims).buffered(LEDGER_CALLS_AT_ONCE).collect().await;
        let mut ready = Vec::with_capacity(alerts.len());
        let mut must_wait = false;
        for (place, (claimed, outcome)) in claimed.into_iter().zip(outcomes).enumerate() {
            match claimed {
                Ok(Claimed::Fresh) if which == Which::Pending => {
                    unused.push((place, Release::NotSent));
                    *outcome = Sent::NotPending;
                }
                Ok(Claimed::Fresh | Claimed::TakenOver(_)) if must_wait => {
                    unused.push((place, Release::NotSent));
                }
                Ok(Claimed::Fresh) => ready.push(Ready { place, stored: None }),
                Ok(Claimed::TakenOver(stored)) => ready.push(Ready { place, stored: Some(stored) }),
                Ok(Claimed::AlreadySent { transaction_amount }) => {
                    *outcome = Sent::Before { transaction_amount };
                }
                Ok(Claimed::InForce { until }) => {
                    must_wait = true;
                    *outcome = Sent::InForce { until };
                }
                Err(fault) => {
                    if fault.is_transient() {
                        must_wait = true;
                        // The call may have reached the ledger all the same.
                        unused.push((place, Release::NotSent));
                    }
                    *outcome = Sent::NotClaimed(fault);
                }
            }
        }
        ready
    }

    /// Gives what the sink took.
    async fn publish(
        &self,
        alerts: &[&Alert],
        ready: Vec<Ready>,
        outcomes: &mut [Sent],
        unused: &mut Vec<(usize, Release)>,
    ) -> Vec<usize> {
        let messages: Vec<&Alert> = ready
            .iter()
            .filter_map(|ready| ready.stored.as_deref().or_else(|| alerts.get(ready.place).copied()))
            .collect();
        if messages.is_empty() {
            return Vec::new();
        }
        let results = self.sink.publish(&messages, self.limits.work).await;
        debug_assert_eq!(results.len(), ready.len(), "a sink answers for each alert");
        let unanswered = || Err(PublishFault::HeldBack);
        let results = results.into_iter().chain(std::iter::repeat_with(unanswered));
        let at = self.clock.now();
        let mut published = Vec::with_capacity(ready.len());
        for (Ready { place, stored }, result) in ready.into_iter().zip(results) {
            let Some(outcome) = outcomes.get_mut(place) else { continue };
            *outcome = match result {
                Ok(()) => {
                    published.push(place);
                    Sent::Published { at, stored: stored.is_some(), marked: Ok(Marked::Sent) }
                }
                Err(fault) => {
                    unused.push((place, fault.release()));
                    Sent::NotPublished(fault)
                }
            };
        }
        published
    }

    /// Marks alerts as sent. One that cannot be marked goes out a second time when its claim has ended, so this is tried
    /// for as long as there is time.
    async fn mark(&self, published: &[usize], alerts: &[&Alert], outcomes: &mut [Sent]) {
        let sent_at = |place: usize| match outcomes.get(place) {
            Some(Sent::Published { at, .. }) => Some(*at),
            _ => None,
        };
        let marks = published
            .iter()
            .filter_map(|&place| Some(self.mark_one(&alerts.get(place)?.alert_id, sent_at(place)?)));
        let marks: Vec<_> = marks.collect();
        let marks: Vec<_> = futures_util::stream::iter(marks).buffered(LEDGER_CALLS_AT_ONCE).collect().await;
        for (&place, result) in published.iter().zip(marks) {
            if let Some(Sent::Published { marked, .. }) = outcomes.get_mut(place) {
                *marked = result;
            }
        }
    }

    async fn mark_one(&self, alert_id: &str, sent_at: Timestamp) -> Result<Marked, LedgerFault> {
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let out_of_time = LedgerFault::Call(CallFault::deadline());
        // Why the ledger refused says more than that the last attempt was cut off.
        let mut refusal = None;
        loop {
            let marked = self.ledger.mark_sent(alert_id, &self.claim, sent_at, self.limits.settle).await;
            let Err(fault) = marked else { return marked };
            if fault != out_of_time {
                refusal = Some(fault);
            }
            if !pauses.wait_before(self.limits.settle).await {
                return Err(refusal.unwrap_or(out_of_time));
            }
        }
    }

    /// Gives claims back. One that cannot be given back ends by itself, which costs time and no alert.
    async fn release(&self, unused: Vec<(usize, Release)>, alerts: &[&Alert]) {
        let unused = unused.into_iter().filter_map(|(place, release)| Some((*alerts.get(place)?, release)));
        let releases: Vec<_> = unused
            .map(|(alert, release)| async move {
                let released =
                    self.ledger.release(&alert.alert_id, &self.claim, release, self.limits.settle).await;
                if let Err(fault) = released {
                    let position = alert.position();
                    tracing::warn!(reason = %fault, %position, "a claim could not be given back");
                }
            })
            .collect();
        futures_util::stream::iter(releases).buffered(LEDGER_CALLS_AT_ONCE).collect::<Vec<()>>().await;
    }
}

/// Sends the stored message of one alert whose sender died, within `time`. Where others, functions among them, do the
/// same at the same time, one of them sends it.
pub async fn send_pending(
    ledger: &impl AlertLedger,
    sink: &impl AlertSink,
    clock: &impl Clock,
    alert: &Alert,
    time: Duration,
) -> Sent {
    // A third is kept for marking what was sent.
    let settle = Instant::now() + time;
    let limits = SendLimits { claim: time, work: settle - time / 3, settle };
    let outcomes = Sender::new(ledger, sink, clock, limits).send(&[alert], Which::Pending).await;
    outcomes.into_iter().next().unwrap_or(Sent::HeldBack)
}
