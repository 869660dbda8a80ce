//! What the bootstrap does where its environment is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

#[test]
fn a_wrong_environment_stops_the_start_with_one_line_that_names_the_variable() {
    for (variables, line) in [
        (vec![], "PROFILE_SOURCE is not set; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`"),
        (
            vec![("PROFILE_SOURCE", "redis:localhost")],
            "PROFILE_SOURCE is `redis:localhost`; it accepts `dynamodb:<table>` or `file:<path to JSON or CSV>`",
        ),
        (
            vec![("PROFILE_SOURCE", "dynamodb:profiles"), ("FRAUD_POLICY", "builtin:strict")],
            "FRAUD_POLICY is `builtin:strict`; it accepts `builtin:default`, `file:<path to TOML>` or `store:<id of a policy in \
             POLICY_STORE>`",
        ),
        (
            vec![("PROFILE_SOURCE", "dynamodb:profiles"), ("FRAUD_POLICY", "store:night@000000000000")],
            "POLICY_STORE is not set; it accepts `dynamodb:<table>`, which a policy `store:<id>` needs",
        ),
        (
            vec![("PROFILE_SOURCE", "dynamodb:profiles"), ("SHADOW_POLICY", "night")],
            "SHADOW_POLICY is `night`; it accepts `builtin:default`, `file:<path to TOML>`, `store:<id of a policy in \
             POLICY_STORE>` or `none:`",
        ),
        (
            vec![("PROFILE_SOURCE", "dynamodb:profiles"), ("EVENT_TIME_MAX_AGE_HOURS", "-1")],
            "EVENT_TIME_MAX_AGE_HOURS is `-1`; it accepts a whole number of hours, 0 for no bound",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_firehose-transform"))
            .env_clear()
            .envs(variables)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("firehose-transform cannot run: {line}\n"));
    }
}
