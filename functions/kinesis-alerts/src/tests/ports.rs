//! Ports that fail on order or at random, and remember what happened.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use aws_calls::fault::{CallFault, FaultKind};
use exact_text::timestamp::Timestamp;
pub(super) use fault_injection::Fate;
use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_aws::ledger::{AlertLedger, Claim, Claimed, LedgerFault, Marked, MemoryLedger, OnRecord, Release};
use fraud_aws::lookup::Store;
use fraud_aws::profiles::{Lookup, ProfileAnswer};
use fraud_core::alert::Alert;
use fraud_core::profile::{Attribute, Profile};
use tokio::time::Instant;

/// Where in the function a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Call {
    Lookup,
    Claim,
    Find,
    ReadHistory,
    WriteHistory,
    Mark,
    Release,
    Publish,
    DeadLetter,
}

/// The fates that a call may meet, with their probabilities; otherwise it is done.
pub(super) type Chances = fault_injection::Chances<Call>;

/// Decides what happens to each call.
pub(super) type Fates = fault_injection::Fates<Call>;

/// Every customer has a profile of the highest risk, and a segment that changes from one lookup to the next: a message
/// made anew differs from the one made before.
#[derive(Debug)]
pub(super) struct Profiles(pub(super) Fates);

impl Store for Profiles {
    type Known = Profile;

    async fn lookup(&self, customers: &[&str], deadline: Instant) -> ProfileAnswer {
        let work = async || {
            let version = self.0.calls(Call::Lookup) as f64;
            let risk = (1.0 - version.min(1000.0) / 10_000.0).to_string();
            let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number(&risk));
            Ok(vec![Lookup::Found(Arc::new(profile)); customers.len()])
        };
        let looked_up = self.0.apply(Call::Lookup, deadline, work, CallFault::deadline).await;
        match looked_up {
            Ok(found) => ProfileAnswer { found, looked_up: customers.len(), ..ProfileAnswer::default() },
            Err(fault) => {
                // A store may know some and not others.
                let known = customers.len() / 2;
                let profile =
                    Arc::new(Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number("1")));
                let mut found = vec![Lookup::Found(profile); known];
                found.resize(customers.len(), Lookup::Unavailable);
                ProfileAnswer {
                    found,
                    looked_up: customers.len(),
                    fault: Some(fault),
                    ..ProfileAnswer::default()
                }
            }
        }
    }
}

/// The ledger in memory, behind the fates.
#[derive(Debug)]
pub(super) struct FlakyLedger {
    pub(super) fates: Fates,
    pub(super) inner: Arc<MemoryLedger>,
    pub(super) log: Log,
}

fn ledger_fault() -> LedgerFault {
    LedgerFault::Call(CallFault::new(FaultKind::Failed, "ordered"))
}

impl AlertLedger for FlakyLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        let work = async || {
            reached(&self.log, Call::Claim);
            self.inner.claim(alert, claim, deadline).await
        };
        let claimed = self.fates.apply(Call::Claim, deadline, work, ledger_fault).await;
        let edges = &mut self.log.lock().unwrap().edges;
        match &claimed {
            Ok(Claimed::IdInUse) => edges.ids_in_use += 1,
            Ok(Claimed::InForce { .. }) => edges.in_force += 1,
            Ok(Claimed::Stored { may_have_been_sent: true, .. }) => edges.taken_over_in_doubt += 1,
            Ok(Claimed::Stored { may_have_been_sent: false, .. }) => edges.taken_over_unsent += 1,
            _ => {}
        }
        claimed
    }

    async fn find(&self, alert: &Alert, deadline: Instant) -> Result<Option<OnRecord>, LedgerFault> {
        let work = async || {
            reached(&self.log, Call::Find);
            let found = self.inner.find(alert, deadline).await?;
            let is_forgotten = alert
                .evidence
                .as_ref()
                .is_some_and(|evidence| evidence.history.as_deref() == Some("expired"));
            let seen = &mut self.log.lock().unwrap();
            match &found {
                Some(_) if is_forgotten => seen.forgotten_with_a_claim += 1,
                None if is_forgotten => seen.forgotten_without_a_claim += 1,
                _ => {}
            }
            Ok(found)
        };
        self.fates.apply(Call::Find, deadline, work, ledger_fault).await
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        // Until it has answered nobody knows that it did.
        self.log.lock().unwrap().marks_in_doubt.insert(alert_id.to_owned());
        let work = async || {
            reached(&self.log, Call::Mark);
            let marked = self.inner.mark_sent(alert_id, claim, sent_at, deadline).await?;
            if marked == Marked::Sent {
                self.log.lock().unwrap().marked.insert(alert_id.to_owned());
            }
            Ok(marked)
        };
        let marked = self.fates.apply(Call::Mark, deadline, work, ledger_fault).await;
        if marked == Ok(Marked::ClaimLost) {
            self.log.lock().unwrap().edges.claims_lost += 1;
        }
        marked
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        let work = async || {
            reached(&self.log, Call::Release);
            self.inner.release(alert_id, claim, release, deadline).await
        };
        self.fates.apply(Call::Release, deadline, work, ledger_fault).await
    }
}

/// What the outside world got.
pub(super) type Log = Arc<Mutex<Seen>>;

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Every alert that the sink accepted, in order, and when.
    pub(super) accepted: Vec<(Alert, Instant)>,
    /// Alerts that were accepted although they stood as sent.
    pub(super) again_after_mark: Vec<String>,
    /// Alerts that were accepted twice, and nobody had lost an answer, died, or failed to mark them.
    pub(super) again_without_cause: Vec<String>,
    pub(super) marked: HashSet<String>,
    /// Those of which it may be unknown that they are marked: they were to be, at least.
    pub(super) marks_in_doubt: HashSet<String>,
    /// Those whose acceptance a caller was told of, and the invocation that this was in.
    pub(super) told: HashMap<String, u64>,
    /// The invocations that died.
    pub(super) dead: HashSet<u64>,
    /// Dead letters by id, and their reasons.
    pub(super) letters: BTreeMap<String, Vec<String>>,
    pub(super) edges: Edges,
    /// How often the ledger was asked about a forgotten record and had its alert, and had not.
    pub(super) forgotten_with_a_claim: u64,
    pub(super) forgotten_without_a_claim: u64,
    /// The last call that an invocation made.
    last: HashMap<u64, Call>,
    /// How often an invocation died between two calls: the last that was made, and the one that was not.
    pub(super) died_between: BTreeMap<(Call, Call), u64>,
}

/// An invocation makes a call.
pub(super) fn reached(log: &Log, call: Call) {
    if let Ok(number) = INVOCATION.try_with(|number| *number) {
        log.lock().unwrap().last.insert(number, call);
    }
}

/// Counts between which calls invocations die.
pub(super) fn count_deaths(fates: &Fates, log: &Log) {
    let log = Arc::downgrade(log);
    fates.tell_deaths(move |call, done| {
        let (Some(log), Ok(number)) = (log.upgrade(), INVOCATION.try_with(|number| *number)) else { return };
        let seen = &mut *log.lock().unwrap();
        if let Some(last) = seen.last.get(&number).filter(|_| !done) {
            *seen.died_between.entry((*last, call)).or_default() += 1;
        }
    });
}

/// How often something happened that only faults bring about.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edges {
    pub(super) ids_in_use: u64,
    pub(super) in_force: u64,
    pub(super) taken_over_in_doubt: u64,
    pub(super) taken_over_unsent: u64,
    pub(super) claims_lost: u64,
    pub(super) killed: u64,
    pub(super) sent_again: u64,
}

impl Edges {
    pub(super) fn all(&self) -> [u64; 7] {
        let Edges { ids_in_use, in_force, taken_over_in_doubt, taken_over_unsent, claims_lost, .. } = *self;
        let Edges { killed, sent_again, .. } = *self;
        [ids_in_use, in_force, taken_over_in_doubt, taken_over_unsent, claims_lost, killed, sent_again]
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.ids_in_use += other.ids_in_use;
        self.in_force += other.in_force;
        self.taken_over_in_doubt += other.taken_over_in_doubt;
        self.taken_over_unsent += other.taken_over_unsent;
        self.claims_lost += other.claims_lost;
        self.killed += other.killed;
        self.sent_again += other.sent_again;
    }
}

tokio::task_local! {
    /// The number of the invocation that is under way.
    pub(super) static INVOCATION: u64;
}

/// A sink that takes each alert for itself, as SNS does with the entries of a batch.
#[derive(Debug)]
pub(super) struct FlakySink {
    pub(super) fates: Fates,
    pub(super) log: Log,
}

impl FlakySink {
    fn accept(&self, alert: &Alert) {
        let seen = &mut *self.log.lock().unwrap();
        let id = &alert.alert_id;
        if seen.marked.contains(id) {
            seen.again_after_mark.push(id.clone());
        }
        if seen.accepted.iter().any(|(accepted, _)| accepted.alert_id == *id) {
            seen.edges.sent_again += 1;
            // Who was told of it and is alive goes on to mark it, and until that is in doubt nobody else may send it.
            let teller = seen.told.remove(id);
            let is_alive = teller.is_some_and(|invocation| !seen.dead.contains(&invocation));
            if is_alive && !seen.marks_in_doubt.contains(id) {
                seen.again_without_cause.push(id.clone());
            }
        }
        seen.accepted.push((alert.clone(), Instant::now()));
    }
}

impl AlertSink for FlakySink {
    async fn publish(&self, alerts: &[&Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
        let mut held_back = HashSet::new();
        let mut results = Vec::new();
        for alert in alerts {
            let customer = alert.customer_id.as_deref();
            if customer.is_some_and(|customer| held_back.contains(customer)) {
                results.push(Err(PublishFault::HeldBack));
                continue;
            }
            let work = async || {
                reached(&self.log, Call::Publish);
                self.accept(alert);
                Ok(())
            };
            let fault = |fate: Fate| PublishFault::Unavailable {
                fault: CallFault::new(FaultKind::Failed, "ordered"),
                may_be_sent: fate.leaves_a_doubt(),
            };
            let result = self.fates.apply_told(Call::Publish, deadline, work, fault).await;
            match (&result, customer) {
                (Ok(()), _) => {
                    let invocation = INVOCATION.try_with(|number| *number).unwrap_or_default();
                    self.log.lock().unwrap().told.insert(alert.alert_id.clone(), invocation);
                }
                (Err(_), Some(customer)) => drop(held_back.insert(customer)),
                (Err(_), None) => {}
            }
            results.push(result);
        }
        results
    }
}

#[derive(Debug)]
pub(super) struct FlakyDeadLetters {
    pub(super) fates: Fates,
    pub(super) log: Log,
}

impl DeadLetterSink for FlakyDeadLetters {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        let work = async || {
            reached(&self.log, Call::DeadLetter);
            let letters = &mut self.log.lock().unwrap().letters;
            letters.entry(letter.id()).or_default().push(letter.reason.to_string());
            Ok(())
        };
        let fault = CallFault::deadline;
        self.fates.apply(Call::DeadLetter, deadline, work, fault).await
    }
}

/// The time of day that the event source mapping goes by, as a machine has it whose clock is this many milliseconds ahead.
#[derive(Debug, Clone)]
pub(super) struct MappingClock {
    pub(super) mapping: embedded_aws::event_source_mapping::Clock,
    pub(super) ahead: i64,
}

impl Clock for MappingClock {
    fn now(&self) -> Timestamp {
        let since = self.mapping.now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap() + self.ahead).unwrap()
    }
}
