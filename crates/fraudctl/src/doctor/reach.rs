//! What every call needs: a region and credentials.

use std::time::Duration;

use aws_sdk_dynamodb::config::ProvideCredentials;
use fraud_aws::sdk::Sdk;
use tokio::time::timeout;

use super::finding::{Finding, Wrong};

/// Metadata services of a machine that has none are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn check(sdk: &Sdk) -> Vec<Finding> {
    let config = sdk.config().await;
    let region = match config.region() {
        Some(region) => Finding::ok("region", "", region),
        None => Finding::wrong("region", "", Wrong::new("none is set", "export AWS_REGION=<region>")),
    };
    let credentials = match config.credentials_provider() {
        None => Err("none are set".to_owned()),
        Some(provider) => match timeout(PATIENCE, provider.provide_credentials()).await {
            Ok(Ok(_)) => Ok("found".to_owned()),
            Ok(Err(error)) => Err(format!("none are found: {error}")),
            Err(_elapsed) => Err("none are found in time".to_owned()),
        },
    };
    let mend =
        "export AWS_PROFILE=<profile>, or aws configure; aws sts get-caller-identity tells whose they are";
    let credentials = credentials.map_err(|what| Wrong::new(what, mend));
    vec![region, Finding::of("credentials", "", credentials)]
}
