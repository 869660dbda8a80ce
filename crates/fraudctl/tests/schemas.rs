//! Schemas of transactions, as the users of the tool meet them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fraudctl")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Files(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

const SCHEMA: &str = "name = \"events\"\ntransaction_id = \"/detail/id\"\ncustomer_id = \"/detail/customer\"\n\
    amount = { at = \"/detail/amount\", text = true }\n\
    event_time = { at = \"/detail/at\", form = \"%d/%m/%Y %H:%M\", zone = \"Europe/Berlin\" }\n\
    [fields]\nchannel = \"/detail/channel\"\n";

const EVENT: &str = r#"{"detail":{"id":"T1","customer":"C000001","amount":"$19,000.50","at":"15/01/2026 01:03","channel":"web"}}"#;

#[test]
fn a_schema_that_is_wrong_is_told_with_every_line() {
    let files = Files::new();
    let schema = files.write("s.toml", "name = \"s\"\nammount = \"/a\"\nip = \"ip\"\n");
    let output = run(&["schema", "check", &schema]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
    let told = text(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines,
        [
            format!("{schema}: line 2: `ammount` is not known here; did you mean `amount`?"),
            format!("{schema}: line 3: `ip` is not a place: a place begins with `/`, as in `/detail/amount`"),
            format!("fraudctl: 2 mistakes in {schema}"),
        ]
    );
}

#[test]
fn a_sample_is_shown_as_it_is_read_and_what_is_refused_is_counted() {
    let files = Files::new();
    let schema = files.write("s.toml", SCHEMA);
    let good = run(&["schema", "check", &schema]);
    assert!(good.status.success());
    let told = text(&good.stdout);
    assert!(
        told.starts_with("events@")
            && told.contains(" maps transaction_id, customer_id, amount, event_time, channel"),
        "{told}"
    );

    let sample = files.write("sample.ndjson", &format!("{EVENT}\n\n{{\"detail\":{{}}}}\n[1]\n"));
    let output = run(&["schema", "check", &schema, &sample]);
    assert_eq!(output.status.code(), Some(2));
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    let row = shown.lines().find(|line| line.contains("T1")).unwrap();
    for cell in ["C000001", "19000.50", "2026-01-15T00:03:00.000Z, 01 h local", "web"] {
        assert!(row.contains(cell), "{cell}: {shown}");
    }
    assert!(shown.contains("not_a_transaction") && shown.contains("not_an_object"), "{shown}");
    assert!(
        told.contains(
            "1 transaction read, 2 records refused\nnot_an_object: 1 record\nnot_a_transaction: 1 record\n"
        ),
        "{told}"
    );

    let output = run(&["schema", "check", &schema, &sample, "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["read"], 1);
    assert_eq!(told["refused"], serde_json::json!({ "not_a_transaction": 1, "not_an_object": 1 }));
    let [first, second, _] = &told["records"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!((&first["line"], &first["read"]["amount"]), (&1.into(), &"19000.50".into()));
    assert_eq!((&second["line"], &second["refused"]), (&3.into(), &"not_a_transaction".into()));

    let sample = files.write("good.ndjson", &format!("{EVENT}\n"));
    assert!(run(&["schema", "check", &schema, &sample]).status.success());
    let empty = run(&["schema", "check", &schema, &files.write("empty.ndjson", "\n")]);
    assert_eq!(empty.status.code(), Some(2));
    assert!(text(&empty.stderr).contains("the sample holds no record"));
}

#[test]
fn transactions_in_envelopes_are_scored_by_their_schema() {
    let files = Files::new();
    let profiles = json!({ "C000001": { "segment": "gold", "lifetime_value": 1, "risk_score": 0.95 } });
    let (schema, profiles) = (files.write("s.toml", SCHEMA), files.write("p.json", &profiles.to_string()));
    let events = files.write("events.ndjson", &format!("{EVENT}\n"));
    let output = run(&["score", &events, "--profiles", &profiles, "--schema", &schema, "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let scored: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&scored["customer_id"], &scored["alert"]), (&json!("C000001"), &json!(true)));
    assert!(text(&output.stdout).contains("\"amount\":19000.50,"));

    let without = run(&["score", &events, "--profiles", &profiles, "--json"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(text(&without.stderr).contains("not_a_transaction"));
    let missing = run(&["score", &events, "--profiles", &profiles, "--schema", "nowhere.toml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("cannot read nowhere.toml"), "{}", text(&missing.stderr));
}
