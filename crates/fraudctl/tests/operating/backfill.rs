//! Histories of the past that is in the lake.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use embedded_aws::{Fault, Service, When};
use exact_text::timestamp::Timestamp;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::history::History;
use fraud_core::identity::Position;
use fraud_core::policy::Policy;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::record::RecordEncoder;
use fraud_core::transaction::Transaction;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::{Ended, World, until};

const TABLE: &str = "customer_history";
const UNTIL: &str = "2026-01-15T04:00:00Z";
/// 2026-01-15T03:00:00Z
const FIRST: i64 = 1_768_446_000_000;
const POLICY: &str = "name = \"card\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[history]\nprior_mean_amount = 50\n\
                      outlier_ratio = 2\n\n[[factors]]\nname = \"burst\"\nwhen = [{ input = \"history.count_1h\", above = 5 }]\n\
                      points = 60\n";

/// A folder with a policy and the lake's lines.
struct Lake {
    folder: TempDir,
}

impl Lake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("card.toml"), POLICY).unwrap();
        fs::create_dir(folder.path().join("lake")).unwrap();
        Lake { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, lines: &str) {
        fs::write(self.path("lake").join(name), lines).unwrap();
    }

    /// `fraudctl history backfill <input> --until ... --to ... --policy card.toml --json <arguments>`
    fn arguments(&self, input: &str, arguments: &[&str]) -> Vec<String> {
        let (input, policy) = (self.path(input), self.path("card.toml"));
        let (input, policy) = (input.to_str().unwrap(), policy.to_str().unwrap());
        let to = format!("dynamodb:{TABLE}");
        let fixed =
            ["history", "backfill", input, "--until", UNTIL, "--to", &to, "--policy", policy, "--json"];
        fixed.iter().chain(arguments).map(|argument| (*argument).to_owned()).collect()
    }

    async fn backfill(&self, world: &World, input: &str, arguments: &[&str]) -> Ended {
        let arguments = self.arguments(input, arguments);
        world.fraudctl(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

/// A line of the lake: the transaction `number` of a customer, which arrived this many minutes after the first.
fn line(customer: &str, number: u32, minutes: i64) -> String {
    let payload = format!(
        r#"{{"transaction_id":"T{number}","customer_id":"{customer}","amount":{number}.5,"event_time":"2026-01-15T03:00:00Z","merchant_id":"M1"}}"#
    );
    let transaction = Transaction::parse(payload.as_bytes()).unwrap();
    let policy = Policy::builtin_default().unwrap();
    let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED);
    let profile = Profile::new(Attribute::Text("gold"), Attribute::Number("12.5"), Attribute::Number("0.75"));
    let arrival = Timestamp::from_millis(FIRST + minutes * 60_000).unwrap();
    let position = Position { stream: "s", shard: "shardId-0", sequence_number: "1", sub_sequence_number: 0 };
    let decision = decider.decide(&transaction, Enrichment::Profile(&profile), arrival, Some(position));
    let mut line = Vec::new();
    RecordEncoder::new(decider.policies()).encode(&transaction, &decision, Some(position), &mut line);
    String::from_utf8(line).unwrap()
}

/// The histories of the table, by customer.
async fn histories(world: &World) -> BTreeMap<String, History> {
    let rows = world.rows(TABLE).await;
    let history = |row: &crate::world::Item| History::decode(row["state"].as_b().unwrap().as_ref()).unwrap();
    rows.iter().map(|row| (row["customer_id"].as_s().unwrap().clone(), history(row))).collect()
}

/// The summary's counts that are not 0.
fn counts(summary: &Value) -> BTreeMap<&str, u64> {
    let members = summary.as_object().unwrap().iter();
    let counts = members.filter_map(|(name, value)| Some((name.as_str(), value.as_u64()?)));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_built_from_files_in_any_order_and_what_cannot_be_used_is_counted() {
    let (world, lake) = (World::start().await, Lake::new());
    lake.write("b.ndjson", &[line("C1", 3, 20), line("C2", 4, 30), line("C1", 5, 60)].concat());
    lake.write(
        "a.ndjson",
        &[line("C1", 2, 10), line("C1", 1, 0), line("C1", 2, 10), line("C3", 6, 90)].concat(),
    );
    lake.write("c.ndjson", "{\"amount\":1}\n{\"amount\":1,\"ingested_at\":\"2026-01-15T03:00:00Z\"}\n");
    let dry = lake.backfill(&world, "lake", &["--dry-run"]).await;
    assert_eq!(dry.status, Some(2), "{dry:?}");
    let expected = BTreeMap::from([
        ("lines", 9),
        ("taken_in", 4),
        ("copies", 1),
        ("later", 2),
        ("without_customer", 1),
        ("refused", 1),
        ("rows", 2),
        ("passes", 1),
    ]);
    assert_eq!(counts(&dry.json()), expected);
    assert_eq!(world.rows(TABLE).await.len(), 0, "a dry run writes nothing");

    let written = lake.backfill(&world, "lake", &[]).await;
    assert_eq!(written.status, Some(2), "{written:?}");
    assert_eq!(counts(&written.json()), expected);
    assert_eq!(written.json()["complete"], true);
    for told in ["c.ndjson, line 1: `ingested_at` is missing or not a time", "1 line not used"] {
        assert!(written.stderr.contains(told), "{told}: {written:?}");
    }
    let histories = histories(&world).await;
    assert_eq!(histories.keys().collect::<Vec<_>>(), ["C1", "C2"]);
    let history = &histories["C1"];
    let amounts: Vec<i64> = history.entries().iter().map(|entry| entry.inputs().amount).collect();
    assert_eq!(amounts, [15_000, 25_000, 35_000]);
    let last = history.entries().last().unwrap();
    assert_eq!((last.inputs().count_24h, last.inputs().mean_sum, last.alerted()), (2, 40_000, false));
    let profile = last.enrichment().profile().unwrap();
    assert_eq!((profile.risk_score(), &*profile.segment()), (Some(0.75), "gold"));
    // What arrives at --until itself is left out and stays new.
    assert_eq!(history.gone().unwrap().arrival, FIRST + 3_600_000 - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_there_is_left_and_the_same_command_writes_what_is_missing() {
    let (world, lake) = (World::start().await, Lake::new());
    lake.write("a.ndjson", &[line("C1", 1, 0), line("C2", 2, 10)].concat());
    lake.write("b.ndjson", &[line("C2", 3, 11), line("C3", 4, 12)].concat());
    let first = lake.backfill(&world, "lake/a.ndjson", &[]).await;
    assert_eq!(first.status, Some(0), "{first:?}");
    let before = histories(&world).await;
    let second = lake.backfill(&world, "lake", &[]).await;
    assert_eq!(second.status, Some(0), "{second:?}");
    let expected =
        [("lines", 4), ("taken_in", 1), ("rows", 1), ("rows_left", 2), ("lines_left", 3), ("passes", 1)];
    assert_eq!(counts(&second.json()), BTreeMap::from(expected));
    let after = histories(&world).await;
    assert_eq!((&after["C1"], &after["C2"], after.len()), (&before["C1"], &before["C2"], 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_without_history_a_time_to_come_and_files_without_lines_are_refused() {
    let (world, lake) = (World::start().await, Lake::new());
    lake.write("a.ndjson", &line("C1", 1, 0));
    lake.write("empty.ndjson", "");
    let refused = lake.backfill(&world, "lake/empty.ndjson", &[]).await;
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("the input holds no line"), "{refused:?}");
    let missing = lake.backfill(&world, "lake/none.ndjson", &[]).await;
    assert_eq!((missing.status, missing.stdout.as_str()), (Some(2), ""), "{missing:?}");
    let to = ["--to", "dynamodb:customer_history"];
    let file = lake.path("lake/a.ndjson");
    for (policy, until, told) in [
        ("builtin:default", UNTIL, "has no [history]"),
        ("builtin:default", "2999-01-15T04:00:00Z", "is in the future"),
    ] {
        let arguments = ["history", "backfill", file.to_str().unwrap(), "--policy", policy, "--until", until];
        let refused = world.fraudctl(&[&arguments[..], &to].concat()).await;
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
    }
    assert_eq!(world.rows(TABLE).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_asked_too_much_is_asked_again_and_one_that_refuses_ends_the_run() {
    let (world, lake) = (World::start().await, Lake::new());
    lake.write("a.ndjson", &[line("C1", 1, 0), line("C2", 2, 10)].concat());
    world.deny(Service::DynamoDb, "PutItem");
    let denied = lake.backfill(&world, "lake", &[]).await;
    assert_eq!(denied.status, Some(1), "{denied:?}");
    assert_eq!((&denied.json()["complete"], &denied.json()["rows"]), (&json!(false), &json!(0)));
    assert!(denied.stderr.contains("cannot write to the table customer_history: AccessDenied"), "{denied:?}");
    world.aws.faults().clear();
    lake.write("a.ndjson", &line("C1", 1, 0));
    // One more than the SDK itself asks.
    for call in 1..=6 {
        let call = When::calls(Service::DynamoDb, "PutItem").nth(call);
        world.aws.faults().add(call, Fault::Throttle).unwrap();
    }
    let throttled = lake.backfill(&world, "lake/a.ndjson", &[]).await;
    assert_eq!(throttled.status, Some(0), "{throttled:?}");
    assert_eq!(histories(&world).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_backfill_says_so_and_is_completed_by_the_same_command() {
    let (world, lake) = (World::start().await, Lake::new());
    let lines: String = (0..64).map(|number| line(&format!("C{number}"), number, 0)).collect();
    lake.write("a.ndjson", &lines);
    let delay = Fault::Delay(Duration::from_millis(500));
    world.aws.faults().add(When::calls(Service::DynamoDb, "PutItem"), delay).unwrap();
    let arguments = lake.arguments("lake", &[]);
    let before = world.aws.calls().count(Service::DynamoDb, "PutItem");
    let running = world.spawn(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    until(async || world.aws.calls().count(Service::DynamoDb, "PutItem") > before).await;
    let pid = running.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended: Ended = running.wait_with_output().await.unwrap().into();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("run it again to write the rows that are missing"), "{ended:?}");
    let rows = ended.json()["rows"].as_u64().unwrap();
    assert!(rows < 64, "{ended:?}");
    assert_eq!(world.rows(TABLE).await.len() as u64, rows);
    world.aws.faults().clear();
    let completed = lake.backfill(&world, "lake", &[]).await;
    assert_eq!(completed.status, Some(0), "{completed:?}");
    assert_eq!(histories(&world).await.len(), 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lakes_parquet_gives_the_rows_that_its_lines_give() {
    let (world, lake) = (World::start().await, Lake::new());
    let lines: Vec<String> = (0..20).map(|number| line("C1", number, i64::from(number))).collect();
    lake.write("a.ndjson", &lines.concat());
    assert_eq!(lake.backfill(&world, "lake", &[]).await.status, Some(0));
    let of_lines = histories(&world).await;
    world.delete(TABLE, "customer_id", "C1").await;
    write_parquet(&lake.path("lake.parquet"), &lines);
    let read = lake.backfill(&world, "lake.parquet", &[]).await;
    assert_eq!(read.status, Some(0), "{read:?}");
    assert_eq!(histories(&world).await, of_lines);
}

/// Lines as Firehose writes them under the lake's table.
fn write_parquet(path: &Path, lines: &[String]) {
    let texts = [
        "transaction_id",
        "customer_id",
        "event_time",
        "merchant_id",
        "customer_segment",
        "decision_id",
        "enrichment",
    ];
    let numbers = ["amount", "customer_lifetime_value", "customer_risk_score"];
    let column = |kind: &str, name: &str, of: &str| format!("optional {kind} {name}{of};");
    let mut schema: String = texts.iter().map(|name| column("binary", name, " (UTF8)")).collect();
    schema.extend(numbers.iter().map(|name| column("double", name, "")));
    schema.push_str(&column("int96", "ingested_at", ""));
    let schema = Arc::new(parse_message_type(&format!("message hive_schema {{{schema}}}")).unwrap());
    let rows: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let levels = vec![1; rows.len()];
    for name in texts {
        let values: Vec<ByteArray> = rows.iter().map(|row| row[name].as_str().unwrap().into()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
    }
    for name in numbers {
        let values: Vec<f64> = rows.iter().map(|row| row[name].as_f64().unwrap()).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
    }
    let values: Vec<Int96> = rows.iter().map(|row| int96(row["ingested_at"].as_str().unwrap())).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int96Type>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

/// Nanoseconds of the day, and the Julian day.
fn int96(time: &str) -> Int96 {
    const EPOCH: i64 = 2_440_588;
    let millis = exact_text::written_time::parse(time).unwrap().instant.millis();
    let nanos = u64::try_from(millis.rem_euclid(86_400_000)).unwrap() * 1_000_000;
    let day = u32::try_from(EPOCH + millis.div_euclid(86_400_000)).unwrap();
    let mut value = Int96::new();
    value.set_data(u32::try_from(nanos & 0xFFFF_FFFF).unwrap(), u32::try_from(nanos >> 32).unwrap(), day);
    value
}
