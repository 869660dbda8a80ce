//! What producers send reaches an operator's terminal through every command, and moves nothing there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, UNIX_EPOCH};

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::event_source_mapping::{Condition, DiscardedBatch, Record};
use embedded_aws::{EmbeddedAws, KeyType, REGION, Service, TableDefinition};
use serde_json::{Value, json};
use tokio::process::Command;

/// Clears the terminal, begins a line of its own, changes colours by a C1 control, turns the text around.
const HOSTILE: &str = "C1\u{1b}[2J\r\nFORGED \u{9b}31m\u{202e}\u{2066}\u{7f}";
/// The same as it may be shown.
const SHOWN: &str = r"C1\u001b[2J\u000d";

struct World {
    aws: EmbeddedAws,
    folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let aggregates = TableDefinition::new("aggregates", "customer_id", KeyType::String);
        let aws = EmbeddedAws::builder()
            .stream("transactions", 1)
            .table("profiles", "customer_id")
            .table("ledger", "alert_id")
            .table_definition(aggregates.sort_key("window_start", KeyType::Number))
            .topic("alerts")
            .queue("letters")
            .start()
            .await
            .unwrap();
        World { aws, folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Runs a command. Gives what it printed, after a look at every character of it.
    async fn run(&self, arguments: &[&str]) -> String {
        let letters = format!("sqs:{}", self.aws.queue_url("letters").unwrap());
        let sink = format!("sns:{}", self.aws.topic_arn("alerts").unwrap());
        let output = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .envs(self.aws.env())
            .env("PROFILE_SOURCE", "dynamodb:profiles")
            .env("ALERT_LEDGER", "dynamodb:ledger")
            .env("AGGREGATES", "dynamodb:aggregates")
            .env_remove("AGGREGATE_SINK")
            .env("ALERT_SINK", sink)
            .env("DEAD_LETTERS", &letters)
            .output()
            .await
            .unwrap();
        let printed = String::from_utf8([&output.stdout[..], b"\n", &output.stderr].concat()).unwrap();
        for character in printed.chars() {
            let marks = ['\u{202e}', '\u{2066}'].contains(&character);
            let is_safe = matches!(character, '\n' | '\t') || !(character.is_control() || marks);
            assert!(is_safe, "{arguments:?} printed {character:?}: {printed}");
        }
        assert!(!printed.lines().any(|line| line.starts_with("FORGED")), "{arguments:?}: {printed}");
        assert!(output.status.code().is_some_and(|status| status <= 2), "{arguments:?}: {printed}");
        printed
    }

    /// Runs a command whose output shows producers' text.
    async fn shows(&self, arguments: &[&str]) {
        let printed = self.run(arguments).await;
        assert!(printed.contains(SHOWN), "{arguments:?}: {printed}");
    }

    /// Runs a command whose output is JSON with the text itself in one of its values.
    async fn has(&self, arguments: &[&str], text: &str) {
        let printed = self.run(arguments).await;
        let lines = printed.lines().filter(|line| line.starts_with('{') || line.starts_with('['));
        let values: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(values.iter().any(|value| holds(value, text)), "{arguments:?}: {printed}");
    }

    /// The only alert's row: its sender died.
    async fn make_alert_pending(&self) {
        let sdk = Sdk::at(self.aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
        let client = Client::new(sdk.config().await);
        let rows = client.scan().table_name("ledger").send().await.unwrap();
        let mut row = rows.items()[0].clone();
        row.insert("status".to_owned(), AttributeValue::S("claimed".to_owned()));
        row.insert("claim_expires_at".to_owned(), AttributeValue::N("0".to_owned()));
        client.put_item().table_name("ledger").set_item(Some(row)).send().await.unwrap();
    }
}

/// Whether some text within a value contains `text`.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(members) => members.values().any(|value| holds(value, text)),
        _ => false,
    }
}

/// A batch that a mapping gave up, with this payload in it.
fn given_up(payload: &str) -> String {
    let data = base64_simd::STANDARD.encode_to_string(payload);
    let batch = DiscardedBatch {
        request_id: "0f6e8a3c".to_owned(),
        function_arn: "arn:aws:lambda:us-east-1:123456789012:function:kinesis-alerts".to_owned(),
        condition: Condition::RecordAgeExceeded,
        approximate_invoke_count: 7,
        function_error: true,
        discarded_at: UNIX_EPOCH + Duration::from_secs(1_705_291_200),
        shard_id: "shardId-000000000000".to_owned(),
        stream_arn: "arn:aws:kinesis:us-east-1:123456789012:stream/transactions".to_owned(),
        records: vec![Record {
            partition_key: "C1".to_owned(),
            data: Vec::new().into(),
            sequence_number: "49".to_owned(),
            approximate_arrival: UNIX_EPOCH + Duration::from_millis(1_705_287_600_250),
        }],
        event: json!({ "Records": [{ "kinesis": { "sequenceNumber": "49", "data": data } }] }).to_string(),
    };
    batch.invocation_record_with_payload()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_lets_producers_write_to_the_terminal() {
    let world = World::start().await;
    let high = json!({ "transaction_id": HOSTILE, "customer_id": HOSTILE, "amount": 20000, "event_time": "2026-01-15T03:00:00Z" });
    let poison = json!({ "transaction_id": "T2", "amount": HOSTILE });
    // Escaped by JSON only as far as it must be.
    world.write("tx.ndjson", format!("{high}\n{poison}\n"));
    world.write("bad.ndjson", format!("{high}\nFORGED \u{1b}[2J\u{202e}\n"));
    world.write("text.txt", format!("{}\n", HOSTILE.replace(['\r', '\n'], "")));
    let profile = json!({ "customer_id": HOSTILE, "segment": HOSTILE, "risk_score": 1, HOSTILE: 1 });
    world.write("profiles.ndjson", format!("{profile}\n"));
    world.write("bad.csv", format!("customer_id,risk_score\nC1,\"{HOSTILE}\"\n"));
    world.write("objects/a", given_up(&high.to_string()));

    let profiles = ["--profiles", "profiles.ndjson"];
    world.shows(&[&["score", "tx.ndjson"][..], &profiles].concat()).await;
    world.has(&[&["score", "tx.ndjson", "--json"][..], &profiles].concat(), HOSTILE).await;
    world.run(&[&["score", "text.txt"][..], &profiles].concat()).await;
    world.shows(&["profiles", "import", "profiles.ndjson", "--to", "dynamodb:profiles"]).await;
    world.shows(&["profiles", "import", "bad.csv", "--to", "dynamodb:profiles"]).await;
    world.has(&["profiles", "export", "--from", "dynamodb:profiles"], HOSTILE).await;

    world.run(&["produce", "bad.ndjson", "--stream", "transactions"]).await;
    world.run(&["produce", "text.txt", "--stream", "transactions"]).await;
    world.run(&["produce", "tx.ndjson", "--stream", "transactions"]).await;
    let consume = [
        "consume",
        "--stream",
        "transactions",
        "--checkpoints",
        "dynamodb:checkpoints",
        "--create-checkpoints",
        "--until-caught-up",
    ];
    world.has(&[&consume[..], &["--name", "look"]].concat(), HOSTILE).await;
    for handler in ["alerts", "analytics"] {
        world.run(&[&consume[..], &["--name", handler, "--handler", handler]].concat()).await;
    }
    world.run(&["aggregates", HOSTILE, "--table", "dynamodb:aggregates"]).await;
    world.has(&["aggregates", HOSTILE, "--table", "dynamodb:aggregates", "--json"], HOSTILE).await;

    let id = format!("{HOSTILE}/{HOSTILE}");
    world.shows(&["alerts", "show", &id]).await;
    world.has(&["alerts", "show", &id, "--json"], HOSTILE).await;
    world.shows(&["alerts", "send", &id]).await;
    world.make_alert_pending().await;
    world.shows(&["alerts", "pending"]).await;
    world.has(&["alerts", "pending", "--json"], HOSTILE).await;
    world.shows(&["alerts", "send", "--dry-run"]).await;
    world.run(&["alerts", "show", "nobody's \u{1b}[2J\r\nFORGED"]).await;

    let queue = format!("sqs:{}", world.aws.queue_url("letters").unwrap());
    let listed = world.run(&["dead-letters", "list", "--queue", &queue, "--json"]).await;
    let letter: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    world.run(&["dead-letters", "list", "--queue", &queue]).await;
    world.run(&["dead-letters", "show", letter["id"].as_str().unwrap(), "--queue", &queue]).await;
    world.run(&["dead-letters", "redrive", "--queue", &queue, "--dry-run"]).await;
    let objects = ["--objects", "objects"];
    world.run(&[&["dead-letters", "list"][..], &objects].concat()).await;
    let shown = world.run(&[&["dead-letters", "show", "a"][..], &objects].concat()).await;
    assert!(shown.contains(r#""customer_id":"C1\u001b[2J"#), "{shown}");

    for handler in ["alerts", "analytics"] {
        let span = ["--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z"];
        world
            .run(
                &[&["replay", "--stream", "transactions", "--handler", handler, "--dry-run"][..], &span]
                    .concat(),
            )
            .await;
    }
}
