//! Rows by the pattern of levels that their factors have: all rows of a pattern are alike.

use std::collections::BTreeMap;

use super::levels::{Levels, Merge};
use super::rows::Rows;

/// The rows of one pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Of each factor.
    pub(super) levels: Vec<u8>,
    pub(super) transactions: u64,
    pub(super) frauds: u64,
}

/// All patterns that occur, in a fixed order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cells(pub(super) Vec<Cell>);

impl Cells {
    /// The patterns of these rows.
    pub(super) fn of(rows: &Rows, chosen: &[usize], levels: &[Levels]) -> Self {
        let mut counts: crate::hashing::Map<Vec<u8>, (u64, u64)> = Default::default();
        let mut pattern = Vec::with_capacity(levels.len());
        for row in chosen {
            pattern.clear();
            let level = |(place, levels): (usize, &Levels)| levels.level(rows.observed(place, *row));
            // A draft has a level for each of its bands, and a band for each of 24 quantiles at most.
            pattern.extend(
                levels.iter().enumerate().map(level).map(|level| u8::try_from(level).unwrap_or(u8::MAX)),
            );
            let fraud = u64::from(rows.is_fraud(*row));
            match counts.get_mut(&pattern) {
                Some((transactions, frauds)) => {
                    *transactions += 1;
                    *frauds += fraud;
                }
                None => drop(counts.insert(pattern.clone(), (1, fraud))),
            }
        }
        Cells::sorted(counts.into_iter())
    }

    fn sorted(counts: impl Iterator<Item = (Vec<u8>, (u64, u64))>) -> Self {
        let mut sums: BTreeMap<Vec<u8>, (u64, u64)> = BTreeMap::new();
        for (levels, (transactions, frauds)) in counts {
            let sum = sums.entry(levels).or_default();
            sum.0 += transactions;
            sum.1 += frauds;
        }
        let cell = |(levels, (transactions, frauds))| Cell { levels, transactions, frauds };
        Cells(sums.into_iter().map(cell).collect())
    }

    /// Transactions and frauds.
    pub(super) fn totals(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |(transactions, frauds), cell| {
            (transactions + cell.transactions, frauds + cell.frauds)
        })
    }

    /// Transactions and frauds of each of a factor's levels.
    pub(super) fn counts(&self, factor: usize, levels: usize) -> Vec<(u64, u64)> {
        let mut counts = vec![(0, 0); levels];
        for cell in &self.0 {
            let level = cell.levels.get(factor).copied().map(usize::from);
            if let Some(count) = level.and_then(|level| counts.get_mut(level)) {
                count.0 += cell.transactions;
                count.1 += cell.frauds;
            }
        }
        counts
    }

    /// Makes a factor's level a part of another.
    pub(super) fn merge(&mut self, factor: usize, merge: Merge) {
        let cells = std::mem::take(&mut self.0);
        let merged = cells.into_iter().map(|mut cell| {
            if let Some(level) = cell.levels.get_mut(factor) {
                *level = u8::try_from(merge.level(usize::from(*level))).unwrap_or(u8::MAX);
            }
            (cell.levels, (cell.transactions, cell.frauds))
        });
        *self = Cells::sorted(merged);
    }

    /// Each score that occurs, from the highest down, with the transactions at it or above. `points` are those of a factor's level.
    pub(super) fn scores(&self, points: impl Fn(usize, usize) -> f64) -> Vec<(f64, u64)> {
        let score = |cell: &Cell| {
            let levels = cell.levels.iter().enumerate();
            f64::max(levels.map(|(place, level)| points(place, usize::from(*level))).sum(), 0.0)
        };
        let mut scores: Vec<(f64, u64)> =
            self.0.iter().map(|cell| (score(cell), cell.transactions)).collect();
        scores.sort_by(|one, other| other.0.total_cmp(&one.0));
        let mut summed: Vec<(f64, u64)> = Vec::new();
        let mut above = 0;
        for (score, transactions) in scores {
            above += transactions;
            match summed.last_mut() {
                Some((last, sum)) if *last == score => *sum = above,
                _ => summed.push((score, above)),
            }
        }
        summed
    }
}
