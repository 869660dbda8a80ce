//! DynamoDB's client for the tables that functions write.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;

/// How often a call is made. A table that is written faster than before is throttled for a moment, and an attempt more is
/// cheaper than a batch that is retried.
const ATTEMPTS: u32 = 5;
/// The longest pause before the second attempt; each further one may be twice as long, up to the second of these. Every
/// pause is drawn at random.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A client with these settings.
pub(crate) fn table_client(config: &SdkConfig) -> Client {
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_PAUSE)
        .with_max_backoff(LONGEST_PAUSE);
    Client::from_conf(Builder::from(config).retry_config(retries).build())
}
