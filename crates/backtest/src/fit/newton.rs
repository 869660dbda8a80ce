//! The weights of a logistic regression over factors' levels.

use super::cells::{Cell, Cells};
use super::isotonic::rising;
use super::levels::{Direction, Levels};

/// How strongly weights are drawn to 0: as if each level had been seen a little without telling anything.
const RIDGE: f64 = 1.0;
/// No step is longer: with few frauds a level's curvature says little.
const LONGEST_STEP: f64 = 1.5;
const CYCLES: usize = 50;

/// A weight for each level of each factor; that of level 0 is 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub(super) intercept: f64,
    of: Vec<Vec<f64>>,
}

impl Weights {
    /// Those of a factor's levels.
    pub(super) fn of(&self, factor: usize) -> &[f64] {
        self.of.get(factor).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn at(&self, factor: usize, level: usize) -> f64 {
        self.of(factor).get(level).copied().unwrap_or_default()
    }
}

/// The weights with the least penalized loss, by Newton's steps for one factor after the other.
pub(super) fn solve(cells: &Cells, levels: &[Levels]) -> Weights {
    let Cells(cells) = cells;
    let (transactions, frauds) = cells.iter().fold((0.0, 0.0), |(transactions, frauds), cell| {
        (transactions + cell.transactions as f64, frauds + cell.frauds as f64)
    });
    let mut weights = Weights {
        intercept: (frauds / (transactions - frauds)).ln(),
        of: levels.iter().map(|levels| vec![0.0; levels.count()]).collect(),
    };
    let mut odds: Vec<f64> = vec![weights.intercept; cells.len()];
    for _ in 0..CYCLES {
        for (place, (levels, own)) in levels.iter().zip(&mut weights.of).enumerate() {
            weights.intercept += improve(cells, place, levels, own, &mut odds);
        }
    }
    weights
}

/// One Newton step for a factor's weights and the intercept together: most frauds have some level, so that the intercept alone would
/// come near its place slowly. No row has two levels, so that all second derivatives but those with the intercept are a diagonal.
/// Gives the intercept's step.
fn improve(cells: &[Cell], place: usize, levels: &Levels, own: &mut [f64], odds: &mut [f64]) -> f64 {
    let level_of = |cell: &Cell| cell.levels.get(place).copied().map_or(0, usize::from);
    let mut sums = vec![Sums::default(); own.len()];
    for (cell, odds) in cells.iter().zip(&*odds) {
        let (slope, curve) = derivatives(cell, *odds);
        if let Some(sum) = sums.get_mut(level_of(cell)) {
            sum.slope += slope;
            sum.curve += curve;
        }
    }
    let pools = pools(levels, own, &sums);
    // With an intercept that moves by d, a pool's best value is (pull - d x curve) / mass.
    let all = sums.iter().fold(Sums::default(), |all, level| all + *level);
    let (mut slope, mut curve) = (all.slope, all.curve);
    for pool in &pools {
        slope += pool.moved;
        if !pool.is_held {
            slope -= pool.sums.curve * pool.pull / pool.mass;
            curve -= pool.sums.curve * pool.sums.curve / pool.mass;
        }
    }
    let step = if curve > 0.0 { cut(slope / curve) } else { 0.0 };
    let before = own.to_vec();
    for pool in &pools {
        let best = if pool.is_held { 0.0 } else { (pool.pull - step * pool.sums.curve) / pool.mass };
        for weight in own.get_mut(pool.levels.clone()).into_iter().flatten() {
            *weight += cut(best - *weight);
        }
    }
    keep_direction(levels, own, &sums);
    let changes: Vec<f64> = own.iter().zip(before).map(|(now, before)| now - before).collect();
    for (cell, odds) in cells.iter().zip(odds) {
        *odds += step + changes.get(level_of(cell)).copied().unwrap_or_default();
    }
    step
}

fn cut(step: f64) -> f64 {
    step.clamp(-LONGEST_STEP, LONGEST_STEP)
}

/// The derivatives of a level's rows, summed.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    slope: f64,
    curve: f64,
}

impl std::ops::Add for Sums {
    type Output = Sums;

    fn add(self, other: Sums) -> Sums {
        Sums { slope: self.slope + other.slope, curve: self.curve + other.curve }
    }
}

/// Neighbouring levels that have one weight.
struct Pool {
    levels: std::ops::Range<usize>,
    sums: Sums,
    /// Curve and ridge.
    mass: f64,
    /// What its weight would be, were the intercept to stay, times the mass.
    pull: f64,
    /// Its weights times their curves.
    moved: f64,
    /// Whether its weight is 0, for it would lead in the wrong direction.
    is_held: bool,
}

impl Pool {
    fn of(levels: std::ops::Range<usize>, own: &[f64], sums: &[Sums]) -> Self {
        let mut pool = Pool {
            levels: levels.clone(),
            sums: Sums::default(),
            mass: 0.0,
            pull: 0.0,
            moved: 0.0,
            is_held: false,
        };
        let each = own.iter().zip(sums).skip(levels.start).take(levels.len());
        for (weight, sums) in each {
            pool.sums = pool.sums + *sums;
            pool.mass += sums.curve + RIDGE;
            pool.pull += sums.slope + sums.curve * weight;
            pool.moved += sums.curve * weight;
        }
        pool
    }
}

/// Which levels have one weight: each its own where a factor may lead in either direction, else those that would lead in the wrong one.
fn pools(levels: &Levels, own: &[f64], sums: &[Sums]) -> Vec<Pool> {
    let alone = |level: usize| Pool::of(level..level + 1, own, sums);
    let missing = levels.missing().map(alone);
    let ordered = 1..=levels.ordered();
    let Some(sign) = sign(levels.direction) else { return ordered.map(alone).chain(missing).collect() };
    let best = |level: usize| {
        let pool = alone(level);
        (sign * pool.pull / pool.mass, pool.mass)
    };
    let (best, masses): (Vec<f64>, Vec<f64>) = ordered.map(best).unzip();
    let kept = rising(&best, &masses);
    let mut pools = Vec::new();
    let mut first = 0;
    for run in kept.chunk_by(|one, next| one == next) {
        let mut pool = Pool::of(first + 1..first + 1 + run.len(), own, sums);
        pool.is_held = levels.begins_with_none && run.first().is_some_and(|value| *value <= 0.0);
        first += run.len();
        pools.push(pool);
    }
    pools.into_iter().chain(missing).collect()
}

fn sign(direction: Direction) -> Option<f64> {
    match direction {
        Direction::Rising => Some(1.0),
        Direction::Falling => Some(-1.0),
        Direction::Either => None,
    }
}

/// Steps that were cut, or an intercept that moved, can leave weights in the wrong order.
fn keep_direction(levels: &Levels, own: &mut [f64], sums: &[Sums]) {
    let Some(sign) = sign(levels.direction) else { return };
    let ordered = 1..=levels.ordered();
    let (Some(weights), Some(sums)) = (own.get_mut(ordered.clone()), sums.get(ordered)) else { return };
    let turned: Vec<f64> = weights.iter().map(|weight| sign * weight).collect();
    let masses: Vec<f64> = sums.iter().map(|sums| sums.curve + RIDGE).collect();
    let least = if levels.begins_with_none { 0.0 } else { f64::NEG_INFINITY };
    for (weight, kept) in weights.iter_mut().zip(rising(&turned, &masses)) {
        *weight = sign * f64::max(kept, least);
    }
}

/// The slope of the logarithm of the likelihood, and its negative curvature, at these odds.
fn derivatives(cell: &Cell, odds: f64) -> (f64, f64) {
    let share = 1.0 / (1.0 + (-odds).exp());
    let transactions = cell.transactions as f64;
    (cell.frauds as f64 - transactions * share, transactions * share * (1.0 - share))
}
