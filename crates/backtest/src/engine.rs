//! A policy's decisions over transactions of the past, in the order in which they are given.
//!
//! Each decision is made by [`Decider`], as live. What live reads from tables grows here: the customers' histories with each
//! transaction, and at each [`becomes`](Engine::becomes) the labels that have come and the days that are over, on merchants' days.
//! Two policies can be run side by side; each has its own histories and merchants' days.
//!
//! The customers are divided among [`Shard`]s. From one `becomes` to the next a decision reads and changes nothing but its
//! customer's shard, so that several threads can decide, each with a shard of its own. The decisions do not depend on the
//! number of shards.

use std::borrow::Cow;
use std::hint::black_box;

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
mod names;
mod record;
mod shard;

pub use final_labels::{CameEarly, FinalLabels};
pub use labels::{LabelsKnown, WhenLabelsCome};
pub use record::{PastRecord, asked_by_all};
pub use shard::Shard;

use customer::HistoryAnswer;
use labels::{ComingLabels, SeenRecord};
use merchants::{Merchant, Merchants};

/// Of as many records what is known is read at once, before the first is decided.
const AT_ONCE: usize = 16;

/// How often labels come and days are counted: twice a day, in UTC, at the records' own time.
pub const STEP_MILLIS: i64 = 12 * 3_600_000;

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

/// Runs policies over transactions. It holds what is the same for all customers.
pub struct Engine<'k> {
    known: &'k dyn Knowledge,
    deciders: Vec<Decider>,
    delay: LabelDelay,
    merchants: Option<Merchants>,
    labels: ComingLabels,
}

impl std::fmt::Debug for Engine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("deciders", &self.deciders).finish_non_exhaustive()
    }
}

impl<'k> Engine<'k> {
    /// Decides by `deciders`, with `known` and the labels that come.
    pub fn new(
        deciders: Vec<Decider>,
        delay: LabelDelay,
        known: &'k dyn Knowledge,
        labels: LabelsKnown,
    ) -> Self {
        let deciders: Vec<Decider> =
            deciders.into_iter().map(|decider| decider.with_label_delay(delay)).collect();
        // Without a policy that looks at them nothing is counted.
        let looks = deciders.iter().any(|decider| decider.policy().looks_at_merchants_days());
        Engine {
            known,
            merchants: looks.then(|| Merchants::new(deciders.len())),
            labels: ComingLabels::new(if looks { labels } else { LabelsKnown::default() }, delay),
            deciders,
            delay,
        }
    }

    /// It is `now`: the labels that are reported by then are known, and the days that are over are counted. `shards` are all that
    /// there are.
    pub fn becomes(&mut self, now: Timestamp, shards: &mut [&mut Shard<'k>]) {
        let Some(merchants) = &mut self.merchants else { return };
        for shard in shards.iter_mut() {
            merchants.meet(self.known, &mut shard.counts);
            shard.seen.drain(..).for_each(|seen| self.labels.is_seen(seen));
        }
        let seconds = now.millis().div_euclid(1000);
        let counting: Vec<Counting> = self
            .deciders
            .iter()
            .map(|decider| Counting::at(seconds, self.delay, decider.policy().history()))
            .collect();
        self.labels.apply_until(now, &counting, |decider, changes| {
            for (merchant, changes) in changes {
                let place = merchants.place(self.known, merchant);
                let Some(days) = merchants.days(decider, place) else { continue };
                for ((bucket, day), change) in changes {
                    days.add(bucket, day, change);
                }
            }
        });
        let mut counts: Vec<_> = shards.iter_mut().map(|shard| &mut shard.counts).collect();
        merchants.becomes(seconds, self.delay, &mut counts);
    }

    /// Decides on the record that comes next in the shard of its customer, and gives what `look` makes of its decisions, one by
    /// each decider; `None` for a copy of a transaction that its customer made less than 26 hours and 64 transactions before.
    /// `verdict`s that records bring along are labels that come after the delay.
    pub fn decide<R>(
        &self,
        shard: &mut Shard<'k>,
        record: &PastRecord<'_>,
        look: impl FnOnce(&[Decided<'_>]) -> R,
    ) -> Option<R> {
        let of = self.find(shard, record);
        self.decide_of(&of, shard, record, look)
    }

    /// The same for the records that come next: `take` gets of each, in their order, what [`decide`](Self::decide) gives.
    pub fn decide_all<'r, R>(
        &self,
        shard: &mut Shard<'k>,
        records: impl Iterator<Item = &'r PastRecord<'r>>,
        look: impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R,
        mut take: impl FnMut(Option<R>),
    ) {
        let mut records = records.peekable();
        let mut next = Vec::with_capacity(AT_ONCE);
        while records.peek().is_some() {
            let found = records.by_ref().take(AT_ONCE).map(|record| (record, self.find(shard, record)));
            next.extend(found);
            // Histories and merchants are mostly not in the processor's cache. Read in one go, they come side by side.
            black_box(
                next.iter().map(|(record, of)| shard.customers.touch(of.customer, record)).sum::<usize>(),
            );
            for (record, of) in next.drain(..) {
                take(self.decide_of(&of, shard, record, |decided| look(record, decided)));
            }
        }
    }

    fn find<'s, 'r>(&'s self, shard: &mut Shard<'k>, record: &'r PastRecord<'_>) -> Concerned<'s, 'r> {
        let merchant = match (&self.merchants, record.transaction.entity(EntityKind::Merchant)) {
            (Some(merchants), EntityName::Known(id)) => Some((merchants.find(self.known, &id), id)),
            _ => None,
        };
        Concerned { customer: shard.customers.place(record, self.known, self.deciders.len()), merchant }
    }

    fn decide_of<R>(
        &self,
        Concerned { customer, merchant }: &Concerned<'_, '_>,
        shard: &mut Shard<'k>,
        record: &PastRecord<'_>,
        look: impl FnOnce(&[Decided<'_>]) -> R,
    ) -> Option<R> {
        let Engine { known, deciders, merchants, labels, .. } = self;
        let Shard { customers, counts, seen } = shard;
        let (known, transaction, customer) = (*known, &record.transaction, *customer);
        if customers.is_copy(customer, record) {
            return None;
        }
        let ask =
            |(place, decider): (usize, &Decider)| customers.ask(customer, place, decider.policy(), record);
        // None is of one that all histories know.
        let asked = deciders.iter().enumerate().map(ask).collect::<Option<Vec<HistoryAnswer>>>()?;
        let profile = record.profile.as_ref().or_else(|| customers.profile(customer));
        let enrichment = match (&transaction.customer_id, profile) {
            (None, _) => Enrichment::NoCustomer,
            (_, None) => Enrichment::NoProfile,
            (_, Some(profile)) => Enrichment::Profile(profile),
        };
        let with_days = merchants.as_ref().zip(merchant.as_ref());
        let decided: Vec<Decided<'_>> = deciders
            .iter()
            .zip(&asked)
            .enumerate()
            .map(|(place, (decider, asked))| {
                let transaction = record.asked_by(place);
                let merchant =
                    with_days.and_then(|(merchants, (merchant, _))| merchants.get(place, *merchant));
                let entities = entities(transaction, decider, known, merchant);
                let found = Found { enrichment, entities, history: asked.found() };
                let decision = decider.decide(transaction, found, record.arrival, None);
                Decided { decider, decision }
            })
            .collect();
        let result = look(&decided);
        drop(decided);
        if merchants.is_some() && labels.wants(record) {
            let details = deciders.iter().zip(&asked).map(|(decider, asked)| details(record, decider, asked));
            seen.push(SeenRecord::of(record, details.collect()));
        }
        if let Some((merchant, id)) = merchant {
            counts.count(*merchant, id, record.second);
        }
        for (place, (decider, asked)) in deciders.iter().zip(asked).enumerate() {
            customers.take_in(customer, place, decider.policy(), record, asked);
        }
        Some(result)
    }
}

/// Whom a record concerns.
struct Concerned<'m, 'r> {
    /// The customer's place.
    customer: usize,
    /// The merchant and its id, if merchants' days are looked at.
    merchant: Option<(Merchant<'m>, Cow<'r, str>)>,
}

/// What a label of a record's transaction may lack.
fn details(record: &PastRecord<'_>, decider: &Decider, asked: &HistoryAnswer) -> Details {
    let outlier = decider.policy().history().zip(asked.inputs());
    let outlier =
        outlier.and_then(|(settings, inputs)| Some(inputs.amount_ratio(settings)? >= settings.outlier_ratio));
    Details::of_transaction(&record.transaction, record.arrival, outlier)
}

/// What is known of the entities that a transaction names and a policy asks for; `merchant`, if it is known with its days.
fn entities<'f>(
    transaction: &Transaction<'_>,
    decider: &Decider,
    known: &'f dyn Knowledge,
    merchant: Option<&'f Entity>,
) -> Option<EntitiesFound<'f>> {
    let kinds = decider.policy().asked().entities;
    if kinds.is_empty() {
        return None;
    }
    let mut found = EntitiesFound::default();
    for kind in kinds.iter() {
        let entity = match (kind, merchant) {
            (EntityKind::Merchant, Some(merchant)) => Some(merchant),
            _ => match transaction.entity(kind) {
                EntityName::Known(id) => known.entity(kind, &id),
                EntityName::Absent | EntityName::Unusable => continue,
            },
        };
        found.set(kind, entity.map_or(EntityFound::Absent, EntityFound::Known));
    }
    Some(found)
}

#[cfg(test)]
mod tests;
