//! The numbers of a function's invocations, added up.

use std::collections::BTreeMap;

use fraud_aws::reason::FailureReason;
use serde::Serialize;

use super::InvocationMetrics;

/// The numbers of all invocations. A record that was retried is counted each time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct InvocationTotals {
    /// Invocations.
    pub invocations: u64,
    /// Transactions, aggregates taken apart.
    pub transactions: u64,
    /// The alerting function's numbers, if it was that function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<AlertsTotals>,
    /// The analytics function's numbers, if it was that function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analytics: Option<AnalyticsTotals>,
    /// Records that went to the dead letters, by reason.
    pub dead_letters: BTreeMap<String, u64>,
}

/// What the alerting function did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AlertsTotals {
    /// Records whose score raises an alert.
    pub high_scores: u64,
    /// Alerts that the sink accepted.
    pub sent: u64,
    /// High scores whose alert had been sent before.
    pub suppressed: u64,
}

/// What the analytics function did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AnalyticsTotals {
    /// Transactions that the table added.
    pub counted: u64,
    /// Transactions that the table had counted before.
    pub counted_before: u64,
    /// Transactions that stood twice in a batch.
    pub repeated: u64,
    /// Transactions with the id of one before them in their batch and another content.
    pub ids_reused: u64,
    /// Transactions that are not for counting: without a customer, or with an amount that is not above zero.
    pub not_for_counting: u64,
}

impl InvocationTotals {
    /// Adds an invocation.
    pub fn add(&mut self, metrics: &InvocationMetrics) {
        self.invocations += 1;
        match metrics {
            InvocationMetrics::Alerts(metrics) => {
                self.transactions += metrics.records as u64;
                self.add_letters(&metrics.dead_lettered);
                let alerts = self.alerts.get_or_insert_default();
                alerts.high_scores += metrics.high_scores as u64;
                alerts.sent += metrics.alerts_sent as u64;
                alerts.suppressed += metrics.alerts_suppressed as u64;
            }
            InvocationMetrics::Analytics(metrics) => {
                self.transactions += metrics.records as u64;
                self.add_letters(&metrics.dead_lettered);
                let analytics = self.analytics.get_or_insert_default();
                analytics.counted += metrics.counted as u64;
                analytics.counted_before += metrics.counted_before as u64;
                analytics.repeated += metrics.repeated as u64;
                analytics.ids_reused += metrics.ids_reused as u64;
                analytics.not_for_counting += (metrics.without_customer + metrics.not_positive) as u64;
            }
        }
    }

    /// The numbers as people read them, or, of a dry run, as they would be. `windows` is how many windows were touched, if that is
    /// known.
    pub fn rows(&self, dry_run: bool, windows: Option<u64>) -> Vec<(String, u64)> {
        let would = |done: &'static str, dry: &'static str| if dry_run { dry } else { done };
        let mut rows = vec![("transactions", self.transactions)];
        if let Some(alerts) = &self.alerts {
            rows.extend([
                ("high scores", alerts.high_scores),
                ("alerted before", alerts.suppressed),
                (would("alerted now", "would be alerted"), alerts.sent),
            ]);
        }
        if let Some(analytics) = &self.analytics {
            rows.extend(windows.map(|windows| ("windows touched", windows)));
            rows.extend([
                ("counted before", analytics.counted_before + analytics.repeated),
                (would("counted now", "would be counted"), analytics.counted),
                ("ids reused", analytics.ids_reused),
                ("not for counting", analytics.not_for_counting),
            ]);
        }
        let letters = self.dead_letters.iter();
        let letters = letters.map(|(reason, count)| {
            (format!("{} {reason}", would("dead letters", "to dead letters")), *count)
        });
        rows.into_iter().map(|(name, count)| (name.to_owned(), count)).chain(letters).collect()
    }

    fn add_letters(&mut self, letters: &BTreeMap<FailureReason, usize>) {
        for (reason, count) in letters {
            *self.dead_letters.entry(reason.to_string()).or_default() += *count as u64;
        }
    }
}
