//! What happened in an invocation, in numbers.

use fraud_aws::entities::{EntityCounts, LookedUpEntities};
use fraud_aws::history::HistoryCounts;
use fraud_aws::profiles::LookedUp;
use fraud_aws::telemetry::{Failures, Metric, MetricLine, metric};
use fraud_core::decision::Decision;
use fraud_core::enrichment::EnrichmentCounts;
use fraud_core::entity::EntitiesFound;
use fraud_core::event_time::EventTimeFaults;
use fraud_core::found::HistoryFound;
use fraud_core::policy::Policy;
use fraud_core::shadow::{Policies, ShadowCounts};

/// The function's name in metrics.
pub const FUNCTION: &str = "firehose-transform";

const RECORDS_OK: Metric = Metric::count("RecordsOk", "Records that were scored");
const RECORDS_FAILED: Metric = Metric::count_by_reason(
    "RecordsFailed",
    "Records that could not be scored: their bytes are under Firehose's error prefix; `response_too_large` asks for a \
     smaller buffer hint",
);

const HISTORY_LAGGING: Metric = Metric::count(
    "HistoryLagging",
    "Records that `kinesis-alerts` had not taken in when their line was written, so that they are scored without the customer's \
     history",
);
const HISTORY_UNAVAILABLE: Metric = Metric::count(
    "HistoryUnavailable",
    "Records whose customer's history could not be looked up, so that they are scored without it",
);

/// What the function writes.
pub const METRICS: &[&[Metric]] = &[
    &[
        metric::DURATION,
        metric::RECORDS_IN,
        RECORDS_OK,
        RECORDS_FAILED,
        metric::DISTINCT_CUSTOMERS,
        metric::PROFILE_CACHE_HITS,
        metric::PROFILE_LOOKUPS,
        metric::HIGH_SCORES,
    ],
    &metric::ENRICHMENT,
    &metric::ENTITIES,
    &metric::HISTORY,
    &[HISTORY_LAGGING, HISTORY_UNAVAILABLE, metric::UNUSABLE_FIELDS],
    &metric::EVENT_TIMES,
    &metric::SHADOW,
];

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
    /// What the lookups of entities came to, for the records scored; `None` if the policy asks for none.
    pub entities: Option<EntityCounts>,
    /// What the customers' histories said; `None` if the policy does not look at them.
    pub history: Option<HistoryCounts>,
    /// Records that were not taken in yet.
    pub history_lagging: usize,
    /// Records whose customer's history could not be looked up.
    pub history_unavailable: usize,
    /// How many fields have no value because they are of another type than the policy expects; `None` if it asks for none.
    pub unusable_fields: Option<usize>,
    /// What is wrong with the event times of the records scored.
    pub event_times: EventTimeFaults,
    /// Records whose score raises an alert.
    pub high_scores: usize,
    /// What the policy in the shadow came to; `None` without one.
    pub shadow: Option<ShadowCounts>,
}

impl BatchMetrics {
    /// The numbers of a batch before its records are answered.
    pub fn new(looked_up: &LookedUp, entities: &LookedUpEntities, policies: &Policies) -> Self {
        BatchMetrics {
            distinct_customers: looked_up.distinct(),
            cache_hits: looked_up.cache_hits(),
            profile_lookups: looked_up.asked(),
            entities: EntityCounts::new(entities),
            history: policies.history().map(|_| HistoryCounts::default()),
            unusable_fields: (!policies.asked().fields.is_empty()).then_some(0),
            shadow: policies.shadow().map(|_| ShadowCounts::default()),
            ..BatchMetrics::default()
        }
    }

    /// Counts a record that was scored.
    pub fn scored(&mut self, decision: &Decision<'_>, entities: Option<&EntitiesFound<'_>>, policy: &Policy) {
        self.ok += 1;
        let alerts = policy.alerts(decision.score.value);
        self.high_scores += usize::from(alerts);
        if let (Some(counts), Some(shadow)) = (&mut self.shadow, &decision.shadow) {
            counts.count(alerts, shadow.alerts);
        }
        self.enrichment.count(decision.enrichment);
        if let (Some(counts), Some(entities)) = (&mut self.entities, entities) {
            counts.count(entities);
        }
        if let Some(counts) = &mut self.history {
            counts.expired += usize::from(decision.history == HistoryFound::Expired);
            counts.invalid += usize::from(decision.history == HistoryFound::Invalid);
        }
        self.history_lagging += usize::from(decision.history == HistoryFound::Lagging);
        self.history_unavailable += usize::from(decision.history == HistoryFound::Unavailable);
        if let Some(count) = &mut self.unusable_fields {
            *count += decision.inputs.unusable_fields;
        }
        self.event_times.count(decision.time.fault);
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let failed: usize = self.failed.counts().values().sum();
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count(metric::RECORDS_IN, self.ok + failed)
            .count(RECORDS_OK, self.ok)
            .count(RECORDS_FAILED, failed)
            .count(metric::DISTINCT_CUSTOMERS, self.distinct_customers)
            .count(metric::PROFILE_CACHE_HITS, self.cache_hits)
            .count(metric::PROFILE_LOOKUPS, self.profile_lookups)
            .enrichment(&self.enrichment)
            .entities(self.entities.as_ref())
            .history(self.history)
            .unusable_fields(self.unusable_fields)
            .event_times(&self.event_times)
            .count(metric::HIGH_SCORES, self.high_scores)
            .shadow(self.shadow);
        if self.history.is_some() {
            line.count(HISTORY_LAGGING, self.history_lagging)
                .count(HISTORY_UNAVAILABLE, self.history_unavailable);
        }
        line.by_reason(RECORDS_FAILED, self.failed.counts().iter().map(|(reason, &count)| (reason, count)));
        line
    }
}
