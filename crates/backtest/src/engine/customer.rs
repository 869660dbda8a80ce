//! What is remembered of customers while their transactions pass.

use std::collections::VecDeque;

use fraud_core::found::HistoryFound;
use fraud_core::history::{Answer, History, HistoryInputs, Known, MEMORY_MILLIS, REMEMBERED};
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;

use super::names::Names;
use super::{Knowledge, PastRecord};

/// The customers that have been met.
#[derive(Debug, Default)]
pub(super) struct Customers<'k> {
    names: Names,
    customers: Vec<Customer<'k>>,
    /// By decider, each customer's.
    histories: Vec<Vec<History>>,
}

/// A customer.
#[derive(Debug)]
struct Customer<'k> {
    profile: Option<&'k Profile>,
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
    /// The place of a record's customer, from now on if it has not been met.
    pub(super) fn place(
        &mut self,
        record: &PastRecord<'_>,
        known: &'k dyn Knowledge,
        deciders: usize,
    ) -> usize {
        let (hash, id) = (record.customer_hash, record.transaction.customer_id.as_deref());
        let id = id.unwrap_or_default();
        match self.names.find(hash, id) {
            Some(number) => number as usize,
            None => {
                let number = self.names.add(hash, id);
                self.customers.push(Customer { profile: known.profile(id), seen: VecDeque::new() });
                self.histories.resize_with(deciders, Vec::new);
                self.histories.iter_mut().for_each(|of| of.push(History::default()));
                number as usize
            }
        }
    }

    /// Reads what a decision on a record of the customer at a place will read. Gives a number that is made of it.
    pub(super) fn touch(&self, place: usize, record: &PastRecord<'_>) -> usize {
        let Some(customer) = self.customers.get(place) else { return 0 };
        let seen = customer.seen.iter().filter(|(hash, _)| *hash == record.content_hash).count();
        let profile = customer.profile.map_or(0, Profile::touch);
        let Some(incoming) = &record.incoming else { return seen + profile };
        let histories = self.histories.iter().filter_map(|of| of.get(place));
        seen + profile + histories.map(|history| history.touch(incoming)).sum::<usize>()
    }

    /// The profile of the customer at a place.
    pub(super) fn profile(&self, place: usize) -> Option<&'k Profile> {
        self.customers.get(place)?.profile
    }

    /// Whether the record is of a transaction that was seen.
    pub(super) fn is_copy(&mut self, place: usize, record: &PastRecord<'_>) -> bool {
        let Some(Customer { seen, .. }) = self.customers.get_mut(place) else { return false };
        let now = record.arrival.millis();
        while seen.front().is_some_and(|(_, arrival)| *arrival <= now.saturating_sub(MEMORY_MILLIS)) {
            seen.pop_front();
        }
        if seen.iter().any(|(hash, _)| *hash == record.content_hash) {
            return true;
        }
        if seen.len() >= REMEMBERED {
            seen.pop_front();
        }
        seen.push_back((record.content_hash, now));
        false
    }

    /// What the history of the customer at a place says of a record, under a decider's policy; `None` for a copy.
    pub(super) fn ask(
        &self,
        place: usize,
        decider: usize,
        policy: &Policy,
        record: &PastRecord<'_>,
    ) -> Option<HistoryAnswer> {
        if policy.history().is_none() {
            return Some(HistoryAnswer::NotAsked);
        }
        let (Some(history), Some(incoming), Some(_)) =
            (self.history(place, decider), &record.incoming, &record.transaction.customer_id)
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
        decider: usize,
        policy: &Policy,
        record: &PastRecord<'_>,
        asked: HistoryAnswer,
    ) {
        let (HistoryAnswer::New(inputs), Some(settings)) = (asked, policy.history()) else { return };
        let history = self.histories.get_mut(decider).and_then(|of| of.get_mut(place));
        if let (Some(history), Some(incoming)) = (history, &record.incoming) {
            history.begin();
            // Nobody asks again what it was decided with.
            history.take_in(incoming, inputs, settings, Known::default(), false);
            history.end();
        }
    }

    fn history(&self, place: usize, decider: usize) -> Option<&History> {
        self.histories.get(decider)?.get(place)
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
