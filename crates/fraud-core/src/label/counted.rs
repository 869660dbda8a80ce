//! What holds of a transaction, and what of it counts on its merchant's days.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Details, LabelDelay, LabelSource, Statement, Verdict};
use crate::merchant::{Bucket, day_of};
use crate::policy::HistorySettings;

/// What decides where a fraud counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Counting {
    /// The days whose counts are kept: a fraud of another day counts nowhere.
    days: RangeInclusive<i32>,
    /// A fraud of this amount or more is not ordinary.
    ordinary_below: f64,
}

/// The amount below which a fraud is ordinary if the policy does not say.
const ORDINARY_BELOW: f64 = 200.0;

impl Counting {
    /// Counts as on the day of `now`, seconds since the epoch, under a policy with this `[history]`.
    pub fn at(now: i64, delay: LabelDelay, settings: Option<HistorySettings>) -> Self {
        let today = day_of(now);
        let ordinary_below = settings.map_or(ORDINARY_BELOW, |settings| settings.ordinary_below);
        // Event times may be ahead of the clock by a little.
        Counting { days: delay.first_kept(today)..=today.saturating_add(1), ordinary_below }
    }

    /// The first day whose counts are kept.
    pub fn first_day(&self) -> i32 {
        *self.days.start()
    }

    /// Whether a fraud points at the merchant and not at the card: the amount is small, and no outlier for the customer as far as
    /// is known.
    fn is_ordinary(&self, details: &Details) -> bool {
        let amount = details.amount.as_deref().and_then(|digits| digits.parse::<f64>().ok());
        amount.is_some_and(|amount| amount < self.ordinary_below) && details.outlier != Some(true)
    }

    /// Where a fraud counts; `None` if its merchant or its time is not known, or its day is not kept.
    pub(super) fn counted(&self, details: &Details) -> Option<CountedFraud> {
        let day = details.day().filter(|day| self.days.contains(day))?;
        let merchant_id = details.merchant_id.clone()?;
        Some(CountedFraud { merchant_id, day, ordinary: self.is_ordinary(details) })
    }
}

/// A fraud as it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedFraud {
    /// The merchant on whose days it counts.
    pub merchant_id: String,
    /// The UTC day of the event, counted from the epoch.
    pub day: i32,
    /// Whether it is ordinary.
    pub ordinary: bool,
}

/// What is said of one transaction, and what of it counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labelled {
    /// Of each source the statement that holds, by source.
    statements: Vec<Statement>,
    counted: Option<CountedFraud>,
}

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It holds already.
    Known,
    /// Its source has said something later.
    Superseded,
    /// It holds from now on.
    Holds(Change),
}

/// What a statement changes on merchants' days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What no longer counts.
    pub before: Option<CountedFraud>,
    /// What counts.
    pub after: Option<CountedFraud>,
}

impl Labelled {
    /// What was stored.
    pub fn stored(mut statements: Vec<Statement>, counted: Option<CountedFraud>) -> Self {
        statements.sort_by_key(|statement| statement.source);
        Labelled { statements, counted }
    }

    /// Of each source the statement that holds.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// What counts.
    pub fn counted(&self) -> Option<&CountedFraud> {
        self.counted.as_ref()
    }

    /// The transaction's verdict: the latest statement that is not taken back.
    pub fn verdict(&self) -> Option<&Statement> {
        self.statements.iter().filter(|statement| statement.verdict != Verdict::Retracted).max()
    }

    /// The latest that a source says.
    pub fn of_source(&self, source: LabelSource) -> Option<&Statement> {
        self.statements.iter().find(|statement| statement.source == source)
    }

    /// Takes a statement in. What counts already stays as it was counted unless the verdict's statement is another.
    pub fn take_in(&mut self, statement: Statement, counting: &Counting) -> Taken {
        match self.of_source(statement.source) {
            Some(held) if *held == statement => return Taken::Known,
            Some(held) if *held > statement => return Taken::Superseded,
            _ => {}
        }
        let old = self.verdict().cloned();
        self.statements.retain(|held| held.source != statement.source);
        self.statements.push(statement);
        self.statements.sort_by_key(|statement| statement.source);
        let before = self.counted.clone();
        if self.verdict() != old.as_ref() {
            let fraud = self.verdict().filter(|statement| statement.verdict == Verdict::Fraud);
            self.counted = fraud.and_then(|statement| counting.counted(&statement.details));
        }
        Taken::Holds(Change { before, after: self.counted.clone() })
    }
}

impl Change {
    /// What is added to the counts of each merchant, taken back if below zero; without days that are not kept, and without what
    /// stays as it is.
    pub fn by_merchant(&self, counting: &Counting) -> BTreeMap<&str, BTreeMap<(Bucket, i32), i32>> {
        let mut merchants: BTreeMap<&str, BTreeMap<(Bucket, i32), i32>> = BTreeMap::new();
        for (fraud, sign) in [(&self.before, -1), (&self.after, 1)] {
            let Some(fraud) = fraud.as_ref().filter(|fraud| counting.days.contains(&fraud.day)) else {
                continue;
            };
            let buckets = merchants.entry(&fraud.merchant_id).or_default();
            *buckets.entry((Bucket::Frauds, fraud.day)).or_default() += sign;
            if fraud.ordinary {
                *buckets.entry((Bucket::Ordinary, fraud.day)).or_default() += sign;
            }
        }
        for buckets in merchants.values_mut() {
            buckets.retain(|_, change| *change != 0);
        }
        merchants.retain(|_, buckets| !buckets.is_empty());
        merchants
    }
}
