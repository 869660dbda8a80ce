//! Months and labelled files as users run them: when records arrive, and what the report says was caught.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fraudctl::generate::{Months, MonthsSettings};
use serde_json::Value;

const PROFILES: &str = r#"{"C1": {"segment": "gold", "lifetime_value": 10.50, "risk_score": 1}}"#;
const HIGH: &str =
    r#"{"transaction_id":"T1","customer_id":"C1","amount":20000,"event_time":"2024-01-15T03:00:00Z"}"#;
const LOW: &str =
    r#"{"transaction_id":"T2","customer_id":"C1","amount":5,"event_time":"2024-01-15T13:00:00Z"}"#;

fn fraud_local(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraud-local"));
    command.args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs `fraud-local --json` on an input file. Gives the report, if there is one, and the whole output.
fn local_with(folder: &Path, input: &[u8], more: &[&str]) -> (Option<Value>, Output) {
    fs::write(folder.join("tx.ndjson"), input).unwrap();
    fs::write(folder.join("profiles.json"), PROFILES).unwrap();
    let arguments = ["--input", "tx.ndjson", "--profiles", "profiles.json", "--out", "out", "--json"];
    let output = fraud_local(&[&arguments, more].concat()).current_dir(folder).output().unwrap();
    (serde_json::from_slice(&output.stdout).ok(), output)
}

#[test]
fn arrivals_are_simulated_for_months_and_files_of_more_than_an_hour_unless_the_run_is_paced() {
    let folder = tempfile::tempdir().unwrap();
    let simulated = |output: &Output| {
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["balanced"], true);
        assert_eq!(report["detection_latency_ms"].is_null(), report["arrivals"] == "simulated");
        report["arrivals"] == "simulated"
    };
    // HIGH and LOW are ten hours apart.
    let long = format!("{HIGH}\n{LOW}\n");
    for (input, more, expected) in [
        (&long[..], &[][..], true),
        (HIGH, &[], false),
        (HIGH, &["--arrivals", "simulated"], true),
        (&long, &["--arrivals", "real"], false),
        (&long, &["--rate", "1000"], false),
        (&long, &["--rate", "1000", "--arrivals", "simulated"], true),
    ] {
        let (_, output) = local_with(folder.path(), input.as_bytes(), more);
        assert_eq!(simulated(&output), expected, "{more:?}");
    }
    let generated = |arguments: &str| {
        let words: Vec<&str> = arguments.split_whitespace().chain(["--out", "out", "--json"]).collect();
        fraud_local(&words).current_dir(folder.path()).output().unwrap()
    };
    assert!(!simulated(&generated("--count 20 --seed 1")));
    let output = generated("--days 3 --customers 20 --merchants 20");
    assert!(simulated(&output));
    // As `fraudctl generate` makes them.
    let settings = MonthsSettings {
        days: 3,
        customers: 20,
        merchants: 20,
        from: "2026-01-01".parse().unwrap(),
        seed: 0,
    };
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["produced"], Months::new(settings).count());
}

#[test]
fn labels_tell_what_was_caught_of_a_file_beside_the_built_in_policy() {
    let folder = tempfile::tempdir().unwrap();
    let policy = "name = \"small\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[[factors]]\nname = \"amount\"\n\
                  input = \"amount\"\nbands = [{ up_to = 10, points = 80 }]\n";
    fs::write(folder.path().join("small.toml"), policy).unwrap();
    let label = |id: &str, kind: &str| {
        format!(
            "{{\"customer_id\":\"C1\",\"transaction_id\":\"{id}\",\"verdict\":\"fraud\",\"kind\":\"{kind}\"}}\n"
        )
    };
    let labels = [label("T1", "large"), label("T2", "tiny"), label("T9", "tiny")].concat();
    fs::write(folder.path().join("labels.ndjson"), labels).unwrap();
    let input = format!("{HIGH}\n{LOW}\n{HIGH}\n{}\n", LOW.replace("T2", "T3"));
    let labelled = ["--labels", "labels.ndjson"];
    let (report, output) =
        local_with(folder.path(), input.as_bytes(), &[&labelled[..], &["--policy", "small.toml"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let caught = report.unwrap()["caught"].clone();
    assert_eq!((&caught["days"], &caught["frauds_not_in_run"]), (&1.into(), &1.into()));
    let kinds = |alerted: [u64; 2]| {
        let of = |alerted| serde_json::json!({ "frauds": 1, "alerted": alerted, "missed": 1 - alerted });
        serde_json::json!({ "large": of(alerted[0]), "tiny": of(alerted[1]) })
    };
    let small = &caught["policies"][0];
    assert!(small["policy"].as_str().unwrap().starts_with("small@"), "{small}");
    assert_eq!(small["kinds"], kinds([0, 1]));
    assert_eq!(
        (&small["alerts"], &small["precision"], &small["recall"]),
        (&2.into(), &0.5.into(), &0.5.into())
    );
    let default = &caught["policies"][1];
    assert!(default["policy"].as_str().unwrap().starts_with("default@"), "{default}");
    assert_eq!(default["kinds"], kinds([1, 0]));
    assert_eq!((&default["alerts"], &default["precision"]), (&1.into(), &1.0.into()));

    let (report, _) = local_with(folder.path(), input.as_bytes(), &labelled);
    assert_eq!(report.unwrap()["caught"]["policies"].as_array().unwrap().len(), 1, "one policy decided");
    let (report, _) = local_with(folder.path(), input.as_bytes(), &[]);
    assert!(report.unwrap()["caught"].is_null());
    fs::write(folder.path().join("labels.ndjson"), "{\"verdict\":\"fraud\"}\n").unwrap();
    let (_, output) = local_with(folder.path(), input.as_bytes(), &labelled);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("labels.ndjson, line 1: the label names no transaction"), "{stderr}");
}

#[test]
fn generated_transactions_are_held_against_their_own_labels() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        let words: Vec<&str> = arguments.split_whitespace().chain(["--without-analytics"]).collect();
        let output = fraud_local(&words).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let report: Value = serde_json::from_str(&run("--count 2000 --seed 1 --json")).unwrap();
    let caught = &report["caught"]["policies"][0];
    assert_eq!((&caught["frauds"]["frauds"], &report["caught"]["days"]), (&20.into(), &1.into()));
    assert_eq!((&caught["alerts"], &report["caught"]["frauds_not_in_run"]), (&report["alerts"], &0.into()));

    let settings = MonthsSettings {
        days: 20,
        customers: 100,
        merchants: 50,
        from: "2026-01-01".parse().unwrap(),
        seed: 2,
    };
    let frauds = Months::new(settings).filter(|transaction| transaction.fraud.is_some()).count();
    let shown = run("--days 20 --customers 100 --merchants 50 --seed 2");
    let all = shown.lines().find(|line| line.starts_with("│ all")).unwrap();
    assert!(frauds > 0 && all.contains(&format!(" {frauds} │")), "{frauds}: {shown}");
    assert!(shown.contains(": precision -, recall 0.000, 0 alerts (0.0 a day over 20 days)"), "{shown}");
}
