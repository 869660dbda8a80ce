//! What happened in an invocation, in numbers.

use std::collections::BTreeMap;

use fraud_aws::profiles::Answer;
use fraud_aws::telemetry::MetricLine;
use fraud_core::enrichment::Enrichment;
use fraud_core::policy::Policy;
use fraud_core::reason::FailureReason;
use fraud_core::record::Decision;

/// The function's name in metrics.
pub const FUNCTION: &str = "firehose-transform";

/// The numbers of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchMetrics {
    /// Records scored.
    pub ok: usize,
    /// Records returned as failed, by reason.
    pub failed: BTreeMap<FailureReason, usize>,
    /// Distinct customers among the records.
    pub distinct_customers: usize,
    /// Customers answered from memory.
    pub cache_hits: usize,
    /// Customers that the profile store was asked for.
    pub profile_lookups: usize,
    /// Records scored with the policy's default risk because the store did not say.
    pub enrichment_unavailable: usize,
    /// Records whose customer's profile holds an attribute that cannot be used.
    pub invalid_profiles: usize,
    /// Records whose score raises an alert.
    pub high_scores: usize,
}

impl BatchMetrics {
    /// The numbers of a batch before its records are answered.
    pub fn new(answer: &Answer, distinct_customers: usize) -> Self {
        BatchMetrics {
            distinct_customers,
            cache_hits: answer.cache_hits,
            profile_lookups: answer.looked_up,
            ..BatchMetrics::default()
        }
    }

    /// Counts a record that was scored.
    pub fn scored(&mut self, decision: &Decision<'_>, policy: &Policy) {
        self.ok += 1;
        self.high_scores += usize::from(policy.alerts(decision.score.value));
        match decision.enrichment {
            Enrichment::Unavailable => self.enrichment_unavailable += 1,
            Enrichment::Profile(profile) if !profile.is_valid() => self.invalid_profiles += 1,
            _ => {}
        }
    }

    /// Counts a record that is returned as failed.
    pub fn failed(&mut self, reason: FailureReason) {
        *self.failed.entry(reason).or_default() += 1;
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let failed: usize = self.failed.values().sum();
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count("RecordsIn", self.ok + failed)
            .count("RecordsOk", self.ok)
            .count("RecordsFailed", failed)
            .count("DistinctCustomers", self.distinct_customers)
            .count("ProfileCacheHits", self.cache_hits)
            .count("ProfileLookups", self.profile_lookups)
            .count("EnrichmentUnavailable", self.enrichment_unavailable)
            .count("InvalidProfiles", self.invalid_profiles)
            .count("HighScores", self.high_scores);
        for (reason, &count) in &self.failed {
            line.count(format!("RecordsFailed.{reason}"), count);
        }
        line
    }
}
