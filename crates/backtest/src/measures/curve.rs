//! Measures over all thresholds, from a group's scores.

use super::figures::BudgetThreshold;
use super::scores::{Frauds, Group};

/// The share of pairs of a fraud and another transaction in which the fraud has the higher score; equal scores count half.
/// `None` without frauds or without others.
pub(super) fn auc(group: &Group) -> Option<f64> {
    // Twice the pairs, so that halves are whole.
    let (mut twice, mut frauds_above) = (0u128, 0u128);
    for step in group.steps() {
        let (frauds, others) = (u128::from(step.frauds.count), u128::from(step.others));
        twice += others * (2 * frauds_above + frauds);
        frauds_above += frauds;
    }
    let pairs = u128::from(group.totals.frauds) * u128::from(group.totals.others());
    (pairs > 0).then(|| twice as f64 / (2 * pairs) as f64)
}

/// The sum over the scores, from the highest down, of the share of frauds that a score adds, times the precision down to it.
/// `None` without frauds.
pub(super) fn average_precision(group: &Group) -> Option<f64> {
    let (mut sum, mut frauds, mut judged) = (0.0, 0u64, 0u64);
    for step in group.steps() {
        frauds += step.frauds.count;
        judged += step.frauds.count + step.others;
        if step.frauds.count > 0 {
            sum += step.frauds.count as f64 * (frauds as f64 / judged as f64);
        }
    }
    share(sum, group.totals.frauds as f64)
}

/// The share of frauds among the highest scores that are at most 1 % of the judged transactions, and what share of these
/// they are. Equal scores are taken together or not at all. `None` without frauds.
pub(super) fn recall_at_1_percent(group: &Group) -> Option<(f64, f64)> {
    let all = group.totals.frauds + group.totals.others();
    let (mut frauds, mut judged) = (0u64, 0u64);
    for step in group.steps() {
        let down_to_here = judged + step.frauds.count + step.others;
        if u128::from(down_to_here) * 100 > u128::from(all) {
            break;
        }
        judged = down_to_here;
        frauds += step.frauds.count;
    }
    Some((share(frauds as f64, group.totals.frauds as f64)?, share(judged as f64, all as f64)?))
}

/// What is above a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Above {
    pub(super) frauds: Frauds,
    pub(super) others: u64,
    pub(super) immature: u64,
}

impl Above {
    pub(super) fn alerts(&self) -> u64 {
        self.frauds.count + self.others + self.immature
    }
}

/// What a group has above a threshold.
pub(super) fn above(group: &Group, threshold: f64) -> Above {
    let mut above = Above::default();
    for step in group.steps().take_while(|step| step.key.score() > threshold) {
        above.frauds += step.frauds;
        above.others += step.others;
        above.immature += step.immature;
    }
    above
}

/// The smallest of the scores and 0 above which no more transactions are than `per_day` allows in `days`.
pub(super) fn threshold_by_budget(group: &Group, per_day: f64, days: f64) -> BudgetThreshold {
    // A product that is not a number allows nothing.
    let allowed = f64::max(per_day * days, 0.0);
    let mut found =
        BudgetThreshold { asked: per_day, threshold: 0.0, at_threshold: 0, alerts_with_them: None };
    let mut alerts = 0u64;
    for step in group.steps().take_while(|step| step.key.score() > 0.0) {
        let with_these = alerts + step.transactions();
        if with_these as f64 > allowed {
            found.threshold = step.key.score();
            found.at_threshold = step.transactions();
            found.alerts_with_them = share(with_these as f64, days);
            break;
        }
        alerts = with_these;
    }
    found
}

/// `part` of `whole`; `None` of nothing.
pub(super) fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
