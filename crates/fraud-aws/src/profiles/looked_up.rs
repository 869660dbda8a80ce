//! What was looked up for a batch of records.

use std::collections::HashMap;
use std::time::Duration;

use aws_calls::fault::CallFault;
use fraud_core::enrichment::Enrichment;
use tokio::time::Instant;

use super::{Lookup, ProfileAnswer, ProfileStore};

/// The longest that profiles are waited for; by then a table that answers at all has answered.
const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

/// When to stop waiting for profiles in an invocation that began at `start` and has `remaining` from then on: half of
/// that is left for the rest of its work.
pub fn lookup_deadline(start: Instant, remaining: Duration) -> Instant {
    start + LONGEST_LOOKUP.min(remaining / 2)
}

/// What was looked up for a batch: asked by record.
#[derive(Debug)]
pub struct LookedUp {
    /// For each record its customer's place in the answer; `None` if it has no customer.
    places: Vec<Option<usize>>,
    answer: ProfileAnswer,
}

/// Looks up the customers of records in this order, each customer once; `None` is a record without one. Answers by
/// `deadline` at the latest, with what was found until then.
pub async fn look_up<'a>(
    store: &impl ProfileStore,
    customers: impl Iterator<Item = Option<&'a str>>,
    deadline: Instant,
) -> LookedUp {
    let (distinct, places) = distinct(customers);
    let answer = store.lookup(&distinct, deadline).await;
    debug_assert_eq!(answer.profiles.len(), distinct.len(), "a store answers for each customer");
    LookedUp { places, answer }
}

impl LookedUp {
    /// What was found of the customer of the record at this place of the batch. A record that was not asked about is
    /// unavailable: nothing is known of it.
    #[inline]
    pub fn of(&self, record: usize) -> Enrichment<'_> {
        debug_assert!(record < self.places.len(), "record {record} was not asked about");
        match self.places.get(record) {
            Some(None) => Enrichment::NoCustomer,
            Some(Some(place)) => {
                self.answer.profiles.get(*place).map_or(Enrichment::Unavailable, Lookup::enrichment)
            }
            None => Enrichment::Unavailable,
        }
    }

    /// How many customers the records have.
    pub fn distinct_customers(&self) -> usize {
        self.answer.profiles.len()
    }

    /// How many customers were answered from memory.
    pub fn cache_hits(&self) -> usize {
        self.answer.cache_hits
    }

    /// How many customers the store itself was asked for.
    pub fn asked(&self) -> usize {
        self.answer.looked_up
    }

    /// Why some customers are unavailable: the first fault met.
    pub fn fault(&self) -> Option<&CallFault> {
        self.answer.fault.as_ref()
    }
}

/// Each customer in the order of the first record, and for each record its customer's place among them.
fn distinct<'a>(customers: impl Iterator<Item = Option<&'a str>>) -> (Vec<&'a str>, Vec<Option<usize>>) {
    let mut distinct = Vec::new();
    // Every record is looked up in it, and nothing but the keys of one batch ever is: a fast hash, seeded by chance.
    let mut known = HashMap::with_hasher(foldhash::fast::RandomState::default());
    let place = |customer: Option<&'a str>| {
        let customer = customer?;
        Some(*known.entry(customer).or_insert_with(|| {
            distinct.push(customer);
            distinct.len() - 1
        }))
    };
    let places = customers.map(place).collect();
    (distinct, places)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fraud_core::profile::{Attribute, Profile};

    use super::*;

    /// Knows "a", not "b", and says nothing of "c".
    struct Store;

    impl ProfileStore for Store {
        async fn lookup(&self, customers: &[&str], _deadline: Instant) -> ProfileAnswer {
            let profile = Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number("0.5"));
            let lookup = |customer: &&str| match *customer {
                "a" => Lookup::Found(Arc::new(profile.clone())),
                "b" => Lookup::Absent,
                _ => Lookup::Unavailable,
            };
            assert_eq!(customers, ["b", "a", "c"], "each customer is asked for once");
            ProfileAnswer { profiles: customers.iter().map(lookup).collect(), ..ProfileAnswer::default() }
        }
    }

    #[tokio::test]
    async fn each_record_is_told_what_was_found_of_its_own_customer() {
        let records = [Some("b"), None, Some("a"), Some("b"), Some("c")];
        let looked_up = look_up(&Store, records.into_iter(), Instant::now()).await;
        let words: Vec<_> = (0..records.len()).map(|record| looked_up.of(record).as_str()).collect();
        assert_eq!(words, ["no_profile", "no_customer", "profile", "no_profile", "unavailable"]);
        assert_eq!(looked_up.distinct_customers(), 3);
    }
}
