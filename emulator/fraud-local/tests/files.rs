//! The kinds of files that it takes, and those that it refuses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Kinds that are not read, and what is said of them.
const REFUSED: [(&str, &str); 1] = [("tx-utf16.ndjson", "it looks like UTF-16 text; save it as UTF-8")];

/// A file among those that `fraudctl` is tested with.
fn transactions(name: &str) -> String {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/fraudctl/tests/fixtures/transactions");
    folder.join(name).display().to_string()
}

fn fraud_local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraud-local"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_other_kind_of_file_is_refused_with_what_it_seems_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = transactions("profiles.json");
    for (name, message) in REFUSED {
        let file = transactions(name);
        let arguments = ["--input", &file, "--profiles", &profiles, "--out", "out"];
        let output = fraud_local(&arguments).current_dir(folder.path()).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&format!("{file} is refused: {message}")), "{stderr}");
        assert_eq!(text(&output.stdout), "");
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn an_alert_for_the_one_fraud_in_every_kind_of_file() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = transactions("profiles.json");
    let files: Vec<String> =
        ["tx-array-pretty.json", "tx.ndjson.gz", "tx.ndjson.zst", "tx.csv"].map(transactions).to_vec();
    let inputs = files.iter().flat_map(|file| ["--input", file]);
    let arguments: Vec<&str> =
        ["--profiles", &profiles, "--out", "out", "--json"].into_iter().chain(inputs).collect();
    let output = fraud_local(&arguments).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // The same three each time, of which the CSV has two: one alert.
    assert_eq!(
        (&report["produced"], &report["landed"], &report["alerts"]),
        (&11.into(), &11.into(), &1.into())
    );
}
