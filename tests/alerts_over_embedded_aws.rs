//! The alerting function with its real adapters and the real SDK, behind a simulated event source mapping, over DynamoDB,
//! SNS and SQS in process, with faults at every service.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_calls::sdk::Sdk;
use embedded_aws::event_source_mapping::{
    Backoff, Clock, EventSourceMapping, FunctionError, Invocation, MemoryStream, Settings,
};
use embedded_aws::{EmbeddedAws, Fault, REGION, Service, When};
use fraud_aws::alerts::Sink;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::{
    AlertLedgerTarget, AlertSinkTarget, CacheSettings, DeadLettersTarget, ProfileSource,
    UnalertedLettersTarget,
};
use fraud_aws::dead_letters::RoutedLetters;
use fraud_aws::entities::Entities;
use fraud_aws::history::HistoryRows;
use fraud_aws::ledger::Ledger;
use fraud_aws::profiles::Profiles;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::transaction::Transaction;
use kinesis_alerts::{Alerts, Ports};
use serde_json::{Value, json};
use tokio::time::Instant;

const SEED: u64 = 20_261_123;

type Function = Alerts<Profiles, Entities, HistoryRows, Ledger, Sink, RoutedLetters, SystemClock>;

async fn services() -> EmbeddedAws {
    EmbeddedAws::builder()
        .table("customer_profiles", "customer_id")
        .table("alert_ledger", "alert_id")
        .topic("fraud-alerts")
        .queue("dead-letters")
        .queue("unalerted-letters")
        .start()
        .await
        .unwrap()
}

async fn function(aws: &EmbeddedAws) -> Function {
    let sdk = async |service| Sdk::at(aws.endpoint(service).unwrap(), REGION).await;
    let source = ProfileSource::DynamoDb { table: "customer_profiles".to_owned() };
    let cache = CacheSettings { max_age: Duration::from_secs(60), max_entries: 1000, max_bytes: usize::MAX };
    let ledger = AlertLedgerTarget::DynamoDb {
        table: "alert_ledger".to_owned(),
        retention: Duration::from_secs(400 * 24 * 3600),
    };
    let sink = AlertSinkTarget::Sns { topic_arn: aws.topic_arn("fraud-alerts").unwrap() };
    let queue = |name| DeadLettersTarget::Sqs { queue_url: aws.queue_url(name).unwrap() };
    let unalerted = UnalertedLettersTarget::Own(queue("unalerted-letters"));
    let dynamodb = sdk(Service::DynamoDb).await;
    let ports = Ports {
        history: HistoryRows::Unasked,
        profiles: Profiles::connect(&source, cache, &dynamodb).await.unwrap(),
        entities: Entities::Unasked,
        ledger: Ledger::connect(&ledger, &dynamodb).await,
        sink: Sink::connect(&sink, &sdk(Service::Sns).await).await,
        dead_letters: RoutedLetters::connect(&queue("dead-letters"), &unalerted, &sdk(Service::Sqs).await)
            .await,
        clock: SystemClock,
    };
    Alerts::new(ports, Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED)
}

/// 400 records: of eight, one alerts, one is not a transaction, one repeats the alert before, and one uses its id for another
/// amount.
fn stream() -> (Arc<MemoryStream>, BTreeMap<String, Vec<String>>, BTreeSet<String>) {
    let stream = MemoryStream::new("transactions", 2, Clock::default());
    let mut alerts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut undeliverable = BTreeSet::new();
    for n in 0..400u32 {
        let customer = format!("C{}", n / 8 % 7);
        let with_amount = |id: u32, amount: f64| json!({ "transaction_id": id, "customer_id": customer, "amount": amount, "event_time": "2024-01-15T03:00:00Z", "risk": 1 });
        let high = |id: u32| with_amount(id, 50_000.5);
        let payload = match n % 8 {
            1 => {
                alerts.entry(customer.clone()).or_default().push(format!("{customer}/{n}"));
                high(n).to_string()
            }
            3 => "{\"amount\":\"much\"}".to_owned(),
            5 => high(n - 4).to_string(),
            6 => {
                let payload = with_amount(n - 5, 60_000.5).to_string();
                let fingerprint = Transaction::parse(payload.as_bytes()).unwrap().fingerprint();
                let id = format!("{customer}/{}/{}", n - 5, fingerprint.short());
                alerts.entry(customer.clone()).or_default().push(id);
                payload
            }
            _ => json!({ "transaction_id": n, "customer_id": customer, "amount": 12 }).to_string(),
        };
        let number = stream.put(&customer, payload).unwrap();
        if n % 8 == 3 {
            undeliverable.insert(number);
        }
    }
    (Arc::new(stream), alerts, undeliverable)
}

/// An answer with this status that has no error code, of a call that was done or was not.
fn codeless(status: u16, done: bool) -> Fault {
    Fault::CodelessError { status, body: "<html>no</html>".into(), done }
}

async fn put_profiles(aws: &EmbeddedAws) {
    let sdk = Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
    let client = aws_sdk_dynamodb::Client::new(sdk.config().await);
    for n in 0..7 {
        use aws_sdk_dynamodb::types::AttributeValue::{N, S};
        let put = client.put_item().table_name("customer_profiles").item("customer_id", S(format!("C{n}")));
        put.item("segment", S("gold".to_owned())).item("risk_score", N("1".to_owned())).send().await.unwrap();
    }
}

async fn run(function: &Function, stream: &Arc<MemoryStream>, settings: Settings) {
    let invoke = async |invocation: Invocation| {
        let remaining = invocation.deadline.saturating_duration_since(Instant::now());
        let handled = function.handle(&invocation.event, remaining).await;
        handled.map(|handled| handled.response).map_err(|error| FunctionError::new(error.to_string()))
    };
    let mapping = EventSourceMapping::new(stream.clone(), invoke, settings).unwrap();
    let report = mapping.run_until_drained().await.unwrap();
    assert_eq!(report.discarded_records, 0);
}

fn settings() -> Settings {
    Settings {
        batch_size: 60,
        parallelization_factor: 2,
        bisect_batch_on_function_error: true,
        report_batch_item_failures: true,
        function_timeout: Duration::from_secs(15),
        backoff: Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(100) },
        redelivery_probability: 0.2,
        seed: SEED,
        ..Settings::default()
    }
}

/// The alerts that SNS accepted, by customer in the order of acceptance.
fn published(aws: &EmbeddedAws) -> BTreeMap<String, Vec<String>> {
    by_customer(aws.published().iter().map(|published| serde_json::from_str(&published.message).unwrap()))
}

/// The same in the order of their sequence, as who receives them restores it: of a call some may be accepted before others.
fn published_in_sequence(aws: &EmbeddedAws) -> BTreeMap<String, Vec<String>> {
    let published = aws.published();
    let messages = published.iter().map(|published| serde_json::from_str(&published.message).unwrap());
    let mut messages: Vec<Value> = messages.collect();
    messages.sort_by_key(|message| message["customer_sequence"].as_str().unwrap().to_owned());
    by_customer(messages.into_iter())
}

fn by_customer(messages: impl Iterator<Item = Value>) -> BTreeMap<String, Vec<String>> {
    let mut alerts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in messages {
        let text = |member: &str| message[member].as_str().unwrap().to_owned();
        alerts.entry(text("customer_id")).or_default().push(text("alert_id"));
    }
    alerts
}

/// The sequence numbers of the dead letters.
fn dead_letter_ids(aws: &EmbeddedAws) -> BTreeSet<String> {
    let letters = aws.messages("dead-letters").unwrap();
    let number = |body: &str| {
        let letter: Value = serde_json::from_str(body).unwrap();
        assert_eq!(letter["reason"], "invalid_amount");
        letter["sequence_number"].as_str().unwrap().to_owned()
    };
    letters.iter().map(|letter| number(&letter.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_faults_each_high_score_is_published_once_in_order_and_a_replay_publishes_nothing() {
    let aws = services().await;
    put_profiles(&aws).await;
    let function = function(&aws).await;
    let (stream, alerts, undeliverable) = stream();
    run(&function, &stream, settings()).await;
    assert_eq!(published(&aws), alerts);
    assert_eq!(dead_letter_ids(&aws), undeliverable);
    // One claim for each identity that alerts, and no write for the others.
    run(&function, &stream, settings()).await;
    assert_eq!(published(&aws), alerts);
    let first = &aws.published()[0];
    let attribute = |name: &str| first.attributes[name].clone();
    assert_eq!(first.subject.as_deref(), Some("High Risk Transaction Detected"));
    assert_eq!(attribute("alert_type").text(), Some("fraud_detection"));
    assert_eq!(attribute("fraud_score").data_type, "Number");
    assert_eq!(attribute("customer_segment").text(), Some("gold"));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_faults_at_every_service_each_high_score_is_still_published_exactly_once() {
    let aws = services().await;
    put_profiles(&aws).await;
    let function = function(&aws).await;
    let (stream, alerts, undeliverable) = stream();
    let faults = aws.faults();
    let order = |service, operation: &str, fault: Fault, probability: f64, seed: u64| {
        faults
            .add(When::calls(service, operation).with_probability(probability, SEED + seed), fault)
            .unwrap();
    };
    order(Service::DynamoDb, "PutItem", Fault::Throttle, 0.2, 1);
    order(Service::DynamoDb, "PutItem", Fault::LoseAnswer, 0.1, 2);
    order(Service::DynamoDb, "UpdateItem", Fault::InternalError, 0.2, 3);
    order(Service::DynamoDb, "UpdateItem", Fault::LoseAnswer, 0.1, 4);
    order(Service::DynamoDb, "UpdateItem", Fault::CutAnswer, 0.03, 5);
    order(Service::DynamoDb, "PutItem", Fault::CutAnswer, 0.03, 11);
    order(Service::DynamoDb, "UpdateItem", Fault::EmptyAnswer, 0.03, 12);
    order(Service::DynamoDb, "BatchGetItem", Fault::EmptyAnswer, 0.03, 13);
    order(Service::DynamoDb, "BatchGetItem", Fault::Half, 0.3, 6);
    order(Service::Sns, "PublishBatch", Fault::Half, 0.3, 7);
    order(Service::Sns, "PublishBatch", Fault::Throttle, 0.2, 8);
    order(Service::Sqs, "SendMessage", Fault::InternalError, 0.3, 9);
    order(Service::Sqs, "SendMessage", Fault::LoseAnswer, 0.1, 10);
    order(Service::Sqs, "SendMessage", Fault::CutAnswer, 0.03, 14);
    order(Service::Sns, "PublishBatch", codeless(403, false), 0.05, 15);
    run(&function, &stream, settings()).await;
    assert_eq!(published_in_sequence(&aws), alerts, "seed {SEED}");
    assert_eq!(dead_letter_ids(&aws), undeliverable, "seed {SEED}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_sns_loses_its_answers_alerts_come_again_with_the_same_bytes_and_none_is_missing() {
    let aws = services().await;
    put_profiles(&aws).await;
    let function = function(&aws).await;
    let (stream, alerts, _) = stream();
    let lost = |seed| When::calls(Service::Sns, "PublishBatch").with_probability(0.2, SEED + seed);
    for (seed, fault) in [Fault::LoseAnswer, Fault::CutAnswer, codeless(403, true)].into_iter().enumerate() {
        aws.faults().add(lost(seed as u64), fault).unwrap();
    }
    run(&function, &stream, settings()).await;
    let mut messages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for published in aws.published() {
        let message: Value = serde_json::from_str(&published.message).unwrap();
        let id = message["alert_id"].as_str().unwrap().to_owned();
        messages.entry(id).or_default().insert(published.message);
    }
    assert!(aws.published().len() > messages.len(), "no answer was lost: the test shows nothing");
    assert!(messages.values().all(|texts| texts.len() == 1));
    let expected: BTreeSet<String> = alerts.into_values().flatten().collect();
    assert_eq!(messages.into_keys().collect::<BTreeSet<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_invalid_records_does_not_bury_a_high_score_that_nobody_was_alerted_of() {
    const FLOOD: usize = 500;
    let aws = services().await;
    put_profiles(&aws).await;
    let refused = Fault::Error(Service::Sns.validation_error("no such attribute"));
    aws.faults().add(When::calls(Service::Sns, "PublishBatch"), refused).unwrap();
    let stream = MemoryStream::new("transactions", 1, Clock::default());
    let put = |payload: String| stream.put("C1", payload).unwrap();
    (0..FLOOD / 2).for_each(|_| drop(put("{\"amount\":\"much\"}".to_owned())));
    let high_score = put(json!({ "transaction_id": "T1", "customer_id": "C1", "amount": 50_000.5, "event_time": "2024-01-15T03:00:00Z" }).to_string());
    (0..FLOOD / 2).for_each(|_| drop(put("no JSON".to_owned())));
    let settings = Settings { batch_size: 10_000, redelivery_probability: 0.0, ..settings() };
    run(&function(&aws).await, &Arc::new(stream), settings).await;
    let letters = |queue: &str| -> Vec<Value> {
        let messages = aws.messages(queue).unwrap();
        messages.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect()
    };
    let unalerted = letters("unalerted-letters");
    assert_eq!(unalerted.len(), 1, "{unalerted:?}");
    assert_eq!(unalerted[0]["reason"], "alert_refused");
    assert_eq!(unalerted[0]["sequence_number"], high_score);
    let dead = letters("dead-letters");
    assert_eq!(dead.len(), FLOOD);
    assert!(dead.iter().all(|letter| letter["reason"] != "alert_refused"));
}
