//! What happened in an invocation, in numbers.

use std::collections::BTreeMap;

use exact_text::json::{JsonError, Scanner};
use fraud_aws::entities::{EntityCounts, LookedUpEntities};
use fraud_aws::history::HistoryCounts;
use fraud_aws::profiles::LookedUp;
use fraud_aws::reason::FailureReason;
use fraud_aws::telemetry::{Metric, MetricLine, metric};
use fraud_batch::{Batch, DeadLettered, Progress, RetryReason};
use fraud_core::alert::Alert;
use fraud_core::enrichment::EnrichmentCounts;
use fraud_core::event_time::EventTimeFaults;
use fraud_core::shadow::{Policies, ShadowCounts, ShadowScore};

use crate::FUNCTION;
use crate::rounds::Taken;

const RECORDS_SCORED: Metric = Metric::count("RecordsScored", "Records that were scored");
const ALERTS_SENT: Metric = Metric::count_by_reason(
    "AlertsSent",
    "Alerts that the sink accepted; an alert counts for each of its reasons",
);
const POLICY_ALERTS: Metric =
    Metric::count_by_reason("PolicyAlerts", "The same, by the id of the policy that decided");
const ALERTS_RESENT: Metric = Metric::count(
    "AlertsResent",
    "Alerts sent that an earlier sender may have sent: it died, or had no answer",
);
const ALERTS_SUPPRESSED: Metric =
    Metric::count("AlertsSuppressed", "High scores whose alert was sent before");
const CLAIMS_LOST: Metric = Metric::count(
    "ClaimsLost",
    "Alerts that could not be marked as sent because another invocation had taken their claim over",
);
const HISTORY_REWRITES: Metric = Metric::count(
    "HistoryRewrites",
    "How often a customer's records were decided anew because another invocation wrote the customer's history in between",
);
const MERCHANT_COUNTS_AGE: Metric = Metric::count(
    "MerchantCountsAge",
    "Under a policy that looks at merchants' known frauds: days since the last one through which merchants' transactions are \
     counted, since 1970 if they never were",
);
const DETECTION_LATENCY: Metric = Metric::milliseconds(
    "DetectionLatency",
    "For each alert the time from arrival at the stream to publication",
);

/// What the function writes.
pub const METRICS: &[&[Metric]] = &[
    &[
        metric::DURATION,
        metric::STREAM_RECORDS_IN,
        metric::RECORDS_IN,
        RECORDS_SCORED,
        metric::DISTINCT_CUSTOMERS,
        metric::PROFILE_CACHE_HITS,
        metric::PROFILE_LOOKUPS,
        metric::HIGH_SCORES,
        ALERTS_SENT,
        POLICY_ALERTS,
        ALERTS_RESENT,
        ALERTS_SUPPRESSED,
        metric::TRANSACTION_IDS_REUSED,
        CLAIMS_LOST,
        metric::RECORDS_DEAD_LETTERED,
        metric::RECORDS_TO_RETRY,
        DETECTION_LATENCY,
    ],
    &metric::ENRICHMENT,
    &metric::ENTITIES,
    &metric::HISTORY,
    &[HISTORY_REWRITES, MERCHANT_COUNTS_AGE, metric::UNUSABLE_FIELDS],
    &metric::EVENT_TIMES,
    &metric::SHADOW,
];

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
    /// What the lookups of entities came to, for every valid record of the batch; `None` if the policy asks for none.
    pub entities: Option<EntityCounts>,
    /// How many fields have no value because they are of another type than the policy expects; `None` if it asks for none.
    pub unusable_fields: Option<usize>,
    /// What happened to the customers' histories; `None` if the policy does not look at them.
    pub history: Option<HistoryCounts>,
    /// How often a customer's records were decided anew because somebody else wrote the row in between; `None` if the policy
    /// does not look at histories.
    pub history_rewrites: Option<usize>,
    /// Days since the last one through which merchants' transactions are counted; `None` if the policy does not look at them, or
    /// they could not be looked up.
    pub merchant_counts_age: Option<usize>,
    /// What is wrong with the event times of these records.
    pub event_times: EventTimeFaults,
    /// Records whose score raises an alert.
    pub high_scores: usize,
    /// What the policy in the shadow came to; `None` without one.
    pub shadow: Option<ShadowCounts>,
    /// Alerts that the sink accepted.
    pub alerts_sent: usize,
    /// The same by reason: an alert counts for each of its own.
    pub alerts_by_reason: BTreeMap<String, usize>,
    /// The same by the id of the policy that decided.
    pub alerts_by_policy: BTreeMap<String, usize>,
    /// Of these, those that an earlier sender may have sent.
    pub alerts_resent: usize,
    /// High scores whose alert had been sent before.
    pub alerts_suppressed: usize,
    /// Alerts sent of transactions whose id another transaction's alert has.
    pub ids_reused: usize,
    /// Alerts that could not be marked as sent because another invocation had taken them over.
    pub claims_lost: usize,
    /// Records that went to the dead letters, by reason.
    pub dead_lettered: BTreeMap<FailureReason, usize>,
    /// Records that are retried, and why the first of them does.
    pub retried: Option<(RetryReason, usize)>,
    /// For each alert sent, the milliseconds from its record's arrival at the stream to its publication.
    pub detection_latency: Vec<i64>,
}

impl BatchMetrics {
    /// The numbers of a batch before its records are scored.
    pub fn new(
        batch: &Batch<'_>,
        looked_up: &LookedUp,
        entities: &LookedUpEntities,
        policies: &Policies,
    ) -> Self {
        BatchMetrics {
            stream_records: batch.stream_records().len(),
            records: batch.len(),
            distinct_customers: looked_up.distinct(),
            cache_hits: looked_up.cache_hits(),
            profile_lookups: looked_up.asked(),
            entities: EntityCounts::new(entities),
            history: policies.history().map(|_| HistoryCounts::default()),
            history_rewrites: policies.history().map(|_| 0),
            unusable_fields: (!policies.asked().fields.is_empty()).then_some(0),
            shadow: policies.shadow().map(|_| ShadowCounts::default()),
            ..BatchMetrics::default()
        }
    }

    /// Counts a record that was scored, and what the policy in the shadow came to.
    pub(crate) fn scored(&mut self, is_high: bool, shadow: Option<&ShadowScore>) {
        self.scored += 1;
        self.high_scores += usize::from(is_high);
        if let (Some(counts), Some(shadow)) = (&mut self.shadow, shadow) {
            counts.count(is_high, shadow.alerts);
        }
    }

    /// Counts what a round came to, as far as it is not retried.
    pub(crate) fn taken_in(&mut self, taken: &Taken, progress: &Progress) {
        self.alerts_suppressed += taken.sent_before;
        if let Some(counts) = &mut self.history {
            counts.expired += taken.history.expired;
            counts.invalid += taken.history.invalid;
        }
        if let Some(count) = &mut self.history_rewrites {
            *count += taken.rewrites;
        }
        for decided in taken.decided.iter().filter(|decided| progress.allows(decided.index)) {
            self.scored(decided.is_high, decided.shadow.as_ref());
            if let Some(count) = &mut self.unusable_fields {
                *count += decided.unusable_fields;
            }
        }
    }

    /// Counts an alert that was sent this many milliseconds after its record's arrival.
    pub(crate) fn sent(&mut self, alert: &Alert, latency: i64, again: bool, reuses_id: bool) {
        self.alerts_sent += 1;
        *self.alerts_by_policy.entry(alert.policy.clone()).or_default() += 1;
        for reason in reason_names(&alert.reasons) {
            *self.alerts_by_reason.entry(reason).or_default() += 1;
        }
        self.alerts_resent += usize::from(again);
        self.ids_reused += usize::from(reuses_id);
        // Clocks of two machines: a record cannot have been published before it arrived.
        self.detection_latency.push(latency.max(0));
    }

    pub(crate) fn claim_lost(&mut self) {
        self.claims_lost += 1;
    }

    pub(crate) fn dead_lettered(&mut self, dead_lettered: DeadLettered) {
        self.dead_lettered = dead_lettered.counts.counts().clone();
    }

    pub(crate) fn ended(&mut self, batch: &Batch<'_>, progress: &Progress) {
        self.retried = progress.retry_reason().map(|reason| (reason, progress.items_to_retry(batch)));
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count(metric::STREAM_RECORDS_IN, self.stream_records)
            .count(metric::RECORDS_IN, self.records)
            .count(RECORDS_SCORED, self.scored)
            .count(metric::DISTINCT_CUSTOMERS, self.distinct_customers)
            .count(metric::PROFILE_CACHE_HITS, self.cache_hits)
            .count(metric::PROFILE_LOOKUPS, self.profile_lookups)
            .enrichment(&self.enrichment)
            .entities(self.entities.as_ref())
            .history(self.history)
            .unusable_fields(self.unusable_fields)
            .event_times(&self.event_times)
            .count(metric::HIGH_SCORES, self.high_scores)
            .shadow(self.shadow)
            .count(ALERTS_SENT, self.alerts_sent)
            .count(POLICY_ALERTS, self.alerts_sent)
            .count(ALERTS_RESENT, self.alerts_resent)
            .count(ALERTS_SUPPRESSED, self.alerts_suppressed)
            .count(metric::TRANSACTION_IDS_REUSED, self.ids_reused)
            .count(CLAIMS_LOST, self.claims_lost)
            .count(metric::RECORDS_DEAD_LETTERED, self.dead_lettered.values().sum())
            .count(metric::RECORDS_TO_RETRY, self.retried.map_or(0, |(_, count)| count));
        if let Some(rewrites) = self.history_rewrites {
            line.count(HISTORY_REWRITES, rewrites);
        }
        if let Some(days) = self.merchant_counts_age {
            line.count(MERCHANT_COUNTS_AGE, days);
        }
        line.by_reason(
            metric::RECORDS_DEAD_LETTERED,
            self.dead_lettered.iter().map(|(reason, &count)| (reason, count)),
        );
        line.by_reason(metric::RECORDS_TO_RETRY, self.retried);
        let counts = |counts: &BTreeMap<String, usize>| counts.clone().into_iter();
        line.by_reason_apart(ALERTS_SENT, counts(&self.alerts_by_reason));
        line.by_reason_apart(POLICY_ALERTS, counts(&self.alerts_by_policy));
        line.milliseconds_each(DETECTION_LATENCY, &self.detection_latency);
        line
    }
}

/// The names of an alert's reasons. Those of a stored alert that cannot be read are not counted: it is sent all the same.
fn reason_names(reasons: &str) -> Vec<String> {
    let mut names = Vec::new();
    let read = Scanner::new(reasons, 8).array(|scanner| {
        scanner.object(|key, scanner| {
            let value = scanner.value()?;
            if key.decode().as_deref() == Some("name") {
                names.extend(value.as_str().map(|name| name.into_owned()));
            }
            Ok::<_, JsonError>(())
        })
    });
    if read.is_ok() { names } else { Vec::new() }
}
