//! Points for given factors, by labels.
//!
//! A *draft* is a policy that names the factors: its points say no more than whether a factor's points rise or fall with its input.
//! The points are weights of a logistic regression over the factors' bands, times five, rounded; `docs/backtesting.md` tells the
//! method. Rows of the past are [kept](Rows) in memory, eight bytes a factor.

mod bands;
mod cells;
mod isotonic;
mod levels;
mod newton;
mod quantiles;
mod rows;

pub use bands::FittedBand;
pub use rows::Rows;

use fraud_core::policy::Policy;

use cells::Cells;
use levels::Levels;
use newton::Weights;

/// A weight of 1 (odds times e) is worth this many points.
const POINTS: f64 = 5.0;
/// Neighbouring bands whose points differ by less are one band.
const TELLS_APART: f64 = 2.0;
/// A band needs this many frauds, or else this many transactions.
const FRAUDS_NEEDED: u64 = 20;
const TRANSACTIONS_NEEDED: u64 = 200;

/// Where the factors' bands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandsFrom {
    /// The draft's bands.
    Draft,
    /// Quantiles of the values, for each factor that looks at a number.
    Quantiles,
}

/// Why nothing can be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Nothing to learn from.
    #[error("no transaction before the hold-out is judged")]
    NoTransactions,
    /// No fraud, or nothing but frauds.
    #[error(
        "of {transactions} judged transactions before the hold-out {frauds} are fraud: points need some of both"
    )]
    OneKind {
        /// The judged transactions.
        transactions: u64,
        /// The frauds among them.
        frauds: u64,
    },
    /// A factor that has no bands, and is not to get any.
    #[error("factor `{0}` has a weight: give it bands, or have them found (--bands auto)")]
    Weight(String),
    /// Nothing that a factor sees tells frauds from others.
    #[error("no factor tells frauds from others: no band is worth {TELLS_APART} points")]
    NothingTells,
}

/// A factor's fitted bands.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedFactor {
    /// The factor's name.
    pub name: String,
    /// Transactions and frauds that get no points from it.
    pub without: (u64, u64),
    /// Its bands, ascending; none if it tells nothing. A factor that gives points by its conditions has one.
    pub bands: Vec<FittedBand>,
    /// Where its input has no value, if that is worth points of its own.
    pub missing: Option<FittedBand>,
}

/// Fitted points.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// In the draft's order.
    pub factors: Vec<FittedFactor>,
    /// What was learnt from: transactions and frauds.
    pub learnt_from: (u64, u64),
    /// The transactions above each score that occurs, from the highest down: of the rows that were learnt from.
    pub scores: Vec<(f64, u64)>,
    /// The most that all points together give.
    pub highest: f64,
    levels: Vec<Levels>,
    weights: Weights,
}

/// Fits the points of a draft's factors to the rows before `held_out_from` (seconds since the epoch).
///
/// # Errors
/// [`FitError`]
pub fn fit(draft: &Policy, rows: &Rows, bands: BandsFrom, held_out_from: i64) -> Result<Fitted, FitError> {
    let learnt = rows.before(held_out_from);
    let mut levels = Vec::with_capacity(draft.factors().len());
    for (place, factor) in draft.factors().iter().enumerate() {
        levels.push(Levels::of(factor, bands, || rows.values(place, &learnt))?);
    }
    let mut cells = Cells::of(rows, &learnt, &levels);
    let learnt_from = cells.totals();
    match learnt_from {
        (0, _) => return Err(FitError::NoTransactions),
        (transactions, frauds) if frauds == 0 || frauds == transactions => {
            return Err(FitError::OneKind { transactions, frauds });
        }
        _ => {}
    }
    for (place, levels) in levels.iter_mut().enumerate() {
        while let Some(merge) = levels.without_support(&cells.counts(place, levels.count())) {
            levels.merge(merge);
            cells.merge(place, merge);
        }
    }
    let weights = loop {
        let weights = newton::solve(&cells, &levels);
        let mut is_final = true;
        for (place, levels) in levels.iter_mut().enumerate() {
            let points = weights.of(place).iter().map(|weight| points(*weight)).collect::<Vec<_>>();
            // From the highest down, so that the places below stay what they are.
            for merge in levels.alike(&points) {
                levels.merge(merge);
                cells.merge(place, merge);
                is_final = false;
            }
        }
        if is_final {
            break weights;
        }
    };
    let factors: Vec<FittedFactor> = draft
        .factors()
        .iter()
        .zip(&levels)
        .enumerate()
        .map(|(place, (factor, levels))| {
            bands::fitted(factor.name(), levels, &cells.counts(place, levels.count()), weights.of(place))
        })
        .collect();
    if factors.iter().all(FittedFactor::tells_nothing) {
        return Err(FitError::NothingTells);
    }
    let highest = factors.iter().map(FittedFactor::highest).sum();
    let scores = cells.scores(|place, level| points(weights.at(place, level)));
    Ok(Fitted { factors, learnt_from, scores, highest, levels, weights })
}

/// A weight as points.
fn points(weight: f64) -> f64 {
    let points = (POINTS * weight).round();
    // No negative zero.
    if points == 0.0 { 0.0 } else { points }
}

impl FittedFactor {
    /// Whether it gives no points at all.
    pub fn tells_nothing(&self) -> bool {
        self.bands.iter().chain(&self.missing).all(|band| band.points == 0.0)
    }

    fn highest(&self) -> f64 {
        self.bands.iter().chain(&self.missing).map(|band| band.points).fold(0.0, f64::max)
    }
}

impl Fitted {
    /// The smallest of 0 and the scores above which no more transactions are than `allowed`, of those that were learnt from.
    pub fn threshold(&self, allowed: f64) -> f64 {
        let fits = self.scores.iter().find(|(_, above_or_at)| *above_or_at as f64 > allowed);
        fits.map_or(0.0, |(score, _)| f64::max(*score, 0.0))
    }

    /// A row's score by the fitted points, and by the weights before they were rounded, in points.
    pub fn scores_of(&self, rows: &Rows, row: usize) -> (f64, f64) {
        let (mut rounded, mut exact) = (0.0, 0.0);
        for (place, levels) in self.levels.iter().enumerate() {
            let level = levels.level(rows.observed(place, row));
            let weight = self.weights.at(place, level);
            rounded += points(weight);
            exact += POINTS * weight;
        }
        (f64::max(rounded, 0.0), exact)
    }
}

#[cfg(test)]
mod tests;
