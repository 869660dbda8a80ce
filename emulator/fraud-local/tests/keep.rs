//! What `--keep` leaves running.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use aws_calls::sdk::Sdk;
use aws_sdk_firehose::primitives::Blob as FirehoseBlob;
use aws_sdk_firehose::types::Record;
use aws_sdk_kinesis::primitives::Blob;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `fraud-local` that keeps running, what it exports, and what it says further.
struct Kept {
    local: Child,
    report: Value,
    variables: BTreeMap<String, String>,
    said: Lines<BufReader<ChildStderr>>,
}

impl Kept {
    async fn start(folder: &Path) -> Self {
        let mut local = Command::new(env!("CARGO_BIN_EXE_fraud-local"))
            .args(["--count", "1000", "--seed", "2", "--keep", "--json", "--policy", "my policies/mine.toml"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut exports = BufReader::new(local.stdout.take().unwrap()).lines();
        let mut said = BufReader::new(local.stderr.take().unwrap()).lines();
        let report = serde_json::from_str(&said.next_line().await.unwrap().unwrap()).unwrap();
        let mut variables = BTreeMap::new();
        // The rule for windows is printed last.
        while !variables.contains_key("EVENT_TIME_MAX_AHEAD_HOURS") {
            let line = exports.next_line().await.unwrap().unwrap();
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            variables.insert(name.to_owned(), value.to_owned());
        }
        Kept { local, report, variables, said }
    }

    async fn sdk(&self, service: &str) -> Sdk {
        Sdk::at(&self.variables[&format!("AWS_ENDPOINT_URL_{service}")], embedded_aws::REGION).await
    }

    async fn ledger_rows(&self) -> u64 {
        let client = aws_sdk_dynamodb::Client::new(self.sdk("DYNAMODB").await.config().await);
        let rows = client.scan().table_name("alert_ledger").send().await.unwrap();
        u64::try_from(rows.count()).unwrap()
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("my policies");
    std::fs::create_dir(&policies).unwrap();
    let default = include_str!("../../../crates/fraud-core/policies/default.toml");
    std::fs::write(policies.join("mine.toml"), default).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_stay_up_after_the_report_under_the_addresses_that_alone_are_on_standard_output() {
    let folder = folder();
    let mut kept = Kept::start(folder.path()).await;
    let policy = &kept.variables["FRAUD_POLICY"];
    assert!(policy.starts_with("'file:/") && policy.ends_with("/my policies/mine.toml'"), "{policy}");
    assert_eq!(kept.variables["AWS_DEFAULT_REGION"], embedded_aws::REGION);

    let rows = kept.ledger_rows().await;
    assert_eq!(Some(rows), kept.report["alerts"].as_u64());
    assert!(rows > 0);
    kept.local.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_go_on_and_ctrl_c_ends_them_with_a_second_report() {
    let folder = folder();
    let mut kept = Kept::start(folder.path()).await;
    let alerts = kept.ledger_rows().await;
    let alerted = std::fs::read_to_string(folder.path().join("out/alerts.ndjson")).unwrap();
    let alerted: Value = serde_json::from_str(alerted.lines().next().unwrap()).unwrap();
    // A customer whose risk is high, at night.
    let late = |id: &str| {
        let (customer, amount, time) = (&alerted["customer_id"], 99_999.5, "2024-01-15T03:00:00Z");
        let transaction =
            json!({"customer_id": customer, "transaction_id": id, "amount": amount, "event_time": time});
        transaction.to_string()
    };
    let kinesis = aws_sdk_kinesis::Client::new(kept.sdk("KINESIS").await.config().await);
    let put = kinesis.put_record().stream_name("transactions").partition_key("late");
    put.data(Blob::new(late("streamed"))).send().await.unwrap();
    let firehose = aws_sdk_firehose::Client::new(kept.sdk("FIREHOSE").await.config().await);
    let record = Record::builder().data(FirehoseBlob::new(late("direct"))).build().unwrap();
    let put = firehose.put_record().delivery_stream_name("transactions-direct").record(record);
    put.send().await.unwrap();

    let alerted = async {
        while kept.ledger_rows().await == alerts {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, alerted).await.unwrap();
    let id = kept.local.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());

    let mut second = None;
    while let Some(line) = kept.said.next_line().await.unwrap() {
        second = serde_json::from_str::<Value>(&line).ok().filter(Value::is_object).or(second);
    }
    let second = second.unwrap();
    assert_eq!(kept.local.wait().await.unwrap().code(), Some(0), "{second}");
    assert_eq!((&second["produced"], &second["delivered_directly"]), (&1001.into(), &1.into()));
    assert_eq!(second["alerts"].as_u64(), Some(alerts + 1));
    assert_eq!(second["balanced"], true, "{second}");
    let direct = lines_below(&folder.path().join("out/direct/scored"));
    assert!(matches!(&direct[..], [line] if line.contains(r#""transaction_id":"direct""#)), "{direct:?}");
}

/// The lines of all files below a folder.
fn lines_below(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => lines.extend(lines_below(&path)),
            false => lines.extend(std::fs::read_to_string(path).unwrap().lines().map(str::to_owned)),
        }
    }
    lines
}
