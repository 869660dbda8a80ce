//! The embedded AWS with what the pipeline needs in it.

use std::path::Path;

use anyhow::Context;
use aws_calls::sdk::Sdk;
use aws_calls::table::{Attribute, Kind, Table};
use aws_sdk_dynamodb::Client;
use embedded_aws::{Arrivals, EmbeddedAws, KeyType, REGION, Recording, Service, TableDefinition};
use fraud_aws::aggregates::rule_variables;
use fraud_aws::{aggregates, entities, history, labels, ledger, policies, profiles};
use fraud_core::merchant::LabelDelay;

use fraudctl::entities::EntityItem;
use fraudctl::profiles::{ProfileItem, write};

use crate::functions::window_rule;
use crate::output;

/// The stream of transactions.
pub(crate) const STREAM: &str = "transactions";
/// Its shards: those that the tutorial's peak of 50,000 a minute needs.
pub const SHARDS: u32 = 2;
/// The delivery stream from the stream to the lake.
pub(crate) const LAKE_DELIVERY: &str = "transactions-to-lake";
/// A delivery stream beside the stream, for `produce --firehose`: one that reads a stream takes no records itself.
pub(crate) const DIRECT_DELIVERY: &str = "transactions-direct";
pub(crate) const PROFILES_TABLE: &str = "customer_profiles";
pub(crate) const ENTITIES_TABLE: &str = "entities";
pub(crate) const LABELS_TABLE: &str = "labels";
pub(crate) const POLICIES_TABLE: &str = "policies";
pub(crate) const HISTORY_TABLE: &str = "customer_history";
pub(crate) const LEDGER_TABLE: &str = "alert_ledger";
pub(crate) const AGGREGATES_TABLE: &str = "customer_aggregates";
pub(crate) const TOPIC: &str = "fraud-alerts";
pub(crate) const QUEUE: &str = "fraud-dead-letters";
/// How long the rows of ledger and aggregates are kept: the functions' default, longer than the stream keeps records.
pub(crate) const RETENTION_DAYS: u64 = 400;

/// Starts the services with empty tables.
///
/// # Errors
/// If a port or a thread cannot be had.
pub async fn start() -> anyhow::Result<EmbeddedAws> {
    start_with(Arrivals::Real, SHARDS, None).await
}

/// As [`start`]; the stream has this many shards, records arrive at it as `arrivals` say, and the services' ports are this one and
/// those behind it.
///
/// # Errors
/// If a port or a thread cannot be had.
pub async fn start_with(
    arrivals: Arrivals,
    shards: u32,
    first_port: Option<u16>,
) -> anyhow::Result<EmbeddedAws> {
    let mut builder = EmbeddedAws::builder()
        .stream(STREAM, shards)
        .arrivals(arrivals)
        // A file is produced as fast as possible, not at the pace that its shards allow.
        .shard_write_limits(false)
        .table_definition(definition(PROFILES_TABLE, &profiles::table::TABLE))
        .table_definition(definition(ENTITIES_TABLE, &entities::table::TABLE))
        .table_definition(definition(HISTORY_TABLE, &history::TABLE))
        .table_definition(definition(LABELS_TABLE, &labels::TABLE))
        .table_definition(definition(POLICIES_TABLE, &policies::table::TABLE))
        .table_definition(definition(LEDGER_TABLE, &ledger::TABLE))
        .table_definition(definition(AGGREGATES_TABLE, &aggregates::TABLE))
        .delivery_stream(DIRECT_DELIVERY)
        .topic(TOPIC)
        .queue(QUEUE)
        .recording(Recording::Counts);
    if let Some(port) = first_port {
        builder = builder.first_port(port);
    }
    builder.start().await.context("cannot start the embedded AWS")
}

/// A table with this schema.
fn definition(name: &str, schema: &Table) -> TableDefinition {
    let key_type = |key: Attribute| match key.kind {
        Kind::N => KeyType::Number,
        _ => KeyType::String,
    };
    let key = schema.partition_key;
    let mut table = TableDefinition::new(name, key.name, key_type(key));
    if let Some(key) = schema.sort_key {
        table = table.sort_key(key.name, key_type(key));
    }
    match schema.time_to_live {
        Some(attribute) => table.time_to_live(attribute),
        None => table,
    }
}

/// The settings of clients of one service.
pub(crate) async fn sdk(aws: &EmbeddedAws, service: Service) -> anyhow::Result<Sdk> {
    let endpoint = aws.endpoint(service).with_context(|| format!("{} does not run", service.name()))?;
    Ok(Sdk::at(endpoint, REGION).await)
}

/// Fills the table of profiles.
pub(crate) async fn import_profiles(aws: &EmbeddedAws, items: Vec<ProfileItem>) -> anyhow::Result<u64> {
    let sdk = sdk(aws, Service::DynamoDb).await?;
    write(&Client::new(sdk.config().await), PROFILES_TABLE, items, |_| {}).await
}

/// Fills the table of entities.
pub(crate) async fn import_entities(aws: &EmbeddedAws, items: Vec<EntityItem>) -> anyhow::Result<u64> {
    let sdk = sdk(aws, Service::DynamoDb).await?;
    write(&Client::new(sdk.config().await), ENTITIES_TABLE, items, |_| {}).await
}

/// What goes on after the report, for people.
pub(crate) fn still_running(aws: &EmbeddedAws, out: &Path, analytics: bool) -> String {
    let mut text = "Running on until Ctrl-C:".to_owned();
    for service in Service::ALL {
        text += &format!("\n{:10} {}", service.name(), aws.endpoint(service).unwrap_or_default());
    }
    let counts = if analytics { ", customer-analytics adds up" } else { "" };
    let (out, direct) = (out.display(), out.join(output::DIRECT));
    text +=
        &format!("\nstream {STREAM}: kinesis-alerts alerts{counts}, firehose-transform scores into {out}");
    text + &format!(
        "\ndelivery stream {DIRECT_DELIVERY}: firehose-transform scores into {}\nThe `export` lines are for another shell.",
        direct.display()
    )
}

/// How the functions of a run were configured, beside what they all have.
#[derive(Debug, Clone, Copy, Default)]
pub struct Configured<'a> {
    /// The policy's file; `None`: the built-in policy.
    pub policy: Option<&'a Path>,
    /// The file of the policy in its shadow.
    pub shadow: Option<&'a Path>,
    /// The schema's file; `None`: ours.
    pub schema: Option<&'a Path>,
    /// Whether a policy looks at the customers' histories.
    pub history: bool,
    /// How late labels come.
    pub label_delay: LabelDelay,
}

/// The lines that point a shell's tools at the services, and configure a function in that shell as those here are: with
/// another rule for windows, or another policy or schema, it would count and alert again.
///
/// # Errors
/// If a policy's file or the schema's has no absolute path.
pub fn exports(aws: &EmbeddedAws, configured: Configured<'_>) -> anyhow::Result<String> {
    let Configured { policy, shadow, schema, history, label_delay } = configured;
    let history = if history { format!("dynamodb:{HISTORY_TABLE}") } else { "none:".to_owned() };
    let source = |path: Option<&Path>| match path {
        None => Ok("builtin:default".to_owned()),
        Some(path) => {
            let path = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
            anyhow::Ok(format!("file:{}", path.display()))
        }
    };
    let ports = [
        ("PROFILE_SOURCE", format!("dynamodb:{PROFILES_TABLE}")),
        ("ALERT_SINK", format!("sns:{}", aws.topic_arn(TOPIC).unwrap_or_default())),
        ("ALERT_LEDGER", format!("dynamodb:{LEDGER_TABLE}")),
        ("DEAD_LETTERS", format!("sqs:{}", aws.queue_url(QUEUE).unwrap_or_default())),
        ("AGGREGATES", format!("dynamodb:{AGGREGATES_TABLE}")),
        ("AGGREGATE_SINK", "none:".to_owned()),
        ("AGGREGATE_DAYS", RETENTION_DAYS.to_string()),
        ("AGGREGATE_REMEMBERED", aggregates::MOST_REMEMBERED.to_string()),
        ("ALERT_LEDGER_DAYS", RETENTION_DAYS.to_string()),
        ("ENTITY_SOURCE", format!("dynamodb:{ENTITIES_TABLE}")),
        ("LABEL_DELAY_DAYS", label_delay.days().to_string()),
        ("FRAUD_POLICY", source(policy)?),
        ("HISTORY", history),
        ("SHADOW_POLICY", shadow.map_or_else(|| Ok("none:".to_owned()), |shadow| source(Some(shadow)))?),
        ("POLICY_STORE", format!("dynamodb:{POLICIES_TABLE}")),
        ("TRANSACTION_SCHEMA", source(schema)?),
    ];
    let variables = aws.env().into_iter().chain(ports).chain(rule_variables(&window_rule()));
    Ok(variables.map(|(name, value)| format!("export {name}={}\n", quoted(&value))).collect())
}

/// A value as a shell reads it.
fn quoted(value: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@%+=,".contains(character);
    match value.chars().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', r"'\''")),
    }
}
