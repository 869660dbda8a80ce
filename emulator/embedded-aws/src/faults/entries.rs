//! EntryCondition entries of a batch fail.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::FaultError;

/// An entry of a batch, as [`Entries::matching`] sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchEntry<'a> {
    /// Its place in the request, counted from 0.
    pub index: usize,
    /// What the caller calls it: a Kinesis record's partition key, the `Id` of an entry to SNS or SQS. Empty for
    /// Firehose, whose records have no name.
    pub key: &'a str,
    /// What it carries: a record's data, not in base64; a message's body.
    pub content: &'a [u8],
}

/// Picks out entries of a batch for [`Fault::FailEntries`](super::Fault::FailEntries).
#[derive(Clone)]
pub struct Entries(EntryCondition);

type Predicate = Arc<dyn Fn(BatchEntry<'_>) -> bool + Send + Sync>;

#[derive(Clone)]
enum EntryCondition {
    At(BTreeSet<usize>),
    Matching(Predicate),
    Chance { probability: f64, random: Arc<Mutex<fastrand::Rng>> },
}

impl Entries {
    /// The entries at these places of each request, counted from 0.
    pub fn at(indices: impl IntoIterator<Item = usize>) -> Self {
        Self(EntryCondition::At(indices.into_iter().collect()))
    }

    /// The entries for which `predicate` holds. It runs on the servers' thread, once for each entry, in the order of
    /// the request.
    pub fn matching(predicate: impl Fn(BatchEntry<'_>) -> bool + Send + Sync + 'static) -> Self {
        Self(EntryCondition::Matching(Arc::new(predicate)))
    }

    /// Each entry with this probability in 0..=1. The same seed and the same requests in the same order give the
    /// same choice.
    #[must_use]
    pub fn with_probability(probability: f64, seed: u64) -> Self {
        let random = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed)));
        Self(EntryCondition::Chance { probability, random })
    }

    pub(super) fn check(&self) -> Result<(), FaultError> {
        match self.0 {
            EntryCondition::Chance { probability, .. } if !(0.0..=1.0).contains(&probability) => {
                Err(FaultError::Probability(probability))
            }
            _ => Ok(()),
        }
    }

    /// Whether an entry is picked out. To be asked once for each entry, in order.
    pub(crate) fn pick(&self, entry: BatchEntry<'_>) -> bool {
        match &self.0 {
            EntryCondition::At(indices) => indices.contains(&entry.index),
            EntryCondition::Matching(predicate) => predicate(entry),
            EntryCondition::Chance { probability, random } => {
                // Drawing changes the generator at once and cannot panic.
                random.lock().unwrap_or_else(PoisonError::into_inner).f64() < *probability
            }
        }
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            EntryCondition::At(indices) => f.debug_tuple("At").field(indices).finish(),
            EntryCondition::Matching(_) => f.write_str("Matching(Fn(BatchEntry) -> bool)"),
            EntryCondition::Chance { probability, .. } => f.debug_tuple("Chance").field(probability).finish(),
        }
    }
}
