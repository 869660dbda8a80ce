//! The services that `--keep` leaves up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::Stdio;

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn the_services_stay_up_after_the_report_under_the_addresses_that_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let policies = folder.path().join("my policies");
    std::fs::create_dir(&policies).unwrap();
    let default = include_str!("../../../crates/fraud-core/policies/default.toml");
    std::fs::write(policies.join("mine.toml"), default).unwrap();
    let mut local = Command::new(env!("CARGO_BIN_EXE_fraud-local"))
        .args(["--count", "1000", "--seed", "2", "--keep", "--json", "--policy", "my policies/mine.toml"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(local.stdout.take().unwrap()).lines();
    let report: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let mut variables = BTreeMap::new();
    // The rule for windows is printed last.
    while !variables.contains_key("EVENT_TIME_MAX_AHEAD_HOURS") {
        let line = lines.next_line().await.unwrap().unwrap();
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        variables.insert(name.to_owned(), value.to_owned());
    }
    let policy = &variables["FRAUD_POLICY"];
    assert!(policy.starts_with("'file:/") && policy.ends_with("/my policies/mine.toml'"), "{policy}");

    let sdk = Sdk::at(&variables["AWS_ENDPOINT_URL_DYNAMODB"], embedded_aws::REGION).await;
    let rows = Client::new(sdk.config().await).scan().table_name("alert_ledger").send().await.unwrap();
    assert_eq!(u64::try_from(rows.count()).ok(), report["alerts"].as_u64());
    assert!(rows.count() > 0);
    local.kill().await.unwrap();
}
