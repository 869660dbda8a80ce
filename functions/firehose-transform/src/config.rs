//! The function's configuration.

use fraud_aws::config::{
    CacheSettings, ConfigError, EVENT_TIME_BOUNDS, EntitySource, Environment, HistoryTarget, LABEL_DELAY,
    METRICS_NAMESPACE, PolicySources, ProfileSource, SchemaSource, Variable, event_time_bounds, label_delay,
    metrics_namespace,
};
use fraud_aws::port::Port;
use fraud_aws::{entities, history, policies, profiles};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::merchant::LabelDelay;

/// What the environment decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where profiles come from.
    pub profile_source: ProfileSource,
    /// Where entities come from.
    pub entity_source: EntitySource,
    /// How profiles and entities are remembered, each in a memory of its own.
    pub cache: CacheSettings,
    /// Where the customers' history is kept.
    pub history: HistoryTarget,
    /// Which policy decides, and which is in its shadow.
    pub policy_sources: PolicySources,
    /// How producers write their transactions.
    pub schema_source: SchemaSource,
    /// Which event times name a partition.
    pub event_time_bounds: EventTimeBounds,
    /// After how many days the labels of merchants have come.
    pub label_delay: LabelDelay,
    /// The CloudWatch namespace of the metrics.
    pub metrics_namespace: String,
}

impl Config {
    /// What the function opens.
    pub const PORTS: &[Port] = &[profiles::PORT, entities::PORT, policies::PORT, history::READING_PORT];

    /// What is read.
    pub const VARIABLES: &[&[Variable]] = &[
        ProfileSource::VARIABLES,
        EntitySource::VARIABLES,
        CacheSettings::VARIABLES,
        PolicySources::VARIABLES,
        SchemaSource::VARIABLES,
        EVENT_TIME_BOUNDS,
        LABEL_DELAY,
        HistoryTarget::VARIABLES,
        &[METRICS_NAMESPACE],
    ];

    /// Reads the environment.
    ///
    /// # Errors
    /// [`ConfigError`] for the first variable that is missing or wrong.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        Ok(Config {
            profile_source: ProfileSource::from_environment(environment)?,
            entity_source: EntitySource::from_environment(environment)?,
            cache: CacheSettings::from_environment(environment)?,
            history: HistoryTarget::from_environment(environment)?,
            policy_sources: PolicySources::from_environment(environment)?,
            schema_source: SchemaSource::from_environment(environment)?,
            event_time_bounds: event_time_bounds(environment)?,
            label_delay: label_delay(environment)?,
            metrics_namespace: metrics_namespace(environment),
        })
    }
}
