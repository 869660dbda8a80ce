//! What the bootstrap does where its environment is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const COMPLETE: [(&str, &str); 2] = [("AGGREGATES", "dynamodb:aggregates"), ("DEAD_LETTERS", "stdout:")];

#[test]
fn a_wrong_environment_stops_the_start_with_one_line_that_names_the_variable() {
    for (variable, value, line) in [
        ("AGGREGATES", "", "is not set; it accepts `dynamodb:<table>` or `memory:`"),
        ("AGGREGATES", "dynamodb:", "is `dynamodb:`; it accepts `dynamodb:<table>` or `memory:`"),
        ("AGGREGATE_DAYS", "0", "is `0`; it accepts a whole number of days, at least 1"),
        (
            "AGGREGATE_REMEMBERED",
            "20001",
            "is `20001`; it accepts a whole number of transactions, 1 to 20000",
        ),
        ("AGGREGATE_SINK", "sns:x", "is `sns:x`; it accepts `kinesis:<stream>`, `stdout:` or `none:`"),
        ("DEAD_LETTERS", "", "is not set; it accepts `sqs:<queue url>` or `stdout:`"),
        ("WINDOW_SECONDS", "0", "is `0`; it accepts a whole number of seconds, 1 to 86400"),
        ("WINDOW_TIME", "rowtime", "is `rowtime`; it accepts `event` or `arrival`"),
        ("EVENT_TIME_MAX_AGE_HOURS", "-1", "is `-1`; it accepts a whole number of hours, 0 for no bound"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_customer-analytics"))
            .env_clear()
            .envs(COMPLETE)
            .env(variable, value)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("customer-analytics cannot run: {variable} {line}\n"));
    }
}
