//! Wires the Firehose transform to its environment and to the Lambda runtime.

use std::process::ExitCode;

use aws_calls::sdk::Sdk;
use firehose_transform::config::Config;
use firehose_transform::{InvalidBatch, Transform};
use fraud_aws::config::Environment;
use fraud_aws::entities::Entities;
use fraud_aws::history::HistoryRows;
use fraud_aws::invocation::{HandlerResult, exit_code, serve};
use fraud_aws::profiles::Profiles;
use fraud_aws::telemetry::{init_logs, log_policy, log_schema, log_shadow};
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code("firehose-transform", run().await)
}

async fn run() -> Result<(), Error> {
    let environment = |name: &str| std::env::var(name).ok();
    let environment = Environment::new(&environment);
    init_logs(environment);
    let config = Config::from_environment(environment)?;
    let sdk = Sdk::new();
    let policies = config.policy_sources.load(&sdk).await?;
    log_policy(policies.active());
    log_shadow(policies.shadow());
    let schema = config.schema_source.load()?;
    log_schema((!schema.is_default()).then(|| schema.id()));
    let profiles = Profiles::connect(&config.profile_source, config.cache, &sdk).await?;
    let entities = Entities::connect(&config.entity_source, &policies, config.cache, &sdk).await?;
    let history = HistoryRows::connect(&config.history, &policies, &sdk).await?;
    let transform = Transform::new(profiles, entities, policies, config.event_time_bounds)
        .with_label_delay(config.label_delay)
        .with_history(history)
        .with_schema(&schema);
    serve(async |event, time| {
        let transformed = transform.handle(event, time.remaining).await?;
        let metrics = transformed.metrics.line(&config.metrics_namespace);
        Ok::<_, InvalidBatch>(HandlerResult { response: transformed.response, metrics })
    })
    .await
}
