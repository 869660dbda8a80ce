//! Fitted bands, as a policy can have them.

use super::levels::Levels;
use super::{FittedFactor, points};

/// A band with its points, and what it was fitted to.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedBand {
    /// The greatest number below the band; -infinity if it has no begin, and where there is no number to look at.
    pub above: f64,
    /// The greatest number in the band; infinity if it has no end.
    pub up_to: f64,
    /// The first and the last of the draft's bands in it, by their places in the draft's list; `None` if the band was found by
    /// quantiles.
    pub of_draft: Option<(usize, usize)>,
    /// What it gives.
    pub points: f64,
    /// Transactions in it.
    pub transactions: u64,
    /// Frauds among them.
    pub frauds: u64,
}

pub(super) fn fitted(name: &str, levels: &Levels, counts: &[(u64, u64)], weights: &[f64]) -> FittedFactor {
    let band = |level: usize| {
        let (transactions, frauds) = counts.get(level).copied().unwrap_or_default();
        let band = level.checked_sub(1).and_then(|place| levels.bands().get(place));
        FittedBand {
            above: band.map_or(f64::NEG_INFINITY, |band| band.above),
            up_to: band.map_or(f64::INFINITY, |band| band.up_to),
            of_draft: band.and_then(|band| band.of_draft),
            points: points(weights.get(level).copied().unwrap_or_default()),
            transactions,
            frauds,
        }
    };
    FittedFactor {
        name: name.to_owned(),
        without: counts.first().copied().unwrap_or_default(),
        bands: (1..=levels.ordered()).map(band).collect(),
        missing: levels.missing().map(band),
    }
}
