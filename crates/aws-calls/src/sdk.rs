//! The AWS SDK's settings that all clients share.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
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

    /// Whether the settings were loaded.
    pub fn is_loaded(&self) -> bool {
        self.0.initialized()
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
