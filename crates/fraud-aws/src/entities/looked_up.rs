//! What was looked up of the entities of a batch of records.

use std::borrow::Cow;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_core::entity::{EntitiesFound, Entity, EntityFound, EntityKind, EntityKinds};
use fraud_core::merchant::day_of;
use fraud_core::transaction::{EntityName, Transaction};
use tokio::time::Instant;

use super::table::COUNTED;
use super::{EntityStore, Lookup, key_of};
use crate::lookup::{LookedUp, distinct};

/// What was looked up of the entities of a batch: asked by record.
#[derive(Debug, Default)]
pub struct LookedUpEntities {
    /// What was asked for of each record.
    kinds: Vec<EntityKind>,
    /// One place for each record and kind; `None` where no kind was asked for.
    looked_up: Option<LookedUp<Entity>>,
    unusable_ids: usize,
}

/// Looks up the entities of these kinds that records in this order name, each entity once; `None` is a record without a
/// transaction. Answers by `deadline` at the latest, with what was found until then. Without a kind the store is not asked.
pub async fn look_up_entities<'t>(
    store: &impl EntityStore,
    kinds: EntityKinds,
    transactions: impl Iterator<Item = Option<&'t Transaction<'t>>>,
    deadline: Instant,
) -> LookedUpEntities {
    if kinds.is_empty() {
        return LookedUpEntities::default();
    }
    let kinds: Vec<EntityKind> = kinds.iter().collect();
    let records = transactions.size_hint();
    let mut names: Vec<Option<(EntityKind, Cow<'t, str>)>> =
        Vec::with_capacity(records.1.unwrap_or(records.0) * kinds.len());
    let mut unusable_ids = 0;
    for transaction in transactions {
        names.extend(kinds.iter().map(|&kind| match transaction?.entity(kind) {
            EntityName::Absent => None,
            EntityName::Known(id) => Some((kind, id)),
            EntityName::Unusable => {
                unusable_ids += 1;
                None
            }
        }));
    }
    let named = names.iter().map(|name| name.as_ref().map(|(kind, id)| (*kind, id.as_ref())));
    let (distinct, places) = distinct(named);
    let keys: Vec<String> = distinct.into_iter().map(|(kind, id)| key_of(kind, id)).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let answer = store.lookup(&keys, deadline).await;
    debug_assert_eq!(answer.found.len(), keys.len(), "a store answers for each key");
    LookedUpEntities { kinds, looked_up: Some(LookedUp::new(places, answer)), unusable_ids }
}

/// How many days `now` is after the last one through which all merchants' transactions are counted, as if they were through the
/// epoch if they never were; `None` if that could not be looked up.
pub async fn merchant_counts_age(
    store: &impl EntityStore,
    now: Timestamp,
    deadline: Instant,
) -> Option<usize> {
    let answer = store.lookup(&[COUNTED], deadline).await;
    let through = match answer.found.first()?.found() {
        EntityFound::Known(entity) => entity.counted_through(),
        EntityFound::None | EntityFound::Absent => None,
        EntityFound::Unavailable => return None,
    };
    let age = day_of(now.millis().div_euclid(1000)).saturating_sub(through.unwrap_or_default());
    Some(usize::try_from(age).unwrap_or_default())
}

impl LookedUpEntities {
    /// What was found of the entities of the record at this place of the batch; `None` if none was asked for.
    #[inline]
    pub fn of(&self, record: usize) -> Option<EntitiesFound<'_>> {
        let looked_up = self.looked_up.as_ref()?;
        let mut found = EntitiesFound::default();
        let first = record * self.kinds.len();
        for (place, kind) in (first..).zip(&self.kinds) {
            found.set(*kind, looked_up.at(place).map_or(EntityFound::None, Lookup::found));
        }
        Some(found)
    }

    /// Why some entities are unavailable: the first fault met.
    pub fn fault(&self) -> Option<&CallFault> {
        self.looked_up.as_ref()?.fault()
    }

    /// What was looked up, if anything was asked for.
    pub(super) fn looked_up(&self) -> Option<&LookedUp<Entity>> {
        self.looked_up.as_ref()
    }

    /// How often a record names an entity by something that is not an id.
    pub(super) fn unusable_ids(&self) -> usize {
        self.unusable_ids
    }
}
