//! How often each factor fired, on frauds and on others.

use fraud_core::policy::Policy;

use super::curve::share;
use super::{Judged, Truth};

/// What a factor tells of the truth, over all judged transactions, also those on which nothing fired.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorFigures {
    /// The factor's name.
    pub name: String,
    /// The frauds on which it contributed.
    pub frauds: u64,
    /// The other judged transactions on which it contributed.
    pub others: u64,
    /// The share of all frauds on which it contributed.
    pub share_of_frauds: Option<f64>,
    /// The share of all others on which it contributed.
    pub share_of_others: Option<f64>,
    /// The share of frauds where it contributed.
    pub precision: Option<f64>,
    /// `precision`, divided by the share of frauds among all judged transactions.
    pub lift: Option<f64>,
}

/// Counts where factors fire.
#[derive(Debug, Clone)]
pub(super) struct FactorCounts {
    fired: Vec<Fired>,
}

#[derive(Debug, Clone, Default)]
struct Fired {
    name: String,
    frauds: u64,
    others: u64,
}

impl FactorCounts {
    pub(super) fn new(policy: &Policy) -> Self {
        let fired = |factor: &fraud_core::policy::Factor| Fired {
            name: factor.name().to_owned(),
            ..Fired::default()
        };
        FactorCounts { fired: policy.factors().iter().map(fired).collect() }
    }

    #[inline]
    pub(super) fn add(&mut self, judged: &Judged<'_>) {
        let (fraud, other) = match judged.truth {
            Truth::Fraud => (1, 0),
            Truth::Legitimate | Truth::Unlabelled => (0, 1),
            Truth::Immature => return,
        };
        for index in judged.factors.indexes() {
            if let Some(fired) = self.fired.get_mut(index) {
                fired.frauds += fraud;
                fired.others += other;
            }
        }
    }

    /// The figures, in the policy's order, over this many frauds and others.
    pub(super) fn figures(self, all_frauds: u64, all_others: u64) -> Vec<FactorFigures> {
        let base_rate = share(all_frauds as f64, (all_frauds + all_others) as f64);
        let figures = |fired: Fired| {
            let precision = share(fired.frauds as f64, (fired.frauds + fired.others) as f64);
            FactorFigures {
                share_of_frauds: share(fired.frauds as f64, all_frauds as f64),
                share_of_others: share(fired.others as f64, all_others as f64),
                lift: precision.zip(base_rate).and_then(|(precision, base)| share(precision, base)),
                precision,
                name: fired.name,
                frauds: fired.frauds,
                others: fired.others,
            }
        };
        self.fired.into_iter().map(figures).collect()
    }
}
