//! Log lines, by the settings that Lambda's advanced logging controls put into the environment.

use fraud_core::policy::Policy;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Environment;

/// Starts logging to standard output. `AWS_LAMBDA_LOG_LEVEL` sets the level of this product's own lines (`INFO` where
/// it is not set), `AWS_LAMBDA_LOG_FORMAT=JSON` makes each a JSON object.
///
/// Other crates' lines stay at `WARN` whatever the level: below that the Lambda runtime and the SDK print the bodies
/// of events and requests, which are payloads and customer ids. The exception is the runtime's span around an invocation,
/// from which each line has the request's id and the trace's. A second start changes nothing.
pub fn init_logs(environment: Environment<'_>) {
    let level = environment.get("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    let level = level.unwrap_or(LevelFilter::INFO);
    let ours = ["customer_analytics", "firehose_transform", "fraud_aws", "kinesis_alerts", "fraud_batch"];
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(ours.map(|target| (target, level)))
        .with_target("lambda_runtime::layers::trace", LevelFilter::INFO);
    let lines = fmt::layer().with_target(false).without_time();
    let registry = tracing_subscriber::registry().with(filter);
    let json =
        environment.get("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    // An error says that logging has been started before.
    let _ = if json { registry.with(lines.json()).try_init() } else { registry.with(lines).try_init() };
}

/// Logs which policy decides, and each kind of transactions that it never raises an alert for.
pub fn log_policy(policy: &Policy) {
    tracing::info!(policy = policy.id(), "policy loaded");
    for silence in policy.silences() {
        tracing::info!(policy = policy.id(), "never alerted under this policy: {silence}");
    }
}

/// Logs the id of the policy in the shadow, if there is one.
pub fn log_shadow(policy: Option<&Policy>) {
    if let Some(policy) = policy {
        tracing::info!(policy = policy.id(), "policy in the shadow loaded: it is scored and never alerted");
    }
}

/// Logs the id of the schema that transactions are read by, if it is not the default.
pub fn log_schema(id: Option<&str>) {
    if let Some(id) = id {
        tracing::info!(schema = id, "schema loaded");
    }
}
