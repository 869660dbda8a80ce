//! The levels of a factor: which observations get the same points.

use fraud_core::policy::{BandShape, Factor, Seen, Shape};

use super::quantiles::cuts;
use super::rows::Observed;
use super::{BandsFrom, FRAUDS_NEEDED, FitError, TELLS_APART, TRANSACTIONS_NEEDED};

/// Whether a factor's points rise or fall with its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Rising,
    Falling,
    Either,
}

/// The numbers greater than `above` and up to `up_to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    pub(super) above: f64,
    pub(super) up_to: f64,
    /// The first and the last of the draft's bands in it, by their places in the draft; `None` of quantiles.
    pub(super) of_draft: Option<(usize, usize)>,
}

/// The levels of a factor. Level 0 has no points: a condition that does not hold, a value in no band, or none. Then come the
/// bands, ascending; then a missing value, if it is worth points of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Levels {
    kind: Kind,
    has_missing: bool,
    pub(super) direction: Direction,
    /// Whether level 0 lies below the first band.
    pub(super) begins_with_none: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Bands(Vec<Band>),
    /// Level 1 is that all conditions hold; `false` once that is worth nothing.
    Met(bool),
}

/// A level that becomes a part of another: a neighbour, or level 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) from: usize,
    pub(super) into: usize,
}

impl Merge {
    /// The level that a level is afterwards.
    pub(super) fn level(self, level: usize) -> usize {
        let kept = if level == self.from { self.into } else { level };
        if kept > self.from { kept - 1 } else { kept }
    }
}

impl Levels {
    /// Those of a draft's factor. `values` gives the numbers that it saw: of frauds, and of all.
    ///
    /// # Errors
    /// [`FitError::Weight`]
    pub(super) fn of(
        factor: &Factor,
        from: BandsFrom,
        values: impl FnOnce() -> (Vec<f64>, Vec<f64>),
    ) -> Result<Self, FitError> {
        let shape = factor.shape();
        let direction = direction(&shape);
        let (missing, own) = match shape {
            Shape::Points(_) => {
                return Ok(Levels {
                    kind: Kind::Met(true),
                    has_missing: false,
                    direction,
                    begins_with_none: true,
                });
            }
            Shape::Weight { .. } if from == BandsFrom::Draft => {
                return Err(FitError::Weight(factor.name().to_owned()));
            }
            Shape::Weight { missing, .. } => (missing, Vec::new()),
            Shape::Bands { bands, missing } => (missing, bands),
        };
        let bands = match from {
            BandsFrom::Draft => of_draft(&own),
            BandsFrom::Quantiles => {
                let (of_frauds, of_all) = values();
                of_cuts(&cuts(of_frauds, of_all))
            }
        };
        let begins_with_none = bands.first().is_some_and(|first| first.above > f64::NEG_INFINITY);
        Ok(Levels { kind: Kind::Bands(bands), has_missing: missing != 0.0, direction, begins_with_none })
    }

    pub(super) fn bands(&self) -> &[Band] {
        match &self.kind {
            Kind::Bands(bands) => bands,
            Kind::Met(_) => &[],
        }
    }

    /// The levels in ascending order, from 1.
    pub(super) fn ordered(&self) -> usize {
        match &self.kind {
            Kind::Bands(bands) => bands.len(),
            Kind::Met(met) => usize::from(*met),
        }
    }

    pub(super) fn missing(&self) -> Option<usize> {
        self.has_missing.then_some(self.ordered() + 1)
    }

    /// How many levels there are, level 0 included.
    pub(super) fn count(&self) -> usize {
        1 + self.ordered() + usize::from(self.has_missing)
    }

    pub(super) fn level(&self, observed: Observed) -> usize {
        match (observed.seen(), &self.kind) {
            (Seen::Met, Kind::Met(true)) => 1,
            (Seen::Missing, _) => self.missing().unwrap_or_default(),
            (Seen::Number(value), Kind::Bands(bands)) => {
                let place = bands.partition_point(|band| band.up_to < value);
                bands.get(place).filter(|band| value > band.above).map_or(0, |_| place + 1)
            }
            (Seen::Unmet | Seen::Met | Seen::Number(_), _) => 0,
        }
    }

    /// The next merge of a level with too few frauds and transactions; `None` if there is none. `counts` has those of each level.
    pub(super) fn without_support(&self, counts: &[(u64, u64)]) -> Option<Merge> {
        let lacks = |(transactions, frauds): &(u64, u64)| {
            *frauds < FRAUDS_NEEDED && *transactions < TRANSACTIONS_NEEDED
        };
        let (from, _) = counts.iter().enumerate().skip(1).rev().find(|(_, counts)| lacks(counts))?;
        let into = match self.bands().get(from - 1) {
            Some(_) if from > 1 && self.touches(from - 1) => from - 1,
            Some(_) if self.touches(from) => from + 1,
            _ => 0,
        };
        Some(Merge { from, into })
    }

    /// Neighbours that differ by too little, the highest first, each level in one merge at most.
    pub(super) fn alike(&self, points: &[f64]) -> Vec<Merge> {
        let of = |level: usize| points.get(level).copied().unwrap_or_default();
        let is_alike = |one: usize, other: usize| (of(one) - of(other)).abs() < TELLS_APART;
        let mut merges: Vec<Merge> = self
            .missing()
            .filter(|missing| is_alike(*missing, 0))
            .map(|from| Merge { from, into: 0 })
            .into_iter()
            .collect();
        let mut level = self.ordered();
        while level > 0 {
            let into = level - 1;
            let are_neighbours = into == 0 || self.touches(into);
            if are_neighbours && is_alike(level, into) {
                merges.push(Merge { from: level, into });
                level = into;
            }
            level = level.saturating_sub(1);
        }
        merges
    }

    /// Makes a level a part of another.
    pub(super) fn merge(&mut self, merge: Merge) {
        let Merge { from, into } = merge;
        let is_missing = Some(from) == self.missing();
        match &mut self.kind {
            _ if is_missing => self.has_missing = false,
            Kind::Met(met) => *met = false,
            Kind::Bands(bands) if from > 0 && from <= bands.len() => {
                let gone = bands.remove(from - 1);
                if let Some(kept) = merge.level(into).checked_sub(1).and_then(|place| bands.get_mut(place)) {
                    let draft =
                        |one: Option<(usize, usize)>, other: Option<(usize, usize)>| Some((one?.0, other?.1));
                    kept.of_draft = match into < from {
                        true => draft(kept.of_draft, gone.of_draft),
                        false => draft(gone.of_draft, kept.of_draft),
                    };
                    kept.above = kept.above.min(gone.above);
                    kept.up_to = kept.up_to.max(gone.up_to);
                } else if from == 1 {
                    // What lies below the first band has no points any more.
                    self.begins_with_none = true;
                }
            }
            Kind::Bands(_) => {}
        }
    }

    /// Whether nothing lies between a level's band and the next one's.
    fn touches(&self, level: usize) -> bool {
        match (level.checked_sub(1).and_then(|place| self.bands().get(place)), self.bands().get(level)) {
            (Some(lower), Some(upper)) => lower.up_to == upper.above,
            _ => false,
        }
    }
}

fn of_draft(own: &[BandShape]) -> Vec<Band> {
    let band = |(place, band): (usize, &BandShape)| Band {
        above: band.above,
        up_to: band.up_to,
        of_draft: Some((place, place)),
    };
    let mut bands: Vec<Band> = own.iter().enumerate().map(band).collect();
    bands.sort_by(|one, other| one.above.total_cmp(&other.above));
    bands
}

/// The bands that begin at these numbers.
fn of_cuts(cuts: &[f64]) -> Vec<Band> {
    let ends = cuts.iter().skip(1).map(|next| next.next_down()).chain([f64::INFINITY]);
    cuts.iter().zip(ends).map(|(cut, up_to)| Band { above: cut.next_down(), up_to, of_draft: None }).collect()
}

/// Where the draft's points lead, from no points below the first band.
fn direction(shape: &Shape) -> Direction {
    let points: Vec<f64> = match shape {
        Shape::Points(points) => vec![0.0, *points],
        Shape::Weight { weight, .. } => vec![0.0, *weight],
        Shape::Bands { bands, .. } => {
            let mut bands = bands.clone();
            bands.sort_by(|one, other| one.above.total_cmp(&other.above));
            let below = bands.first().filter(|first| first.above > f64::NEG_INFINITY).map(|_| 0.0);
            below.into_iter().chain(bands.iter().map(|band| band.points)).collect()
        }
    };
    let holds = |test: fn(&f64, &f64) -> bool| {
        points.iter().zip(points.iter().skip(1)).all(|(one, next)| test(one, next))
    };
    match (holds(f64::le), holds(f64::ge)) {
        (true, false) => Direction::Rising,
        (false, true) => Direction::Falling,
        _ => Direction::Either,
    }
}
