//! The functions over ports that look everything up, and do nothing.
//!
//! The function itself decides what it would do: it claims, sends and counts in memory, over what the tables hold.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use customer_analytics::Analytics;
use exact_text::timestamp::Timestamp;
use fraud_aws::aggregate_sink::TotalsSink;
use fraud_aws::aggregates::{
    Added, Addition, AggregateFault, AggregateStore, DynamoDbAggregates, MemoryAggregates,
};
use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::clock::SystemClock;
use fraud_aws::config::{AggregatesTarget, AlertLedgerTarget, Environment};
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_aws::entities::Entities;
use fraud_aws::history::HistoryRows;
use fraud_aws::ledger::{
    AlertLedger, Claim, Claimed, DynamoDbLedger, LedgerFault, Marked, MemoryLedger, OnRecord, Release,
};
use fraud_aws::profiles::Profiles;
use fraud_core::alert::Alert;
use fraud_core::window::{WindowRule, WindowTotals};
use kinesis_alerts::Alerts;
use tokio::time::Instant;

use crate::Failure;

mod history;

use crate::function::{
    FunctionName, Invocation, InvocationMetrics, Invoke, for_development, refuse_other_rule,
};
use history::DryRunHistory;

/// A function that changes nothing.
pub(super) enum DryRun {
    /// The alerting function.
    Alerts(Box<Alerts<Profiles, Entities, DryRunHistory, DryRunLedger, NoSink, NoSink, SystemClock>>),
    /// The analytics function, and where it counts.
    Analytics(Box<Analytics<DryRunAggregates, TotalsSink, NoSink, SystemClock>>, DryRunAggregates),
}

impl DryRun {
    /// The function as the environment configures it, reading from the tables that it names.
    ///
    /// # Errors
    /// [`Failure::Input`] for a variable that is missing or wrong, or a file that cannot be used.
    pub(super) async fn connect(
        name: FunctionName,
        environment: Environment<'_>,
        sdk: &Sdk,
    ) -> Result<Self, Failure> {
        match name {
            FunctionName::Alerts => {
                let config = kinesis_alerts::config::Config::from_environment(environment);
                let config = config.map_err(Failure::input)?;
                let policies = config.policy_sources.load(sdk).await.map_err(Failure::input)?;
                let schema = config.schema_source.load().map_err(Failure::input)?;
                let profiles = Profiles::connect(&config.profile_source, config.cache, sdk).await;
                let entities = Entities::connect(&config.entity_source, &policies, config.cache, sdk).await;
                let history = HistoryRows::connect(&config.history, &policies, sdk).await;
                let AlertLedgerTarget::DynamoDb { table, retention } = config.alert_ledger else {
                    return Err(for_development("ALERT_LEDGER", "memory:"));
                };
                let table = DynamoDbLedger::new(sdk.config().await, table, retention);
                let ports = kinesis_alerts::Ports {
                    profiles: profiles.map_err(Failure::input)?,
                    entities: entities.map_err(Failure::input)?,
                    history: DryRunHistory::over(history.map_err(Failure::input)?),
                    ledger: DryRunLedger { table, memory: MemoryLedger::default() },
                    sink: NoSink,
                    dead_letters: NoSink,
                    clock: SystemClock,
                };
                let alerts = Alerts::new(ports, policies, config.event_time_bounds)
                    .with_label_delay(config.label_delay)
                    .with_schema(&schema);
                Ok(DryRun::Alerts(Box::new(alerts)))
            }
            FunctionName::Analytics => {
                let config = customer_analytics::config::Config::from_environment(environment);
                let config = config.map_err(Failure::input)?;
                let schema = config.schema_source.load().map_err(Failure::input)?;
                let AggregatesTarget::DynamoDb { table, retention, remembered } = config.aggregates else {
                    return Err(for_development("AGGREGATES", "memory:"));
                };
                let table = DynamoDbAggregates::new(sdk.config().await, table, retention);
                let table = table.remembering(remembered);
                refuse_other_rule(&table, &config.window_rule).await?;
                let aggregates = DryRunAggregates::over(table);
                let ports = customer_analytics::Ports {
                    aggregates: aggregates.clone(),
                    sink: None,
                    dead_letters: NoSink,
                    clock: SystemClock,
                };
                let analytics = Analytics::new(ports, config.window_rule).with_schema(&schema);
                Ok(DryRun::Analytics(Box::new(analytics), aggregates))
            }
        }
    }

    /// How many windows were looked at.
    pub(super) fn windows(&self) -> Option<u64> {
        match self {
            DryRun::Alerts(_) => None,
            DryRun::Analytics(_, aggregates) => Some(aggregates.looked_up().len() as u64),
        }
    }
}

impl Invoke for DryRun {
    async fn invoke(&self, event: &str, remaining: Duration) -> anyhow::Result<Invocation> {
        match self {
            DryRun::Alerts(alerts) => {
                let handled = alerts.handle(event, remaining).await?;
                Ok(Invocation {
                    response: handled.response,
                    metrics: InvocationMetrics::Alerts(Box::new(handled.metrics)),
                })
            }
            DryRun::Analytics(analytics, _) => {
                let handled = analytics.handle(event, remaining).await?;
                let metrics = InvocationMetrics::Analytics(Box::new(handled.metrics));
                Ok(Invocation { response: handled.response, metrics })
            }
        }
    }
}

/// Accepts what is sent, and drops it.
#[derive(Debug)]
pub(super) struct NoSink;

impl AlertSink for NoSink {
    async fn publish(&self, alerts: &[&Alert], _deadline: Instant) -> Vec<Result<(), PublishFault>> {
        alerts.iter().map(|_| Ok(())).collect()
    }
}

impl DeadLetterSink for NoSink {
    async fn send(&self, _letter: &DeadLetter<'_>, _deadline: Instant) -> Result<(), CallFault> {
        Ok(())
    }
}

/// A ledger that knows what the table knows to be sent or to be another's, and what was claimed here.
#[derive(Debug)]
pub(super) struct DryRunLedger {
    table: DynamoDbLedger,
    memory: MemoryLedger,
}

impl AlertLedger for DryRunLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        match self.table.what_stands(alert, deadline).await? {
            Some(settled) => Ok(settled),
            None => self.memory.claim(alert, claim, deadline).await,
        }
    }

    async fn find(&self, alert: &Alert, deadline: Instant) -> Result<Option<OnRecord>, LedgerFault> {
        match self.memory.find(alert, deadline).await? {
            Some(found) => Ok(Some(found)),
            None => self.table.find(alert, deadline).await,
        }
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        self.memory.mark_sent(alert_id, claim, sent_at, deadline).await
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        self.memory.release(alert_id, claim, release, deadline).await
    }
}

/// Aggregates that start with what the table holds, and continue in memory. A cloneable handle.
#[derive(Debug, Clone)]
pub(super) struct DryRunAggregates(Arc<DryRunTables>);

#[derive(Debug)]
struct DryRunTables {
    table: DynamoDbAggregates,
    memory: MemoryAggregates,
    /// The rows that were looked for in the table, by customer and start.
    looked_up: Mutex<HashSet<(String, i64)>>,
}

impl DryRunAggregates {
    fn over(table: DynamoDbAggregates) -> Self {
        let memory = MemoryAggregates::default().remembering(table.remembered_per_row());
        let looked_up = Mutex::default();
        DryRunAggregates(Arc::new(DryRunTables { table, memory, looked_up }))
    }

    fn looked_up(&self) -> MutexGuard<'_, HashSet<(String, i64)>> {
        self.0.looked_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AggregateStore for DryRunAggregates {
    fn remembered_per_row(&self) -> u64 {
        self.0.memory.remembered_per_row()
    }

    async fn hold_to(&self, rule: &WindowRule, deadline: Instant) -> Result<(), AggregateFault> {
        self.0.table.check_rule(rule, deadline).await
    }

    async fn add(&self, addition: &Addition<'_>, deadline: Instant) -> Result<Added, AggregateFault> {
        let Addition { customer_id, window, .. } = *addition;
        let key = (customer_id.to_owned(), window.start_seconds());
        let is_known = self.looked_up().contains(&key);
        if !is_known {
            if let Some(row) = self.0.table.row(customer_id, window, deadline).await? {
                self.0.memory.insert(row);
            }
            self.looked_up().insert(key);
        }
        self.0.memory.add(addition, deadline).await
    }

    async fn recent(
        &self,
        customer_id: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<WindowTotals>, AggregateFault> {
        self.0.table.recent(customer_id, limit, deadline).await
    }

    async fn all(&self, deadline: Instant) -> Result<Vec<WindowTotals>, AggregateFault> {
        self.0.table.all(deadline).await
    }
}
