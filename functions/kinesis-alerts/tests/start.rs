//! What the bootstrap does where its environment is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const COMPLETE: [(&str, &str); 4] = [
    ("PROFILE_SOURCE", "dynamodb:profiles"),
    ("ALERT_SINK", "stdout:"),
    ("ALERT_LEDGER", "memory:"),
    ("DEAD_LETTERS", "stdout:"),
];

#[test]
fn a_wrong_environment_stops_the_start_with_one_line_that_names_the_variable() {
    for (variable, value, line) in [
        ("PROFILE_SOURCE", "", "is not set; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`"),
        ("ALERT_SINK", "", "is not set; it accepts `sns:<topic arn>` or `stdout:`"),
        ("ALERT_SINK", "sns:alerts", "is `sns:alerts`; it accepts `sns:<topic arn>` or `stdout:`"),
        ("ALERT_LEDGER", "", "is not set; it accepts `dynamodb:<table>` or `memory:`"),
        ("ALERT_LEDGER_DAYS", "0", "is `0`; it accepts a whole number of days, at least 1"),
        ("DEAD_LETTERS", "sqs:", "is `sqs:`; it accepts `sqs:<queue url>` or `stdout:`"),
        (
            "UNALERTED_LETTERS",
            "sqs:",
            "is `sqs:`; it accepts `sqs:<queue url>`, `stdout:` or `dead_letters:`",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_kinesis-alerts"))
            .env_clear()
            .envs(COMPLETE)
            .env(variable, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("kinesis-alerts cannot run: {variable} {line}\n"));
    }
}
