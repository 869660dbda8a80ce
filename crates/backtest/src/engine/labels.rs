//! Labels as they come.

use std::collections::BTreeMap;
use std::sync::Arc;

use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_core::label::{Counting, Details, Label, LabelSource, Labelled, Statement, Taken, Verdict};
use fraud_core::merchant::{Bucket, LabelDelay};

use super::PastRecord;
use crate::hashing::{Map, Set, fixed_hash};

const DAY_MILLIS: i64 = 86_400_000;

/// When a label is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenLabelsCome {
    /// When it is reported.
    #[default]
    Reported,
    /// The label delay after its transaction.
    AfterDelay,
}

/// Labels of transactions. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LabelsKnown {
    pub(super) labels: Arc<[Label]>,
    come: WhenLabelsCome,
}

impl LabelsKnown {
    /// These labels, in any order.
    pub fn new(labels: Vec<Label>, come: WhenLabelsCome) -> Self {
        LabelsKnown { labels: labels.into(), come }
    }

    /// When the latest label was reported.
    pub fn latest(&self) -> Option<Timestamp> {
        self.labels.iter().map(|label| label.statement.reported_at).max()
    }
}

/// The hash by which a transaction's labels are found: of its identity, or of the id of an alert of a reused id. Two of all
/// transactions have the same one with a probability below a millionth.
pub(super) fn key_of(identity: &str) -> u64 {
    fixed_hash(identity)
}

/// A record of which labels [want](ComingLabels::wants) to learn something.
#[derive(Debug)]
pub(super) struct SeenRecord {
    key: u64,
    is_fraud: bool,
    second: i64,
    /// By decider, what its transaction is.
    details: Vec<Details>,
}

impl SeenRecord {
    pub(super) fn of(record: &PastRecord<'_>, details: Vec<Details>) -> Self {
        let is_fraud = record.verdict == Some(Verdict::Fraud);
        SeenRecord { key: record.key, is_fraud, second: record.second, details }
    }
}

/// A label of which its transaction had to tell something.
#[derive(Debug, Clone)]
struct Told {
    key: u64,
    statement: Statement,
    /// By decider.
    details: Vec<Details>,
}

/// Labels as they come.
#[derive(Debug)]
pub(super) struct ComingLabels {
    labels: LabelsKnown,
    delay: LabelDelay,
    /// When each label comes that tells all, and its place; the latest first.
    coming: Vec<(Timestamp, usize)>,
    /// The same of labels whose transactions have come.
    told: BTreeMap<(Timestamp, u64), Told>,
    numbered: u64,
    /// Places of frauds that do not tell their transaction's merchant, time or amount, by the transaction.
    incomplete: Map<u64, Vec<usize>>,
    /// Transactions of which more than one thing is said.
    several: Set<u64>,
    /// By these, what each decider knows of it.
    applied: Map<u64, Vec<Labelled>>,
}

impl ComingLabels {
    pub(super) fn new(labels: LabelsKnown, delay: LabelDelay) -> Self {
        let mut coming = ComingLabels {
            labels: labels.clone(),
            delay,
            coming: Vec::new(),
            told: BTreeMap::new(),
            numbered: 0,
            incomplete: Map::default(),
            several: Set::default(),
            applied: Map::default(),
        };
        let mut met = Set::default();
        for (place, label) in labels.labels.iter().enumerate() {
            let key = key_of(&label.key());
            if !met.insert(key) {
                coming.several.insert(key);
            }
            match label.is_self_contained() {
                true => {
                    let statement = &label.statement;
                    coming
                        .coming
                        .push((coming.comes_at(statement, statement.details.event_time.as_deref()), place));
                }
                false => coming.incomplete.entry(key).or_default().push(place),
            }
        }
        coming.coming.sort_unstable_by(|one, next| next.cmp(one));
        coming
    }

    /// Whether something is to be learnt of a record's transaction.
    pub(super) fn wants(&self, record: &PastRecord<'_>) -> bool {
        record.verdict == Some(Verdict::Fraud)
            || (!self.incomplete.is_empty() && self.incomplete.contains_key(&record.key))
    }

    /// A record that was [wanted](Self::wants) has come.
    pub(super) fn is_seen(&mut self, seen: SeenRecord) {
        let SeenRecord { key, is_fraud, second, details } = seen;
        for place in self.incomplete.remove(&key).into_iter().flatten() {
            if let Some(label) = self.labels.labels.get(place) {
                self.tell(key, label.statement.clone(), details.clone());
            }
        }
        if is_fraud {
            let after = i64::from(self.delay.days()) * DAY_MILLIS;
            let made = second.saturating_mul(1000);
            let statement = Statement {
                reported_at: Timestamp::saturating_from_millis(made.saturating_add(after)),
                source: LabelSource::Analyst,
                verdict: Verdict::Fraud,
                details: Details::default(),
            };
            self.tell(key, statement, details);
        }
    }

    fn tell(&mut self, key: u64, statement: Statement, details: Vec<Details>) {
        let told = statement.details.event_time.as_deref();
        let told = told.or_else(|| details.first()?.event_time.as_deref());
        let at = self.comes_at(&statement, told);
        self.numbered += 1;
        self.told.insert((at, self.numbered), Told { key, statement, details });
    }

    /// When a label comes whose transaction was made at this time.
    fn comes_at(&self, statement: &Statement, event_time: Option<&str>) -> Timestamp {
        match (self.labels.come, event_time.and_then(written_time::parse)) {
            (WhenLabelsCome::AfterDelay, Some(made)) => {
                let after = i64::from(self.delay.days()) * DAY_MILLIS;
                Timestamp::saturating_from_millis(made.instant.millis().saturating_add(after))
            }
            _ => statement.reported_at,
        }
    }

    /// Tells `change` of each decider's merchants what the labels change that come until `now`.
    pub(super) fn apply_until(
        &mut self,
        now: Timestamp,
        counting: &[Counting],
        mut change: impl FnMut(usize, BTreeMap<&str, BTreeMap<(Bucket, i32), i32>>),
    ) {
        let labels = Arc::clone(&self.labels.labels);
        while let Some((at, place)) = self.coming.pop_if(|(at, _)| *at <= now) {
            let Some(label) = labels.get(place) else { continue };
            let statement = Statement { reported_at: at, ..label.statement.clone() };
            self.apply(key_of(&label.key()), &statement, &[], counting, &mut change);
        }
        let later = self.told.split_off(&(now, u64::MAX));
        for ((at, _), Told { key, statement, details }) in std::mem::replace(&mut self.told, later) {
            let statement = Statement { reported_at: at, ..statement };
            self.apply(key, &statement, &details, counting, &mut change);
        }
    }

    fn apply(
        &mut self,
        key: u64,
        statement: &Statement,
        details: &[Details],
        counting: &[Counting],
        change: &mut impl FnMut(usize, BTreeMap<&str, BTreeMap<(Bucket, i32), i32>>),
    ) {
        // What is said of a transaction is kept if more is.
        let mut once = Vec::new();
        let labelled = match self.several.contains(&key) {
            true => self.applied.entry(key).or_default(),
            false => &mut once,
        };
        labelled.resize(counting.len(), Labelled::default());
        for (place, (labelled, counting)) in labelled.iter_mut().zip(counting).enumerate() {
            let mut statement = statement.clone();
            if let Some(details) = details.get(place) {
                statement.details = statement.details.or(details.clone());
            }
            if let Taken::Holds(changed) = labelled.take_in(statement, counting) {
                change(place, changed.by_merchant(counting));
            }
        }
    }
}
