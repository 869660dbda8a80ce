//! A batch where a policy looks at the customers' history: taken in round by round.
//!
//! In a round each customer's records are decided in order and taken in by one write, which also claims the alerts of the
//! high scores; the rows of a round stand before its alerts go out and before the next round begins. Whatever happens
//! in between, a redelivered record finds what was decided, and the ledger has what was claimed.

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::Clock;
use fraud_aws::history::{HistoryCounts, HistoryFault, HistoryStore, RowWrite, StoredHistory, Written};
use fraud_aws::ledger::{AlertLedger, Claim, OnRecord, StandingClaim};
use fraud_aws::lookup::distinct;
use fraud_batch::{Received, RetryReason};
use fraud_core::alert::Alert;
use fraud_core::decision::{Decider, Decision};
use fraud_core::found::{Found, HistoryFound};
use fraud_core::history::{Answer, History, Incoming, Known, ROUND};
use fraud_core::policy::HistorySettings;
use fraud_core::shadow::ShadowScore;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::dispatch::Due;

/// Customers whose rows are written at once.
const WRITES_AT_ONCE: usize = 16;
/// How often a customer's records are decided anew because somebody else wrote the row in between.
const ATTEMPTS: usize = 5;

/// A record of a batch that is to be decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'b> {
    /// Its place in the batch.
    pub(crate) index: usize,
    pub(crate) received: &'b Received<'b>,
    /// What was looked up of its customer and its entities.
    pub(crate) found: Found<'b>,
}

/// What decides where a policy looks at the history.
#[derive(Debug)]
pub(crate) struct Taking<'f, Rows, Ledger, Now> {
    pub(crate) rows: &'f Rows,
    pub(crate) ledger: &'f Ledger,
    pub(crate) clock: &'f Now,
    pub(crate) decider: &'f Decider,
    pub(crate) settings: HistorySettings,
    /// Whose claims they are.
    pub(crate) token: &'f str,
    /// When this sender ends by somebody else's clock, if that is known.
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) deadline: Instant,
}

/// What became of a round, or of one customer's records in it.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// The alerts to be sent.
    pub(crate) due: Vec<Due>,
    /// High scores whose alert was sent before.
    pub(crate) sent_before: usize,
    /// The first record that must be retried, and why.
    pub(crate) stop: Option<(usize, RetryReason)>,
    pub(crate) history: HistoryCounts,
    /// How often a customer's records were decided anew because somebody else wrote the row in between.
    pub(crate) rewrites: usize,
    /// What was decided of each record: its place, and the outcome in numbers.
    pub(crate) decided: Vec<Decided>,
}

/// What was decided of a record, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decided {
    pub(crate) index: usize,
    pub(crate) is_high: bool,
    pub(crate) shadow: Option<ShadowScore>,
    pub(crate) unusable_fields: usize,
}

/// The rounds of a batch: in each at most as many records of one customer as one write takes in. Records are named by their
/// places.
pub(crate) fn rounds(items: Vec<Item<'_>>) -> Vec<Vec<Item<'_>>> {
    let (customers, places) = distinct(items.iter().map(Item::customer));
    let mut counts = vec![0; customers.len()];
    let mut rounds = Vec::new();
    let mut round = Vec::with_capacity(items.len());
    for (item, place) in items.into_iter().zip(places) {
        if place.is_some_and(|place| counts.get(place) == Some(&ROUND)) {
            rounds.push(std::mem::take(&mut round));
            counts.fill(0);
        }
        place.and_then(|place| counts.get_mut(place)).into_iter().for_each(|count| *count += 1);
        round.push(item);
    }
    rounds.push(round);
    rounds
}

impl<'b> Item<'b> {
    fn customer(&self) -> Option<&'b str> {
        self.received.transaction.customer_id.as_deref()
    }
}

/// What an attempt at a customer's records came to before its row is written.
#[derive(Debug, Default)]
struct Attempt {
    due: Vec<Due>,
    /// The places in `due` of alerts that are claimed with the row.
    claims: Vec<usize>,
    /// Alerts that the ledger is asked about: those of forgotten records, and those that an earlier policy raised.
    to_find: Vec<ToFind>,
    history: HistoryCounts,
    rewrites: usize,
    decided: Vec<Decided>,
}

#[derive(Debug)]
struct ToFind {
    index: usize,
    arrival: Timestamp,
    alert: Alert,
    /// Whether the alert is due if the ledger knows nothing of it.
    is_high: bool,
}

impl<Rows, Ledger, Now> Taking<'_, Rows, Ledger, Now>
where
    Rows: HistoryStore<Ledger = Ledger>,
    Ledger: AlertLedger,
    Now: Clock,
{
    /// Takes in a round.
    pub(crate) async fn take_in(&self, round: &[Item<'_>]) -> Taken {
        let (names, places) = distinct(round.iter().map(Item::customer));
        let mut customers: Vec<Vec<Item<'_>>> = vec![Vec::new(); names.len()];
        let mut taken = Taken::default();
        for (item, place) in round.iter().zip(places) {
            match place.and_then(|place| customers.get_mut(place)) {
                Some(items) => items.push(*item),
                None => taken.add(self.without_history(&[*item], HistoryFound::None).into()),
            }
        }
        let rows = self.rows.read(&names, self.deadline).await;
        debug_assert_eq!(rows.len(), names.len(), "a store answers for each customer");
        // Collected: the compiler cannot tell that a stream over a borrowing closure can change threads.
        let writes: Vec<_> = names
            .iter()
            .zip(&customers)
            .zip(rows)
            .map(|((customer, items), row)| self.take_in_customer(customer, items, row))
            .collect();
        let all: Vec<Taken> =
            futures_util::stream::iter(writes).buffer_unordered(WRITES_AT_ONCE).collect().await;
        all.into_iter().for_each(|of_customer| taken.add(of_customer));
        taken.due.sort_by_key(Due::index);
        taken
    }

    async fn take_in_customer(
        &self,
        customer: &str,
        items: &[Item<'_>],
        row: Result<StoredHistory, CallFault>,
    ) -> Taken {
        let Some(first) = items.first() else { return Taken::default() };
        let position = first.received.position;
        let unavailable = |rewrites| Taken {
            stop: Some((first.index, RetryReason::HistoryUnavailable)),
            rewrites,
            ..Taken::default()
        };
        let incoming: Vec<Incoming> = items.iter().map(|item| incoming(item.received)).collect();
        let mut row = row;
        for rewrites in 0..ATTEMPTS {
            let stored = match row {
                Ok(stored) => stored,
                Err(fault) => {
                    tracing::warn!(reason = %fault, %position, "history unavailable");
                    return unavailable(rewrites);
                }
            };
            let mut history = match stored.history {
                Ok(history) => history,
                Err(fault) => {
                    tracing::error!(reason = %fault, %position, "a customer's history cannot be read");
                    let mut attempt = self.without_history(items, HistoryFound::Invalid);
                    attempt.rewrites = rewrites;
                    return attempt.into();
                }
            };
            let mut attempt = self.decide(&mut history, items, &incoming);
            attempt.rewrites = rewrites;
            let written = match history.is_changed() {
                true => self.write(customer, stored.version, &history, &mut attempt).await,
                false => Ok(true),
            };
            match written {
                Ok(true) => return self.find(attempt).await,
                Ok(false) => {}
                Err(fault) => {
                    tracing::warn!(reason = %fault, %position, "history not written");
                    return unavailable(rewrites);
                }
            }
            row = self
                .rows
                .read(&[customer], self.deadline)
                .await
                .pop()
                .unwrap_or_else(|| Err(CallFault::unreadable("no answer for the customer")));
        }
        tracing::warn!(%position, "history not written: others write the row all the time");
        unavailable(ATTEMPTS)
    }

    /// Decides a customer's records in order, and takes in those that are new.
    fn decide(&self, history: &mut History, items: &[Item<'_>], incoming: &[Incoming]) -> Attempt {
        let mut attempt = Attempt { decided: Vec::with_capacity(items.len()), ..Attempt::default() };
        history.begin();
        for (item, incoming) in items.iter().zip(incoming) {
            match history.ask(incoming) {
                Answer::New(inputs) => {
                    let found = Found { history: HistoryFound::New(&inputs), ..item.found };
                    let decision = self.decision(item, found);
                    let is_high = attempt.decided(item, &decision, self.decider);
                    let known = Known {
                        profile: decision.enrichment.profile().cloned(),
                        entities: decision.inputs.entity_values(self.decider.policies()),
                    };
                    if is_high {
                        attempt.claim(item, self.alert(item, &decision));
                    }
                    history.take_in(incoming, inputs, self.settings, known, is_high);
                }
                Answer::Again(entry) => {
                    let decision = self.decision(item, Found::again(entry));
                    let is_high = attempt.decided(item, &decision, self.decider);
                    match (is_high, entry.alerted()) {
                        (true, false) => attempt.claim(item, self.alert(item, &decision)),
                        (true, true) => attempt.due(item, self.alert(item, &decision)),
                        (false, true) => attempt.find(item, self.alert(item, &decision), false),
                        (false, false) => {}
                    }
                    history.seen_again(incoming, is_high);
                }
                Answer::Unknown => {
                    let found = Found { history: HistoryFound::Expired, ..item.found };
                    let decision = self.decision(item, found);
                    let is_high = attempt.decided(item, &decision, self.decider);
                    attempt.history.expired += 1;
                    attempt.find(item, self.alert(item, &decision), is_high);
                }
            }
        }
        history.end();
        attempt
    }

    /// Decides records without a history.
    fn without_history(&self, items: &[Item<'_>], history: HistoryFound<'static>) -> Attempt {
        let mut attempt = Attempt::default();
        for item in items {
            let decision = self.decision(item, Found { history, ..item.found });
            attempt.history.invalid += usize::from(history == HistoryFound::Invalid);
            if attempt.decided(item, &decision, self.decider) {
                attempt.due(item, self.alert(item, &decision));
            }
        }
        attempt
    }

    /// Writes a row with its claims; `false` if somebody else wrote it in between, so that all is to be decided anew. A claim
    /// that stands already is left to the usual way, and one for another content gets an id of its own.
    async fn write(
        &self,
        customer_id: &str,
        version: u64,
        history: &History,
        attempt: &mut Attempt,
    ) -> Result<bool, HistoryFault> {
        loop {
            let claim = self.claim();
            let claims = &attempt.claims;
            let alerts: Vec<&Alert> =
                claims.iter().filter_map(|&place| attempt.due.get(place).map(Due::alert)).collect();
            let write = RowWrite {
                customer_id,
                version,
                history,
                alerts: &alerts,
                claim: &claim,
                at: claim.claimed_at,
            };
            match self.rows.write(write, self.ledger, self.deadline).await? {
                Written::Done => {
                    for &place in &attempt.claims {
                        attempt.due.get_mut(place).into_iter().for_each(|due| due.hold(claim.clone()));
                    }
                    return Ok(true);
                }
                Written::Conflict => return Ok(false),
                // Each time there is one claim less, or one under its next id, of which there are three.
                Written::Claimed(standing) => attempt.step_aside(&standing),
            }
        }
    }

    /// Asks the ledger about what is to be found there.
    async fn find(&self, attempt: Attempt) -> Taken {
        let Attempt { due, to_find, history, rewrites, decided, .. } = attempt;
        let mut taken = Taken { due, history, rewrites, decided, ..Taken::default() };
        for ToFind { index, arrival, alert, is_high } in to_find {
            match self.ledger.find(&alert, self.deadline).await {
                Ok(Some(OnRecord::Sent)) => taken.sent_before += 1,
                Ok(Some(OnRecord::Pending(stored))) => taken.due(index, arrival, *stored),
                Ok(None) if is_high => taken.due(index, arrival, alert),
                Ok(None) => {}
                Err(fault) => {
                    let position = alert.position();
                    tracing::warn!(reason = %fault, %position, "alert ledger unavailable");
                    // A row of the ledger that cannot be read stays so: the record is retried until somebody mends it.
                    taken.stop(index, RetryReason::LedgerUnavailable);
                }
            }
        }
        taken
    }

    fn claim(&self) -> Claim {
        Claim::for_the_term(self.token, self.clock.now(), self.ends_at)
    }

    fn decision<'a>(&self, item: &'a Item<'_>, found: Found<'a>) -> Decision<'a> {
        let Received { transaction, arrival, position } = item.received;
        self.decider.decide(transaction, found, *arrival, Some(*position))
    }

    fn alert(&self, item: &Item<'_>, decision: &Decision<'_>) -> Alert {
        let Received { transaction, position, .. } = item.received;
        Alert::new(transaction, decision, self.decider, *position)
    }
}

fn incoming(received: &Received<'_>) -> Incoming {
    Incoming::of(&received.transaction, received.arrival, received.position)
}

/// The identity of an alert's transaction.
fn identity(alert: &Alert) -> &str {
    alert.reuses_id_of.as_ref().unwrap_or(&alert.alert_id)
}

impl Attempt {
    /// Notes what was decided of a record, and says whether it is high.
    fn decided(&mut self, item: &Item<'_>, decision: &Decision<'_>, decider: &Decider) -> bool {
        let is_high = decider.alerts(decision);
        let unusable_fields = decision.inputs.unusable_fields;
        self.decided.push(Decided { index: item.index, is_high, shadow: decision.shadow, unusable_fields });
        is_high
    }

    /// An alert goes the usual way: it is claimed when it is sent.
    fn due(&mut self, item: &Item<'_>, alert: Alert) {
        let is_same = |due: &&mut Due| {
            due.alert().fingerprint == alert.fingerprint && identity(due.alert()) == identity(&alert)
        };
        match self.due.iter_mut().find(is_same) {
            Some(first) => first.repeated(item.index),
            None => self.due.push(Due::new(item.index, item.received.arrival, alert)),
        }
    }

    /// An alert is claimed with the row. Of several contents under one identity the first gets the id.
    fn claim(&mut self, item: &Item<'_>, alert: Alert) {
        let taken = |id: &String| self.due.iter().any(|due| due.alert().alert_id == *id);
        let alert = match alert.ids().find(|id| !taken(id)) {
            Some(id) if id != alert.alert_id => alert.reusing(id),
            _ => alert,
        };
        self.claims.push(self.due.len());
        self.due.push(Due::new(item.index, item.received.arrival, alert));
    }

    fn find(&mut self, item: &Item<'_>, alert: Alert, is_high: bool) {
        self.to_find.push(ToFind { index: item.index, arrival: item.received.arrival, alert, is_high });
    }

    /// Claims stand in the way: that of an alert's own content is left as it is, for another content the alert takes its next
    /// id.
    fn step_aside(&mut self, standing: &[StandingClaim]) {
        let due = &mut self.due;
        self.claims.retain(|&place| {
            let Some(due) = due.get_mut(place) else { return false };
            let Some(claim) = standing.iter().find(|claim| claim.alert_id == due.alert().alert_id) else {
                return true;
            };
            let next = due.alert().ids().skip_while(|id| *id != claim.alert_id).nth(1);
            match next {
                Some(id) if !due.alert().is_of_the_same_content(claim.fingerprint) => {
                    due.rename(id);
                    true
                }
                _ => false,
            }
        });
    }
}

impl From<Attempt> for Taken {
    fn from(attempt: Attempt) -> Self {
        let Attempt { due, history, rewrites, decided, .. } = attempt;
        Taken { due, history, rewrites, decided, ..Taken::default() }
    }
}

impl Taken {
    /// An alert goes the usual way, once for all records that raise it.
    fn due(&mut self, index: usize, arrival: Timestamp, alert: Alert) {
        // Under whichever id: what the ledger has may have an ending that what was made anew has not yet.
        let is_same = |due: &&mut Due| {
            identity(due.alert()) == identity(&alert) && due.alert().is_of_the_same_content(alert.fingerprint)
        };
        match self.due.iter_mut().find(is_same) {
            Some(first) => first.repeated(index),
            None => self.due.push(Due::new(index, arrival, alert)),
        }
    }

    fn stop(&mut self, index: usize, reason: RetryReason) {
        if self.stop.is_none_or(|(first, _)| index < first) {
            self.stop = Some((index, reason));
        }
    }

    fn add(&mut self, other: Taken) {
        self.due.extend(other.due);
        self.sent_before += other.sent_before;
        self.decided.extend(other.decided);
        self.history.expired += other.history.expired;
        self.history.invalid += other.history.invalid;
        self.rewrites += other.rewrites;
        if let Some((index, reason)) = other.stop {
            self.stop(index, reason);
        }
    }
}
