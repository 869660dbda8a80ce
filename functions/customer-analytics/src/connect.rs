//! The function on the adapters that its configuration names.

use aws_calls::sdk::Sdk;
use fraud_aws::aggregate_sink::TotalsSink;
use fraud_aws::aggregates::Aggregates;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::SchemaError;
use fraud_aws::dead_letters::{DeadLetterSink, DeadLetters};

use crate::config::Config;
use crate::{Analytics, Ports};

/// The function as it runs, with dead letters to `D`.
pub type ConnectedAnalytics<D = DeadLetters> = Analytics<Aggregates, TotalsSink, D, SystemClock>;

impl<D: DeadLetterSink> ConnectedAnalytics<D> {
    /// The function that `config` describes, but for dead letters, which go to `dead_letters`. No service is asked for
    /// anything yet.
    ///
    /// # Errors
    /// [`SchemaError`] if the schema cannot be used.
    pub async fn connect(config: &Config, sdk: &Sdk, dead_letters: D) -> Result<Self, SchemaError> {
        let schema = config.schema_source.load()?;
        let ports = Ports {
            aggregates: Aggregates::connect(&config.aggregates, sdk).await,
            sink: TotalsSink::connect(&config.aggregate_sink, sdk).await,
            dead_letters,
            clock: SystemClock,
        };
        Ok(Analytics::new(ports, config.window_rule).with_schema(&schema))
    }
}
