//! What lines came to, counted.

use std::collections::BTreeMap;

use fraud_core::verify::Difference;

/// A line that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Where the line is.
    pub(super) location: String,
    pub(super) decision_id: Option<String>,
    /// What is missing, or wrong with an entry that is not a decision.
    pub(super) what: Option<String>,
}

/// Why a line is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Differs(Difference),
    UnknownPolicy,
    NoInputs,
    NotADecision,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Differs(difference) => difference.as_str(),
            Kind::UnknownPolicy => "unknown_policy",
            Kind::NoInputs => "no_inputs",
            Kind::NotADecision => "not_a_decision",
        }
    }
}

/// What lines came to. A line is counted once, a difference as often as a line has it.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) verified: u64,
    pub(super) different: u64,
    pub(super) unknown_policy: u64,
    pub(super) no_inputs: u64,
    pub(super) not_decisions: u64,
    pub(super) with_shadow: u64,
    pub(super) by_another_engine: u64,
    pub(super) kinds: BTreeMap<Kind, u64>,
    pub(super) places: BTreeMap<Kind, Vec<Place>>,
    limit: usize,
}

impl Tally {
    /// Names this many lines of each kind.
    pub(super) fn new(limit: usize) -> Self {
        Tally {
            lines: 0,
            verified: 0,
            different: 0,
            unknown_policy: 0,
            no_inputs: 0,
            not_decisions: 0,
            with_shadow: 0,
            by_another_engine: 0,
            kinds: BTreeMap::new(),
            places: BTreeMap::new(),
            limit,
        }
    }

    pub(super) fn not_verified(&self) -> u64 {
        self.lines - self.verified
    }

    /// Counts a kind, and names the line if few were named.
    pub(super) fn count(&mut self, kind: Kind, place: impl FnOnce() -> Place) {
        *self.kinds.entry(kind).or_default() += 1;
        let named = self.places.entry(kind).or_default();
        if named.len() < self.limit {
            named.push(place());
        }
    }

    /// Adds what follows.
    pub(super) fn add(&mut self, next: Tally) {
        for (sum, more) in [
            (&mut self.lines, next.lines),
            (&mut self.verified, next.verified),
            (&mut self.different, next.different),
            (&mut self.unknown_policy, next.unknown_policy),
            (&mut self.no_inputs, next.no_inputs),
            (&mut self.not_decisions, next.not_decisions),
            (&mut self.with_shadow, next.with_shadow),
            (&mut self.by_another_engine, next.by_another_engine),
        ] {
            *sum += more;
        }
        for (kind, count) in next.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        for (kind, places) in next.places {
            let named = self.places.entry(kind).or_default();
            let room = self.limit.saturating_sub(named.len());
            named.extend(places.into_iter().take(room));
        }
    }
}
