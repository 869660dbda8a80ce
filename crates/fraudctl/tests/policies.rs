//! Policies as their owners meet them: what is wrong with one, what one does, and why a transaction scored as it did.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const PROFILES: &str = r#"{"C1": {"segment": "gold", "lifetime_value": 10.50, "risk_score": 0.8}}"#;
const TRANSACTIONS: &str = r#"{"transaction_id":"T1","customer_id":"C1","amount":7000,"event_time":"2024-01-15T03:00:00Z"}
{"transaction_id":"T2","customer_id":"C1","amount":20000,"event_time":"2024-01-15T03:00:00Z"}
"#;

fn fraudctl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fraudctl")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/examples")
}

#[test]
fn every_committed_example_is_valid() {
    let files: Vec<String> = fs::read_dir(examples())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    assert!(!files.is_empty());
    for file in files {
        let output = fraudctl(&examples(), &["policy", "check", &file]);
        let stdout = text(&output.stdout);
        assert!(output.status.success(), "{stdout}");
        assert!(stdout.starts_with(&format!("{file}: {}@", file.trim_end_matches(".toml"))), "{stdout}");
    }
}

#[test]
fn check_tells_all_mistakes_by_line_and_exits_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let policy = fs::read_to_string(examples().join("card-online.toml")).unwrap();
    let wrong = policy.replace("cap = 100", "cap = -1").replace("\"merchant.risk\"", "\"merchant.rsik\"");
    fs::write(folder.path().join("wrong.toml"), &wrong).unwrap();
    let line = |text: &str| 1 + wrong[..wrong.find(text).unwrap()].matches('\n').count();
    let output = fraudctl(folder.path(), &["policy", "check", "builtin:default", "wrong.toml"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stdout.contains("builtin:default: default@"), "{stdout}");
    assert!(stdout.contains("never alerts for amounts up to 10000"), "{stdout}");
    let mistakes = [
        format!("wrong.toml:{}: `cap` is -1, it must be finite and more than 0\n", line("cap = -1")),
        format!("wrong.toml:{}: unknown input `merchant.rsik` (did you mean `merchant.risk`?)", line("rsik")),
    ];
    for mistake in mistakes {
        assert!(stdout.contains(&mistake), "{mistake}{stdout}");
    }
    assert!(
        stderr.contains("wrong.toml: 2 mistakes") && stderr.contains("1 policy is not valid"),
        "{stderr}"
    );

    let output = fraudctl(folder.path(), &["policy", "check", "wrong.toml", "--json"]);
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &checked["valid"]), (Some(2), &false.into()));
    assert_eq!(checked["mistakes"][0]["line"], line("cap = -1"));
    let output = fraudctl(folder.path(), &["policy", "check", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot read nowhere.toml"));
}

#[test]
fn explain_shows_the_one_combination_that_the_default_policy_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let output = fraudctl(folder.path(), &["policy", "explain"]);
    let stdout = text(&output.stdout);
    let row = stdout.lines().nth(3).unwrap();
    assert!(
        row.contains("above 10000") && row.contains("above 0.75") && row.contains("from 00:00 to 06:00"),
        "{stdout}"
    );
    assert_eq!(stdout.lines().count(), 5, "{stdout}");
    let example = examples().join("card-online.toml").display().to_string();
    let output = fraudctl(folder.path(), &["policy", "explain", &example, "--limit", "3"]);
    assert_eq!(text(&output.stdout).lines().count(), 7);
    assert!(text(&output.stderr).contains("only the first 3 are shown"));
    let output = fraudctl(folder.path(), &["policy", "explain", &example, "--json"]);
    let first: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(first["inputs"]["device.on_list.compromised"], "yes", "{first}");
}

#[test]
fn score_explains_a_transaction_by_factor() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
    fs::write(folder.path().join("tx.ndjson"), TRANSACTIONS).unwrap();
    let score = |more: &[&str]| {
        fraudctl(folder.path(), &[&["score", "tx.ndjson", "--profiles", "profiles.json"], more].concat())
    };
    let output = score(&["--explain", "T1"]);
    let stdout = text(&output.stdout);
    assert!(
        output.status.success()
            && stdout.starts_with("line 1: amount 7000, score 0.720, no alert, profile\n"),
        "{stdout}"
    );
    for cells in [
        ["amount", "0.200", "0.100", "amount = 7000", "`amount > 10000` gives 0.3"],
        ["customer_risk", "0.320", "0.080", "customer_risk = 0.8", "customer_risk * 0.4"],
        ["time_of_day", "0.200", "", "hour = 3", "hour >= 0 and < 6"],
    ] {
        let holds = |line: &&str| cells.iter().all(|cell| line.contains(cell));
        assert!(stdout.lines().any(|line| holds(&line)), "{cells:?}\n{stdout}");
    }
    let output = score(&["--explain", "T2", "--json"]);
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&explained["transaction_id"], &explained["alert"]), (&"T2".into(), &true.into()));
    let points: f64 = explained["factors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|factor| factor["points"].as_f64().unwrap())
        .sum();
    assert_eq!(Some(points), explained["fraud_score"].as_f64());
    let output = score(&["--explain", "T9"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no transaction has the id `T9`"));
}

#[test]
fn the_schema_is_printed_whole() {
    let output = fraudctl(&examples(), &["policy", "schema"]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["properties"]["factors"]["maxItems"], 32);
}
