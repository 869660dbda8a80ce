//! What the functions must not score: payloads that fail, and dead letters.

use std::collections::{BTreeMap, BTreeSet};

use fraud_core::identity::{Identity, Position};

use crate::discrepancies::Discrepancies;

/// What must have been put aside.
#[derive(Debug, Clone, Default)]
pub(crate) struct PutAside {
    /// How often each payload that cannot be scored is on the stream.
    refused: BTreeMap<Vec<u8>, usize>,
    /// The functions that must dead-letter a record, and the record's position.
    dead_letters: BTreeSet<(String, String)>,
}

impl PutAside {
    /// A payload cannot be scored.
    pub(super) fn refuse(&mut self, payload: &[u8]) {
        *self.refused.entry(payload.to_vec()).or_default() += 1;
    }

    /// A function must dead-letter a record.
    pub(super) fn dead_letter(&mut self, function: &str, position: Position<'_>) {
        self.dead_letters.insert((function.to_owned(), Identity::Position(position).to_string()));
    }

    /// Adds what another part of the run must have put aside.
    pub(crate) fn absorb(&mut self, other: PutAside) {
        for (payload, count) in other.refused {
            *self.refused.entry(payload).or_default() += count;
        }
        self.dead_letters.extend(other.dead_letters);
    }

    /// Holds payloads under the error prefix, and dead letters (functions and ids, each as often as it was sent) against this.
    pub(crate) fn check(&self, failed: &[Vec<u8>], letters: &[(String, String)], found: &mut Discrepancies) {
        let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
        for payload in failed {
            *counts.entry(payload).or_default() += 1;
        }
        let expected = self.refused.iter();
        let missing = expected.clone().filter(|(payload, count)| counts.get(&payload[..]) < Some(count));
        let size = |payload: &[u8]| format!("a payload of {} bytes", payload.len());
        found.add("not failed", missing.map(|(payload, _)| size(payload)));
        let extra = counts.iter().filter(|(payload, count)| self.refused.get(**payload) < Some(count));
        found.add("failed and should not", extra.map(|(payload, _)| size(payload)));
        let letters: BTreeSet<_> = letters.iter().cloned().collect();
        let text = |(function, id): &(String, String)| format!("{id} by {function}");
        found.add("dead letter missing", self.dead_letters.difference(&letters).map(text));
        found.add("dead letter of a good record", letters.difference(&self.dead_letters).map(text));
    }
}
