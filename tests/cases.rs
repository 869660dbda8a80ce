//! Inputs from the field, and what must come of each (`fixtures/cases/`, made after public reports).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_calls::sdk::Sdk;
use customer_analytics::Analytics;
use firehose_transform::{Transform, Transformed};
use fraud_aws::aggregate_sink::TotalsSink;
use fraud_aws::aggregates::{AggregateStore, MemoryAggregates};
use fraud_aws::alerts::AlertLines;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::DeadLettersTarget;
use fraud_aws::dead_letters::{DeadLetterLines, DeadLetters};
use fraud_aws::entities::Entities;
use fraud_aws::ledger::MemoryLedger;
use fraud_aws::profiles::FileProfiles;
use fraud_aws::reason::FailureReason;
use fraud_batch::{Batch, transactions};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::money::Money;
use fraud_core::policy::Policy;
use fraud_core::refusal::Refusal;
use fraud_core::transaction::{PLAIN, Transaction};
use fraud_core::window::{WindowRule, WindowTime};
use kinesis_alerts::Alerts;
use serde_json::{Value, json};
use system_tests::workspace::root;

fn case(name: &str) -> String {
    std::fs::read_to_string(root().join("tests/fixtures/cases").join(name)).unwrap()
}

/// What the transform makes of payloads that arrive at 2026-11-26T02:00:00Z.
async fn transformed(payloads: impl Iterator<Item = String>) -> (Transformed, Vec<Value>) {
    let records: Vec<Value> = payloads
        .enumerate()
        .map(|(index, payload)| {
            let data = base64_simd::STANDARD.encode_to_string(payload);
            json!({ "recordId": index.to_string(), "approximateArrivalTimestamp": 1_795_658_400_000u64, "data": data })
        })
        .collect();
    let profiles = FileProfiles::load(&root().join("tests/fixtures/cases/profiles.json")).unwrap();
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let bounds = EventTimeBounds { max_age: hours(168), max_ahead: hours(1) };
    let transform = Transform::new(profiles, Entities::Unasked, Policy::builtin_default().unwrap(), bounds);
    let event = json!({ "records": records }).to_string();
    let transformed = transform.handle(&event, Duration::from_secs(60)).await.unwrap();
    let response: Value = serde_json::from_str(&transformed.response).unwrap();
    let answers = response["records"].as_array().unwrap().clone();
    (transformed, answers)
}

fn line(answer: &Value) -> Value {
    let line = base64_simd::STANDARD.decode_to_vec(answer["data"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&line).unwrap()
}

#[tokio::test]
async fn every_envelope_around_a_transaction_is_refused_alone_with_its_bytes_kept() {
    let envelopes = case("envelopes-envelopes.ndjson");
    let good = r#"{"transaction_id":"T1","customer_id":"C000001","amount":19000.50,"event_time":"2026-11-26T01:03:14Z"}"#;
    let payloads: Vec<String> = envelopes.lines().map(str::to_owned).chain([good.to_owned()]).collect();
    let (transformed, answers) = transformed(payloads.iter().cloned()).await;
    // The last two are JSON text and an array.
    let expected = [
        (FailureReason::Refused(Refusal::NotAnObject), 2),
        (FailureReason::Refused(Refusal::NotATransaction), 10),
    ];
    assert_eq!(*transformed.metrics.failed.counts(), expected.into());
    assert_eq!((transformed.metrics.ok, transformed.metrics.high_scores), (1, 1));
    for (payload, answer) in payloads.iter().zip(&answers).take(12) {
        assert_eq!(answer["result"], "ProcessingFailed");
        assert_eq!(answer["data"], base64_simd::STANDARD.encode_to_string(payload));
    }
}

#[test]
fn the_same_envelopes_are_poison_to_the_kinesis_functions_and_the_transaction_beside_them_is_not() {
    let event = case("envelopes-alerts-event.json");
    let batch = Batch::read(&event).unwrap();
    let transactions = transactions(&batch, &PLAIN);
    assert_eq!(transactions.len(), 10);
    for received in &transactions {
        assert_eq!(received.as_ref().unwrap_err(), &FailureReason::Refused(Refusal::NotATransaction));
    }
}

#[tokio::test]
async fn each_way_to_write_an_event_time_is_read_or_named_in_the_record() {
    let (transformed, answers) = transformed(case("times-times.ndjson").lines().map(str::to_owned)).await;
    let read = [0, 5, 6, 7, 11, 22];
    let epoch = [1, 2, 3];
    let out_of_bounds = [23, 24];
    for (number, answer) in answers.iter().enumerate() {
        let line = line(answer);
        assert_eq!(line["transaction_id"], format!("E{number}"));
        let fault = line.get("event_time_fault").and_then(Value::as_str);
        let expected = match number {
            _ if read.contains(&number) => None,
            // They are a year before the arrival.
            _ if epoch.contains(&number) => Some("out_of_bounds without_local_time"),
            _ if out_of_bounds.contains(&number) => Some("out_of_bounds"),
            _ => Some("unreadable"),
        };
        assert_eq!(fault, expected, "{line}");
        let at_night = line["fraud_reasons"].as_array().unwrap().contains(&"time_of_day".into());
        assert_eq!(at_night, read.contains(&number) || out_of_bounds.contains(&number), "{line}");
    }
    let times = transformed.metrics.event_times;
    assert_eq!((times.unreadable, times.out_of_bounds, times.without_local_time), (14, 5, 3));
}

#[test]
fn sums_as_python_prints_them_are_amounts() {
    let mut too_fine = 0;
    for line in case("float-noise-basket.ndjson").lines() {
        let transaction = Transaction::parse(line.as_bytes()).unwrap();
        let digits = transaction.amount.digits;
        let money = Money::amount(&digits).unwrap();
        // Not to be told from the double that the program meant.
        assert!(
            (money.to_string().parse::<f64>().unwrap() - transaction.amount.value).abs() < 1e-9,
            "{digits}"
        );
        too_fine += usize::from(digits.split('.').nth(1).is_some_and(|decimals| decimals.len() > 12));
    }
    assert_eq!(too_fine, 51);
}

#[tokio::test]
async fn an_id_that_comes_three_times_with_other_times_and_amounts_counts_three_times_however_often_it_is_delivered()
 {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let rule = WindowRule {
        seconds: 300.try_into().unwrap(),
        time: WindowTime::Event,
        bounds: EventTimeBounds { max_age: hours(168), max_ahead: hours(1) },
    };
    let aggregates = MemoryAggregates::default();
    let ports = customer_analytics::Ports {
        aggregates: aggregates.clone(),
        sink: None::<TotalsSink>,
        dead_letters: DeadLetters::connect(&DeadLettersTarget::Stdout, &Sdk::new()).await,
        clock: SystemClock,
    };
    let analytics = Analytics::new(ports, rule);
    let event = case("reused-ids-alerts-event.json");
    for counted in [3, 0] {
        let metrics = analytics.handle(&event, Duration::from_secs(60)).await.unwrap().metrics;
        assert_eq!((metrics.counted, metrics.repeated, metrics.ids_reused), (counted, 0, 2));
    }
    // Their times are far ahead of the arrival, which decides the window of all three.
    let windows = aggregates.all(tokio::time::Instant::now()).await.unwrap();
    let [window] = &windows[..] else { panic!("{windows:?}") };
    assert_eq!((window.event_count, window.total_amount.to_string()), (3, "67001.5".to_owned()));
    assert!(window.is_exact());
}

#[test]
fn aggregates_of_a_public_test_suite_hold_117_user_records_and_no_transaction() {
    let event = case("kpl-public-blobs-alerts-event.json");
    let batch = Batch::read(&event).unwrap();
    let transactions = transactions(&batch, &PLAIN);
    assert_eq!(transactions.len(), 117);
    assert!(transactions.iter().all(Result::is_err));
}

#[test]
fn events_from_samples_are_read_or_refused_with_what_is_missing() {
    for (name, expected) in [
        ("china", Ok(1)),
        ("efo-consumer", Ok(1)),
        ("empty", Ok(0)),
        ("window-final", Ok(0)),
        ("no-arrival", Ok(1)),
        ("stream-id", Ok(1)),
        ("console-sample", Err("eventSourceARN")),
        ("no-event-id", Err("eventID")),
        ("null-records", Err("Records")),
    ] {
        let event = case(&format!("sample-event-{name}.json"));
        match (Batch::read(&event), expected) {
            (Ok(batch), Ok(records)) => assert_eq!(batch.len(), records, "{name}"),
            (Err(error), Err(missing)) => assert!(error.to_string().contains(missing), "{name}: {error}"),
            (read, expected) => panic!("{name}: {read:?}, {expected:?}"),
        }
    }
    let event = case("sample-event-no-arrival.json");
    let refusal = transactions(&Batch::read(&event).unwrap(), &PLAIN).remove(0).unwrap_err();
    assert_eq!(refusal, FailureReason::MissingArrivalTime);
}

#[tokio::test]
async fn one_id_on_three_days_is_three_transactions_with_an_alert_each() {
    let event = case("reused-ids-alerts-event.json");
    let alerts = Page::default();
    let ports = kinesis_alerts::Ports {
        history: fraud_aws::history::NoHistory::default(),
        profiles: FileProfiles::load(&root().join("tests/fixtures/cases/profiles.json")).unwrap(),
        entities: Entities::Unasked,
        ledger: MemoryLedger::default(),
        sink: AlertLines::new(alerts.clone()),
        dead_letters: DeadLetterLines::new(std::io::sink()),
        clock: SystemClock,
    };
    let function = Alerts::new(ports, Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED);
    let metrics = function.handle(&event, Duration::from_secs(60)).await.unwrap().metrics;
    assert_eq!((metrics.high_scores, metrics.alerts_sent, metrics.ids_reused), (3, 3, 2));
    let again = function.handle(&event, Duration::from_secs(60)).await.unwrap().metrics;
    assert_eq!((again.alerts_sent, again.alerts_suppressed, again.ids_reused), (0, 3, 0));
    let messages: Vec<Value> =
        alerts.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: HashSet<&str> = messages.iter().map(|message| message["alert_id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids.contains("C000001/1")), (3, true));
    let reuses = messages.iter().filter(|message| message["reuses_id_of"] == "C000001/1");
    assert_eq!(reuses.count(), 2);
}

/// A writer that can be looked into.
#[derive(Debug, Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
