//! The functions that read the stream, in this process, on the adapters that the environment names as it does on
//! Lambda.

use std::time::Duration;

use anyhow::anyhow;
use aws_calls::sdk::Sdk;
use clap::ValueEnum;
use customer_analytics::ConnectedAnalytics;
use fraud_aws::aggregates::{AggregateFault, DynamoDbAggregates};
use fraud_aws::config::{AggregatesTarget, DeadLettersTarget, Environment, UnalertedLettersTarget};
use fraud_aws::dead_letters::{DeadLetterSink, RoutedLetters};
use fraud_batch::RetryReason;
use fraud_core::window::WindowRule;
use kinesis_alerts::ConnectedAlerts;
use tokio::time::Instant;

use crate::Failure;

mod invocation;
mod totals;

pub use invocation::{Invocation, InvocationMetrics};
pub use totals::InvocationTotals;

/// Which function handles the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FunctionName {
    /// `kinesis-alerts`: needs PROFILE_SOURCE, ALERT_SINK, ALERT_LEDGER and DEAD_LETTERS.
    Alerts,
    /// `customer-analytics`: needs AGGREGATES and DEAD_LETTERS.
    Analytics,
}

impl FunctionName {
    /// The function with this name in dead letters and metrics, if it reads the stream.
    pub fn of_function(function: &str) -> Option<Self> {
        match function {
            kinesis_alerts::FUNCTION => Some(FunctionName::Alerts),
            customer_analytics::FUNCTION => Some(FunctionName::Analytics),
            _ => None,
        }
    }

    /// Refuses an environment in which the function would lose records: what it accepts counts as done, for the ledger, the
    /// checkpoints or the queue.
    ///
    /// # Errors
    /// [`Failure::Input`] for a variable whose value is for development.
    pub fn refuse_development(self, environment: Environment<'_>) -> Result<(), Failure> {
        let variables: &[_] = match self {
            FunctionName::Alerts => &["ALERT_LEDGER", "ALERT_SINK", "DEAD_LETTERS", "UNALERTED_LETTERS"],
            FunctionName::Analytics => &["AGGREGATES", "AGGREGATE_SINK", "DEAD_LETTERS"],
        };
        for variable in variables {
            if let Some(value) =
                environment.get(variable).filter(|value| FOR_DEVELOPMENT.contains(&value.as_str()))
            {
                return Err(for_development(variable, &value));
            }
        }
        Ok(())
    }
}

/// Where to look if records are retried for this reason.
pub(crate) fn where_to_look(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::ProfilesUnavailable => {
            "the table of PROFILE_SOURCE does not answer: `fraudctl doctor` says why"
        }
        RetryReason::EntitiesUnavailable => {
            "the table of ENTITY_SOURCE does not answer: `fraudctl doctor` says why"
        }
        RetryReason::HistoryUnavailable => "the table of HISTORY does not answer: `fraudctl doctor` says why",
        RetryReason::LedgerUnavailable => {
            "the table of ALERT_LEDGER does not answer: `fraudctl doctor` says why"
        }
        RetryReason::ClaimInForce => "another process may be sending the alert: its claim ends in seconds",
        RetryReason::AlertSinkUnavailable => {
            "the topic of ALERT_SINK does not answer: `fraudctl doctor` says why"
        }
        RetryReason::AggregatesUnavailable => {
            "the table of AGGREGATES does not answer: `fraudctl doctor` says why"
        }
        RetryReason::AggregateSinkUnavailable => "AGGREGATE_SINK does not answer",
        RetryReason::DeadLettersUnavailable => {
            "the queue of DEAD_LETTERS does not answer: `fraudctl doctor` says why"
        }
        RetryReason::OutOfTime => "one invocation takes too long: give smaller batches or a longer --timeout",
    }
}

/// Values that are for development: what is sent there is lost with the process, or reaches nobody.
const FOR_DEVELOPMENT: [&str; 2] = ["memory:", "stdout:"];

/// The longest that reading a table's rule may take.
const RULE_LIMIT: Duration = Duration::from_secs(10);

/// Refuses a table whose windows are kept under another rule than the environment gives: the function would report every
/// record as failed, without end.
///
/// # Errors
/// [`Failure::Input`] for another rule. A table that does not answer is not reported: the function itself does that.
pub(crate) async fn refuse_other_rule(table: &DynamoDbAggregates, rule: &WindowRule) -> Result<(), Failure> {
    match table.check_rule(rule, Instant::now() + RULE_LIMIT).await {
        Err(fault @ AggregateFault::OtherRule { .. }) => Err(Failure::input(fault)),
        _ => Ok(()),
    }
}

/// The error for a variable whose value is for development, where deployed functions share state.
pub(crate) fn for_development(variable: &str, value: &str) -> Failure {
    Failure::input(anyhow!(
        "{variable} is `{value}`, which is for development: what is sent there is lost; set what the deployed functions use"
    ))
}

/// A function with its adapters.
#[derive(Debug)]
pub enum StreamFunction<D = RoutedLetters> {
    /// The alerting function.
    Alerts(Box<ConnectedAlerts<D>>),
    /// The analytics function.
    Analytics(Box<ConnectedAnalytics<D>>),
}

impl StreamFunction {
    /// The function as the environment configures it.
    ///
    /// # Errors
    /// [`Failure::Input`] for a variable that is missing or wrong, or a file that cannot be used.
    pub async fn connect(
        name: FunctionName,
        environment: Environment<'_>,
        sdk: &Sdk,
    ) -> Result<Self, Failure> {
        let letters = letters(environment, sdk).await?;
        StreamFunction::with_dead_letters(name, environment, sdk, letters).await
    }
}

/// The deployment's dead letters.
///
/// # Errors
/// [`Failure::Input`] for a variable that is missing or wrong.
pub(crate) async fn letters(environment: Environment<'_>, sdk: &Sdk) -> Result<RoutedLetters, Failure> {
    let dead_letters = DeadLettersTarget::from_environment(environment).map_err(Failure::input)?;
    let unalerted = UnalertedLettersTarget::from_environment(environment).map_err(Failure::input)?;
    Ok(RoutedLetters::connect(&dead_letters, &unalerted, sdk).await)
}

impl<D: DeadLetterSink> StreamFunction<D> {
    /// The function as the environment configures it, but with its dead letters to `dead_letters`.
    ///
    /// # Errors
    /// As [`StreamFunction::connect`].
    pub async fn with_dead_letters(
        name: FunctionName,
        environment: Environment<'_>,
        sdk: &Sdk,
        dead_letters: D,
    ) -> Result<Self, Failure> {
        match name {
            FunctionName::Alerts => {
                let config = kinesis_alerts::config::Config::from_environment(environment);
                let config = config.map_err(Failure::input)?;
                let alerts = ConnectedAlerts::connect(&config, sdk, dead_letters).await;
                Ok(StreamFunction::Alerts(Box::new(alerts.map_err(Failure::input)?)))
            }
            FunctionName::Analytics => {
                let config = customer_analytics::config::Config::from_environment(environment);
                let config = config.map_err(Failure::input)?;
                if let AggregatesTarget::DynamoDb { table, retention, .. } = &config.aggregates {
                    let table = DynamoDbAggregates::new(sdk.config().await, table, *retention);
                    refuse_other_rule(&table, &config.window_rule).await?;
                }
                let analytics = ConnectedAnalytics::connect(&config, sdk, dead_letters).await;
                Ok(StreamFunction::Analytics(Box::new(analytics.map_err(Failure::input)?)))
            }
        }
    }

    /// Handles a Kinesis event. `remaining` is the time it may take. Gives why records of it must be delivered again, if they
    /// must.
    ///
    /// # Errors
    /// If the event is not a Kinesis event.
    pub async fn retry_reason(
        &self,
        event: &str,
        remaining: Duration,
    ) -> anyhow::Result<Option<RetryReason>> {
        Ok(self.invoke(event, remaining).await?.metrics.retry_reason())
    }
}

/// What takes Kinesis events as a function does.
pub trait Invoke: Send + Sync {
    /// Handles a Kinesis event. `remaining` is the time it may take. Gives the function's response, and its numbers.
    ///
    /// # Errors
    /// If the event is not a Kinesis event.
    fn invoke(
        &self,
        event: &str,
        remaining: Duration,
    ) -> impl Future<Output = anyhow::Result<Invocation>> + Send;
}

impl<D: DeadLetterSink> Invoke for StreamFunction<D> {
    async fn invoke(&self, event: &str, remaining: Duration) -> anyhow::Result<Invocation> {
        match self {
            StreamFunction::Alerts(alerts) => {
                let handled = alerts.handle(event, remaining).await?;
                Ok(Invocation {
                    response: handled.response,
                    metrics: InvocationMetrics::Alerts(Box::new(handled.metrics)),
                })
            }
            StreamFunction::Analytics(analytics) => {
                let handled = analytics.handle(event, remaining).await?;
                Ok(Invocation {
                    response: handled.response,
                    metrics: InvocationMetrics::Analytics(Box::new(handled.metrics)),
                })
            }
        }
    }
}
