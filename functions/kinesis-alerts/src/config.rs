//! The function's configuration.

use fraud_aws::config::{
    AlertLedgerTarget, AlertSinkTarget, CacheSettings, ConfigError, DeadLettersTarget, EVENT_TIME_BOUNDS,
    EntitySource, Environment, HistoryTarget, LABEL_DELAY, METRICS_NAMESPACE, PolicySources, ProfileSource,
    SchemaSource, UnalertedLettersTarget, Variable, event_time_bounds, label_delay, metrics_namespace,
};
use fraud_aws::port::Port;
use fraud_aws::{alerts, dead_letters, entities, history, ledger, policies, profiles};
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
    /// How far an event time may lie from the arrival before alerts name it as out of bounds.
    pub event_time_bounds: EventTimeBounds,
    /// After how many days the labels of merchants have come.
    pub label_delay: LabelDelay,
    /// Where alerts go.
    pub alert_sink: AlertSinkTarget,
    /// What remembers which were sent.
    pub alert_ledger: AlertLedgerTarget,
    /// Where records go that can never succeed.
    pub dead_letters: DeadLettersTarget,
    /// Where those of them go that have a high score.
    pub unalerted_letters: UnalertedLettersTarget,
    /// The CloudWatch namespace of the metrics.
    pub metrics_namespace: String,
}

impl Config {
    /// What the function opens.
    pub const PORTS: &[Port] = &[
        profiles::PORT,
        entities::PORT,
        policies::PORT,
        alerts::PORT,
        ledger::PORT,
        history::PORT,
        dead_letters::PORT,
        dead_letters::UNALERTED_PORT,
    ];

    /// What is read.
    pub const VARIABLES: &[&[Variable]] = &[
        ProfileSource::VARIABLES,
        EntitySource::VARIABLES,
        CacheSettings::VARIABLES,
        PolicySources::VARIABLES,
        SchemaSource::VARIABLES,
        EVENT_TIME_BOUNDS,
        LABEL_DELAY,
        AlertSinkTarget::VARIABLES,
        AlertLedgerTarget::VARIABLES,
        HistoryTarget::VARIABLES,
        DeadLettersTarget::VARIABLES,
        UnalertedLettersTarget::VARIABLES,
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
            alert_sink: AlertSinkTarget::from_environment(environment)?,
            alert_ledger: AlertLedgerTarget::from_environment(environment)?,
            dead_letters: DeadLettersTarget::from_environment(environment)?,
            unalerted_letters: UnalertedLettersTarget::from_environment(environment)?,
            metrics_namespace: metrics_namespace(environment),
        })
    }
}
