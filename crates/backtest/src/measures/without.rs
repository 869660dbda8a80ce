//! What a policy would be without one of its factors.

use fraud_core::policy::Policy;

use super::curve::{above, average_precision, share, threshold_by_budget};
use super::scores::Group;
use super::{Judged, Truth};

/// Sums up what a policy would have decided without each of its factors.
#[derive(Debug, Clone)]
pub struct Without {
    cap: f64,
    factors: Vec<(String, Group)>,
}

/// A policy without a factor, at the same number of alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct WithoutFactor {
    /// The factor's name.
    pub name: String,
    /// The average precision without it.
    pub average_precision: Option<f64>,
    /// The share of the frauds that are alerts, at a threshold that keeps to as many alerts.
    pub recall: Option<f64>,
}

impl Without {
    /// Of a policy.
    pub fn new(policy: &Policy) -> Self {
        let factor = |factor: &fraud_core::policy::Factor| (factor.name().to_owned(), Group::default());
        Without { cap: policy.cap(), factors: policy.factors().iter().map(factor).collect() }
    }

    /// Adds a transaction with the points of each factor, in the policy's order. One that is not judged is left out.
    pub fn add(&mut self, judged: &Judged<'_>, points: &[f64]) {
        if judged.truth == Truth::Immature {
            return;
        }
        for (place, (_, group)) in self.factors.iter_mut().enumerate() {
            let others = points.iter().enumerate().filter(|(other, _)| *other != place);
            let sum: f64 = others.map(|(_, points)| points).sum();
            let score = f64::min(f64::max(sum, 0.0), self.cap);
            group.add(&Judged { score, ..*judged });
        }
    }

    /// What it comes to, at this many alerts in all.
    pub fn finish(self, alerts: u64) -> Vec<WithoutFactor> {
        let of = |(name, mut group): (String, Group)| {
            group.compact();
            let found = threshold_by_budget(&group, alerts as f64, 1.0);
            let caught = above(&group, found.threshold).frauds.count;
            WithoutFactor {
                name,
                average_precision: average_precision(&group),
                recall: share(caught as f64, group.totals.frauds as f64),
            }
        };
        self.factors.into_iter().map(of).collect()
    }
}
