//! The AWS SDK's settings that all clients share.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use tokio::sync::OnceCell;

/// Long enough for a TLS handshake across availability zones.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// DynamoDB, SNS and SQS answer in milliseconds; one that takes this long is better asked again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// The first call and two more. What persists is the caller's to handle, who knows how much time is left.
const ATTEMPTS: u32 = 3;

/// The settings, loaded when the first client needs them and then shared: a function whose ports are files and standard
/// output never looks for a region or for credentials.
#[derive(Debug, Default)]
pub struct Sdk(OnceCell<SdkConfig>);

impl Sdk {
    /// Settings that are not loaded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Settings for one service that listens at `endpoint_url` and asks for no credentials, such as an emulator.
    pub async fn at(endpoint_url: &str, region: &'static str) -> Self {
        let credentials = Credentials::new("embedded", "embedded", None, None, "embedded");
        let loader = loader().region(region).credentials_provider(credentials).endpoint_url(endpoint_url);
        loader.load().await.into()
    }

    /// Region, credentials and endpoints as every AWS tool finds them, with time-outs and retries set.
    pub async fn config(&self) -> &SdkConfig {
        self.0.get_or_init(async || loader().load().await).await
    }
}

impl From<SdkConfig> for Sdk {
    fn from(config: SdkConfig) -> Self {
        Sdk(OnceCell::new_with(Some(config)))
    }
}

fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
}

/// What an error code says where the time ran out before the service had answered.
pub const NO_ANSWER_IN_TIME: &str = "no answer in time";

/// What an error code says where no connection could be had.
pub const CANNOT_REACH: &str = "cannot reach the service";

/// A word for what went wrong that carries no part of the request: the service's code, or the kind of failure.
pub fn error_code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let kind = match error {
        SdkError::ServiceError(context) => context.err().code().unwrap_or("unknown service error"),
        SdkError::TimeoutError(_) => NO_ANSWER_IN_TIME,
        SdkError::DispatchFailure(_) => CANNOT_REACH,
        SdkError::ResponseError(_) => "unreadable answer",
        SdkError::ConstructionFailure(_) => "unusable request",
        _ => "unknown failure",
    };
    kind.to_owned()
}

/// The settings with which a test's clients reach a service in its own process.
#[cfg(test)]
pub(crate) async fn for_embedded(
    aws: &embedded_aws::EmbeddedAws,
    service: embedded_aws::Service,
) -> SdkConfig {
    Sdk::at(aws.endpoint(service).unwrap(), embedded_aws::REGION).await.config().await.clone()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aggregate_sink::TotalsSink;
    use crate::aggregates::Aggregates;
    use crate::alerts::Sink;
    use crate::config::{
        AggregateSinkTarget, AggregatesTarget, AlertLedgerTarget, AlertSinkTarget, CacheSettings,
        DeadLettersTarget, ProfileSource,
    };
    use crate::dead_letters::DeadLetters;
    use crate::ledger::Ledger;
    use crate::profiles::Profiles;

    #[tokio::test]
    async fn the_settings_are_loaded_when_a_port_is_on_aws_and_not_before() {
        let sdk = Sdk::new();
        let cache = CacheSettings { max_age: Duration::ZERO, max_entries: 0, max_bytes: usize::MAX };
        let file = ProfileSource::File { path: "no/such/file.json".into() };
        assert!(Profiles::connect(&file, cache, &sdk).await.is_err());
        let sink = Sink::connect(&AlertSinkTarget::Stdout, &sdk).await;
        let ledger = Ledger::connect(&AlertLedgerTarget::Memory, &sdk).await;
        let letters = DeadLetters::connect(&DeadLettersTarget::Stdout, &sdk).await;
        assert!(matches!(
            (sink, ledger, letters),
            (Sink::Stdout(_), Ledger::Memory(_), DeadLetters::Stdout(_))
        ));
        let aggregates = Aggregates::connect(&AggregatesTarget::Memory, &sdk).await;
        let totals = TotalsSink::connect(&AggregateSinkTarget::Stdout, &sdk).await;
        assert!(matches!((aggregates, totals), (Aggregates::Memory(_), Some(TotalsSink::Stdout(_)))));
        assert!(TotalsSink::connect(&AggregateSinkTarget::None, &sdk).await.is_none());
        assert!(!sdk.0.initialized());

        let sdk = Sdk::from(loader().region(embedded_aws::REGION).test_credentials().load().await);
        let topic = AlertSinkTarget::Sns { topic_arn: "arn:aws:sns:us-east-1:123456789012:alerts".into() };
        let sink = Sink::connect(&topic, &sdk).await;
        let table = AlertLedgerTarget::DynamoDb { table: "alerts".into(), retention: Duration::from_secs(1) };
        let ledger = Ledger::connect(&table, &sdk).await;
        let queue =
            DeadLettersTarget::Sqs { queue_url: "https://sqs.us-east-1.amazonaws.com/123456789012/q".into() };
        let letters = DeadLetters::connect(&queue, &sdk).await;
        assert!(matches!((sink, ledger, letters), (Sink::Sns(_), Ledger::DynamoDb(_), DeadLetters::Sqs(_))));
        let table =
            AggregatesTarget::DynamoDb { table: "aggregates".into(), retention: Duration::from_secs(1) };
        let aggregates = Aggregates::connect(&table, &sdk).await;
        let stream = AggregateSinkTarget::Kinesis { stream: "aggregates".into() };
        let totals = TotalsSink::connect(&stream, &sdk).await;
        assert!(matches!((aggregates, totals), (Aggregates::DynamoDb(_), Some(TotalsSink::Kinesis(_)))));
    }
}
