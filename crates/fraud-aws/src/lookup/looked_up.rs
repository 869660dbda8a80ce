//! What was looked up for a batch of records.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use aws_calls::fault::CallFault;
use tokio::time::Instant;

use super::{Answer, Lookup, Store};

/// The longest that lookups are waited for; by then a table that answers at all has answered.
const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

/// When to stop waiting for lookups in an invocation that began at `start` and has `remaining` from then on: half of
/// that is left for the rest of its work.
pub fn lookup_deadline(start: Instant, remaining: Duration) -> Instant {
    start + LONGEST_LOOKUP.min(remaining / 2)
}

/// What was looked up for a batch: asked by record.
#[derive(Debug)]
pub struct LookedUp<T> {
    /// For each record its key's place in the answer; `None` if it has no key.
    places: Vec<Option<usize>>,
    answer: Answer<T>,
}

/// Looks up the keys of records in this order, each key once; `None` is a record without one. Answers by `deadline` at the
/// latest, with what was found until then.
pub async fn look_up<'a, S: Store>(
    store: &S,
    keys: impl Iterator<Item = Option<&'a str>>,
    deadline: Instant,
) -> LookedUp<S::Known> {
    let (distinct, places) = distinct(keys);
    let answer = store.lookup(&distinct, deadline).await;
    debug_assert_eq!(answer.found.len(), distinct.len(), "a store answers for each key");
    LookedUp { places, answer }
}

impl<T> LookedUp<T> {
    /// What is at these places of an answer.
    pub(crate) fn new(places: Vec<Option<usize>>, answer: Answer<T>) -> Self {
        LookedUp { places, answer }
    }

    /// What was found of the key at this place among those asked for; `None` if there was none. What was not asked about is
    /// unavailable: nothing is known of it.
    #[inline]
    pub fn at(&self, place: usize) -> Option<&Lookup<T>> {
        debug_assert!(place < self.places.len(), "{place} was not asked about");
        match self.places.get(place) {
            Some(None) => None,
            Some(Some(key)) => Some(self.answer.found.get(*key).unwrap_or(&Lookup::Unavailable)),
            None => Some(&Lookup::Unavailable),
        }
    }

    /// How many different keys the records have.
    pub fn distinct(&self) -> usize {
        self.answer.found.len()
    }

    /// How many keys were answered from memory.
    pub fn cache_hits(&self) -> usize {
        self.answer.cache_hits
    }

    /// How many keys the store itself was asked for.
    pub fn asked(&self) -> usize {
        self.answer.looked_up
    }

    /// Why some keys are unavailable: the first fault met.
    pub fn fault(&self) -> Option<&CallFault> {
        self.answer.fault.as_ref()
    }
}

/// Each key in the order of the first record, and for each record its key's place among them.
pub fn distinct<K: Hash + Eq + Copy>(keys: impl Iterator<Item = Option<K>>) -> (Vec<K>, Vec<Option<usize>>) {
    let mut distinct = Vec::new();
    // Every record is looked up in it, and nothing but the keys of one batch ever is: a fast hash, seeded by chance.
    let mut known = HashMap::with_hasher(foldhash::fast::RandomState::default());
    let place = |key: Option<K>| {
        let key = key?;
        Some(*known.entry(key).or_insert_with(|| {
            distinct.push(key);
            distinct.len() - 1
        }))
    };
    let places = keys.map(place).collect();
    (distinct, places)
}
