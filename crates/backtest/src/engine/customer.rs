//! What is remembered of customers while their transactions pass.

use std::collections::VecDeque;

use fraud_core::found::HistoryFound;
use fraud_core::history::{Answer, History, HistoryInputs, Known, MEMORY_MILLIS, REMEMBERED};
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;

use super::{Knowledge, PastRecord};
use crate::hashing::Map;

/// The customers that have been met.
#[derive(Debug, Default)]
pub(super) struct Customers<'k> {
    places: Map<Box<str>, usize>,
    customers: Vec<Customer<'k>>,
}

/// A customer.
#[derive(Debug)]
pub(super) struct Customer<'k> {
    pub(super) profile: Option<&'k Profile>,
    /// By decider.
    histories: Vec<History>,
    /// Hashes of the last transactions, and when they arrived.
    seen: VecDeque<(u64, i64)>,
}

/// What a history said of a record.
#[derive(Debug)]
pub(super) enum HistoryAnswer {
    /// The policy does not look at it.
    NotAsked,
    /// The record names no customer.
    NoCustomer,
    /// Its inputs.
    New(HistoryInputs),
    /// It may have been taken in, and is forgotten.
    Expired,
}

impl<'k> Customers<'k> {
    pub(super) fn of(&mut self, id: &str, known: &'k dyn Knowledge, deciders: usize) -> &mut Customer<'k> {
        match self.places.get(id) {
            #[expect(clippy::indexing_slicing, reason = "each place is that of a customer")]
            Some(&place) => &mut self.customers[place],
            None => {
                self.places.insert(id.into(), self.customers.len());
                let histories = (0..deciders).map(|_| History::default()).collect();
                self.customers.push_mut(Customer {
                    profile: known.profile(id),
                    histories,
                    seen: VecDeque::new(),
                })
            }
        }
    }
}

impl Customer<'_> {
    /// Whether the record is of a transaction that was seen.
    pub(super) fn is_copy(&mut self, record: &PastRecord<'_>) -> bool {
        let now = record.arrival.millis();
        while self.seen.front().is_some_and(|(_, arrival)| *arrival <= now.saturating_sub(MEMORY_MILLIS)) {
            self.seen.pop_front();
        }
        if self.seen.iter().any(|(hash, _)| *hash == record.content_hash) {
            return true;
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((record.content_hash, now));
        false
    }

    /// What the history under a policy says of a record; `None` for a copy.
    pub(super) fn ask(
        &self,
        place: usize,
        policy: &Policy,
        record: &PastRecord<'_>,
    ) -> Option<HistoryAnswer> {
        if policy.history().is_none() {
            return Some(HistoryAnswer::NotAsked);
        }
        let (Some(history), Some(incoming), Some(_)) =
            (self.histories.get(place), &record.incoming, &record.transaction.customer_id)
        else {
            return Some(HistoryAnswer::NoCustomer);
        };
        match history.ask(incoming) {
            Answer::New(inputs) => Some(HistoryAnswer::New(inputs)),
            Answer::Again(_) => None,
            Answer::Unknown => Some(HistoryAnswer::Expired),
        }
    }

    /// Takes a record in that the history had this answer to.
    pub(super) fn take_in(
        &mut self,
        place: usize,
        policy: &Policy,
        record: &PastRecord<'_>,
        asked: HistoryAnswer,
    ) {
        let (HistoryAnswer::New(inputs), Some(settings)) = (asked, policy.history()) else { return };
        if let (Some(history), Some(incoming)) = (self.histories.get_mut(place), &record.incoming) {
            history.begin();
            // Nobody asks again what it was decided with.
            history.take_in(incoming, inputs, settings, Known::default(), false);
            history.end();
        }
    }
}

impl HistoryAnswer {
    /// As a decision sees it.
    pub(super) fn found(&self) -> HistoryFound<'_> {
        match self {
            HistoryAnswer::NotAsked => HistoryFound::NotAsked,
            HistoryAnswer::NoCustomer => HistoryFound::None,
            HistoryAnswer::New(inputs) => HistoryFound::New(inputs),
            HistoryAnswer::Expired => HistoryFound::Expired,
        }
    }

    pub(super) fn inputs(&self) -> Option<&HistoryInputs> {
        match self {
            HistoryAnswer::New(inputs) => Some(inputs),
            _ => None,
        }
    }
}
