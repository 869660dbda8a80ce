//! The function's configuration.

use fraud_aws::config::{
    AggregateSinkTarget, AggregatesTarget, ConfigError, DeadLettersTarget, Environment, METRICS_NAMESPACE,
    SchemaSource, Variable, WINDOW_RULE, metrics_namespace, window_rule,
};
use fraud_aws::port::Port;
use fraud_aws::{aggregate_sink, aggregates, dead_letters};
use fraud_core::window::WindowRule;

/// What the environment decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How producers write their transactions.
    pub schema_source: SchemaSource,
    /// Where customers' windows are kept.
    pub aggregates: AggregatesTarget,
    /// Where their totals are sent.
    pub aggregate_sink: AggregateSinkTarget,
    /// Where records go that can never succeed.
    pub dead_letters: DeadLettersTarget,
    /// Which window a transaction lies in.
    pub window_rule: WindowRule,
    /// The CloudWatch namespace of the metrics.
    pub metrics_namespace: String,
}

impl Config {
    /// What the function opens.
    pub const PORTS: &[Port] = &[aggregates::PORT, aggregate_sink::PORT, dead_letters::PORT];

    /// What is read.
    pub const VARIABLES: &[&[Variable]] = &[
        SchemaSource::VARIABLES,
        AggregatesTarget::VARIABLES,
        AggregateSinkTarget::VARIABLES,
        DeadLettersTarget::VARIABLES,
        WINDOW_RULE,
        &[METRICS_NAMESPACE],
    ];

    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or wrong.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Config {
            schema_source: SchemaSource::from_environment(environment)?,
            aggregates: AggregatesTarget::from_environment(environment)?,
            aggregate_sink: AggregateSinkTarget::from_environment(environment)?,
            dead_letters: DeadLettersTarget::from_environment(environment)?,
            window_rule: window_rule(environment)?,
            metrics_namespace: metrics_namespace(environment),
        })
    }
}
