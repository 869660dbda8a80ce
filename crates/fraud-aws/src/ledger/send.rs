//! Sending alerts, each once: claim, publish, mark as sent. What the function and the tool do, in one place.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::pauses::Pauses;
use fraud_core::alert::Alert;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::{AlertLedger, Claim, Claimed, LedgerFault, Marked, Release, Timestamp};
use crate::alerts::{AlertSink, PublishFault};
use crate::clock::Clock;

/// How long a claim is in force at most. It covers one call of [`Sender::send`] up to the publication and no more: if the
/// sender dies, the alert waits no longer than this.
pub const CLAIM_TERM: Duration = Duration::from_secs(8);
/// Of that, the time for making the claims.
const CLAIMING: Duration = Duration::from_secs(4);
/// Of that, what is left unused at the end, so that no call is under way when the claim ends.
const UNUSED: Duration = Duration::from_secs(1);
/// Calls to the ledger under way at once.
const LEDGER_CALLS_AT_ONCE: usize = 16;
/// How often a claim is given back at most.
const RELEASE_ATTEMPTS: usize = 3;
/// The first pause before a claim is marked as sent or given back again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Sends alerts.
#[derive(Debug)]
pub struct Sender<'p, Ledger, Sink, Now> {
    ledger: &'p Ledger,
    sink: &'p Sink,
    clock: &'p Now,
    limits: SendLimits,
    /// The token of its claims; `None` for a new one each time.
    token: Option<String>,
}

/// An alert to be sent.
#[derive(Debug, Clone, Copy)]
pub struct ToSend<'a> {
    /// The alert.
    pub alert: &'a Alert,
    /// The sender's own claim, if it was made with something else already.
    pub held: Option<&'a Claim>,
}

/// How long sending may take.
#[derive(Debug, Clone, Copy)]
pub struct SendLimits {
    /// Nothing is claimed or published beyond it.
    pub work: Instant,
    /// What was published is marked, and what was not is given back, until here.
    pub settle: Instant,
    /// When the sender ends by somebody else's clock, if that is known: no claim lasts longer, however wrong this
    /// machine's clock is.
    pub ends_at: Option<Timestamp>,
}

/// What became of an alert.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// The sink took it.
    Published {
        /// When.
        at: Timestamp,
        /// Whether an earlier sender may have sent it, too.
        again: bool,
        /// Whether another transaction has its identity, so that it went out under an id of its own.
        reuses_id: bool,
        /// Whether it is marked as sent. One that is not is pending, and goes out again once its claim has ended; with a
        /// lost claim another sender may have sent it too.
        marked: Result<Marked, LedgerFault>,
    },
    /// It was sent before; nothing was done.
    Before,
    /// Another sender holds it; nothing was done.
    InForce {
        /// When the other's claim can be taken over.
        until: Timestamp,
    },
    /// The ledger did not give a claim; nothing was sent.
    NotClaimed(LedgerFault),
    /// The sink did not take it, and its claim was given back.
    NotPublished(PublishFault),
    /// An earlier one of the customer must wait, and so must this one: its claim was given back.
    HeldBack,
}

/// An alert that is claimed: what is to be published, and its place among those that were asked for.
struct Ready<'a> {
    place: usize,
    message: Message<'a>,
    may_have_been_sent: bool,
}

/// A message that is made now, or one that was stored or renamed.
enum Message<'a> {
    Asked(&'a Alert),
    Other(Box<Alert>),
}

/// A claim that is to be given back.
struct Unused {
    alert_id: String,
    position: String,
    release: Release,
}

impl Message<'_> {
    fn alert(&self) -> &Alert {
        match self {
            Message::Asked(alert) => alert,
            Message::Other(alert) => alert,
        }
    }
}

impl<'p, Ledger: AlertLedger, Sink: AlertSink, Now: Clock> Sender<'p, Ledger, Sink, Now> {
    /// A sender over these ports.
    pub fn new(ledger: &'p Ledger, sink: &'p Sink, clock: &'p Now, limits: SendLimits) -> Self {
        Sender { ledger, sink, clock, limits, token: None }
    }

    /// The same sender, whose claims have this token.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        Sender { token: Some(token.to_owned()), ..self }
    }

    /// Sends alerts under one claim, and gives what became of each, in their order. All claims are made first, then what was
    /// claimed is published, each customer's in order, then what was published is marked. From a customer's first alert on
    /// that another sender holds, or that the ledger cannot be asked about now, nothing of that customer is
    /// published.
    ///
    /// Two alerts with one id and other contents are two alerts: the first that the ledger has on record keeps the id.
    pub async fn send(&self, alerts: &[&Alert]) -> Vec<Sent> {
        let alerts: Vec<_> = alerts.iter().map(|&alert| ToSend { alert, held: None }).collect();
        self.send_held(&alerts).await
    }

    /// [Sends](Self::send) alerts of which some are claimed under this sender's token already. Such a claim is used as long as
    /// half of its term is left, and renewed after that.
    pub async fn send_held(&self, alerts: &[ToSend<'_>]) -> Vec<Sent> {
        let mut outcomes = vec![Sent::HeldBack; alerts.len()];
        let start = Instant::now();
        let claim = match self.new_claim() {
            Ok(claim) => claim,
            Err(fault) => return vec![Sent::NotClaimed(fault); alerts.len()],
        };
        let by = |part: Duration| (start + part).min(self.limits.work);
        let mut unused = Vec::new();
        let held_for = alerts.iter().filter_map(|to_send| self.held_for(to_send, &claim)).min();
        let ready = self.claim(&claim, alerts, by(CLAIMING), &mut outcomes, &mut unused).await;
        let term = held_for.map_or(CLAIM_TERM, |held_for| held_for.min(CLAIM_TERM));
        let published =
            self.publish(&ready, by(term.saturating_sub(UNUSED)), &mut outcomes, &mut unused).await;
        self.mark(&claim, &published, &mut outcomes).await;
        self.release(&claim, unused).await;
        outcomes
    }

    fn new_claim(&self) -> Result<Claim, LedgerFault> {
        let now = self.clock.now();
        let own = self.token.clone().map_or_else(Claim::new_token, Ok)?;
        Ok(Claim::for_the_term(&own, now, self.limits.ends_at))
    }

    /// How long a claim that was made before is still in force, if that is long enough; `now` is when `claim` was made.
    fn held_for(&self, to_send: &ToSend<'_>, claim: &Claim) -> Option<Duration> {
        let held = to_send.held.filter(|held| held.token == claim.token)?;
        let left = held.expires_at.millis().saturating_sub(claim.claimed_at.millis());
        let term = held.expires_at.millis().saturating_sub(held.claimed_at.millis());
        (left >= term / 2).then(|| Duration::from_millis(u64::try_from(left).unwrap_or_default()))
    }

    async fn claim<'a>(
        &self,
        claim: &Claim,
        alerts: &[ToSend<'a>],
        deadline: Instant,
        outcomes: &mut [Sent],
        unused: &mut Vec<Unused>,
    ) -> Vec<Ready<'a>> {
        // Of those with one id one after the other, and none behind one that must wait, so that the first gets it.
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut by_id: Vec<Vec<(usize, ToSend<'a>)>> = Vec::new();
        for (place, &to_send) in alerts.iter().enumerate() {
            let group = *places.entry(&to_send.alert.alert_id).or_insert(by_id.len());
            match by_id.get_mut(group) {
                Some(group) => group.push((place, to_send)),
                None => by_id.push(vec![(place, to_send)]),
            }
        }
        // Collected, here and below: the compiler cannot tell that a stream over a borrowing closure can change threads.
        let claims: Vec<_> = by_id
            .into_iter()
            .map(|group| async move {
                let mut claimed = Vec::with_capacity(group.len());
                for (place, to_send) in group {
                    let (message, result) = match self.held_for(&to_send, claim) {
                        Some(_) => (Message::Asked(to_send.alert), Ok(Claimed::Fresh)),
                        None => self.claim_one(claim, to_send.alert, deadline).await,
                    };
                    let must_wait = match &result {
                        Ok(claimed) => matches!(claimed, Claimed::InForce { .. }),
                        Err(fault) => fault.is_transient(),
                    };
                    claimed.push((place, message, result));
                    if must_wait {
                        break;
                    }
                }
                claimed
            })
            .collect();
        let claimed: Vec<_> =
            futures_util::stream::iter(claims).buffered(LEDGER_CALLS_AT_ONCE).collect().await;
        let mut claimed: Vec<_> = claimed.into_iter().flatten().collect();
        claimed.sort_unstable_by_key(|(place, ..)| *place);

        let mut ready = Vec::with_capacity(alerts.len());
        let mut must_wait: HashSet<&str> = HashSet::new();
        for (place, message, claimed) in claimed {
            let Some(outcome) = outcomes.get_mut(place) else { continue };
            let customer = alerts.get(place).and_then(|to_send| to_send.alert.customer_id.as_deref());
            let holds_back = |must_wait: &mut HashSet<&'a str>| must_wait.extend(customer);
            let stored = match claimed {
                Ok(Claimed::Fresh) => Ok((message, false)),
                Ok(Claimed::Stored { alert, may_have_been_sent }) => {
                    Ok((Message::Other(alert), may_have_been_sent))
                }
                Ok(Claimed::AlreadySent) => Err(Sent::Before),
                Ok(Claimed::InForce { until }) => {
                    holds_back(&mut must_wait);
                    Err(Sent::InForce { until })
                }
                // No two contents share every digit of their fingerprints.
                Ok(Claimed::IdInUse) => {
                    Err(Sent::NotClaimed(LedgerFault::UnreadableRow { attribute: super::table::FINGERPRINT }))
                }
                Err(fault) => {
                    if fault.is_transient() {
                        holds_back(&mut must_wait);
                        // The call may have reached the ledger all the same.
                        unused.push(Unused::of(message.alert(), Release::NotSent));
                    }
                    Err(Sent::NotClaimed(fault))
                }
            };
            match stored {
                Ok((message, _)) if customer.is_some_and(|customer| must_wait.contains(customer)) => {
                    unused.push(Unused::of(message.alert(), Release::NotSent));
                }
                Ok((message, may_have_been_sent)) => ready.push(Ready { place, message, may_have_been_sent }),
                Err(settled) => *outcome = settled,
            }
        }
        ready
    }

    /// Claims an alert under the first of its ids that no other transaction has.
    async fn claim_one<'a>(
        &self,
        claim: &Claim,
        asked: &'a Alert,
        deadline: Instant,
    ) -> (Message<'a>, Result<Claimed, LedgerFault>) {
        let mut message = Message::Asked(asked);
        let mut ids = asked.ids().skip_while(|id| *id != asked.alert_id).skip(1);
        loop {
            let claimed = self.ledger.claim(message.alert(), claim, deadline).await;
            match (claimed, ids.next()) {
                (Ok(Claimed::IdInUse), Some(id)) => message = Message::Other(Box::new(asked.reusing(id))),
                (claimed, _) => return (message, claimed),
            }
        }
    }

    /// Gives what the sink took: the place, the id, and when.
    async fn publish(
        &self,
        ready: &[Ready<'_>],
        deadline: Instant,
        outcomes: &mut [Sent],
        unused: &mut Vec<Unused>,
    ) -> Vec<(usize, String, Timestamp)> {
        let messages: Vec<&Alert> = ready.iter().map(|ready| ready.message.alert()).collect();
        if messages.is_empty() {
            return Vec::new();
        }
        let results = self.sink.publish(&messages, deadline).await;
        debug_assert_eq!(results.len(), ready.len(), "a sink answers for each alert");
        let unanswered = || Err(PublishFault::HeldBack);
        let results = results.into_iter().chain(std::iter::repeat_with(unanswered));
        let at = self.clock.now();
        let mut published = Vec::with_capacity(ready.len());
        for (Ready { place, message, may_have_been_sent }, result) in ready.iter().zip(results) {
            let Some(outcome) = outcomes.get_mut(*place) else { continue };
            let alert = message.alert();
            *outcome = match result {
                Ok(()) => {
                    published.push((*place, alert.alert_id.clone(), at));
                    let reuses_id = alert.reuses_id_of.is_some();
                    Sent::Published { at, again: *may_have_been_sent, reuses_id, marked: Ok(Marked::Sent) }
                }
                Err(fault) => {
                    unused.push(Unused::of(alert, fault.release()));
                    Sent::NotPublished(fault)
                }
            };
        }
        published
    }

    /// Marks alerts as sent. One that cannot be marked goes out a second time when its claim has ended, so this is tried
    /// for as long as there is time. A call that is not answered holds up no other: its claim would end meanwhile.
    async fn mark(&self, claim: &Claim, published: &[(usize, String, Timestamp)], outcomes: &mut [Sent]) {
        let marks: Vec<_> = published
            .iter()
            .map(|(place, id, at)| async move { (*place, self.mark_one(claim, id, *at).await) })
            .collect();
        let marks = futures_util::stream::iter(marks).buffer_unordered(LEDGER_CALLS_AT_ONCE);
        for (place, result) in marks.collect::<Vec<_>>().await {
            if let Some(Sent::Published { marked, .. }) = outcomes.get_mut(place) {
                *marked = result;
            }
        }
    }

    async fn mark_one(
        &self,
        claim: &Claim,
        alert_id: &str,
        sent_at: Timestamp,
    ) -> Result<Marked, LedgerFault> {
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let out_of_time = LedgerFault::Call(CallFault::deadline());
        // Why the ledger refused says more than that the last attempt was cut off.
        let mut refusal = None;
        loop {
            let marked = self.ledger.mark_sent(alert_id, claim, sent_at, self.limits.settle).await;
            let Err(fault) = marked else { return marked };
            if fault != out_of_time {
                refusal = Some(fault);
            }
            if !pauses.wait_before(self.limits.settle).await {
                return Err(refusal.unwrap_or(out_of_time));
            }
        }
    }

    /// Gives back claims that were made before and are not used.
    pub async fn give_back(&self, alerts: &[ToSend<'_>]) {
        for ToSend { alert, held } in alerts {
            if let Some(held) = held {
                self.release(held, vec![Unused::of(alert, Release::NotSent)]).await;
            }
        }
    }

    /// Gives claims back. One that cannot be given back ends by itself, which costs time and no alert.
    async fn release(&self, claim: &Claim, unused: Vec<Unused>) {
        let releases: Vec<_> = unused.iter().map(|unused| self.release_one(claim, unused)).collect();
        futures_util::stream::iter(releases)
            .buffer_unordered(LEDGER_CALLS_AT_ONCE)
            .collect::<Vec<()>>()
            .await;
    }

    async fn release_one(&self, claim: &Claim, unused: &Unused) {
        let Unused { alert_id, position, release } = unused;
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut attempts_left = RELEASE_ATTEMPTS;
        loop {
            let released = self.ledger.release(alert_id, claim, *release, self.limits.settle).await;
            let Err(fault) = released else { return };
            attempts_left -= 1;
            if attempts_left == 0 || !pauses.wait_before(self.limits.settle).await {
                tracing::warn!(reason = %fault, position, "a claim could not be given back");
                return;
            }
        }
    }
}

impl Unused {
    fn of(alert: &Alert, release: Release) -> Self {
        Unused { alert_id: alert.alert_id.clone(), position: alert.position().to_string(), release }
    }
}

/// Sends one alert that is on record and was not marked as sent, within `time`. Where others, functions among them, do
/// the same at the same time, one of them sends it.
pub async fn send_pending(
    ledger: &impl AlertLedger,
    sink: &impl AlertSink,
    clock: &impl Clock,
    alert: &Alert,
    time: Duration,
) -> Sent {
    // A third is kept for marking what was sent.
    let settle = Instant::now() + time;
    let limits = SendLimits { work: settle - time / 3, settle, ends_at: None };
    let outcomes = Sender::new(ledger, sink, clock, limits).send(&[alert]).await;
    outcomes.into_iter().next().unwrap_or(Sent::HeldBack)
}
