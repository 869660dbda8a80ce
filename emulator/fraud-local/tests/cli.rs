//! `fraud-local` as its users run it: what it prints, what it writes, how it exits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

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
fn local(folder: &Path, input: &[u8]) -> (Option<Value>, Output) {
    local_with(folder, input, &[])
}

fn local_with(folder: &Path, input: &[u8], more: &[&str]) -> (Option<Value>, Output) {
    fs::write(folder.join("tx.ndjson"), input).unwrap();
    fs::write(folder.join("profiles.json"), PROFILES).unwrap();
    let arguments = ["--input", "tx.ndjson", "--profiles", "profiles.json", "--out", "out", "--json"];
    let output = fraud_local(&[&arguments, more].concat()).current_dir(folder).output().unwrap();
    (serde_json::from_slice(&output.stdout).ok(), output)
}

#[test]
fn a_small_file_goes_through_the_pipeline_and_its_report_names_everything() {
    let folder = tempfile::tempdir().unwrap();
    let input = format!("{HIGH}\n{LOW}\n{HIGH}\n");
    let (report, output) = local_with(folder.path(), input.as_bytes(), &["--arrivals", "real"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report = report.unwrap();
    for (member, value) in [
        ("produced", 3),
        ("landed", 3),
        ("failed", 0),
        ("high_scores", 2),
        ("alerts", 1),
        ("duplicates_suppressed", 1),
        ("dead_letters", 0),
    ] {
        assert_eq!(report[member], value, "{member}");
    }
    assert_eq!(report["balanced"], true);
    for percentile in ["p50", "p99", "max"] {
        assert!(report["detection_latency_ms"][percentile].is_u64());
    }
    assert!(report["transactions_per_second"].is_u64());
    let alerts = fs::read_to_string(folder.path().join("out/alerts.ndjson")).unwrap();
    assert_eq!(alerts.lines().count(), 1);
    assert!(alerts.contains("\"alert_id\":\"C1/T1\""));
    assert!(folder.path().join("out/scored/year=2024/month=01/day=15/hour=03").is_dir());
    assert!(folder.path().join("out/raw").is_dir());
}

#[test]
fn transactions_in_an_envelope_go_through_by_their_schema_and_balance() {
    let folder = tempfile::tempdir().unwrap();
    let schema = "name = \"events\"\ntransaction_id = \"/detail/id\"\ncustomer_id = \"/detail/customer\"\n\
                  amount = \"/detail/amount\"\nevent_time = \"/detail/at\"\n";
    fs::write(folder.path().join("s.toml"), schema).unwrap();
    let event = |id, amount, hour| {
        format!(
            "{{\"detail\":{{\"id\":\"{id}\",\"customer\":\"C1\",\"amount\":{amount},\"at\":\"2024-01-15T{hour}:00:00Z\"}}}}"
        )
    };
    let input = [event("T1", 20_000, "03"), event("T2", 5, "13"), event("T1", 20_000, "03"), LOW.to_owned()];
    let (report, output) = local_with(
        folder.path(),
        format!("{}\n{{\"a\":1}}\n", input.join("\n")).as_bytes(),
        &["--schema", "s.toml"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report = report.unwrap();
    // A transaction that is not where the schema says is not found.
    for (member, value) in [
        ("produced", 5),
        ("landed", 3),
        ("failed", 2),
        ("alerts", 1),
        ("duplicates_suppressed", 1),
        ("dead_letters", 2),
    ] {
        assert_eq!(report[member], value, "{member}: {report}");
    }
    assert_eq!(report["balanced"], true);
    let alerts = fs::read_to_string(folder.path().join("out/alerts.ndjson")).unwrap();
    assert!(alerts.contains("\"alert_id\":\"C1/T1\"") && alerts.contains("\"transaction_schema\":\"events@"));
}

#[test]
fn without_the_analytics_function_nothing_is_counted_or_put_aside_for_it_and_the_rest_balances() {
    let folder = tempfile::tempdir().unwrap();
    let input = format!("{HIGH}\nno transaction\n{LOW}\n");
    let (with, _) = local_with(folder.path(), input.as_bytes(), &[]);
    let (without, output) = local_with(folder.path(), input.as_bytes(), &["--without-analytics"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (with, without) = (with.unwrap(), without.unwrap());
    assert_eq!((&with["windows"], &without["windows"]), (&2.into(), &0.into()));
    for report in [with, without] {
        // Both functions put the same record aside, under the same id.
        assert_eq!((&report["dead_letters"], &report["balanced"]), (&1.into(), &true.into()));
    }
}

#[test]
fn lines_that_are_no_transactions_are_told_by_number_and_end_as_failed_and_the_others_land() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = format!("{LOW}\r\n\r\n{{\"amount\":\"x\"}}\r\n").into_bytes();
    input.extend(b"\xff\xfe\r\n");
    input.extend(HIGH.as_bytes());
    input.extend(b"\r\n{\"transaction_id\":\"T3\",\"amo");
    let (report, output) = local(folder.path(), &input);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let report = report.unwrap();
    assert_eq!(
        (&report["produced"], &report["landed"], &report["failed"]),
        (&5.into(), &2.into(), &3.into())
    );
    assert_eq!(
        report["failed_by_reason"],
        serde_json::json!({ "invalid_amount": 1, "not_json": 1, "not_utf8": 1 })
    );
    assert_eq!((&report["dead_letters"], &report["balanced"]), (&3.into(), &true.into()));
    for line in [
        "line 3: invalid_amount; produced as it is",
        "line 4: not_utf8; produced as it is",
        "line 6: not_json, and the input ends here without a line break; produced as it is",
    ] {
        assert!(stderr.contains(line), "{stderr}");
    }
}

#[test]
fn a_line_that_no_record_can_hold_is_told_and_the_others_land() {
    let folder = tempfile::tempdir().unwrap();
    let long = format!("{{\"customer_id\":\"C1\",\"note\":\"{}\"}}", "x".repeat(1 << 20));
    let fits = format!("{{\"customer_id\":\"C1\",\"note\":\"{}\"}}", "x".repeat((1 << 20) - 40));
    let (report, output) = local(folder.path(), format!("{LOW}\n{long}\n{fits}\n{HIGH}\n").as_bytes());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains(&format!("line 2: the record has {} bytes, 1048576 are the most", long.len() + 2)),
        "{stderr}"
    );
    let report = report.unwrap();
    assert_eq!(
        (&report["produced"], &report["not_produced"], &report["landed"]),
        (&3.into(), &1.into(), &3.into())
    );
    assert_eq!(report["balanced"], true);
}

#[test]
fn a_part_of_a_malformed_object_is_told_and_not_produced() {
    let folder = tempfile::tempdir().unwrap();
    let broken = "{\n  \"amount\": 1,\n  \"items\": [\n    {\"sku\": 1},\n    {\"sku\": 2\n";
    let (report, output) = local(folder.path(), format!("{LOW}\n{broken}\n{HIGH}\n").as_bytes());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("line 5: a part of something malformed before it; not produced"), "{stderr}");
    let report = report.unwrap();
    assert_eq!(
        (&report["landed"], &report["not_produced"], &report["balanced"]),
        (&2.into(), &1.into(), &true.into())
    );
}

#[test]
fn an_empty_input_removes_nothing_and_a_good_one_what_the_run_before_left() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (_, output) = local(folder.path(), format!("{HIGH}\nno transaction\n").as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    fs::write(out.join("notes.txt"), "mine").unwrap();
    for input in ["", "\n", "plain text\nof two lines\n"] {
        let (_, output) = local(folder.path(), input.as_bytes());
        assert_eq!(output.status.code(), Some(2));
        assert!(out.join("errors").is_dir() && out.join("scored/year=2024").is_dir());
        assert_eq!(fs::read_to_string(out.join("alerts.ndjson")).unwrap().lines().count(), 1);
    }
    let (report, output) = local(folder.path(), LOW.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // scored/, raw/, alerts.ndjson and aggregates.ndjson, of this run alone.
    assert_eq!(report.unwrap()["files"], 4);
    assert!(!out.join("errors").exists());
    assert_eq!(fs::read_to_string(out.join("alerts.ndjson")).unwrap(), "");
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn a_folder_that_is_not_of_local_is_refused_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::create_dir_all(out.join("raw/2026")).unwrap();
    fs::write(out.join("raw/2026/backup"), "all that there is").unwrap();
    fs::write(out.join("alerts.ndjson"), "kept").unwrap();
    let (_, output) = local(folder.path(), LOW.as_bytes());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("--out out holds `alerts.ndjson`, `raw`, and it was not made by `fraud-local`"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(out.join("raw/2026/backup")).unwrap(), "all that there is");
    assert_eq!(fs::read_to_string(out.join("alerts.ndjson")).unwrap(), "kept");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
}

#[test]
fn an_output_folder_that_cannot_be_written_is_told_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    for out in ["file", "file/out", "/proc/out"] {
        let arguments = ["--count", "10", "--seed", "1", "--out", out];
        let output = fraud_local(&arguments).current_dir(folder.path()).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{out}: {stderr}");
        assert!(stderr.contains(&format!("--out {out} cannot be used: ")), "{stderr}");
    }
}

#[test]
fn an_input_without_records_or_that_cannot_be_read_is_an_input_error() {
    let folder = tempfile::tempdir().unwrap();
    for input in [&b""[..], b"\n\r\n  \n"] {
        let (_, output) = local(folder.path(), input);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("the input holds no record"));
    }
    for (arguments, message) in [
        (vec!["--input", "nowhere", "--profiles", "profiles.json"], "cannot read nowhere"),
        (vec!["--input", "tx.ndjson", "--profiles", "nowhere"], "cannot read nowhere"),
        (vec!["--input", "tx.ndjson"], "--profiles <FILE>"),
        (vec!["--days", "5", "--customers", "3"], "--merchants <M>"),
        (vec!["--input", "tx.ndjson", "--profiles", "a-row", "--seed", "1"], "cannot be used with"),
        (
            vec!["--count", "5", "--seed", "1", "--days", "5", "--customers", "3", "--merchants", "3"],
            "cannot be used with",
        ),
        (vec!["--input", "tx.ndjson", "--profiles", "a-row"], "cannot read the profiles in a-row"),
        (vec!["--count", "0", "--seed", "1"], "the input holds no record"),
    ] {
        fs::write(folder.path().join("tx.ndjson"), LOW).unwrap();
        fs::write(folder.path().join("a-row"), "segment\ngold\n").unwrap();
        let output = fraud_local(&arguments).current_dir(folder.path()).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn it_says_which_event_times_have_a_fault_and_what_the_policy_never_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let with_time = |time: &str| LOW.replace("\"2024-01-15T13:00:00Z\"", time);
    let input = [HIGH, &with_time("1705287600"), &with_time("\"yesterday\""), &with_time("null")].join("\n");
    let (report, output) = local(folder.path(), input.as_bytes());
    let report = report.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(report["event_times_unreadable"], 2);
    assert_eq!(report["event_times_without_local_time"], 1);
    let never: Vec<&str> =
        report["never_alerted"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(never[0].starts_with("customers without a profile"), "{never:?}");
    assert_eq!(
        never[1..3],
        ["transactions from 06:00 to 24:00", "event times that are unreadable or epoch numbers"]
    );
    assert_eq!(never[3], "amounts up to 10000");
}

#[test]
fn it_has_help_with_examples() {
    let output = fraud_local(&["--help"]).output().unwrap();
    let help = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(help.contains("Examples:\n  ") && help.contains("fraud-local "), "{help}");
}

const LISTS: &str = "name = \"lists\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[[factors]]\nname = \"merchant\"\n\
                     when = [{ entity = \"merchant\", on_list = \"compromised\" }]\npoints = 40\n\n[[factors]]\n\
                     name = \"device_risk\"\ninput = \"device.risk\"\nweight = 20\n";
const ENTITIES: &str = r#"{"merchant/M1": {"list_compromised": 0}, "device/D1": {"risk": 0.9}}"#;

#[test]
fn a_run_whose_policy_asks_for_entities_balances_with_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lists.toml"), LISTS).unwrap();
    fs::write(folder.path().join("entities.json"), ENTITIES).unwrap();
    let transaction = |number: usize, merchant: &str, device: &str| {
        format!(
            r#"{{"transaction_id":"T{number}","customer_id":"C1","amount":5,"merchant_id":"{merchant}","device_id":"{device}"}}"#
        )
    };
    let input = [
        transaction(1, "M1", "D1"),
        transaction(2, "M1", "D2"),
        transaction(3, "M2", "D1"),
        r#"{"transaction_id":"T4","amount":5}"#.to_owned(),
    ];
    let arguments = ["--policy", "lists.toml", "--entities", "entities.json"];
    let (report, output) = local_with(folder.path(), input.join("\n").as_bytes(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report = report.unwrap();
    assert_eq!(
        (&report["balanced"], &report["landed"], &report["alerts"]),
        (&true.into(), &4.into(), &1.into())
    );

    let (_, output) = local_with(folder.path(), input[0].as_bytes(), &["--policy", "lists.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("asks for entities (merchant, device): give --entities FILE"));
}

#[test]
fn faults_are_lived_through_and_the_report_tells_them_and_why_records_were_retried() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let arguments = [
        "--count",
        "500",
        "--seed",
        "1",
        "--json",
        "--out",
        &out,
        "--fault",
        "dynamodb.BatchGetItem=throttle:0.7",
    ];
    let more = ["--fault", "sns.Nothing=503"];
    let output = fraud_local(&[&arguments[..], &more].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["balanced"], true);
    assert!(report["retried_by_reason"]["profiles_unavailable"].as_u64() > Some(0), "{report}");
    let [throttled, nothing] = &report["faults"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!(throttled["fault"], "dynamodb.BatchGetItem=throttle:0.7");
    assert!(throttled["calls"].as_u64() > Some(0), "{report}");
    assert_eq!(nothing["calls"], 0);
}
