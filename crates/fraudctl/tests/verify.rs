//! `fraudctl verify` over files: what it finds, what it says of it, how it exits.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::Command;

use fraud_core::policy::Policy;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the default policy makes of 7,000 by day and a risk of a half: 0.2 for each.
const LINE: &str = r#"{"transaction_id":"T1","customer_id":"C1","amount":7000,"event_time":"2026-01-15T12:00:00Z","customer_segment":"gold","customer_lifetime_value":10,"customer_risk_score":0.5,"fraud_score":0.4,"fraud_reasons":["amount","customer_risk"],"fraud_policy":"POLICY","decision_id":"C1/T1","enrichment":"profile","ingested_at":"2026-01-15T12:00:01.000Z"}"#;

/// A policy over more than the record's own fields, and a line of it.
const BURST: &str = r#"
    name = "burst"
    cap = 100
    threshold = 50
    default_risk = 0.25
    [history]
    prior_mean_amount = 50
    outlier_ratio = 2
    [[factors]]
    name = "burst"
    when = [{ input = "history.count_1h", above = 5 }]
    points = 60
"#;

fn line() -> String {
    LINE.replace("POLICY", Policy::builtin_default().unwrap().id())
}

fn burst() -> String {
    let inputs = r#"{\"amount\":1,\"customer_risk\":0.25,\"hour\":12,\"history.count_1h\":6}"#;
    format!(
        r#"{{"transaction_id":"T2","customer_id":"C1","amount":1,"event_time":"2026-01-15T12:00:00Z","fraud_score":60.0,"fraud_reasons":["burst"],"fraud_policy":"{}","decision_id":"C1/T2","enrichment":"no_profile","ingested_at":"2026-01-15T12:00:01.000Z","fraud_inputs":"{inputs}","history":"used","position":"shardId-0/7","engine":"fraud-core/0.1.0"}}"#,
        Policy::parse(BURST).unwrap().id()
    )
}

struct Ended {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn verify(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    let output = command.arg("verify").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The exit status and the result of `--json`.
fn result(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let ended = verify(folder, &[arguments, &["--json"]].concat());
    let result = serde_json::from_str::<Value>(&ended.stdout);
    assert!(result.is_ok(), "{}", ended.stderr);
    (ended.status, result.unwrap())
}

fn folder(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn lines_are_verified_by_policies_of_a_folder_and_one_that_differs_is_named() {
    let changed = burst().replace("count_1h\\\":6", "count_1h\\\":5");
    let folder = folder(&[
        ("good.ndjson", [line(), burst()].join("\n")),
        ("changed.ndjson", [line(), burst(), changed].join("\n")),
        ("policies/of a year/burst.toml", BURST.to_owned()),
        ("policies/notes.txt", "no policy".to_owned()),
    ]);
    let (status, good) = result(folder.path(), &["good.ndjson", "--policies", "policies"]);
    assert_eq!((status, &good["lines"], &good["verified"]), (Some(0), &json!(2), &json!(2)), "{good}");
    assert!(good["not_covered"].as_array().unwrap().len() > 3);

    let (status, changed) = result(folder.path(), &["changed.ndjson", "--policies", "policies"]);
    assert_eq!((status, &changed["verified"], &changed["different"]), (Some(1), &json!(2), &json!(1)));
    assert_eq!(changed["differences"], json!({"score": 1, "reasons": 1}));
    let place = json!([{"location": "line 3", "decision_id": "C1/T2", "what": null}]);
    assert_eq!(changed["places"], json!({"score": place, "reasons": place}));
    let text = verify(folder.path(), &["changed.ndjson", "--policies", "policies"]);
    assert!(text.stdout.contains("score: 1 line\n  line 3, C1/T2\n"), "{}", text.stdout);
    assert!(text.stdout.contains("\nnot covered:\n"), "{}", text.stdout);
    assert_eq!(text.stderr, "fraudctl: 1 line not verified, see above\n");
}

#[test]
fn a_policy_that_is_not_known_is_named_and_fails() {
    let folder = folder(&[("lines.ndjson", burst())]);
    let (status, result) = result(folder.path(), &["lines.ndjson"]);
    assert_eq!((status, &result["unknown_policy"], &result["verified"]), (Some(1), &json!(1), &json!(0)));
    assert_eq!(result["places"]["unknown_policy"][0]["what"], Policy::parse(BURST).unwrap().id());
}

#[test]
fn a_line_without_its_inputs_is_never_verified() {
    let told = burst();
    let bare = told.split(",\"fraud_inputs\"").next().unwrap();
    let renamed = told.replace("\"fraud_inputs\"", "\"other\"");
    let lines = format!("{bare}}}\n{renamed}");
    let folder = folder(&[("lines.ndjson", lines), ("burst.toml", BURST.to_owned())]);
    let arguments = ["lines.ndjson", "--policies", "burst.toml"];
    let (status, found) = result(folder.path(), &arguments);
    assert_eq!((status, &found["no_inputs"], &found["verified"]), (Some(1), &json!(2), &json!(0)));
    assert_eq!(found["places"]["no_inputs"][0]["what"], "fraud_inputs is not told");
    let (status, _) = result(folder.path(), &[&arguments[..], &["--allow-no-inputs"]].concat());
    assert_eq!(status, Some(0));
}

#[test]
fn a_line_in_the_folder_of_another_hour_is_found() {
    let folder = folder(&[
        ("lake/year=2026/month=01/day=15/hour=12/a", line()),
        ("lake/year=2026/month=01/day=15/hour=13/b", line()),
    ]);
    let (status, found) = result(folder.path(), &["lake"]);
    assert_eq!((status, &found["differences"]), (Some(1), &json!({"partition": 1})), "{found}");
    let place = found["places"]["partition"][0]["location"].as_str().unwrap();
    assert!(place.ends_with("hour=13/b, line 1"), "{place}");
    let (status, _) = result(folder.path(), &["lake/year=2026/month=01/day=15/hour=12/a"]);
    assert_eq!(status, Some(0));
}

#[test]
fn out_of_bounds_is_held_against_the_bounds_that_are_given() {
    let late = line().replace("2026-01-15T12:00:01", "2026-01-16T12:00:01");
    let told = late.replace("\"ingested_at\"", "\"event_time_fault\":\"out_of_bounds\",\"ingested_at\"");
    let folder = folder(&[("late.ndjson", late), ("told.ndjson", told)]);
    let status = |arguments: &[&str]| result(folder.path(), arguments).0;
    assert_eq!((status(&["late.ndjson"]), status(&["told.ndjson"])), (Some(0), Some(0)));
    assert_eq!(status(&["late.ndjson", "--max-age-hours", "25"]), Some(0));
    assert_eq!(status(&["late.ndjson", "--max-age-hours", "24"]), Some(1));
    assert_eq!(status(&["told.ndjson", "--max-age-hours", "24"]), Some(0));
    assert_eq!(status(&["told.ndjson", "--max-age-hours", "0"]), Some(1));
}

#[test]
fn what_is_no_decision_or_no_policy_is_an_input_error() {
    let folder = folder(&[
        ("mixed.ndjson", [line(), r#"{"amount":1}"#.to_owned()].join("\n")),
        ("empty.ndjson", String::new()),
        ("wrong.toml", "name = 1".to_owned()),
        ("none/notes.txt", String::new()),
    ]);
    for (arguments, message) in [
        (&["mixed.ndjson"][..], "1 line neither a scored record nor an alert"),
        (&["empty.ndjson"], "the input holds no line"),
        (&["nowhere.ndjson"], "cannot read nowhere.ndjson"),
        (&["mixed.ndjson", "--policies", "wrong.toml"], "wrong.toml: "),
        (&["mixed.ndjson", "--policies", "none"], "none has no file that ends in .toml"),
        (&["mixed.ndjson", "--policies", "nowhere"], "cannot read nowhere"),
    ] {
        let ended = verify(folder.path(), arguments);
        assert_eq!(ended.status, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(message), "{arguments:?}: {}", ended.stderr);
    }
    let (_, result) = result(folder.path(), &["mixed.ndjson"]);
    assert_eq!((&result["verified"], &result["not_decisions"]), (&json!(1), &json!(1)));
    assert_eq!(result["places"]["not_a_decision"][0]["location"], "line 2");
}

/// The line as a row of the lake's table, without one of its columns.
fn write_parquet(path: &Path, without: &str) {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
    use parquet::file::writer::SerializedFileWriter;
    const TEXTS: [&str; 9] = [
        "transaction_id",
        "customer_id",
        "event_time",
        "customer_segment",
        "fraud_policy",
        "decision_id",
        "enrichment",
        "ingested_at",
        "event_time_fault",
    ];
    const NUMBERS: [&str; 4] = ["amount", "customer_lifetime_value", "customer_risk_score", "fraud_score"];
    let texts = || TEXTS.into_iter().filter(|name| *name != without);
    let numbers = || NUMBERS.into_iter().filter(|name| *name != without);
    let mut schema: String = texts().map(|name| format!("optional binary {name} (UTF8);")).collect();
    schema.extend(numbers().map(|name| format!("optional double {name};")));
    schema.push_str(
        "optional group fraud_reasons (LIST) { repeated group list { optional binary element (UTF8); } }",
    );
    let schema = parquet::schema::parser::parse_message_type(&format!("message lake {{{schema}}}")).unwrap();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), Default::default()).unwrap();
    let row: Value = serde_json::from_str(&line()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for name in texts() {
        let value: Option<ByteArray> = row[name].as_str().map(ByteArray::from);
        let mut column = group.next_column().unwrap().unwrap();
        let (levels, values) = ([i16::from(value.is_some())], Vec::from_iter(value));
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
        column.close().unwrap();
    }
    for name in numbers() {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[row[name].as_f64().unwrap()], Some(&[1]), None).unwrap();
        column.close().unwrap();
    }
    let reasons: Vec<ByteArray> =
        row["fraud_reasons"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().into()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&reasons, Some(&[3, 3]), Some(&[0, 1])).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn of_a_table_without_a_column_that_decisions_need_nothing_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let write = |without| write_parquet(&folder.path().join("lake.parquet"), without);
    write("");
    let (status, found) = result(folder.path(), &["lake.parquet"]);
    assert_eq!((status, &found["verified"]), (Some(0), &json!(1)), "{found}");
    for without in ["event_time", "amount", "customer_risk_score", "fraud_policy", "decision_id"] {
        write(without);
        let (status, found) = result(folder.path(), &["lake.parquet"]);
        assert_eq!(
            (status, &found["verified"], &found["no_inputs"]),
            (Some(1), &json!(0), &json!(1)),
            "{found}"
        );
        assert_eq!(found["places"]["no_inputs"][0]["what"], format!("{without} is not told"));
    }
}
