//! Wires the analytics function to its environment and to the Lambda runtime.

use std::process::ExitCode;

use aws_calls::sdk::Sdk;
use customer_analytics::ConnectedAnalytics;
use customer_analytics::config::Config;
use fraud_aws::config::Environment;
use fraud_aws::dead_letters::DeadLetters;
use fraud_aws::invocation::{HandlerResult, exit_code, serve};
use fraud_aws::telemetry::{init_logs, log_schema};
use lambda_events::InvalidEvent;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code("customer-analytics", run().await)
}

async fn run() -> Result<(), Error> {
    let environment = |name: &str| std::env::var(name).ok();
    let environment = Environment::new(&environment);
    init_logs(environment);
    let config = Config::from_environment(environment)?;
    let sdk = Sdk::new();
    let dead_letters = DeadLetters::connect(&config.dead_letters, &sdk).await;
    let analytics = ConnectedAnalytics::connect(&config, &sdk, dead_letters).await?;
    log_schema(analytics.schema());
    serve(async |event, time| {
        let handled = Box::pin(analytics.handle(event, time.remaining)).await?;
        let metrics = handled.metrics.line(&config.metrics_namespace);
        Ok::<_, InvalidEvent>(HandlerResult { response: handled.response, metrics })
    })
    .await
}
