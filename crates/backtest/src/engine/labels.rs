//! Labels: what is the truth of each transaction, and what was known of it when.

use std::collections::BTreeMap;

use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_core::label::{Counting, Details, Label, LabelSource, Labelled, Statement, Taken, Verdict};
use fraud_core::merchant::{Bucket, LabelDelay};

use super::PastRecord;
use crate::hashing::Map;

const DAY_MILLIS: i64 = 86_400_000;
/// Digits of a fingerprint behind the identity in the id of an alert of a reused id.
const FINGERPRINT_DIGITS: usize = 16;

/// When a label is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenLabelsCome {
    /// When it is reported.
    #[default]
    Reported,
    /// The label delay after its transaction.
    AfterDelay,
}

/// Labels of transactions.
#[derive(Debug, Clone, Default)]
pub struct LabelsKnown {
    labels: Vec<Label>,
    come: WhenLabelsCome,
    truth: Map<Box<str>, Told>,
    /// Whether one is of a reused id.
    names_reused: bool,
    latest: Option<Timestamp>,
}

/// What is said of a transaction in the end.
#[derive(Debug, Clone, Copy)]
struct Told {
    verdict: Option<Verdict>,
    is_contradicted: bool,
    earliest: Timestamp,
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

impl LabelsKnown {
    /// These labels, in any order.
    pub fn new(labels: Vec<Label>, come: WhenLabelsCome) -> Self {
        let mut by_transaction: Map<String, Vec<&Statement>> = Map::default();
        for label in &labels {
            by_transaction.entry(label.key()).or_default().push(&label.statement);
        }
        let names_reused = by_transaction.keys().any(|key| {
            let digits = key.rsplit_once('/').map(|(_, digits)| digits);
            digits.is_some_and(|digits| {
                digits.len() == FINGERPRINT_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            })
        });
        let told = |(key, statements): (String, Vec<&Statement>)| {
            let is = |verdict| statements.iter().any(|statement| statement.verdict == verdict);
            let told = Told {
                verdict: verdict(&statements),
                is_contradicted: is(Verdict::Fraud) && is(Verdict::Legitimate),
                earliest: statements.iter().map(|statement| statement.reported_at).min()?,
                is_met: false,
            };
            Some((key.into_boxed_str(), told))
        };
        let truth = by_transaction.into_iter().filter_map(told).collect();
        let latest = labels.iter().map(|label| label.statement.reported_at).max();
        LabelsKnown { labels, come, truth, names_reused, latest }
    }

    /// When the latest label was reported.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// How many transactions are labelled.
    pub fn transactions(&self) -> usize {
        self.truth.len()
    }

    /// How many of them are called fraud and legitimate, by several sources or at several times.
    pub fn contradicted(&self) -> usize {
        self.truth.values().filter(|told| told.is_contradicted).count()
    }

    /// What a record's transaction is in the end, by the labels or by the record; and whether a label came before the
    /// transaction was made.
    pub fn truth(&mut self, record: &PastRecord<'_>) -> (Option<Verdict>, Option<CameEarly>) {
        let Some(told) = self.told(record) else { return (record.verdict, None) };
        told.is_met = true;
        let verdict = told.verdict;
        let early = (told.earliest.millis() < record.second.saturating_mul(1000))
            .then(|| CameEarly { identity: record.identity.clone(), reported_at: told.earliest });
        (verdict, early)
    }

    /// How many labelled transactions were not met, and the least of their identities.
    pub fn unmet(&self) -> (usize, Option<&str>) {
        let unmet = || self.truth.iter().filter(|(_, told)| !told.is_met).map(|(key, _)| &**key);
        (unmet().count(), unmet().min())
    }

    fn told(&mut self, record: &PastRecord<'_>) -> Option<&mut Told> {
        if self.truth.is_empty() {
            return None;
        }
        if self.names_reused {
            let digits = record.transaction.fingerprint().digits();
            let key = format!("{}/{}", record.identity, digits.get(..FINGERPRINT_DIGITS).unwrap_or_default());
            if self.truth.contains_key(&*key) {
                return self.truth.get_mut(&*key);
            }
        }
        self.truth.get_mut(&*record.identity)
    }
}

/// What holds of all that was said in the end.
fn verdict(statements: &[&Statement]) -> Option<Verdict> {
    let mut latest: BTreeMap<LabelSource, &Statement> = BTreeMap::new();
    for statement in statements {
        let held = latest.entry(statement.source).or_insert(statement);
        *held = (*held).max(statement);
    }
    let stands = latest.into_values().filter(|statement| statement.verdict != Verdict::Retracted).max();
    stands.map(|statement| statement.verdict)
}

/// A label with what each decider's policy takes its transaction for.
#[derive(Debug, Clone)]
struct Coming {
    key: String,
    statement: Statement,
    /// By decider; the statement's own if it tells all.
    details: Option<Vec<Details>>,
}

/// Labels as they come.
#[derive(Debug)]
pub(super) struct ComingLabels {
    come: WhenLabelsCome,
    delay: LabelDelay,
    /// By when they come; those of one moment in the order of the files.
    coming: BTreeMap<(Timestamp, u64), Coming>,
    /// Frauds that do not tell their transaction's merchant, time or amount, by the transaction.
    incomplete: Map<Box<str>, Vec<Statement>>,
    numbered: u64,
    /// By transaction, what each decider knows of it.
    applied: Map<String, Vec<Labelled>>,
}

impl ComingLabels {
    pub(super) fn new(labels: LabelsKnown, delay: LabelDelay) -> Self {
        let mut coming = ComingLabels {
            come: labels.come,
            delay,
            coming: BTreeMap::new(),
            incomplete: Map::default(),
            numbered: 0,
            applied: Map::default(),
        };
        for label in labels.labels {
            match label.is_self_contained() {
                true => coming.comes(label.key(), label.statement, None),
                false => {
                    let key = label.key().into_boxed_str();
                    coming.incomplete.entry(key).or_default().push(label.statement);
                }
            }
        }
        coming
    }

    /// Whether something is to be learnt of a record's transaction.
    pub(super) fn wants(&self, record: &PastRecord<'_>) -> bool {
        record.verdict == Some(Verdict::Fraud)
            || (!self.incomplete.is_empty() && self.incomplete.contains_key(&*record.identity))
    }

    /// A record that was [wanted](Self::wants) has come: by decider, what its transaction is.
    pub(super) fn is_seen(&mut self, record: &PastRecord<'_>, details: Vec<Details>) {
        for statement in self.incomplete.remove(&*record.identity).into_iter().flatten() {
            self.comes(record.identity.clone(), statement, Some(details.clone()));
        }
        if record.verdict == Some(Verdict::Fraud) {
            let after = i64::from(self.delay.days()) * DAY_MILLIS;
            let second = record.second.saturating_mul(1000);
            let statement = Statement {
                reported_at: Timestamp::saturating_from_millis(second.saturating_add(after)),
                source: LabelSource::Analyst,
                verdict: Verdict::Fraud,
                details: Details::default(),
            };
            self.comes(record.identity.clone(), statement, Some(details));
        }
    }

    /// Tells `change` of each decider's merchants what the labels change that are reported until `now`.
    pub(super) fn apply_until(
        &mut self,
        now: Timestamp,
        counting: &[Counting],
        mut change: impl FnMut(usize, BTreeMap<&str, BTreeMap<(Bucket, i32), i32>>),
    ) {
        let later = self.coming.split_off(&(now, u64::MAX));
        for coming in std::mem::replace(&mut self.coming, later).into_values() {
            let applied = self.applied.entry(coming.key).or_default();
            applied.resize(counting.len(), Labelled::default());
            for (place, (labelled, counting)) in applied.iter_mut().zip(counting).enumerate() {
                let mut statement = coming.statement.clone();
                if let Some(details) = coming.details.as_ref().and_then(|details| details.get(place)) {
                    statement.details = statement.details.or(details.clone());
                }
                if let Taken::Holds(changed) = labelled.take_in(statement, counting) {
                    change(place, changed.by_merchant(counting));
                }
            }
        }
    }

    fn comes(&mut self, key: String, mut statement: Statement, details: Option<Vec<Details>>) {
        let told = statement.details.event_time.as_deref();
        let told = told.or_else(|| details.as_ref()?.first()?.event_time.as_deref());
        let made = told.and_then(written_time::parse);
        if let (WhenLabelsCome::AfterDelay, Some(made)) = (self.come, made) {
            let after = i64::from(self.delay.days()) * DAY_MILLIS;
            statement.reported_at =
                Timestamp::saturating_from_millis(made.instant.millis().saturating_add(after));
        }
        self.numbered += 1;
        self.coming.insert((statement.reported_at, self.numbered), Coming { key, statement, details });
    }
}
