//! The tool as its users run it: what it prints, what it writes, how it exits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

const PROFILES: &str = r#"{"C1": {"segment": "gold", "lifetime_value": 10.50, "risk_score": 1}}"#;
const HIGH: &str =
    r#"{"transaction_id":"T1","customer_id":"C1","amount":20000,"event_time":"2024-01-15T03:00:00Z"}"#;
const LOW: &str =
    r#"{"transaction_id":"T2","customer_id":"C1","amount":5,"event_time":"2024-01-15T13:00:00Z"}"#;

fn fraudctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    command.args(arguments);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn an_input_that_cannot_be_read_is_an_input_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
    for (arguments, message) in [
        (
            vec!["score", "-", "-", "--profiles", "profiles.json"],
            "standard input (`-`) is named more than once",
        ),
        (vec!["score", "nowhere", "--profiles", "profiles.json"], "cannot read nowhere"),
        (
            vec!["score", "tx.ndjson", "--profiles", "profiles.json", "--policy", "nowhere"],
            "cannot read nowhere",
        ),
        (vec!["produce", "tx.ndjson"], "--stream <NAME>"),
        (vec!["produce", "nowhere", "--stream", "transactions"], "cannot read nowhere"),
        (vec!["profiles", "import", "nowhere.csv", "--to", "dynamodb:profiles"], "cannot read nowhere.csv"),
        (
            vec!["profiles", "import", "tx.ndjson", "--to", "file:profiles"],
            "file:profiles is not a table: give --to dynamodb:<table>",
        ),
    ] {
        fs::write(folder.path().join("tx.ndjson"), LOW).unwrap();
        fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
        fs::write(folder.path().join("a-row"), "segment\ngold\n").unwrap();
        let output = fraudctl(&arguments).current_dir(folder.path()).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn score_says_which_event_times_have_a_fault_and_what_the_policy_never_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let with_time = |time: &str| LOW.replace("\"2024-01-15T13:00:00Z\"", time);
    let input = [HIGH, &with_time("1705287600"), &with_time("\"yesterday\""), &with_time("null")].join("\n");
    fs::write(folder.path().join("tx.ndjson"), input).unwrap();
    fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
    let score = |more: &[&str]| {
        let arguments = [&["score", "tx.ndjson", "--profiles", "profiles.json"], more].concat();
        let output = fraudctl(&arguments).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (lines, told) = score(&["--json"]);
    let faults: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["event_time_fault"].clone())
        .collect();
    assert_eq!(faults, [Value::Null, "without_local_time".into(), "unreadable".into(), "unreadable".into()]);
    assert!(told.contains("event times: 2 unreadable, 1 without local time"), "{told}");
    assert!(told.contains("never alerted under this policy: amounts up to 10000"), "{told}");
    let (table, _) = score(&[]);
    assert_eq!(table.matches("without_local_time").count(), 1, "{table}");
}

#[test]
fn scores_that_cannot_be_written_are_a_failure_and_no_fault_of_the_input() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
    fs::write(folder.path().join("tx.ndjson"), LOW).unwrap();
    let full_disk = fs::File::options().write(true).open("/dev/full").unwrap();
    let arguments = ["score", "tx.ndjson", "--profiles", "profiles.json", "--json"];
    let output = fraudctl(&arguments).current_dir(folder.path()).stdout(full_disk).output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write to standard output"), "{stderr}");
}

#[test]
fn score_reads_standard_input_and_tells_bad_lines_by_number() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
    let mut child = fraudctl(&["score", "-", "--profiles", "profiles.json", "--json"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(format!("{HIGH}\nnot json\n{LOW}").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["alert"].clone()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(lines[0]["fraud_score"], 0.8999999999999999);
    assert_eq!(lines[0]["reasons"][0]["name"], "amount");
    assert!(text(&output.stderr).contains("line 2: not_json"));
}

#[test]
fn a_reader_of_the_output_and_the_errors_that_has_gone_ends_no_command() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tx.ndjson"), format!("{HIGH}\n{LOW}\n")).unwrap();
    fs::write(folder.path().join("profiles.json"), PROFILES).unwrap();
    // Nobody has ever read from it.
    let gone = || std::io::pipe().unwrap().1;
    for (command, status) in [
        ("score tx.ndjson --profiles profiles.json", 0),
        ("score tx.ndjson --profiles profiles.json --json", 0),
        ("score nowhere --profiles profiles.json", 2),
    ] {
        let words: Vec<&str> = command.split_whitespace().collect();
        let ended =
            fraudctl(&words).current_dir(folder.path()).stdout(gone()).stderr(gone()).status().unwrap();
        assert_eq!(ended.code(), Some(status), "{command}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    for command in [
        "",
        "aggregates",
        "alerts pending",
        "alerts send",
        "alerts show",
        "consume",
        "dead-letters list",
        "dead-letters redrive",
        "dead-letters show",
        "doctor",
        "generate",
        "produce",
        "profiles export",
        "profiles import",
        "replay",
        "score",
        "stream create",
        "stream describe",
    ] {
        let words: Vec<&str> = command.split_whitespace().collect();
        let output = fraudctl(&words).arg("--help").output().unwrap();
        let help = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0));
        assert!(help.contains("Examples:\n  ") && help.contains("fraudctl "), "{command}: {help}");
    }
}

#[test]
fn months_are_written_in_order_with_their_labels_and_profiles() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let fixed = ["generate", "--transactions", "tx.ndjson", "--profiles", "p.json"];
        let output = fraudctl(&[&fixed[..], more].concat()).current_dir(folder.path()).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let size = ["--days", "40", "--customers", "300", "--merchants", "400", "--from", "2025-11-20"];
    let (status, told) = generate(&[&size[..], &["--labels", "labels.ndjson"]].concat());
    assert_eq!(status, Some(0), "{told}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let member = |line: &str, name: &str| {
        serde_json::from_str::<Value>(line).unwrap()[name].as_str().unwrap().to_owned()
    };
    let transactions = read("tx.ndjson");
    let times: Vec<String> = transactions.lines().map(|line| member(line, "event_time")).collect();
    assert!(times.is_sorted() && times[0].starts_with("2025-11-20T"), "{}", times[0]);
    assert!(times.last().unwrap().starts_with("2025-12-29T"));
    let labels = read("labels.ndjson");
    assert!(labels.lines().count() > 50 && labels.lines().all(|line| member(line, "verdict") == "fraud"));
    let profiles: Value = serde_json::from_str(&read("p.json")).unwrap();
    assert_eq!(profiles.as_object().unwrap().len(), 300);
    let frauds = labels.lines().count();
    assert!(told.contains(&format!(" of 300 customers, {frauds} of them fraud, in tx.ndjson")), "{told}");
    // Without a seed it is 0, and labels change nothing else.
    let (status, _) = generate(&[&size[..], &["--seed", "0"]].concat());
    assert_eq!((status, read("tx.ndjson") == transactions), (Some(0), true));
    let (status, _) = generate(&[&size[..], &["--seed", "1"]].concat());
    assert_eq!((status, read("tx.ndjson") == transactions), (Some(0), false));
}

#[test]
fn what_to_generate_is_said_in_one_way_and_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let months = ["--days", "3", "--customers", "3", "--merchants", "3"];
    for (more, message) in [
        (vec![], "--count <N>"),
        ([&months[..], &["--count", "5", "--seed", "1"]].concat(), "cannot be used with '--count <N>'"),
        (vec!["--days", "3", "--customers", "3"], "--merchants <M>"),
        (vec!["--days", "3", "--merchants", "3"], "--customers <C>"),
        (vec!["--count", "5", "--seed", "1", "--customers", "3"], "--days <N>"),
        (vec!["--count", "5", "--seed", "1", "--from", "2026-01-01"], "--days <N>"),
        (vec!["--days", "0", "--customers", "3", "--merchants", "3"], "0 is not in 1..=3650"),
        (vec!["--days", "3", "--customers", "0", "--merchants", "3"], "0 is not in 1..=10000000"),
        (vec!["--days", "3", "--customers", "3", "--merchants", "0"], "0 is not in 1..=10000000"),
        (
            [&months[..], &["--from", "2026-02-30"]].concat(),
            "it must be a date from 1970-01-01 to 9000-12-31",
        ),
        (
            [&months[..], &["--from", "9001-01-01"]].concat(),
            "it must be a date from 1970-01-01 to 9000-12-31",
        ),
    ] {
        let fixed = ["generate", "--transactions", "tx.ndjson", "--profiles", "p.json"];
        let output = fraudctl(&[&fixed[..], &more].concat()).current_dir(folder.path()).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {stderr}");
        assert!(stderr.contains(message), "{more:?}: {stderr}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}
