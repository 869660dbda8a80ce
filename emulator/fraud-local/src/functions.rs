//! The functions with their own adapters, connected to the embedded AWS.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use customer_analytics::Analytics;
use embedded_aws::event_source_mapping::{FunctionError, Invocation};
use embedded_aws::{EmbeddedAws, Service};
use firehose_transform::{Transform, Transformed};
use fraud_aws::aggregate_sink::TotalsSink;
use fraud_aws::aggregates::DynamoDbAggregates;
use fraud_aws::alerts::Sink;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::{
    AlertLedgerTarget, AlertSinkTarget, CacheSettings, DeadLettersTarget, EntitySource, HistoryTarget,
    ProfileSource,
};
use fraud_aws::dead_letters::DeadLetters;
use fraud_aws::entities::Entities;
use fraud_aws::history::HistoryRows;
use fraud_aws::ledger::Ledger;
use fraud_aws::profiles::Profiles;
use fraud_core::event_time::{EventTimeBounds, EventTimeFaults};
use fraud_core::merchant::LabelDelay;
use fraud_core::schema::Schema;
use fraud_core::shadow::{Policies, ShadowCounts};
use fraud_core::window::{WindowRule, WindowTime};
use kinesis_alerts::{Alerts, Ports};
use tokio::time::Instant;

use crate::services::{
    ENTITIES_TABLE, HISTORY_TABLE, LEDGER_TABLE, PROFILES_TABLE, QUEUE, RETENTION_DAYS, TOPIC, sdk,
};
use crate::windows;

/// What nobody changes meanwhile is remembered for a whole run.
const CACHE: CacheSettings =
    CacheSettings { max_age: Duration::from_secs(3600), max_entries: 1_000_000, max_bytes: usize::MAX };
/// What changes while the run goes on is looked up by each invocation.
const NO_CACHE: CacheSettings = CacheSettings { max_age: Duration::ZERO, ..CACHE };

const RETENTION: Duration = Duration::from_secs(RETENTION_DAYS * 24 * 3600);

const UNBOUNDED: EventTimeBounds = EventTimeBounds::UNBOUNDED;

/// Five minutes of event time, whatever its age.
pub(crate) fn window_rule() -> WindowRule {
    let seconds = NonZeroU32::MIN.saturating_add(299);
    WindowRule { seconds, time: WindowTime::Event, bounds: UNBOUNDED }
}

/// The functions, and what they have done so far.
pub(crate) struct Functions {
    transform: Transform<Profiles, Entities, HistoryRows>,
    alerts: Alerts<Profiles, Entities, HistoryRows, Ledger, Sink, DeadLetters, SystemClock>,
    analytics: Analytics<DynamoDbAggregates, TotalsSink, DeadLetters, SystemClock>,
    totals: Arc<Mutex<FunctionTotals>>,
}

/// The metrics of the functions' invocations, added up.
#[derive(Debug, Clone, Default)]
pub(crate) struct FunctionTotals {
    /// Alerts that the sink accepted.
    pub(crate) alerts_sent: u64,
    /// High scores whose alert had been sent before.
    pub(crate) alerts_suppressed: u64,
    /// What the policy in the shadow would have alerted, as the alerting function counted it.
    pub(crate) shadow: ShadowCounts,
    /// The same, as the transform counted it.
    pub(crate) shadow_of_transform: ShadowCounts,
    /// For each alert, the milliseconds from arrival to publication.
    pub(crate) detection_latency: Vec<i64>,
    /// Records that the transform scored.
    pub(crate) transformed: u64,
    /// Records that the transform returned as failed, by reason.
    pub(crate) failed: BTreeMap<String, u64>,
    /// What is wrong with the event times of the records scored.
    pub(crate) event_times: EventTimeFaults,
    /// How often records were handed back to be retried, by reason: that of the first of each batch.
    pub(crate) retried: BTreeMap<&'static str, u64>,
}

impl FunctionTotals {
    fn retries(&mut self, retried: Option<(&'static str, usize)>) {
        if let Some((reason, records)) = retried {
            *self.retried.entry(reason).or_default() += records as u64;
        }
    }
}

impl Functions {
    /// The functions over the services of `aws`. Event times of any age name their partition: an old file lands in its own.
    /// With a delay of labels entities change meanwhile.
    pub(crate) async fn connect(
        aws: &EmbeddedAws,
        policies: &Policies,
        schema: &Schema,
        label_delay: Option<LabelDelay>,
    ) -> anyhow::Result<Self> {
        let of_entities = if label_delay.is_some() { NO_CACHE } else { CACHE };
        let label_delay = label_delay.unwrap_or_default();
        let dynamodb = sdk(aws, Service::DynamoDb).await?;
        let source = ProfileSource::DynamoDb { table: PROFILES_TABLE.to_owned() };
        let entity_source = EntitySource::DynamoDb { table: ENTITIES_TABLE.to_owned() };
        let history = match policies.needs_history() {
            Some(_) => HistoryTarget::DynamoDb { table: HISTORY_TABLE.to_owned() },
            None => HistoryTarget::None,
        };
        let ledger = AlertLedgerTarget::DynamoDb { table: LEDGER_TABLE.to_owned(), retention: RETENTION };
        let sink = AlertSinkTarget::Sns { topic_arn: aws.topic_arn(TOPIC).context("no topic")? };
        let letters = DeadLettersTarget::Sqs { queue_url: aws.queue_url(QUEUE).context("no queue")? };
        let ports = Ports {
            profiles: Profiles::connect(&source, CACHE, &dynamodb).await?,
            entities: Entities::connect(&entity_source, policies, of_entities, &dynamodb).await?,
            history: HistoryRows::connect(&history, policies, &dynamodb).await?,
            ledger: Ledger::connect(&ledger, &dynamodb).await,
            sink: Sink::connect(&sink, &sdk(aws, Service::Sns).await?).await,
            dead_letters: DeadLetters::connect(&letters, &sdk(aws, Service::Sqs).await?).await,
            clock: SystemClock,
        };
        let profiles = Profiles::connect(&source, CACHE, &dynamodb).await?;
        let entities = Entities::connect(&entity_source, policies, of_entities, &dynamodb).await?;
        let analytics_ports = customer_analytics::Ports {
            aggregates: windows::table(&dynamodb, RETENTION).await,
            sink: None,
            dead_letters: DeadLetters::connect(&letters, &sdk(aws, Service::Sqs).await?).await,
            clock: SystemClock,
        };
        Ok(Functions {
            transform: Transform::new(profiles, entities, policies.clone(), UNBOUNDED)
                .with_history(HistoryRows::connect(&history, policies, &dynamodb).await?)
                .with_schema(schema)
                .with_label_delay(label_delay),
            alerts: Alerts::new(ports, policies.clone(), UNBOUNDED)
                .with_schema(schema)
                .with_label_delay(label_delay),
            analytics: Analytics::new(analytics_ports, window_rule()).with_schema(schema),
            totals: Arc::default(),
        })
    }

    /// What has been done so far.
    pub(crate) fn totals(&self) -> FunctionTotals {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, FunctionTotals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One invocation of the alerting function.
    pub(crate) async fn alerts(&self, invocation: Invocation) -> Result<String, FunctionError> {
        let remaining = invocation.deadline.saturating_duration_since(Instant::now());
        let handled = self.alerts.handle(&invocation.event, remaining).await;
        let handled = handled.map_err(|error| FunctionError::new(error.to_string()))?;
        let mut totals = self.locked();
        totals.retries(handled.metrics.retried.map(|(reason, records)| (reason.as_str(), records)));
        totals.alerts_sent += handled.metrics.alerts_sent as u64;
        totals.alerts_suppressed += handled.metrics.alerts_suppressed as u64;
        totals.shadow.add(handled.metrics.shadow.unwrap_or_default());
        totals.detection_latency.extend(&handled.metrics.detection_latency);
        Ok(handled.response)
    }

    /// One invocation of the analytics function.
    pub(crate) async fn analytics(&self, invocation: Invocation) -> Result<String, FunctionError> {
        let remaining = invocation.deadline.saturating_duration_since(Instant::now());
        let handled = self.analytics.handle(&invocation.event, remaining).await;
        let handled = handled.map_err(|error| FunctionError::new(error.to_string()))?;
        self.locked().retries(handled.metrics.retried.map(|(reason, records)| (reason.as_str(), records)));
        Ok(handled.response)
    }

    /// One invocation of the Firehose transform for records that do not come from the stream: they count nowhere.
    pub(crate) async fn transform_direct(&self, invocation: Invocation) -> Result<String, FunctionError> {
        Ok(self.transformed(invocation).await?.response)
    }

    async fn transformed(&self, invocation: Invocation) -> Result<Transformed, FunctionError> {
        let remaining = invocation.deadline.saturating_duration_since(Instant::now());
        let transformed = self.transform.handle(&invocation.event, remaining).await;
        transformed.map_err(|error| FunctionError::new(error.to_string()))
    }

    /// One invocation of the Firehose transform.
    pub(crate) async fn transform(&self, invocation: Invocation) -> Result<String, FunctionError> {
        let transformed = self.transformed(invocation).await?;
        let mut totals = self.locked();
        totals.transformed += transformed.metrics.ok as u64;
        totals.event_times.add(&transformed.metrics.event_times);
        totals.shadow_of_transform.add(transformed.metrics.shadow.unwrap_or_default());
        for (reason, count) in transformed.metrics.failed.counts() {
            *totals.failed.entry(reason.to_string()).or_default() += *count as u64;
        }
        Ok(transformed.response)
    }
}
