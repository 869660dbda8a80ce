//! Wires the alerting function to its environment and to the Lambda runtime.

use std::process::ExitCode;

use aws_calls::sdk::Sdk;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::RoutedLetters;
use fraud_aws::invocation::{HandlerResult, exit_code, serve};
use fraud_aws::telemetry::{init_logs, log_policy, log_schema, log_shadow};
use kinesis_alerts::ConnectedAlerts;
use kinesis_alerts::config::Config;
use lambda_events::InvalidEvent;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code("kinesis-alerts", run().await)
}

async fn run() -> Result<(), Error> {
    let environment = |name: &str| std::env::var(name).ok();
    let environment = Environment::new(&environment);
    init_logs(environment);
    let config = Config::from_environment(environment)?;
    let sdk = Sdk::new();
    let letters = RoutedLetters::connect(&config.dead_letters, &config.unalerted_letters, &sdk).await;
    let alerts = ConnectedAlerts::connect(&config, &sdk, letters).await?;
    log_policy(alerts.policies().active());
    log_shadow(alerts.policies().shadow());
    log_schema(alerts.schema());
    serve(async |event, time| {
        let handled = Box::pin(alerts.handle(event, time)).await?;
        let metrics = handled.metrics.line(&config.metrics_namespace);
        Ok::<_, InvalidEvent>(HandlerResult { response: handled.response, metrics })
    })
    .await
}
