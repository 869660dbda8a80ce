//! Real SDK clients of the embedded services.

use std::time::Duration;

use embedded_aws::{EmbeddedAws, REGION, Service};

/// A client that never retries, so that a test sees each answer. The SDK's crates share no type of configuration.
macro_rules! client {
    ($sdk:ident, $service:expr, $aws:expr, $limit:expr) => {{
        use $sdk::config::{
            BehaviorVersion, Credentials, Region, retry::RetryConfig, timeout::TimeoutConfig,
        };
        let config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
            .endpoint_url($aws.endpoint($service).unwrap())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout($limit).build())
            .build();
        $sdk::Client::from_conf(config)
    }};
}

/// Longer than any answer takes.
const PATIENT: Duration = Duration::from_secs(30);

pub(crate) fn dynamodb(aws: &EmbeddedAws) -> aws_sdk_dynamodb::Client {
    client!(aws_sdk_dynamodb, Service::DynamoDb, aws, PATIENT)
}

/// One that gives up soon, for calls that are never answered.
pub(crate) fn impatient(aws: &EmbeddedAws) -> aws_sdk_dynamodb::Client {
    client!(aws_sdk_dynamodb, Service::DynamoDb, aws, Duration::from_millis(500))
}

pub(crate) fn firehose(aws: &EmbeddedAws) -> aws_sdk_firehose::Client {
    client!(aws_sdk_firehose, Service::Firehose, aws, PATIENT)
}

pub(crate) fn kinesis(aws: &EmbeddedAws) -> aws_sdk_kinesis::Client {
    client!(aws_sdk_kinesis, Service::Kinesis, aws, PATIENT)
}

pub(crate) fn sns(aws: &EmbeddedAws) -> aws_sdk_sns::Client {
    client!(aws_sdk_sns, Service::Sns, aws, PATIENT)
}

pub(crate) fn sqs(aws: &EmbeddedAws) -> aws_sdk_sqs::Client {
    client!(aws_sdk_sqs, Service::Sqs, aws, PATIENT)
}
