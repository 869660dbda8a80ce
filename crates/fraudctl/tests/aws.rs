//! The commands that work on AWS, against the embedded one: a child process that learns from its environment where AWS is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::event_source_mapping::RecordSource;
use embedded_aws::{EmbeddedAws, Entries, Fault, REGION, Service, When};
use fraudctl::generate::Dataset;
use serde_json::Value;
use tokio::process::Command;

async fn aws() -> EmbeddedAws {
    EmbeddedAws::builder()
        .table("customer_profiles", "customer_id")
        .stream("transactions", 2)
        .delivery_stream("transactions-to-lake")
        .start()
        .await
        .unwrap()
}

async fn fraudctl(aws: &EmbeddedAws, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fraudctl"))
        .args(arguments)
        .current_dir(folder)
        .envs(aws.env())
        .output()
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn write_transactions(folder: &Path, count: usize) -> Vec<u8> {
    let mut transactions = Vec::new();
    Dataset::generate(count, 11).write_transactions(&mut transactions).unwrap();
    fs::write(folder.join("tx.ndjson"), &transactions).unwrap();
    transactions
}

async fn items(aws: &EmbeddedAws) -> BTreeMap<String, Option<String>> {
    let sdk = Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
    let scan = Client::new(sdk.config().await).scan().table_name("customer_profiles").send().await.unwrap();
    let text =
        |value: Option<&AttributeValue>| value.map(|value| value.as_s().or(value.as_n()).unwrap().clone());
    let items = scan.items().iter();
    items.map(|item| (text(item.get("customer_id")).unwrap(), text(item.get("risk_score")))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn good_profiles_are_imported_bad_ones_told_by_line_and_again_changes_nothing() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let rows: String = (0..60).map(|n| format!("C{n},gold,{n}.50,0.{n:02}\n")).collect();
    let csv =
        format!("customer_id,segment,lifetime_value,risk_score\n{rows}C60,gold,1,1.5\nC0,gold,1,0.99\n");
    fs::write(folder.path().join("customers.csv"), csv).unwrap();
    // Half of a batch comes back unwritten.
    aws.faults().add(When::calls(Service::DynamoDb, "BatchWriteItem").nth(1), Fault::Half).unwrap();
    let arguments = ["profiles", "import", "customers.csv", "--to", "dynamodb:customer_profiles", "--json"];
    for _ in 0..2 {
        let output = fraudctl(&aws, folder.path(), &arguments).await;
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("line 62: `risk_score` is not between 0 and 1: 1.5"));
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&summary["written"], &summary["bad"]), (&60.into(), &1.into()));
        let items = items(&aws).await;
        assert_eq!(items.len(), 60);
        // If a customer has two rows, the last one counts.
        assert_eq!(items["C0"].as_deref(), Some("0.99"));
        assert_eq!(items["C7"].as_deref(), Some("0.07"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_produced_to_a_stream_through_partial_failures() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let transactions = write_transactions(folder.path(), 800);
    let fails = Fault::FailEntries(Entries::with_probability(0.1, 5));
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords"), fails).unwrap();
    let output =
        fraudctl(&aws, folder.path(), &["produce", "tx.ndjson", "--stream", "transactions", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["sent"], &summary["failed"]), (&800.into(), &0.into()));
    assert!(summary["retries"].as_u64() > Some(0));
    let source = aws.record_source("transactions");
    let mut arrived = Vec::new();
    for shard in source.shards().await.unwrap() {
        let page = source.read(&shard.id, None, 10_000).await.unwrap();
        arrived.extend(page.records.into_iter().map(|record| text(&record.data)));
    }
    arrived.sort();
    let mut sent: Vec<String> = text(&transactions).lines().map(str::to_owned).collect();
    sent.sort();
    assert_eq!(arrived, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_produced_to_a_delivery_stream_in_batches_through_partial_failures() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let transactions = write_transactions(folder.path(), 1200);
    aws.faults().add(When::calls(Service::Firehose, "PutRecordBatch").nth(2), Fault::Half).unwrap();
    aws.faults().add(When::calls(Service::Firehose, "PutRecordBatch").nth(3), Fault::Throttle).unwrap();
    let arguments = ["produce", "tx.ndjson", "--firehose", "transactions-to-lake", "--json"];
    let output = fraudctl(&aws, folder.path(), &arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut arrived: Vec<String> =
        aws.direct_put("transactions-to-lake").unwrap().records().iter().map(|data| text(data)).collect();
    arrived.sort();
    let mut sent: Vec<String> = text(&transactions).lines().map(str::to_owned).collect();
    sent.sort();
    assert_eq!(arrived, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_produced_is_told_by_line_and_by_the_exit_status() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    write_transactions(folder.path(), 3);
    let output = fraudctl(&aws, folder.path(), &["produce", "tx.ndjson", "--stream", "nowhere"]).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("line 1: ResourceNotFoundException"), "{stderr}");
    assert!(stderr.contains("3 records not sent"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_a_limit() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    write_transactions(folder.path(), 50);
    let arguments = ["produce", "tx.ndjson", "--stream", "transactions", "--rate", "100", "--json"];
    let output = fraudctl(&aws, folder.path(), &arguments).await;
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    // The last of fifty is due after 490 milliseconds.
    assert!(summary["seconds"].as_f64().unwrap() >= 0.49, "{summary}");
    assert_eq!(summary["sent"], 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_says_nothing_neither_ends_an_export_nor_counts_as_an_import() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("customers.csv"), "customer_id,risk_score\nC1,0.5\n").unwrap();
    let import = ["profiles", "import", "customers.csv", "--to", "dynamodb:customer_profiles"];
    let export = ["profiles", "export", "all.ndjson", "--from", "dynamodb:customer_profiles"];
    for arguments in [import, export] {
        let rule = aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::EmptyAnswer).unwrap();
        let output = fraudctl(&aws, folder.path(), &arguments).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).contains("unreadable answer"), "{}", text(&output.stderr));
        assert!(!folder.path().join("all.ndjson").exists());
        aws.faults().remove(rule);
        assert_eq!(fraudctl(&aws, folder.path(), &arguments).await.status.code(), Some(0));
    }
    assert!(folder.path().join("all.ndjson").exists());
}
