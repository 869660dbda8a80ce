//! What happened in an invocation, in numbers.

use fraud_aws::profiles::Answer;
use fraud_aws::telemetry::{Failures, MetricLine};
use fraud_core::enrichment::EnrichmentCounts;
use fraud_core::event_time::EventTimeFaults;
use fraud_core::policy::Policy;
use fraud_core::record::Decision;

/// The function's name in metrics.
pub const FUNCTION: &str = "firehose-transform";

/// The numbers of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchMetrics {
    /// Records scored.
    pub ok: usize,
    /// Records returned as failed, by reason.
    pub failed: Failures,
    /// Distinct customers among the records.
    pub distinct_customers: usize,
    /// Customers answered from memory.
    pub cache_hits: usize,
    /// Customers that the profile store was asked for.
    pub profile_lookups: usize,
    /// What the lookups came to, for the records scored.
    pub enrichment: EnrichmentCounts,
    /// What is wrong with the event times of the records scored.
    pub event_times: EventTimeFaults,
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
        self.enrichment.count(decision.enrichment);
        self.event_times.count(decision.event_time_fault);
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let failed: usize = self.failed.counts().values().sum();
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count("RecordsIn", self.ok + failed)
            .count("RecordsOk", self.ok)
            .count("RecordsFailed", failed)
            .count("DistinctCustomers", self.distinct_customers)
            .count("ProfileCacheHits", self.cache_hits)
            .count("ProfileLookups", self.profile_lookups)
            .enrichment(&self.enrichment)
            .event_times(&self.event_times)
            .count("HighScores", self.high_scores);
        for (reason, &count) in self.failed.counts() {
            line.count(format!("RecordsFailed.{reason}"), count);
        }
        line
    }
}
