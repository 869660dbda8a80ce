//! Real SDK clients of the embedded services.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use embedded_aws::{EmbeddedAws, REGION, Service};

/// A client that never retries, so that a test sees each answer.
pub(crate) fn dynamodb(aws: &EmbeddedAws) -> aws_sdk_dynamodb::Client {
    dynamodb_within(aws, Duration::from_secs(30))
}

/// One that gives up soon, for calls that are never answered.
pub(crate) fn impatient(aws: &EmbeddedAws) -> aws_sdk_dynamodb::Client {
    dynamodb_within(aws, Duration::from_millis(500))
}

fn dynamodb_within(aws: &EmbeddedAws, limit: Duration) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("embedded", "embedded", None, None, "test"))
        .endpoint_url(aws.endpoint(Service::DynamoDb).unwrap())
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(limit).build())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}
