//! The embedded AWS with what the pipeline needs in it.

use anyhow::Context;
use aws_sdk_dynamodb::Client;
use embedded_aws::{EmbeddedAws, KeyType, REGION, Recording, Service, TableDefinition};
use fraud_aws::sdk::Sdk;

use crate::profiles::{self, Item};

/// The stream that transactions come by.
pub(super) const STREAM: &str = "transactions";
/// Its shards: those that the tutorial's peak of 50,000 a minute needs.
pub(super) const SHARDS: u32 = 2;
pub(super) const PROFILES_TABLE: &str = "customer_profiles";
pub(super) const LEDGER_TABLE: &str = "alert_ledger";
pub(super) const AGGREGATES_TABLE: &str = "customer_aggregates";
pub(super) const TOPIC: &str = "fraud-alerts";
pub(super) const QUEUE: &str = "fraud-dead-letters";

/// Starts the services with empty tables.
///
/// # Errors
/// Where a port or a thread cannot be had.
pub async fn start() -> anyhow::Result<EmbeddedAws> {
    let builder = EmbeddedAws::builder()
        .stream(STREAM, SHARDS)
        // A file is produced as fast as it goes, not at the pace of so many shards.
        .shard_write_limits(false)
        .table(PROFILES_TABLE, "customer_id")
        .table_definition(TableDefinition::new(LEDGER_TABLE, "alert_id", KeyType::String).time_to_live("ttl"))
        .table_definition(
            TableDefinition::new(AGGREGATES_TABLE, "customer_id", KeyType::String)
                .sort_key("window_start", KeyType::Number)
                .time_to_live("ttl"),
        )
        .topic(TOPIC)
        .queue(QUEUE)
        .recording(Recording::Counts);
    builder.start().await.context("cannot start the embedded AWS")
}

/// The settings of clients of one service.
pub(super) async fn sdk(aws: &EmbeddedAws, service: Service) -> anyhow::Result<Sdk> {
    let endpoint = aws.endpoint(service).with_context(|| format!("{} does not run", service.name()))?;
    Ok(Sdk::at(endpoint, REGION).await)
}

/// Fills the table of profiles.
pub(super) async fn import_profiles(aws: &EmbeddedAws, items: Vec<Item>) -> anyhow::Result<u64> {
    let sdk = sdk(aws, Service::DynamoDb).await?;
    profiles::write(&Client::new(sdk.config().await), PROFILES_TABLE, items, |_| {}).await
}

/// The lines that point a shell's tools at the services, and the functions at what is in them.
pub(super) fn exports(aws: &EmbeddedAws) -> String {
    let ports = [
        ("PROFILE_SOURCE", format!("dynamodb:{PROFILES_TABLE}")),
        ("ALERT_SINK", format!("sns:{}", aws.topic_arn(TOPIC).unwrap_or_default())),
        ("ALERT_LEDGER", format!("dynamodb:{LEDGER_TABLE}")),
        ("DEAD_LETTERS", format!("sqs:{}", aws.queue_url(QUEUE).unwrap_or_default())),
        ("AGGREGATES", format!("dynamodb:{AGGREGATES_TABLE}")),
    ];
    aws.env().into_iter().chain(ports).map(|(name, value)| format!("export {name}={value}\n")).collect()
}
