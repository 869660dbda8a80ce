//! A policy's decisions over transactions of the past, in the order in which they are given.
//!
//! Each decision is made by [`Decider`], as live. What live reads from tables grows here: the customers' histories with each
//! transaction, and at each [`becomes`](Engine::becomes) the labels that have come and the days that are over, on merchants' days.
//! Two policies can be run side by side; each has its own histories and merchants' days.
//!
//! A [step](Engine::step) is decided by several threads, each with customers of its own, so that the result is the same for any
//! number of them.

use std::thread;

use exact_text::timestamp::Timestamp;
use fraud_core::decision::{Decider, Decision};
use fraud_core::enrichment::Enrichment;
use fraud_core::entity::{EntitiesFound, Entity, EntityFound, EntityKind};
use fraud_core::found::Found;
use fraud_core::label::{Counting, Details};
use fraud_core::merchant::LabelDelay;
use fraud_core::profile::Profile;
use fraud_core::transaction::{EntityName, Transaction};

mod customer;
mod final_labels;
mod labels;
mod merchants;
mod parallel;
mod record;

pub use final_labels::{CameEarly, FinalLabels};
pub use labels::{LabelsKnown, WhenLabelsCome};
pub use parallel::in_chunks;
pub use record::{PastRecord, asked_by_all};

use customer::{Customers, HistoryAnswer};
use labels::ComingLabels;
use merchants::Merchants;

/// How often labels come and days are counted: twice a day, in UTC, at the records' own time.
pub const STEP_MILLIS: i64 = 12 * 3_600_000;

/// Records of a step below which one thread decides them all: starting another takes longer. Few in tests, so that they meet
/// several threads.
const ALONE: usize = if cfg!(test) { 2 } else { 256 };

/// What was known of customers and entities all the time.
pub trait Knowledge: Sync {
    /// The customer's profile.
    fn profile(&self, customer: &str) -> Option<&Profile>;

    /// What is known of an entity, of merchants without their days.
    fn entity(&self, kind: EntityKind, id: &str) -> Option<&Entity>;
}

/// A decision, and what made it.
#[derive(Debug)]
pub struct Decided<'d> {
    /// What made it.
    pub decider: &'d Decider,
    /// The decision.
    pub decision: Decision<'d>,
}

/// Runs policies over transactions.
pub struct Engine<'k> {
    known: &'k dyn Knowledge,
    deciders: Vec<Decider>,
    delay: LabelDelay,
    /// As many as there are threads.
    customers: Vec<Customers>,
    merchants: Option<Merchants>,
    labels: ComingLabels,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("deciders", &self.deciders).finish_non_exhaustive()
    }
}

/// What became of one record in its thread.
struct Outcome<R> {
    place: usize,
    /// `None` for a copy.
    result: Option<R>,
    /// What a label lacks, by decider.
    details: Option<Vec<Details>>,
}

impl<'k> Engine<'k> {
    /// Decides by `deciders`, with `known` and the labels that come, by this many threads.
    pub fn new(
        deciders: Vec<Decider>,
        delay: LabelDelay,
        known: &'k dyn Knowledge,
        labels: LabelsKnown,
        threads: usize,
    ) -> Self {
        let deciders: Vec<Decider> =
            deciders.into_iter().map(|decider| decider.with_label_delay(delay)).collect();
        // Without a policy that looks at them nothing is counted.
        let looks = deciders.iter().any(|decider| decider.policy().looks_at_merchants_days());
        Engine {
            known,
            merchants: looks.then(|| Merchants::new(deciders.len())),
            labels: ComingLabels::new(if looks { labels } else { LabelsKnown::default() }, delay),
            customers: (0..threads.max(1)).map(|_| Customers::default()).collect(),
            deciders,
            delay,
        }
    }

    /// It is `now`: the labels that are reported by then are known, and the days that are over are counted.
    pub fn becomes(&mut self, now: Timestamp) {
        let Some(merchants) = &mut self.merchants else { return };
        let seconds = now.millis().div_euclid(1000);
        let counting: Vec<Counting> = self
            .deciders
            .iter()
            .map(|decider| Counting::at(seconds, self.delay, decider.policy().history()))
            .collect();
        self.labels.apply_until(now, &counting, |decider, changes| {
            for (merchant, changes) in changes {
                let days = merchants.days(self.known, decider, merchant);
                for ((bucket, day), change) in changes {
                    days.add(bucket, day, change);
                }
            }
        });
        merchants.becomes(seconds, self.delay);
    }

    /// Decides on records that come next, and gives of each what `look` makes of its decisions, one by each decider; `None` for a
    /// copy of a transaction that its customer made less than 26 hours and 64 transactions before. `verdict`s that records bring
    /// along are labels that come after the delay.
    pub fn step<R: Send>(
        &mut self,
        records: &[PastRecord<'_>],
        look: impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync,
    ) -> Vec<Option<R>> {
        let mut outcomes = self.decide(records, &look);
        outcomes.sort_unstable_by_key(|outcome| outcome.place);
        let mut results = Vec::with_capacity(outcomes.len());
        for (record, outcome) in records.iter().zip(outcomes) {
            if let (Some(merchants), true) = (&mut self.merchants, outcome.result.is_some())
                && let EntityName::Known(merchant) = record.transaction.entity(EntityKind::Merchant)
            {
                merchants.count(self.known, &merchant, record.second);
            }
            if let Some(details) = outcome.details {
                self.labels.is_seen(record, details);
            }
            results.push(outcome.result);
        }
        results
    }

    fn decide<R: Send>(
        &mut self,
        records: &[PastRecord<'_>],
        look: &(impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync),
    ) -> Vec<Outcome<R>> {
        let threads = self.customers.len() as u64;
        let (known, deciders, merchants, labels) =
            (self.known, &self.deciders[..], self.merchants.as_ref(), &self.labels);
        let decide = |customers: &mut Customers, place: usize, record: &PastRecord<'_>| {
            let (result, details) = one(customers, record, (known, deciders, merchants, labels), look);
            Outcome { place, result, details }
        };
        if threads == 1 || records.len() < ALONE {
            return records
                .iter()
                .enumerate()
                .filter_map(|(place, record)| {
                    let customers = self.customers.get_mut((record.customer_hash % threads) as usize)?;
                    Some(decide(customers, place, record))
                })
                .collect();
        }
        thread::scope(|scope| {
            let started: Vec<_> = (0_u64..)
                .zip(&mut self.customers)
                .map(|(own, customers)| {
                    let decide = &decide;
                    scope.spawn(move || {
                        let own =
                            records.iter().enumerate().filter(|(_, of)| of.customer_hash % threads == own);
                        own.map(|(place, record)| decide(customers, place, record)).collect::<Vec<_>>()
                    })
                })
                .collect();
            let mut outcomes = Vec::with_capacity(records.len());
            for thread in started {
                match thread.join() {
                    Ok(own) => outcomes.extend(own),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            outcomes
        })
    }
}

/// What everybody knows while a step is decided.
type Shared<'s> = (&'s dyn Knowledge, &'s [Decider], Option<&'s Merchants>, &'s ComingLabels);

/// Decides on one record, and takes it in.
fn one<R>(
    customers: &mut Customers,
    record: &PastRecord<'_>,
    (known, deciders, merchants, labels): Shared<'_>,
    look: &impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R,
) -> (Option<R>, Option<Vec<Details>>) {
    let transaction = &record.transaction;
    let customer_id = transaction.customer_id.as_deref();
    let customer = customers.of(customer_id.unwrap_or_default(), deciders.len());
    if customer.is_copy(record) {
        return (None, None);
    }
    let asked =
        deciders.iter().enumerate().map(|(place, decider)| customer.ask(place, decider.policy(), record));
    // One that all histories know.
    let Some(asked) = asked.collect::<Option<Vec<HistoryAnswer>>>() else { return (None, None) };
    let profile = record.profile.as_ref().or_else(|| known.profile(customer_id?));
    let enrichment = match (customer_id, profile) {
        (None, _) => Enrichment::NoCustomer,
        (_, None) => Enrichment::NoProfile,
        (_, Some(profile)) => Enrichment::Profile(profile),
    };
    let decided: Vec<Decided<'_>> = deciders
        .iter()
        .zip(&asked)
        .enumerate()
        .map(|(place, (decider, asked))| {
            let transaction = record.asked_by(place);
            let entities = entities(transaction, decider, place, known, merchants);
            let found = Found { enrichment, entities, history: asked.found() };
            let decision = decider.decide(transaction, found, record.arrival, None);
            Decided { decider, decision }
        })
        .collect();
    let result = look(record, &decided);
    let details = labels.wants(record).then(|| {
        let of = |(decider, asked): (&Decider, &HistoryAnswer)| {
            let outlier = decider.policy().history().zip(asked.inputs());
            let outlier = outlier.and_then(|(settings, inputs)| {
                Some(inputs.amount_ratio(settings)? >= settings.outlier_ratio)
            });
            Details::of_transaction(transaction, record.arrival, outlier)
        };
        deciders.iter().zip(&asked).map(of).collect()
    });
    drop(decided);
    for (place, (decider, asked)) in deciders.iter().zip(asked).enumerate() {
        customer.take_in(place, decider.policy(), record, asked);
    }
    (Some(result), details)
}

/// What is known of the entities that a transaction names and a policy asks for.
fn entities<'f>(
    transaction: &Transaction<'_>,
    decider: &Decider,
    place: usize,
    known: &'f dyn Knowledge,
    merchants: Option<&'f Merchants>,
) -> Option<EntitiesFound<'f>> {
    let kinds = decider.policy().asked().entities;
    if kinds.is_empty() {
        return None;
    }
    let mut found = EntitiesFound::default();
    for kind in kinds.iter() {
        let EntityName::Known(id) = transaction.entity(kind) else { continue };
        let entity = match (kind, merchants) {
            (EntityKind::Merchant, Some(merchants)) => {
                merchants.get(place, &id).or_else(|| known.entity(kind, &id))
            }
            _ => known.entity(kind, &id),
        };
        found.set(kind, entity.map_or(EntityFound::Absent, EntityFound::Known));
    }
    Some(found)
}

#[cfg(test)]
mod tests;
