//! Which combinations of inputs raise an alert.

use super::Policy;
use super::reach::set;
use super::space::{Cell, Known, Space};
use crate::inputs::{Inputs, Place};

/// The most steps that an explanation takes. A policy that needs more is explained in part.
const MAX_STEPS: usize = 10_000;

/// Which combinations of inputs raise an alert.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Combinations; each transaction that raises an alert is in exactly one, if they are complete.
    pub combinations: Vec<Combination>,
    /// Whether these are all combinations.
    pub is_complete: bool,
}

/// One combination: what the inputs must be. Inputs that are not named can be anything.
#[derive(Debug, Clone, PartialEq)]
pub struct Combination {
    /// Each input that counts: its name, and what it must be, as people say it.
    pub conditions: Vec<(String, String)>,
    /// Whether values that meet the conditions must, weighted, also give enough points together.
    pub by_sum: bool,
    /// The least and the highest score of transactions in the combination.
    pub scores: (f64, f64),
    cells: Vec<(Place, Vec<Cell>)>,
}

/// A combination in the making: for each dimension that counts its cells.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    cells: Vec<(usize, Vec<Cell>)>,
    by_sum: bool,
    least: f64,
    most: f64,
}

impl Policy {
    /// Which combinations of inputs raise an alert: those that need the fewest inputs first, and of these those with the
    /// highest scores.
    pub fn explain(&self) -> Explanation {
        let space = Space::new(self);
        let mut steps = 0;
        let rows = rows(&space, &mut space.nothing_known(), 0, &mut steps);
        let mut combinations: Vec<Combination> =
            rows.into_iter().map(|row| Combination::new(&space, row)).collect();
        combinations.sort_by(|one, other| {
            let by_number = one.conditions.len().cmp(&other.conditions.len());
            by_number.then(other.scores.1.total_cmp(&one.scores.1))
        });
        Explanation { combinations, is_complete: steps < MAX_STEPS }
    }
}

impl Combination {
    fn new(space: &Space<'_>, row: Row) -> Self {
        let mut conditions = Vec::with_capacity(row.cells.len());
        let mut cells = Vec::with_capacity(row.cells.len());
        // Told in the policy's order, which its readers know.
        for place in in_policys_order(space.policy) {
            let index = space.dimensions.iter().position(|dimension| dimension.place == place);
            let Some((_, own)) = row.cells.iter().find(|(dimension, _)| Some(*dimension) == index) else {
                continue;
            };
            let input = space.policy.input(place);
            let words: Vec<String> = own.iter().map(|cell| cell.words(input)).collect();
            conditions.push((input.name().into_owned(), words.join(", or ")));
            cells.push((place, own.clone()));
        }
        Combination { conditions, by_sum: row.by_sum, scores: (row.least, row.most), cells }
    }

    /// Whether these inputs are in the combination.
    pub fn holds(&self, policy: &Policy, inputs: &Inputs<'_>) -> bool {
        let meets = self.cells.iter().all(|(place, cells)| inputs.lies_in(*place, cells));
        meets && (!self.by_sum || policy.alerts(policy.score(inputs).value))
    }
}

/// The places of a policy's inputs, each once, in the order of their first use.
fn in_policys_order(policy: &Policy) -> Vec<Place> {
    let mut places = Vec::new();
    for place in policy.factors().iter().flat_map(super::Factor::places) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The rows of what is known, told by the dimensions from `index` on.
fn rows(space: &Space<'_>, known: &mut Known, index: usize, steps: &mut usize) -> Vec<Row> {
    *steps += 1;
    let alerts = |score| space.policy.alerts(score);
    let (least, most) = space.scores(known);
    if !alerts(most) || *steps >= MAX_STEPS {
        return Vec::new();
    }
    if alerts(least) {
        return vec![Row { cells: Vec::new(), by_sum: false, least, most }];
    }
    let Some(dimension) = space.dimensions.get(index) else {
        return vec![by_weight(space, known)];
    };
    let is_whole = space.policy.input(dimension.place).is_whole();
    // For each run of cells with the same rows behind them: the cells, and the rows.
    let mut groups: Vec<(Vec<Cell>, Vec<Row>)> = Vec::new();
    for cell in &dimension.cells {
        set(known, index, Some(cell.clone()));
        let rows = rows(space, known, index + 1, steps);
        let same = groups.iter_mut().find(|(_, other)| *other == rows);
        // Rows that narrow this very dimension are about this cell alone.
        let narrows = rows.iter().any(|row| row.cells.iter().any(|(dimension, _)| *dimension == index));
        match same.filter(|_| !narrows) {
            Some((cells, _)) => match cells.last().and_then(|last| last.joined(cell, is_whole)) {
                Some(joined) => {
                    cells.pop();
                    cells.push(joined);
                }
                None => cells.push(cell.clone()),
            },
            None => groups.push((vec![cell.clone()], rows)),
        }
    }
    set(known, index, None);
    if let [(_, rows)] = &groups[..] {
        // Whatever the input is, the rows are the same: it does not count, unless they narrow it.
        return rows.clone();
    }
    let mut all = Vec::new();
    for (cells, rows) in groups {
        for mut row in rows {
            if !row.cells.iter().any(|(dimension, _)| *dimension == index) {
                row.cells.push((index, cells.clone()));
            }
            all.push(row);
        }
    }
    all
}

/// The row where every cell is known and points still depend on where in its cell a weighted input lies.
fn by_weight(space: &Space<'_>, known: &Known) -> Row {
    let (least, most) = space.scores(known);
    let open: Vec<(usize, f64, f64)> = (space.dimensions.iter().enumerate().zip(known))
        .filter_map(|((index, dimension), cell)| match cell {
            Some(Cell::Numbers(from, to)) if dimension.is_weighted && from < to => Some((index, *from, *to)),
            _ => None,
        })
        .collect();
    let sum = Row { cells: Vec::new(), by_sum: true, least, most };
    let [(index, from, to)] = open[..] else {
        return sum;
    };
    let mut known = known.clone();
    let mut score = |number: f64| {
        set(&mut known, index, Some(Cell::Numbers(number, number)));
        space.scores(&known).0
    };
    let (at_from, at_to) = (score(from), score(to));
    let alerts = |score: f64| space.policy.alerts(score);
    // Between ends of which one alerts there is one number from which on, or up to which, all do: one weight's points rise or
    // fall throughout. Several weights over one input may not.
    let is_one = space.policy.factors().iter().filter(|factor| {
        matches!(factor.gives, super::Gives::Weight { .. })
            && factor.looks_at() == space.dimensions.get(index).map(|dimension| dimension.place)
    });
    if is_one.count() != 1 || alerts(at_from) == alerts(at_to) {
        return sum;
    }
    let is_whole = space.dimensions.get(index).is_some_and(|own| space.policy.input(own.place).is_whole());
    let edge = last_alike(from, to, |number| alerts(score(number)) == alerts(at_from));
    let cell = match (alerts(at_from), is_whole) {
        (true, false) => Cell::Numbers(from, edge),
        (true, true) => Cell::Numbers(from, edge.floor()),
        (false, false) => Cell::Numbers(edge.next_up(), to),
        (false, true) => Cell::Numbers(edge.next_up().ceil(), to),
    };
    let (first, last) = match cell {
        Cell::Numbers(first, last) => (score(first), score(last)),
        _ => (least, most),
    };
    Row { cells: vec![(index, vec![cell])], by_sum: false, least: first.min(last), most: first.max(last) }
}

/// The last number from `from` on that is like it; `to` is not.
fn last_alike(from: f64, to: f64, mut is_alike: impl FnMut(f64) -> bool) -> f64 {
    let (mut low, mut high) = (order(from), order(to));
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_alike(of_order(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    of_order(low)
}

/// The place of a number among all f64, which [`of_order`] turns back.
fn order(number: f64) -> i128 {
    let bits = i128::from(number.to_bits() & (u64::MAX >> 1));
    if number.is_sign_negative() { -bits } else { bits }
}

fn of_order(place: i128) -> f64 {
    let magnitude = f64::from_bits(u64::try_from(place.unsigned_abs()).unwrap_or(u64::MAX >> 1));
    if place < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests;
