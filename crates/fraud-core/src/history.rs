//! The customer's history: what is remembered of the transactions that were taken in before, and the inputs that policies get
//! from it.
//!
//! Each transaction is taken in once, in the order in which its customer's records are handled, and its inputs are stored
//! with it. Asked again, by a retry, a redelivery, a replay or the other function, the answer is what is stored: nothing
//! is computed a second time.
//!
//! | asked of a record | answer |
//! |---|---|
//! | it was taken in and is remembered | [`Answer::Again`]: its stored inputs |
//! | it lies behind everything that was forgotten | [`Answer::New`]: its inputs, to be [taken in](History::take_in) |
//! | else | [`Answer::Unknown`]: it may have been taken in, and is never taken in again |
//!
//! The clock is the arrival of records. What is late, a refund, or another transaction under a known id is taken in like
//! all others; refunds are remembered and do not count.

use std::sync::Arc;

use exact_text::timestamp::Timestamp;

use crate::enrichment::Enrichment;
use crate::inputs::InputValue;
use crate::policy::HistorySettings;
use crate::profile::Profile;

mod codec;
pub mod fold;
mod incoming;
mod inputs;
mod packed;
mod place;
mod totals;
mod varint;
mod view;

pub use codec::{DamagedRow, MAX_ENTITY_INPUTS, MAX_ROW_BYTES};
pub use incoming::{EntryKey, Incoming, counted_second, ten_thousandths};
pub use inputs::HistoryInputs;
pub(crate) use inputs::rounded;
pub use place::{Place, SequenceNumber};
pub use totals::{Day, Week};

use packed::{Beside, Packed};
use totals::Totals;

/// As many earlier transactions as windows of hours look back on, and as many as are remembered that do not count.
pub const REMEMBERED: usize = 64;

/// The most transactions of one customer that are taken in by one write. Those of a write are remembered after it,
/// whatever else is.
pub const ROUND: usize = 64;

/// How long a transaction is remembered after it, or its last copy, arrived, as long as it is among the newest.
pub const MEMORY_MILLIS: i64 = 26 * 3_600_000;

/// What is remembered of one customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// In the order in which they were taken in.
    recent: Vec<Entry>,
    totals: Totals,
    /// The largest place that was taken in.
    now: Option<Place>,
    /// The largest place that is forgotten, or is as good as forgotten.
    gone: Option<Place>,
    /// How many of the last of `recent` were taken in since [`begin`](Self::begin).
    fresh: usize,
    changed: bool,
}

/// A transaction that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    key: EntryKey,
    /// Milliseconds since the epoch.
    arrival: i64,
    /// The arrival of the latest copy that arrived later, or in another place.
    copied: Option<i64>,
    /// Seconds since the epoch.
    event_time: i64,
    /// Whether it counts: refunds do not.
    counts: bool,
    is_outlier: bool,
    alerted: bool,
    beside: Beside,
    packed: Packed,
    known: Arc<Known>,
}

/// What was looked up when a transaction was taken in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    /// The customer's profile, if there is one.
    pub profile: Option<Profile>,
    /// What was known of the entities, by input.
    pub entities: Vec<(InputKey, EntityValue)>,
}

/// An input over an entity, by a hash of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputKey(pub(crate) [u8; 5]);

/// The value that an input over an entity had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EntityValue {
    /// Nothing was known.
    None,
    /// A number.
    Number(f64),
    /// Whether it was on a list.
    Truth(bool),
}

/// What a history says of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<'h> {
    /// It was not taken in: its inputs.
    New(HistoryInputs),
    /// It was taken in: what it was decided with.
    Again(&'h Entry),
    /// It may have been taken in and forgotten.
    Unknown,
}

impl InputKey {
    pub(crate) fn of(name: &str) -> Self {
        InputKey(incoming::short_hash(name))
    }
}

impl Known {
    /// The value that an input over an entity had; unavailable if nobody asked for it then.
    pub(crate) fn value(&self, input: InputKey) -> InputValue<'_> {
        match self.entities.iter().find(|(key, _)| *key == input) {
            Some((_, EntityValue::None)) => InputValue::None,
            Some((_, EntityValue::Number(number))) => InputValue::Number(*number),
            Some((_, EntityValue::Truth(truth))) => InputValue::Truth(*truth),
            None => InputValue::Unavailable,
        }
    }
}

impl History {
    /// The answer to a record. It changes nothing.
    pub fn ask(&self, record: &Incoming) -> Answer<'_> {
        self.recall(record).unwrap_or_else(|| Answer::New(self.inputs(record)))
    }

    /// Reads what [`ask`](Self::ask) and [`take_in`](Self::take_in) will read, and gives a number that is made of it. It is for those
    /// who look at many histories: read one after the other before any is asked, they come into the processor's cache side by
    /// side.
    pub fn touch(&self, record: &Incoming) -> usize {
        let known = |entry: &&Entry| entry.key == record.key || entry.event_time == record.event_time;
        let is_beyond = self.gone.is_some_and(|gone| gone.arrival < record.place.arrival);
        self.recent.iter().filter(known).count() + self.totals.touch(record) + usize::from(is_beyond)
    }

    /// The answer to a record unless it is new, whose inputs would have to be computed.
    pub fn recall(&self, record: &Incoming) -> Option<Answer<'_>> {
        match self.find(record) {
            // Another copy, that arrived before the one that was taken in.
            Some(entry) if record.place.arrival < entry.arrival => Some(Answer::Unknown),
            Some(entry) => Some(Answer::Again(entry)),
            None if self.gone.is_some_and(|gone| record.place <= gone) => Some(Answer::Unknown),
            None => None,
        }
    }

    /// A write begins: what is taken in from here on is not forgotten [at its end](Self::end).
    pub fn begin(&mut self) {
        self.fresh = 0;
        self.changed = false;
    }

    /// Takes in a record that is [new](Answer::New), with the inputs that it was given and what was looked up for it.
    /// `alerted`: whether an alert was claimed for it.
    pub fn take_in(
        &mut self,
        record: &Incoming,
        inputs: HistoryInputs,
        settings: HistorySettings,
        known: Known,
        alerted: bool,
    ) {
        let now = self.now.map_or(record.place, |now| now.max(record.place));
        let is_outlier = record.counts && inputs.is_outlier(settings);
        self.totals.forget(now.arrival, self.now.map(|before| before.arrival));
        if record.counts {
            self.totals.add(record, &inputs, is_outlier, now.arrival);
        }
        self.recent.push(Entry {
            key: record.key,
            arrival: record.place.arrival,
            copied: None,
            event_time: record.event_time,
            counts: record.counts,
            is_outlier,
            alerted,
            beside: Beside::of(&inputs),
            packed: Packed::of(&inputs),
            known: self.shared(known),
        });
        self.fresh += 1;
        self.now = Some(now);
        self.changed = true;
    }

    /// A record was [found again](Answer::Again): if it is a later copy, its transaction is remembered for as long as the copy can
    /// be delivered again. `alerted`: whether an alert was claimed for it now.
    pub fn seen_again(&mut self, record: &Incoming, alerted: bool) {
        let now = self.now;
        let Some(entry) = self.recent.iter_mut().find(|entry| entry.key == record.key) else { return };
        if record.place.arrival < entry.arrival {
            return;
        }
        let last_seen = entry.last_seen();
        let is_elsewhere = entry.copied.is_none() && now.is_some_and(|now| record.place > now);
        if record.place.arrival > last_seen || is_elsewhere {
            entry.copied = Some(last_seen.max(record.place.arrival));
            self.changed = true;
        }
        if alerted && !entry.alerted {
            entry.alerted = true;
            self.changed = true;
        }
    }

    /// A write ends: forgets what is too old or too much, but nothing that the write took in.
    pub fn end(&mut self) {
        let Some(now) = self.now else { return };
        while let Some(place) = self.leaves(now) {
            let entry = self.recent.remove(place);
            let last_seen = entry.last_seen();
            let left = if last_seen == now.arrival && entry.copied.is_none() {
                now
            } else {
                Place::last_at(last_seen)
            };
            self.gone = Some(self.gone.map_or(left, |gone| gone.max(left)));
        }
    }

    /// Whether anything changed since [`begin`](Self::begin).
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// Everything that arrived until here counts as taken in: what is built from files knows no more.
    pub fn forget_until(&mut self, until: Timestamp) {
        let until = Place::last_at(until.millis());
        self.gone = Some(self.gone.map_or(until, |gone| gone.max(until)));
        self.changed = true;
    }

    /// What is remembered one by one, in the order in which it was taken in.
    pub fn entries(&self) -> &[Entry] {
        &self.recent
    }

    /// The largest place that was taken in.
    pub fn now(&self) -> Option<Place> {
        self.now
    }

    /// Up to where nothing is taken in that is not remembered.
    pub fn gone(&self) -> Option<Place> {
        self.gone
    }

    fn find(&self, record: &Incoming) -> Option<&Entry> {
        self.recent.iter().find(|entry| entry.key == record.key)
    }

    /// The place of the next entry to leave.
    fn leaves(&self, now: Place) -> Option<usize> {
        let old = self.recent.get(..self.recent.len().saturating_sub(self.fresh))?;
        if old.first().is_some_and(|oldest| oldest.last_seen() <= now.arrival.saturating_sub(MEMORY_MILLIS)) {
            return Some(0);
        }
        [true, false].into_iter().find_map(|counts| {
            let many = self.recent.iter().filter(|entry| entry.counts == counts).count() > REMEMBERED;
            if many { old.iter().position(|entry| entry.counts == counts) } else { None }
        })
    }

    /// The inputs of a record that is not taken in yet.
    fn inputs(&self, record: &Incoming) -> HistoryInputs {
        let now = self.now.map_or(record.place.arrival, |now| now.arrival.max(record.place.arrival));
        let mut inputs = self.totals.inputs(record, now);
        let counting = self.recent.iter().rev().filter(|entry| entry.counts).take(REMEMBERED);
        for entry in counting.filter(|entry| entry.arrival > now.saturating_sub(MEMORY_MILLIS)) {
            let age = record.event_time.saturating_sub(entry.event_time);
            inputs.add_recent(age, entry.counted_amount());
        }
        inputs
    }

    /// What an earlier entry has too is kept once.
    fn shared(&self, known: Known) -> Arc<Known> {
        let same = self.recent.iter().rev().find(|entry| *entry.known == known);
        same.map_or_else(|| Arc::new(known), |entry| Arc::clone(&entry.known))
    }
}

impl Entry {
    /// What tells its transaction from all others.
    pub fn key(&self) -> EntryKey {
        self.key
    }

    /// The inputs that it was decided with.
    pub fn inputs(&self) -> HistoryInputs {
        self.packed.inputs(self.beside)
    }

    /// The amount as sums take it.
    fn counted_amount(&self) -> i64 {
        if self.beside.is_foreign { 0 } else { self.beside.amount }
    }

    /// What was looked up for it.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The outcome of the profile's lookup.
    pub fn enrichment(&self) -> Enrichment<'_> {
        self.known.profile.as_ref().map_or(Enrichment::NoProfile, Enrichment::Profile)
    }

    /// Whether an alert was claimed for it.
    pub fn alerted(&self) -> bool {
        self.alerted
    }

    /// Whether its amount was an outlier for its customer.
    pub fn is_outlier(&self) -> bool {
        self.is_outlier
    }

    /// When it counts in the history: seconds since the epoch.
    pub fn event_time(&self) -> i64 {
        self.event_time
    }

    /// When it arrived: milliseconds since the epoch.
    pub fn arrival(&self) -> i64 {
        self.arrival
    }

    fn last_seen(&self) -> i64 {
        self.copied.unwrap_or(self.arrival)
    }
}

#[cfg(test)]
mod tests;
