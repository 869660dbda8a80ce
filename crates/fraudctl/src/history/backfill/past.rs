//! The records of as many customers as fit into memory.
//!
//! A pass over the files keeps the customers whose hash is in a range. If they do not fit, the range is halved and what is
//! outside it is let go: a later pass keeps that. So memory is bounded whatever the files hold, and no customer's records
//! are written anywhere else.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;

use exact_text::timestamp::Timestamp;
use fraud_core::history::{Answer, History, Incoming, Known, ROUND};
use fraud_core::policy::HistorySettings;
use fraud_core::profile::Profile;

/// What a customer takes beside the id, the records and the profiles: the map's entry and the vectors' spare room.
const CUSTOMER_BYTES: usize = 200;

/// The records of some customers.
#[derive(Debug)]
pub(super) struct Past {
    customers: HashMap<String, CustomerPast>,
    /// The hashes of the customers that are kept.
    range: RangeInclusive<u64>,
    bytes: usize,
    limit: usize,
}

/// One customer's records, in the order of the files.
#[derive(Debug, Default)]
pub(super) struct CustomerPast {
    records: Vec<PastRecord>,
    /// Each profile once.
    profiles: Vec<Option<Profile>>,
}

#[derive(Debug)]
struct PastRecord {
    incoming: Incoming,
    /// A place in the profiles.
    profile: usize,
}

/// The records of one customer do not fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the records of one customer take more memory than --memory-mib allows: allow more")]
pub(super) struct CustomerTooLarge;

/// What became of a customer's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Built {
    /// Records taken in.
    pub(super) taken_in: u64,
    /// Records of a transaction that was taken in before and is remembered.
    pub(super) copies: u64,
    /// Records that may have been taken in before, and are left out.
    pub(super) forgotten: u64,
}

impl Past {
    /// Nothing yet, of customers whose hash is at least `from`.
    pub(super) fn new(from: u64, limit: usize) -> Self {
        Past { customers: HashMap::new(), range: from..=u64::MAX, bytes: 0, limit }
    }

    /// Keeps a record if its customer's are kept.
    ///
    /// # Errors
    /// [`CustomerTooLarge`]
    pub(super) fn keep(
        &mut self,
        customer: &str,
        incoming: Incoming,
        profile: Option<Profile>,
    ) -> Result<(), CustomerTooLarge> {
        if !self.range.contains(&hash(customer)) {
            return Ok(());
        }
        let past = match self.customers.get_mut(customer) {
            Some(past) => past,
            None => {
                self.bytes += CUSTOMER_BYTES + customer.len();
                self.customers.entry(customer.to_owned()).or_default()
            }
        };
        self.bytes += past.add(incoming, profile);
        while self.bytes > self.limit {
            self.halve()?;
        }
        Ok(())
    }

    /// The hash from which the next pass keeps customers; `None` if there is nothing left.
    pub(super) fn next(&self) -> Option<u64> {
        self.range.end().checked_add(1)
    }

    /// The customers, in no order.
    pub(super) fn into_customers(self) -> impl Iterator<Item = (String, CustomerPast)> {
        self.customers.into_iter()
    }

    fn halve(&mut self) -> Result<(), CustomerTooLarge> {
        let (start, end) = (*self.range.start(), *self.range.end());
        if start == end || self.customers.iter().any(|of| bytes_of(of) > self.limit) {
            return Err(CustomerTooLarge);
        }
        self.range = start..=start + (end - start) / 2;
        self.customers.retain(|customer, _| self.range.contains(&hash(customer)));
        self.customers.shrink_to_fit();
        self.bytes = self.customers.iter().map(bytes_of).sum();
        Ok(())
    }
}

impl CustomerPast {
    /// Adds a record. Gives the bytes that it takes.
    fn add(&mut self, incoming: Incoming, profile: Option<Profile>) -> usize {
        let mut bytes = size_of::<PastRecord>();
        let place = self.profiles.iter().rposition(|known| *known == profile).unwrap_or_else(|| {
            bytes += profile_bytes(&profile);
            self.profiles.push(profile);
            self.profiles.len() - 1
        });
        self.records.push(PastRecord { incoming, profile: place });
        bytes
    }

    fn bytes(&self) -> usize {
        self.records.len() * size_of::<PastRecord>() + self.profiles.iter().map(profile_bytes).sum::<usize>()
    }

    /// The history that these records made, under which everything that arrived before `until` counts as taken in.
    pub(super) fn into_history(mut self, settings: HistorySettings, until: Timestamp) -> (History, Built) {
        // Of several at one place, as of lines without a position, the order of the files stays.
        self.records.sort_by_key(|record| record.incoming.place);
        let (mut history, mut built) = (History::default(), Built::default());
        for round in self.records.chunks(ROUND) {
            history.begin();
            for PastRecord { incoming, profile } in round {
                match history.ask(incoming) {
                    Answer::New(inputs) => {
                        let profile = self.profiles.get(*profile).cloned().flatten();
                        let known = Known { profile, entities: Vec::new() };
                        history.take_in(incoming, inputs, settings, known, false);
                        built.taken_in += 1;
                    }
                    Answer::Again(_) => {
                        history.seen_again(incoming, false);
                        built.copies += 1;
                    }
                    Answer::Unknown => built.forgotten += 1,
                }
            }
            history.end();
        }
        // A record that arrives at --until itself is in no file: it must stay new.
        history.forget_until(Timestamp::saturating_from_millis(until.millis().saturating_sub(1)));
        (history, built)
    }
}

fn bytes_of((customer, past): (&String, &CustomerPast)) -> usize {
    CUSTOMER_BYTES + customer.len() + past.bytes()
}

/// The same in each pass.
fn hash(customer: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    customer.hash(&mut hasher);
    hasher.finish()
}

fn profile_bytes(profile: &Option<Profile>) -> usize {
    profile.as_ref().map_or(0, Profile::size) + size_of::<Option<Profile>>()
}
