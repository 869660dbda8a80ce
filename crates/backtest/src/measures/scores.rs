//! A group's transactions counted by score.

use std::ops::AddAssign;

use super::score_key::ScoreKey;
use super::{Judged, Truth};
use crate::hashing::Map;

/// How many transactions a group has, and what is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) frauds: u64,
    pub(super) legitimate: u64,
    pub(super) unlabelled: u64,
    pub(super) immature: u64,
    /// In ten-thousandths.
    pub(super) fraud_value: i128,
}

impl Totals {
    pub(super) fn transactions(&self) -> u64 {
        self.frauds + self.others() + self.immature
    }

    /// Those that count as legitimate.
    pub(super) fn others(&self) -> u64 {
        self.legitimate + self.unlabelled
    }

    fn add(&mut self, other: &Totals) {
        self.frauds += other.frauds;
        self.legitimate += other.legitimate;
        self.unlabelled += other.unlabelled;
        self.immature += other.immature;
        self.fraud_value += other.fraud_value;
    }
}

/// Frauds of one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Frauds {
    pub(super) count: u64,
    /// In ten-thousandths.
    pub(super) value: i128,
}

impl AddAssign for Frauds {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.value += other.value;
    }
}

/// A group of transactions by score. Frauds and immature ones are few, and kept apart: what is held of a score is small.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) totals: Totals,
    frauds: ByScore<Frauds>,
    others: ByScore<u64>,
    immature: ByScore<u64>,
}

/// All transactions of one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: ScoreKey,
    pub(super) frauds: Frauds,
    pub(super) others: u64,
    pub(super) immature: u64,
}

impl Step {
    pub(super) fn transactions(&self) -> u64 {
        self.frauds.count + self.others + self.immature
    }
}

impl Group {
    #[inline]
    pub(super) fn add(&mut self, judged: &Judged<'_>) {
        let key = ScoreKey::of(judged.score);
        match judged.truth {
            Truth::Fraud => {
                let value = judged.value();
                self.totals.frauds += 1;
                self.totals.fraud_value += value;
                self.frauds.add(key, Frauds { count: 1, value });
            }
            Truth::Legitimate => {
                self.totals.legitimate += 1;
                self.others.add(key, 1);
            }
            Truth::Unlabelled => {
                self.totals.unlabelled += 1;
                self.others.add(key, 1);
            }
            Truth::Immature => {
                self.totals.immature += 1;
                self.immature.add(key, 1);
            }
        }
    }

    /// Makes it small. Adding stays possible.
    pub(super) fn compact(&mut self) {
        self.frauds.compact();
        self.others.compact();
        self.immature.compact();
    }

    /// The sum of groups, compact.
    pub(super) fn sum<'g>(groups: impl Iterator<Item = &'g Group>) -> Group {
        let mut sum = Group::default();
        for group in groups {
            sum.totals.add(&group.totals);
            sum.frauds.append(&group.frauds);
            sum.others.append(&group.others);
            sum.immature.append(&group.immature);
        }
        sum.frauds.put_together();
        sum.others.put_together();
        sum.immature.put_together();
        sum
    }

    /// Its scores from the highest down. The group must be compact.
    pub(super) fn steps(&self) -> impl Iterator<Item = Step> {
        let mut frauds = self.frauds.sorted.iter().rev().peekable();
        let mut others = self.others.sorted.iter().rev().peekable();
        let mut immature = self.immature.sorted.iter().rev().peekable();
        std::iter::from_fn(move || {
            let next = [
                frauds.peek().map(|(key, _)| *key),
                others.peek().map(|(key, _)| *key),
                immature.peek().map(|(key, _)| *key),
            ];
            let key = next.into_iter().flatten().max()?;
            Some(Step {
                key,
                frauds: frauds.next_if(|entry| entry.0 == key).map_or(Frauds::default(), |entry| entry.1),
                others: others.next_if(|entry| entry.0 == key).map_or(0, |entry| entry.1),
                immature: immature.next_if(|entry| entry.0 == key).map_or(0, |entry| entry.1),
            })
        })
    }
}

/// Something counted by score: a map to count in, and what was counted before as a sorted list, which is smaller.
#[derive(Debug, Clone)]
struct ByScore<V> {
    open: Map<ScoreKey, V>,
    /// Ascending, each score once, but between [`append`](ByScore::append) and [`put_together`](ByScore::put_together).
    sorted: Vec<(ScoreKey, V)>,
}

impl<V> Default for ByScore<V> {
    fn default() -> Self {
        ByScore { open: Map::default(), sorted: Vec::new() }
    }
}

impl<V: Copy + Default + AddAssign> ByScore<V> {
    #[inline]
    fn add(&mut self, key: ScoreKey, value: V) {
        *self.open.entry(key).or_default() += value;
    }

    fn append(&mut self, other: &ByScore<V>) {
        self.sorted.extend_from_slice(&other.sorted);
        self.sorted.extend(other.open.iter().map(|(key, value)| (*key, *value)));
    }

    fn compact(&mut self) {
        if !self.open.is_empty() {
            self.sorted.extend(std::mem::take(&mut self.open));
            self.put_together();
            self.sorted.shrink_to_fit();
        }
    }

    /// Makes one of equal scores, and sorts them.
    fn put_together(&mut self) {
        // Stable, because that merges what is sorted already: the lists of weeks.
        self.sorted.sort_by_key(|(key, _)| *key);
        self.sorted.dedup_by(|later, kept| {
            let is_same = later.0 == kept.0;
            if is_same {
                kept.1 += later.1;
            }
            is_same
        });
    }
}
