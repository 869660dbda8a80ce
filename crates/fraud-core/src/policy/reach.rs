//! The highest scores that a policy can give.

use super::Policy;
use super::space::{Known, Space};

/// The most steps of a search. A policy that would need more is taken at its bound: what it is said to reach it may not reach.
/// Functions search for each kind of silence when they start, and the least readable policy must not hold them up for seconds.
const MAX_STEPS: usize = 3_000;

impl Policy {
    /// Whether there is a transaction that raises an alert.
    pub(super) fn can_alert(&self) -> bool {
        let space = Space::new(self);
        self.alerts(space.highest(&space.nothing_known(), Some(self.threshold())))
    }

    /// The highest score of all transactions.
    pub(super) fn highest(&self) -> f64 {
        let space = Space::new(self);
        space.highest(&space.nothing_known(), None)
    }
}

impl Space<'_> {
    /// The highest score of transactions of which this is known; if it is above `enough`, some score above it.
    pub(super) fn highest(&self, known: &Known, enough: Option<f64>) -> f64 {
        let mut search = Search { space: self, steps: 0, best: 0.0, enough };
        let bound = self.scores(known).1;
        search.go_on(&mut known.clone());
        if search.steps >= MAX_STEPS { bound } else { search.best }
    }
}

/// Branch and bound.
struct Search<'s> {
    space: &'s Space<'s>,
    steps: usize,
    best: f64,
    enough: Option<f64>,
}

impl Search<'_> {
    fn go_on(&mut self, known: &mut Known) {
        self.steps += 1;
        let is_enough = self.enough.is_some_and(|enough| self.best > enough);
        let (least, most) = self.space.scores(known);
        if most <= self.best || is_enough || self.steps >= MAX_STEPS {
            return;
        }
        let open =
            self.space.dimensions.iter().enumerate().find(|(index, _)| known.get(*index) == Some(&None));
        let Some((index, dimension)) = open.filter(|_| least < most) else {
            self.best = most;
            return;
        };
        let mut cells: Vec<(f64, &super::space::Cell)> = Vec::with_capacity(dimension.cells.len());
        for cell in &dimension.cells {
            set(known, index, Some(cell.clone()));
            cells.push((self.space.scores(known).1, cell));
        }
        // The most promising first: what follows is cut off the sooner.
        cells.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        for (_, cell) in cells {
            set(known, index, Some(cell.clone()));
            self.go_on(known);
        }
        set(known, index, None);
    }
}

pub(super) fn set(known: &mut Known, index: usize, cell: Option<super::space::Cell>) {
    if let Some(slot) = known.get_mut(index) {
        *slot = cell;
    }
}
