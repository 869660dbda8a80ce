//! What happened in an invocation, in numbers.

use std::collections::BTreeMap;

use exact_text::timestamp::Timestamp;
use fraud_aws::profiles::Answer;
use fraud_aws::telemetry::MetricLine;
use fraud_core::enrichment::EnrichmentCounts;
use fraud_core::event_time::EventTimeFaults;
use fraud_core::reason::FailureReason;
use kinesis_batch::{Batch, Burial, Progress, RetryReason};

use crate::FUNCTION;

/// The numbers of one batch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BatchMetrics {
    /// Records of the stream.
    pub stream_records: usize,
    /// Records once aggregates are taken apart.
    pub records: usize,
    /// Records scored.
    pub scored: usize,
    /// Distinct customers among the records.
    pub distinct_customers: usize,
    /// Customers answered from memory.
    pub cache_hits: usize,
    /// Customers that the profile store was asked for.
    pub profile_lookups: usize,
    /// What the lookups came to, for every valid record of the batch.
    pub enrichment: EnrichmentCounts,
    /// What is wrong with the event times of these records.
    pub event_times: EventTimeFaults,
    /// Records whose score raises an alert.
    pub high_scores: usize,
    /// Alerts that the sink accepted.
    pub alerts_sent: usize,
    /// Of these, those that an earlier invocation had claimed and perhaps sent.
    pub alerts_resent: usize,
    /// High scores whose alert had been sent before.
    pub alerts_suppressed: usize,
    /// Of these, those with another amount than the one first alerted.
    pub amounts_differing: usize,
    /// Alerts that could not be marked as sent because another invocation had taken them over.
    pub claims_lost: usize,
    /// Records that went to the dead letters, by reason.
    pub dead_lettered: BTreeMap<FailureReason, usize>,
    /// Records that come again, and why the first of them does.
    pub retried: Option<(RetryReason, usize)>,
    /// For each alert sent, the milliseconds from its record's arrival at the stream to its publication.
    pub detection_latency: Vec<i64>,
}

impl BatchMetrics {
    /// The numbers of a batch before its records are scored.
    pub fn new(batch: &Batch<'_>, answer: &Answer, distinct_customers: usize) -> Self {
        BatchMetrics {
            stream_records: batch.stream_records().len(),
            records: batch.len(),
            distinct_customers,
            cache_hits: answer.cache_hits,
            profile_lookups: answer.looked_up,
            ..BatchMetrics::default()
        }
    }

    pub(crate) fn scored(&mut self) {
        self.scored += 1;
    }

    pub(crate) fn sent(&mut self, arrival: Timestamp, published_at: Timestamp, again: bool) {
        self.alerts_sent += 1;
        self.alerts_resent += usize::from(again);
        // Clocks of two machines: a record cannot have been published before it arrived.
        self.detection_latency.push((published_at.millis() - arrival.millis()).max(0));
    }

    pub(crate) fn suppressed(&mut self, differs: bool) {
        self.alerts_suppressed += 1;
        self.amounts_differing += usize::from(differs);
    }

    pub(crate) fn claim_lost(&mut self) {
        self.claims_lost += 1;
    }

    pub(crate) fn buried(&mut self, burial: Burial) {
        self.dead_lettered = burial.buried.counts().clone();
    }

    pub(crate) fn ended(&mut self, batch: &Batch<'_>, progress: &Progress) {
        self.retried = progress.retry_reason().map(|reason| (reason, progress.items_to_retry(batch)));
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count("StreamRecordsIn", self.stream_records)
            .count("RecordsIn", self.records)
            .count("RecordsScored", self.scored)
            .count("DistinctCustomers", self.distinct_customers)
            .count("ProfileCacheHits", self.cache_hits)
            .count("ProfileLookups", self.profile_lookups)
            .enrichment(&self.enrichment)
            .event_times(&self.event_times)
            .count("HighScores", self.high_scores)
            .count("AlertsSent", self.alerts_sent)
            .count("AlertsResent", self.alerts_resent)
            .count("AlertsSuppressed", self.alerts_suppressed)
            .count("AmountsDiffering", self.amounts_differing)
            .count("ClaimsLost", self.claims_lost)
            .count("RecordsDeadLettered", self.dead_lettered.values().sum())
            .count("RecordsToRetry", self.retried.map_or(0, |(_, count)| count));
        for (reason, &count) in &self.dead_lettered {
            line.count(format!("RecordsDeadLettered.{reason}"), count);
        }
        if let Some((reason, count)) = self.retried {
            line.count(format!("RecordsToRetry.{reason}"), count);
        }
        line.milliseconds_each("DetectionLatency", &self.detection_latency);
        line
    }
}
