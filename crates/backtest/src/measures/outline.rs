//! What plots are drawn from: the scores in few steps.

use super::scores::{Group, Step};

/// About this many steps, whatever the number of distinct scores.
const STEPS: u64 = 200;
/// The parts of the range of scores.
const BINS: usize = 20;

/// The scores of a span in few steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    /// From the highest score down: what is at the score or above.
    pub steps: Vec<OutlineStep>,
    /// The range from 0 to the policy's cap in equal parts.
    pub bins: Vec<ScoreBin>,
}

/// What is at a score or above.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OutlineStep {
    /// The score.
    pub score: f64,
    /// Frauds.
    pub frauds: u64,
    /// Judged transactions that are not fraud.
    pub others: u64,
    /// Transactions that are too young to be judged.
    pub immature: u64,
    /// The frauds' amounts in ten-thousandths.
    pub value: i128,
}

/// A part of the range of scores.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ScoreBin {
    /// The lowest score of the part.
    pub from: f64,
    /// The end, exclusive but for the last part.
    pub to: f64,
    /// Frauds.
    pub frauds: u64,
    /// Judged transactions that are not fraud.
    pub others: u64,
}

impl Outline {
    /// Of a compact group under a policy with this cap. The steps above the threshold's are told apart from those at it or below.
    pub(super) fn of(group: &Group, cap: f64, threshold: f64) -> Self {
        let width = cap / BINS as f64;
        let bin = |place: usize| ScoreBin {
            from: width * place as f64,
            to: width * (place + 1) as f64,
            ..ScoreBin::default()
        };
        let mut bins: Vec<ScoreBin> = (0..BINS).map(bin).collect();
        let mut steps: Vec<OutlineStep> = Vec::new();
        let mut sum = OutlineStep::default();
        let mut kept = OutlineStep::default();
        let totals = &group.totals;
        let is_far = |part: u64, before: u64, whole: u64| (part - before) * STEPS >= whole.max(1);
        for step in group.steps() {
            let score = step.key.score();
            let crosses = sum.score > threshold && score <= threshold;
            // The last step above the threshold is what the policy does.
            if crosses && steps.last() != Some(&sum) {
                steps.push(sum);
            }
            add(&mut sum, &step, score);
            let place = if width > 0.0 { (score / width) as usize } else { 0 };
            if let Some(bin) = bins.get_mut(place.min(BINS - 1)) {
                bin.frauds += step.frauds.count;
                bin.others += step.others;
            }
            let judged = totals.frauds + totals.others();
            let is_kept = is_far(sum.frauds, kept.frauds, totals.frauds)
                || is_far(sum.frauds + sum.others, kept.frauds + kept.others, judged);
            if is_kept {
                steps.push(sum);
                kept = sum;
            }
        }
        if steps.last() != Some(&sum) {
            steps.push(sum);
        }
        Outline { steps, bins }
    }
}

fn add(sum: &mut OutlineStep, step: &Step, score: f64) {
    sum.score = score;
    sum.frauds += step.frauds.count;
    sum.others += step.others;
    sum.immature += step.immature;
    sum.value += step.frauds.value;
}
