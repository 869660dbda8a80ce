//! The schemas in `schemas/`, each held against its envelope of `fixtures/cases/envelopes-envelopes.ndjson`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use customer_analytics::Analytics;
use firehose_transform::Transform;
use fraud_aws::aggregate_sink::TotalsSink;
use fraud_aws::aggregates::{AggregateStore, MemoryAggregates};
use fraud_aws::alerts::AlertLines;
use fraud_aws::clock::SystemClock;
use fraud_aws::config::SchemaSource;
use fraud_aws::dead_letters::DeadLetterLines;
use fraud_aws::entities::FileEntities;
use fraud_aws::history::NoHistory;
use fraud_aws::ledger::MemoryLedger;
use fraud_aws::profiles::FileProfiles;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::refusal::Refusal;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, Reading, Transaction, TransactionReader};
use fraud_core::window::{WindowRule, WindowTime};
use kinesis_alerts::Alerts;
use serde_json::{Value, json};
use system_tests::workspace::root;

/// Each schema with the line of its envelope, from 0.
const SCHEMAS: [(&str, usize); 10] = [
    ("eventbridge", 0),
    ("sns", 1),
    ("sqs", 2),
    ("dynamodb-stream", 3),
    ("dms", 4),
    ("container-log", 6),
    ("debezium", 7),
    ("camel-case", 8),
    ("upper-case", 9),
    ("json-string", 10),
];

/// Those of public data sets, which are held against their files by the tests of `fraudctl`.
const DATA_SETS: [&str; 5] = ["paysim", "sparkov", "ieee-cis", "ulb", "tabformer"];

/// The lines that hold no single transaction: a control record and an array.
const OTHERS: [usize; 2] = [5, 11];

fn schema(name: &str) -> Schema {
    SchemaSource::File { path: root().join("schemas").join(format!("{name}.toml")) }.load().unwrap()
}

fn envelopes() -> Vec<String> {
    let path = root().join("tests/fixtures/cases/envelopes-envelopes.ndjson");
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn profiles() -> FileProfiles {
    FileProfiles::load(&root().join("tests/fixtures/cases/profiles.json")).unwrap()
}

fn base64(payload: &str) -> String {
    base64_simd::STANDARD.encode_to_string(payload)
}

/// The transform's answer to one payload.
async fn transformed(schema: &Schema, payload: &str) -> Value {
    let transform = Transform::new(
        profiles(),
        FileEntities::default(),
        Policy::builtin_default().unwrap(),
        EventTimeBounds::UNBOUNDED,
    );
    let record = json!({ "recordId": "1", "approximateArrivalTimestamp": 1_768_438_995_000u64, "data": base64(payload) });
    let event = json!({ "records": [record] }).to_string();
    let transformed = transform.with_schema(schema).handle(&event, Duration::from_secs(60)).await.unwrap();
    let response: Value = serde_json::from_str(&transformed.response).unwrap();
    response["records"][0].clone()
}

/// A Kinesis event of one record.
fn kinesis_event(payload: &str) -> String {
    let kinesis = json!({
        "kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": "1",
        "data": base64(payload), "approximateArrivalTimestamp": 1_768_438_995.0,
    });
    let record = json!({
        "kinesis": kinesis, "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
        "eventID": "shardId-000000000000:1", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
    });
    json!({ "Records": [record] }).to_string()
}

/// The alert that the alerting function publishes for one payload.
async fn alert(schema: &Schema, payload: &str) -> Value {
    let page = Page::default();
    let ports = kinesis_alerts::Ports {
        history: NoHistory::default(),
        profiles: profiles(),
        entities: FileEntities::default(),
        ledger: MemoryLedger::default(),
        sink: AlertLines::new(page.clone()),
        dead_letters: DeadLetterLines::new(std::io::sink()),
        clock: SystemClock,
    };
    let function = Alerts::new(ports, Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED);
    let function = function.with_schema(schema);
    let metrics = function.handle(&kinesis_event(payload), Duration::from_secs(60)).await.unwrap().metrics;
    assert_eq!((metrics.high_scores, metrics.alerts_sent), (1, 1), "{payload}");
    let published = page.0.lock().unwrap().clone();
    serde_json::from_slice(&published).unwrap()
}

/// A writer that can be looked into.
#[derive(Debug, Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn there_is_a_schema_for_each_envelope_and_data_set_and_no_other() {
    let files = std::fs::read_dir(root().join("schemas")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let names = || SCHEMAS.iter().map(|(name, _)| *name).chain(DATA_SETS);
    assert_eq!(files, names().map(str::to_owned).collect());
    for name in names() {
        assert!(schema(name).id().starts_with(&format!("{name}@")));
    }
    let lines: BTreeSet<usize> = SCHEMAS.iter().map(|(_, line)| *line).chain(OTHERS).collect();
    assert_eq!(lines, (0..envelopes().len()).collect());
}

#[tokio::test]
async fn the_transaction_in_each_envelope_is_scored_and_alerted_as_it_is_without_one() {
    let plain = r#"{"transaction_id":"T1","customer_id":"C000001","amount":19000.50,"event_time":"2026-01-15T01:03:14Z"}"#;
    let line_of = |answer: &Value| -> Value {
        assert_eq!(answer["result"], "Ok", "{answer}");
        let line = base64_simd::STANDARD.decode_to_vec(answer["data"].as_str().unwrap()).unwrap();
        serde_json::from_slice(&line).unwrap()
    };
    let default = Schema::builtin_default();
    let expected = line_of(&transformed(&default, plain).await);
    let expected_alert = alert(&default, plain).await;
    assert_eq!(expected_alert.get("transaction_schema"), None);
    let envelopes = envelopes();
    for (name, number) in SCHEMAS {
        let (schema, payload) = (schema(name), &envelopes[number]);
        let answer = transformed(&schema, payload).await;
        let line = line_of(&answer);
        for member in
            ["transaction_id", "customer_id", "fraud_score", "fraud_reasons", "decision_id", "ingested_at"]
        {
            assert_eq!(line[member], expected[member], "{name}: {member}");
        }
        assert_eq!(line["amount"].as_f64(), Some(19_000.5), "{name}");
        assert_eq!(line["transaction_schema"], schema.id(), "{name}");
        let time = line["event_time"].as_str().unwrap();
        assert!(time.starts_with("2026-01-15T01:03:14"), "{name}: {time}");
        // The producer's members are there as they were, but for those that the lake would take for ours.
        if let (Value::Object(sent), false) =
            (serde_json::from_str(payload).unwrap(), ["camel-case", "upper-case"].contains(&name))
        {
            for (member, value) in sent {
                assert_eq!(line[&member], value, "{name}: {member}");
            }
        }
        let lower: Vec<String> = line.as_object().unwrap().keys().map(|key| key.to_lowercase()).collect();
        assert_eq!(lower.iter().collect::<BTreeSet<_>>().len(), lower.len(), "{name}: {lower:?}");

        let alert = alert(&schema, payload).await;
        for member in ["alert_id", "transaction_id", "customer_id", "fraud_score", "reasons"] {
            let (mut told, mut expected) = (alert[member].clone(), expected_alert[member].clone());
            // 19000.5 and 19000.50 are the digits of different envelopes.
            if member == "reasons" {
                for reasons in [&mut told, &mut expected] {
                    reasons.as_array_mut().unwrap().remove(0);
                }
            }
            assert_eq!(told, expected, "{name}: {member}");
        }
        assert_eq!(alert["transaction_schema"], schema.id(), "{name}");
        // Without the schema it is refused.
        assert_eq!(transformed(&default, payload).await["result"], "ProcessingFailed", "{name}");
    }
}

#[tokio::test]
async fn the_same_transaction_in_two_envelopes_counts_once() {
    let aggregates = MemoryAggregates::default();
    let envelopes = envelopes();
    for (name, number) in SCHEMAS.into_iter().filter(|(name, _)| *name != "dynamodb-stream") {
        let ports = customer_analytics::Ports {
            aggregates: aggregates.clone(),
            sink: None::<TotalsSink>,
            dead_letters: DeadLetterLines::new(std::io::sink()),
            clock: SystemClock,
        };
        let rule = WindowRule {
            seconds: 300.try_into().unwrap(),
            time: WindowTime::Event,
            bounds: EventTimeBounds::UNBOUNDED,
        };
        let function = Analytics::new(ports, rule).with_schema(&schema(name));
        function.handle(&kinesis_event(&envelopes[number]), Duration::from_secs(60)).await.unwrap();
    }
    let windows = aggregates.all(tokio::time::Instant::now()).await.unwrap();
    let [window] = &windows[..] else { panic!("{windows:?}") };
    assert_eq!((window.event_count, window.total_amount.to_string()), (1, "19000.5".to_owned()));
}

#[test]
fn what_holds_no_transaction_is_refused_under_every_schema() {
    let envelopes = envelopes();
    for (name, _) in SCHEMAS {
        let reading = Reading::new(&schema(name), &Asked::default());
        let mut reader = TransactionReader::new(&reading);
        let refusals = OTHERS.map(|line| reader.read(envelopes[line].as_bytes()).map(drop).unwrap_err());
        assert_eq!(refusals, [Refusal::NotATransaction, Refusal::NotAnObject], "{name}");
    }
}

#[test]
fn the_fingerprint_is_that_of_the_transaction_and_not_of_its_envelope() {
    let plain = br#"{"transaction_id":"T1","customer_id":"C000001","amount":19000.50,"event_time":"2026-01-15T01:03:14Z"}"#;
    let expected = Transaction::parse(plain).unwrap().fingerprint();
    let envelopes = envelopes();
    // The item of the table has no time of its own.
    for (name, number) in SCHEMAS.into_iter().filter(|(name, _)| *name != "dynamodb-stream") {
        let reading = Reading::new(&schema(name), &Asked::default());
        let transaction =
            TransactionReader::new(&reading).read(envelopes[number].as_bytes()).unwrap().fingerprint();
        assert_eq!(transaction, expected, "{name}");
    }
}

/// The fenced blocks of docs/schemas.md that are JSON or TOML: language and text.
fn documented() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("docs/schemas.md")).unwrap();
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in text.lines().map(str::trim_start) {
        match line.strip_prefix("```") {
            Some(language) => {
                is_open = !is_open;
                blocks.extend(is_open.then(|| (language.to_owned(), String::new())));
            }
            None if is_open => blocks.last_mut().unwrap().1.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    blocks.retain(|(language, _)| ["json", "toml"].contains(&language.as_str()));
    blocks
}

#[tokio::test]
async fn each_example_of_the_documentation_is_read_as_it_says() {
    let blocks = documented();
    let by_language = |wanted| -> Vec<&str> {
        blocks.iter().filter(|(language, _)| language == wanted).map(|(_, text)| text.trim()).collect()
    };
    let (json, toml) = (by_language("json"), by_language("toml"));
    assert_eq!((json.len(), toml.len(), blocks.len()), (14, 7, 21));
    for (pair, toml) in json.chunks(2).zip(toml) {
        let [record, expected] = pair else { panic!("{pair:?}") };
        let schema = Schema::parse(toml).unwrap();
        let answer = transformed(&schema, record).await;
        assert_eq!(answer["result"], "Ok", "{record}");
        let line = base64_simd::STANDARD.decode_to_vec(answer["data"].as_str().unwrap()).unwrap();
        let line = String::from_utf8(line).unwrap();
        // The members as they are written, digits included.
        for member in members(expected) {
            assert!(members(&line).contains(&member), "{member:?}: {line}");
        }
    }
}

/// An object's members, each with its value as it is written.
fn members(object: &str) -> Vec<(String, String)> {
    let members: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(object).unwrap();
    members.into_iter().map(|(name, value)| (name, value.get().to_owned())).collect()
}
