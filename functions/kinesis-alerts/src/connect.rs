//! The function on the adapters that its configuration names.

use aws_calls::sdk::Sdk;
use fraud_aws::alerts::Sink;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::SchemaError;
use fraud_aws::dead_letters::{DeadLetterSink, RoutedLetters};
use fraud_aws::entities::{Entities, EntitiesError};
use fraud_aws::history::{HistoryError, HistoryRows};
use fraud_aws::ledger::Ledger;
use fraud_aws::policies::PolicyError;
use fraud_aws::profiles::{ProfileFileError, Profiles};

use crate::config::Config;
use crate::{Alerts, Ports};

/// The function as it runs, with dead letters to `D`.
pub type ConnectedAlerts<D = RoutedLetters> =
    Alerts<Profiles, Entities, HistoryRows, Ledger, Sink, D, SystemClock>;

/// What keeps the function from its adapters.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A policy cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The file of profiles cannot be used.
    #[error(transparent)]
    Profiles(#[from] ProfileFileError),
    /// The entities that a policy asks for cannot be looked up.
    #[error(transparent)]
    Entities(#[from] EntitiesError),
    /// Policies and configuration differ about the customers' history.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl<D: DeadLetterSink> ConnectedAlerts<D> {
    /// The function that `config` describes, but for dead letters, which go to `dead_letters`. No service is asked for
    /// anything yet but the store of policies, if a policy is there.
    ///
    /// # Errors
    /// [`ConnectError`] if a policy cannot be loaded, if a file that the configuration names cannot be used, or if a policy
    /// asks for entities and there is no source of them.
    pub async fn connect(config: &Config, sdk: &Sdk, dead_letters: D) -> Result<Self, ConnectError> {
        let policies = config.policy_sources.load(sdk).await?;
        let schema = config.schema_source.load()?;
        let ports = Ports {
            profiles: Profiles::connect(&config.profile_source, config.cache, sdk).await?,
            entities: Entities::connect(&config.entity_source, &policies, config.cache, sdk).await?,
            history: HistoryRows::connect(&config.history, &policies, sdk).await?,
            ledger: Ledger::connect(&config.alert_ledger, sdk).await,
            sink: Sink::connect(&config.alert_sink, sdk).await,
            dead_letters,
            clock: SystemClock,
        };
        Ok(Alerts::new(ports, policies, config.event_time_bounds)
            .with_label_delay(config.label_delay)
            .with_schema(&schema))
    }
}
