//! The AWS SDK's settings that all clients share.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

/// Long enough for a TLS handshake across availability zones.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// DynamoDB, SNS and SQS answer in milliseconds; one that takes this long is better asked again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// The first call and two more. What persists is the caller's to handle, who knows how much time is left.
const ATTEMPTS: u32 = 3;

/// Loads region, credentials and endpoints as every AWS tool finds them, with time-outs and retries set.
pub async fn load() -> SdkConfig {
    loader().load().await
}

/// The settings, to which a test adds where its services are.
pub(crate) fn loader() -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
}
