//! What producers send reaches a terminal in the report and its notes, and moves nothing there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Clears the terminal, begins a line of its own, changes colours by a C1 control, turns the text around.
const HOSTILE: &str = "C1\u{1b}[2J\r\nFORGED \u{9b}31m\u{202e}\u{2066}\u{7f}";
/// The same as it may be shown.
const SHOWN: &str = r"C1\u001b[2J\u000d";

/// Whether some text within a value contains `text`.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(values) => values.iter().any(|value| holds(value, text)),
        Value::Object(members) => members.values().any(|value| holds(value, text)),
        _ => false,
    }
}

#[test]
fn producers_cannot_write_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let high = json!({ "transaction_id": HOSTILE, "customer_id": HOSTILE, "amount": 20000, "event_time": "2026-01-15T03:00:00Z" });
    let refused = json!({ "transaction_id": "T2", "amount": HOSTILE });
    fs::write(folder.path().join("tx.ndjson"), format!("{high}\n{refused}\n")).unwrap();
    let profile = json!({ "customer_id": HOSTILE, "segment": HOSTILE, "risk_score": 1, HOSTILE: 1 });
    fs::write(folder.path().join("profiles.ndjson"), format!("{profile}\n")).unwrap();
    let run = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_fraud-local"))
            .args(["--input", "tx.ndjson", "--profiles", "profiles.ndjson"])
            .args(more)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8([&output.stdout[..], b"\n", &output.stderr].concat()).unwrap();
        for character in printed.chars() {
            let marks = ['\u{202e}', '\u{2066}'].contains(&character);
            let is_safe = matches!(character, '\n' | '\t') || !(character.is_control() || marks);
            assert!(is_safe, "{more:?} printed {character:?}: {printed}");
        }
        assert!(!printed.lines().any(|line| line.starts_with("FORGED")), "{more:?}: {printed}");
        assert!(output.status.code().is_some_and(|status| status <= 2), "{more:?}: {printed}");
        printed
    };
    let printed = run(&[]);
    assert!(printed.contains(SHOWN), "{printed}");
    let printed = run(&["--json"]);
    let mut reports = printed.lines().filter(|line| line.starts_with('{'));
    assert!(reports.any(|line| holds(&serde_json::from_str(line).unwrap(), HOSTILE)), "{printed}");
    assert!(folder.path().join("out").is_dir());
}
