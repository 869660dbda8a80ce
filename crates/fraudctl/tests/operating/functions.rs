//! The deployed functions: they fill the queue and the tables that the tool then works on.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use customer_analytics::{Analytics, ConnectedAnalytics};
use embedded_aws::Service;
use exact_text::timestamp::Timestamp;
use fraud_aws::aggregate_sink::TotalsSink;
use fraud_aws::aggregates::Aggregates;
use fraud_aws::alerts::Sink;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::{
    AggregatesTarget, AlertLedgerTarget, AlertSinkTarget, CacheSettings, DeadLettersTarget, ProfileSource,
};
use fraud_aws::dead_letters::DeadLetters;
use fraud_aws::entities::Entities;
use fraud_aws::history::HistoryRows;
use fraud_aws::ledger::Ledger;
use fraud_aws::profiles::Profiles;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::window::{WindowRule, WindowTime};
use kinesis_alerts::{Alerts, ConnectedAlerts};
use lambda_events::kinesis_json::{EventRecord, event_json};

use crate::world::{AGGREGATES, LEDGER, PROFILES, QUEUE, World};

pub(crate) const SHARD: &str = "shardId-000000000000";
/// The first record's sequence number; the next ones count on.
pub(crate) const FIRST: u128 = 49_590_338_271_490_256_608_559_692_538_361_571;
const RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);
const REMAINING: Duration = Duration::from_secs(30);

/// The event of records with these data, one after the other in one shard, all at 2024-01-15T03:00:00.250Z.
pub(crate) fn event(payloads: &[&[u8]]) -> String {
    let arrival = Timestamp::from_millis(1_705_287_600_250).unwrap();
    let numbers: Vec<String> = (FIRST..).take(payloads.len()).map(|number| number.to_string()).collect();
    let records = numbers.iter().zip(payloads);
    let records = records.map(|(number, payload)| EventRecord::of_bytes(SHARD, number, payload, arrival));
    let consumer = "arn:aws:kinesis:us-east-1:123456789012:stream/transactions/consumer/alerts:1764000000";
    event_json(consumer, records)
}

/// A KPL aggregate of these user records.
pub(crate) fn aggregate(payloads: &[&[u8]]) -> Vec<u8> {
    let entry = |data| kpl_aggregation::Entry { partition_key: "C1", explicit_hash_key: None, data };
    kpl_aggregation::encode(&payloads.iter().map(|&data| entry(data)).collect::<Vec<_>>()).unwrap().to_vec()
}

/// The id of the record at this place in an event, and at this one in its aggregate.
pub(crate) fn position_id(index: u128, sub_sequence_number: u64) -> String {
    let sub = if sub_sequence_number > 0 { format!("/{sub_sequence_number}") } else { String::new() };
    format!("@transactions/{SHARD}/{}{sub}", FIRST + index)
}

/// A transaction of C1 that raises an alert; without an id its position is its identity.
pub(crate) fn high(id: Option<&str>, amount: &str) -> Vec<u8> {
    let id = id.map(|id| format!("\"transaction_id\":\"{id}\",")).unwrap_or_default();
    let text =
        format!("{{{id}\"customer_id\":\"C1\",\"amount\":{amount},\"event_time\":\"2024-01-15T03:01:00Z\"}}");
    text.into_bytes()
}

pub(crate) async fn run_alerts(world: &World, event: &str) -> String {
    alerts(world).await.handle(event, REMAINING).await.unwrap().response
}

pub(crate) async fn run_analytics(world: &World, window_seconds: u32, event: &str) -> String {
    analytics(world, window_seconds).await.handle(event, REMAINING).await.unwrap().response
}

async fn alerts(world: &World) -> ConnectedAlerts<DeadLetters> {
    let dynamodb = world.sdk(Service::DynamoDb).await;
    let profiles = ProfileSource::DynamoDb { table: PROFILES.to_owned() };
    let cache = CacheSettings { max_age: Duration::ZERO, max_entries: 0, max_bytes: usize::MAX };
    let ledger = AlertLedgerTarget::DynamoDb { table: LEDGER.to_owned(), retention: RETENTION };
    let topic = AlertSinkTarget::Sns { topic_arn: world.aws.topic_arn("fraud-alerts").unwrap() };
    let ports = kinesis_alerts::Ports {
        profiles: Profiles::connect(&profiles, cache, &dynamodb).await.unwrap(),
        entities: Entities::Unasked,
        history: HistoryRows::Unasked,
        ledger: Ledger::connect(&ledger, &dynamodb).await,
        sink: Sink::connect(&topic, &world.sdk(Service::Sns).await).await,
        dead_letters: dead_letters(world).await,
        clock: SystemClock,
    };
    Alerts::new(ports, Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED)
}

async fn analytics(world: &World, window_seconds: u32) -> ConnectedAnalytics {
    let table =
        AggregatesTarget::DynamoDb { table: AGGREGATES.to_owned(), retention: RETENTION, remembered: 3_000 };
    let ports = customer_analytics::Ports {
        aggregates: Aggregates::connect(&table, &world.sdk(Service::DynamoDb).await).await,
        sink: None::<TotalsSink>,
        dead_letters: dead_letters(world).await,
        clock: SystemClock,
    };
    let rule = WindowRule {
        seconds: NonZeroU32::new(window_seconds).unwrap(),
        time: WindowTime::Event,
        // As the world's variables say.
        bounds: EventTimeBounds { max_age: None, max_ahead: Some(Duration::from_secs(3600)) },
    };
    Analytics::new(ports, rule)
}

async fn dead_letters(world: &World) -> DeadLetters {
    let queue = DeadLettersTarget::Sqs { queue_url: world.aws.queue_url(QUEUE).unwrap() };
    DeadLetters::connect(&queue, &world.sdk(Service::Sqs).await).await
}

/// Lets the table of aggregates forget the rule of its windows: older releases left none.
pub(crate) async fn forget_rule(world: &World) {
    let rows = world.rows(AGGREGATES).await;
    let key = |row: &crate::world::Item| {
        ["customer_id", "window_start"].map(|name| (name.to_owned(), row[name].clone()))
    };
    let client = aws_sdk_dynamodb::Client::new(world.sdk(Service::DynamoDb).await.config().await);
    for row in rows.iter().filter(|row| row.contains_key("window_rule")) {
        let delete = client.delete_item().table_name(AGGREGATES).set_key(Some(key(row).into()));
        delete.send().await.unwrap();
    }
}

/// What the aggregates hold: count and total by customer and window.
pub(crate) async fn counted(world: &World) -> BTreeMap<(String, String), (String, String)> {
    let rows = world.rows(AGGREGATES).await;
    let text = |row: &crate::world::Item, name: &str| {
        let value = row.get(name).unwrap();
        value.as_s().or(value.as_n()).unwrap().clone()
    };
    let rows = rows.iter().filter(|row| !row.contains_key("window_rule")).map(|row| {
        let key = (text(row, "customer_id"), text(row, "event_window_start"));
        (key, (text(row, "event_count"), text(row, "total_amount")))
    });
    rows.collect()
}
