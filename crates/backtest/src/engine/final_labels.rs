//! What became known of transactions in the end, by all labels.

use exact_text::timestamp::Timestamp;
use fraud_core::label::{Label, LabelSource, Verdict};

use super::labels::key_of;
use super::{LabelsKnown, PastRecord};
use crate::hashing::Map;

/// Digits of a fingerprint behind the identity in the id of an alert of a reused id.
const FINGERPRINT_DIGITS: usize = 16;

/// What became known of transactions in the end.
#[derive(Debug)]
pub struct FinalLabels {
    labels: LabelsKnown,
    /// By the transaction.
    said: Map<u64, Said>,
    /// Whether a label is of a reused id.
    names_reused: bool,
}

/// What is said of a transaction.
#[derive(Debug, Clone, Copy)]
struct Said {
    /// The place of the label that holds of each source.
    holds: [Option<u32>; LabelSource::ALL.len()],
    /// The place of the earliest label.
    earliest: u32,
    fraud: bool,
    legitimate: bool,
    is_met: bool,
}

/// A label from before its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameEarly {
    /// The transaction's identity.
    pub identity: String,
    /// When the label was reported.
    pub reported_at: Timestamp,
}

impl FinalLabels {
    /// By these labels.
    pub fn of(labels: LabelsKnown) -> Self {
        let (mut said, mut names_reused) = (Map::default(), false);
        for (place, label) in (0..).zip(labels.labels.iter()) {
            let key = label.key();
            names_reused |= ends_with_fingerprint(&key);
            let said = said.entry(key_of(&key)).or_insert(Said::first(place));
            said.add(place, label, &labels.labels);
        }
        FinalLabels { labels, said, names_reused }
    }

    /// How many transactions are called fraud and legitimate, by several sources or at several times.
    pub fn contradicted(&self) -> usize {
        self.said.values().filter(|said| said.fraud && said.legitimate).count()
    }

    /// What a record's transaction is in the end, by the labels or by the record; and whether a label came before the
    /// transaction was made.
    pub fn of_record(&mut self, record: &PastRecord<'_>) -> (Option<Verdict>, Option<CameEarly>) {
        let labels = &self.labels.labels;
        let Some(said) = said(&mut self.said, self.names_reused, record) else {
            return (record.verdict, None);
        };
        said.is_met = true;
        let label = |place: &u32| labels.get(*place as usize);
        let stands = said.holds.iter().flatten().filter_map(label).map(|label| &label.statement);
        let stands = stands.filter(|statement| statement.verdict != Verdict::Retracted).max();
        let earliest = label(&said.earliest).map(|label| label.statement.reported_at);
        let early = earliest.filter(|earliest| earliest.millis() < record.second.saturating_mul(1000));
        let early =
            early.map(|reported_at| CameEarly { identity: record.identity().into_owned(), reported_at });
        (stands.map(|statement| statement.verdict), early)
    }

    /// How many labelled transactions were not met, and the least of their identities.
    pub fn unmet(&self) -> (usize, Option<String>) {
        let unmet = || self.said.values().filter(|said| !said.is_met);
        let first =
            unmet().filter_map(|said| Some(self.labels.labels.get(said.earliest as usize)?.key())).min();
        (unmet().count(), first)
    }
}

impl Said {
    fn first(place: u32) -> Self {
        Said {
            holds: [None; LabelSource::ALL.len()],
            earliest: place,
            fraud: false,
            legitimate: false,
            is_met: false,
        }
    }

    fn add(&mut self, place: u32, label: &Label, labels: &[Label]) {
        let statement_at = |place: u32| labels.get(place as usize).map(|label| &label.statement);
        let statement = &label.statement;
        self.fraud |= statement.verdict == Verdict::Fraud;
        self.legitimate |= statement.verdict == Verdict::Legitimate;
        if statement_at(self.earliest).is_some_and(|earliest| statement.reported_at < earliest.reported_at) {
            self.earliest = place;
        }
        if let Some(held) = self.holds.get_mut(statement.source as usize)
            && held.and_then(statement_at).is_none_or(|held| statement > held)
        {
            *held = Some(place);
        }
    }
}

fn said<'s>(
    said: &'s mut Map<u64, Said>,
    names_reused: bool,
    record: &PastRecord<'_>,
) -> Option<&'s mut Said> {
    if said.is_empty() {
        return None;
    }
    if names_reused {
        let digits = record.transaction.fingerprint().digits();
        let digits = digits.get(..FINGERPRINT_DIGITS).unwrap_or_default();
        let key = key_of(&format!("{}/{digits}", record.identity()));
        if said.contains_key(&key) {
            return said.get_mut(&key);
        }
    }
    said.get_mut(&record.key)
}

fn ends_with_fingerprint(key: &str) -> bool {
    let digits = key.rsplit_once('/').map(|(_, digits)| digits);
    digits.is_some_and(|digits| {
        digits.len() == FINGERPRINT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
