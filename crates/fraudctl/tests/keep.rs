//! The services that `fraudctl local --keep` leaves up, as those use them who take its `export` lines.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

fn fraudctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The value as a shell reads it.
fn unquoted(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        Some(quoted) => quoted.replace(r"'\''", "'"),
        None => value.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_with_what_keep_prints_alerts_and_counts_nothing_again() {
    let folder = tempfile::tempdir().unwrap();
    // A policy of one's own, in a folder that a shell would split.
    let policies = folder.path().join("my policies");
    std::fs::create_dir(&policies).unwrap();
    let default = include_str!("../../fraud-core/policies/default.toml");
    std::fs::write(policies.join("mine.toml"), default).unwrap();
    let arguments =
        ["local", "--count", "400", "--seed", "3", "--keep", "--json", "--policy", "my policies/mine.toml"];
    let mut local = fraudctl(&arguments).current_dir(folder.path()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(local.stdout.take().unwrap()).lines();
    let report: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let mut variables = BTreeMap::new();
    // The rule for windows is printed last.
    while !variables.contains_key("EVENT_TIME_MAX_AHEAD_HOURS") {
        let line = lines.next_line().await.unwrap().unwrap();
        let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
        variables.insert(name.to_owned(), unquoted(value));
    }
    assert!(variables["FRAUD_POLICY"].starts_with("file:/"), "{variables:?}");
    assert!(variables["FRAUD_POLICY"].ends_with("/my policies/mine.toml"), "{variables:?}");

    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let to = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let replay = async |handler: &str, more: &[(&str, &str)]| {
        let arguments =
            ["replay", "--stream", "transactions", "--from", "2020-01-01T00:00:00Z", "--to", &to, "--json"];
        let mut command = fraudctl(&[&arguments[..], &["--handler", handler]].concat());
        command.env_clear().envs(&variables).envs(more.iter().copied()).output().await.unwrap()
    };
    let summary = async |handler: &str| {
        let output = replay(handler, &[]).await;
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let counted = summary("analytics").await;
    assert_eq!(counted["records"], 400);
    assert_eq!(counted["analytics"]["counted"], 0);
    assert!(counted["analytics"]["counted_before"].as_u64() > Some(300), "{counted}");
    let alerted = summary("alerts").await;
    assert_eq!(
        (&alerted["alerts"]["sent"], &alerted["alerts"]["suppressed"]),
        (&0.into(), &report["alerts"])
    );

    // With the bounds that are the default the transactions lie in other windows, and would count again.
    for (variable, value) in
        [("EVENT_TIME_MAX_AGE_HOURS", "168"), ("WINDOW_TIME", "arrival"), ("WINDOW_SECONDS", "60")]
    {
        for dry_run in [false, true] {
            let arguments =
                ["replay", "--stream", "transactions", "--from", "2020-01-01T00:00:00Z", "--to", &to];
            let mut command = fraudctl(&[&arguments[..], &["--handler", "analytics"]].concat());
            command.env_clear().envs(&variables).env(variable, value);
            if dry_run {
                command.arg("--dry-run");
            }
            let output = command.output().await.unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{stderr}");
            assert!(
                stderr.contains(
                    "the table's windows were written with WINDOW_SECONDS=300 WINDOW_TIME=event EVENT_TIME_MAX_AGE_HOURS=0"
                ),
                "{stderr}"
            );
        }
    }
    local.kill().await.unwrap();
}
