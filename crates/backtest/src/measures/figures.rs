//! The measures of a group of transactions, and all of a back-test.

use super::curve::{above, auc, average_precision, recall_at_1_percent, share};
use super::factors::FactorFigures;
use super::outline::Outline;
use super::scores::Group;

/// What a policy did, by the labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Measures {
    /// The policy's id.
    pub policy: String,
    /// The begin of the measured span, in seconds since the epoch.
    pub from: i64,
    /// The end of the measured span, exclusive.
    pub until: i64,
    /// How the threshold was found, if it was by a budget of alerts.
    pub by_budget: Option<BudgetThreshold>,
    /// Of the whole span.
    pub overall: Figures,
    /// The weeks with transactions, ascending.
    pub weeks: Vec<Week>,
    /// The whole weeks side by side.
    pub spreads: Spreads,
    /// By the customers' segment: by name, those without one last.
    pub segments: Vec<SegmentFigures>,
    /// Of the policy's factors, in its order.
    pub factors: Vec<FactorFigures>,
    /// The scores of the whole span, to be drawn.
    pub outline: Outline,
}

/// The measures of a group of transactions. What there is not (a share of no frauds) is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// All transactions.
    pub transactions: u64,
    /// Judged by a label.
    pub labelled: u64,
    /// Judged by a label to be fraud.
    pub frauds: u64,
    /// Judged to be legitimate for want of a label.
    pub unlabelled: u64,
    /// Too young to be judged.
    pub immature: u64,
    /// The length of the span in days, also those without transactions.
    pub days: f64,
    /// Scores above this are alerts.
    pub threshold: f64,
    /// The number of alerts, also those that cannot be judged.
    pub alerts: u64,
    /// The number of alerts divided by `days`.
    pub alerts_per_day: Option<f64>,
    /// Frauds that are alerts.
    pub frauds_caught: u64,
    /// Alerts that are judged to be legitimate.
    pub false_alerts: u64,
    /// The frauds' amounts in ten-thousandths.
    pub fraud_value: i128,
    /// The caught frauds' amounts in ten-thousandths.
    pub value_caught: i128,
    /// The share of pairs of a fraud and another in which the fraud's score is higher; equal ones count half.
    pub auc: Option<f64>,
    /// The mean of the precision over the frauds, from the highest score down.
    pub average_precision: Option<f64>,
    /// The mean over the days of the share of compromised cards among the hundred with the highest scores. `None` for segments.
    pub card_precision_at_100: Option<f64>,
    /// The share of the frauds among the highest scores that make up at most 1 % of the judged transactions.
    pub recall_at_1_percent: Option<f64>,
    /// How large a share of the judged transactions these highest scores are: at most .01.
    pub share_at_1_percent: Option<f64>,
    /// The share of frauds among the judged alerts.
    pub precision: Option<f64>,
    /// The share of the frauds that are alerts.
    pub recall: Option<f64>,
    /// The share of the frauds' amounts that is in alerts.
    pub value_recall: Option<f64>,
}

/// Seven days of the measured span, or what is left at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Week {
    /// Its begin, in seconds since the epoch.
    pub from: i64,
    /// Its end, exclusive.
    pub until: i64,
    /// Whether it has seven days.
    pub is_whole: bool,
    /// Its measures.
    pub figures: Figures,
}

/// The measures of the customers of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentFigures {
    /// The segment; `None` for transactions without a profile.
    pub segment: Option<String>,
    /// Their measures.
    pub figures: Figures,
}

/// A threshold that keeps to a budget of alerts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetThreshold {
    /// The alerts a day that were allowed.
    pub asked: f64,
    /// The smallest of 0 and the scores that keeps to the budget: no more scores than allowed are above it.
    pub threshold: f64,
    /// How many transactions have exactly this score, and so are not alerts. 0 if the budget allows every score above 0.
    pub at_threshold: u64,
    /// The alerts a day if they were: more than allowed. `None` if the budget allows every score above 0.
    pub alerts_with_them: Option<f64>,
}

/// How a measure differs from week to week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The number of weeks that have the measure.
    pub weeks: usize,
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation; `None` of a single week.
    pub deviation: Option<f64>,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

/// How the measures differ from one whole week to another; `None` if no whole week has the measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spreads {
    /// Of [`Figures::alerts_per_day`].
    pub alerts_per_day: Option<Spread>,
    /// Of [`Figures::auc`].
    pub auc: Option<Spread>,
    /// Of [`Figures::average_precision`].
    pub average_precision: Option<Spread>,
    /// Of [`Figures::card_precision_at_100`].
    pub card_precision_at_100: Option<Spread>,
    /// Of [`Figures::recall_at_1_percent`].
    pub recall_at_1_percent: Option<Spread>,
    /// Of [`Figures::precision`].
    pub precision: Option<Spread>,
    /// Of [`Figures::recall`].
    pub recall: Option<Spread>,
    /// Of [`Figures::value_recall`].
    pub value_recall: Option<Spread>,
}

impl Figures {
    /// The measures of a compact group within this many days.
    pub(super) fn of(group: &Group, days: f64, threshold: f64, card_precision: Option<f64>) -> Self {
        let totals = &group.totals;
        let above = above(group, threshold);
        let at_1_percent = recall_at_1_percent(group);
        Figures {
            transactions: totals.transactions(),
            labelled: totals.frauds + totals.legitimate,
            frauds: totals.frauds,
            unlabelled: totals.unlabelled,
            immature: totals.immature,
            days,
            threshold,
            alerts: above.alerts(),
            alerts_per_day: share(above.alerts() as f64, days),
            frauds_caught: above.frauds.count,
            false_alerts: above.others,
            fraud_value: totals.fraud_value,
            value_caught: above.frauds.value,
            auc: auc(group),
            average_precision: average_precision(group),
            card_precision_at_100: card_precision,
            recall_at_1_percent: at_1_percent.map(|(recall, _)| recall),
            share_at_1_percent: at_1_percent.map(|(_, share)| share),
            precision: share(above.frauds.count as f64, (above.frauds.count + above.others) as f64),
            recall: share(above.frauds.count as f64, totals.frauds as f64),
            value_recall: share(above.frauds.value as f64, totals.fraud_value as f64),
        }
    }
}

impl Spreads {
    /// Over the whole ones of these weeks.
    pub(super) fn of(weeks: &[Week]) -> Self {
        let over = |measure: fn(&Figures) -> Option<f64>| {
            let whole = weeks.iter().filter(|week| week.is_whole);
            Spread::of(&whole.filter_map(|week| measure(&week.figures)).collect::<Vec<_>>())
        };
        Spreads {
            alerts_per_day: over(|figures| figures.alerts_per_day),
            auc: over(|figures| figures.auc),
            average_precision: over(|figures| figures.average_precision),
            card_precision_at_100: over(|figures| figures.card_precision_at_100),
            recall_at_1_percent: over(|figures| figures.recall_at_1_percent),
            precision: over(|figures| figures.precision),
            recall: over(|figures| figures.recall),
            value_recall: over(|figures| figures.value_recall),
        }
    }
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let mean = share(values.iter().sum(), values.len() as f64)?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Spread {
            weeks: values.len(),
            mean,
            deviation: share(squares, (values.len() - 1) as f64).map(f64::sqrt),
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}
