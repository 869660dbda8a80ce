//! The numbers of a replay through the transform.

use std::collections::BTreeMap;

use firehose_transform::metrics::BatchMetrics;
use serde::Serialize;

/// What the transform did, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(in crate::replay) struct TransformTotals {
    #[serde(skip)]
    pub(in crate::replay) invocations: u64,
    /// Lines written, or that would be.
    pub(in crate::replay) lines: u64,
    /// Of them those whose score raises an alert.
    pub(in crate::replay) high_scores: u64,
    /// Of them those that the alerting function had not taken in, so that they lack the customer's history still.
    #[serde(skip_serializing_if = "is_none")]
    pub(in crate::replay) lagging: u64,
    /// Records returned as failed, by reason.
    pub(in crate::replay) failed: BTreeMap<String, u64>,
    /// Files written.
    pub(in crate::replay) files: u64,
}

impl TransformTotals {
    /// Adds an invocation.
    pub(super) fn add_invocation(&mut self, metrics: &BatchMetrics) {
        self.invocations += 1;
        self.lines += metrics.ok as u64;
        self.high_scores += metrics.high_scores as u64;
        self.lagging += metrics.history_lagging as u64;
        for (reason, count) in metrics.failed.counts() {
            *self.failed.entry(reason.to_string()).or_default() += *count as u64;
        }
    }

    /// Adds a batch.
    pub(super) fn add(&mut self, batch: &TransformTotals) {
        self.invocations += batch.invocations;
        self.lines += batch.lines;
        self.high_scores += batch.high_scores;
        self.lagging += batch.lagging;
        for (reason, count) in &batch.failed {
            *self.failed.entry(reason.clone()).or_default() += count;
        }
    }

    /// All records.
    pub(in crate::replay) fn transactions(&self) -> u64 {
        self.lines + self.failed.values().sum::<u64>()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_none(count: &u64) -> bool {
    *count == 0
}
