//! `fraudctl consume`.

use std::time::Duration;

use aws_sdk_kinesis::primitives::Blob;
use embedded_aws::{Fault, Service, When};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout};

use crate::support::{STREAM, World, old_stream, text, world};

const CHECKPOINTS: [&str; 2] = ["--checkpoints", "dynamodb:transactions-checkpoints"];

/// The arguments of a consumer that prints.
fn printing<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let begin = ["consume", "--stream", STREAM, "--name", name];
    begin.iter().chain(&CHECKPOINTS).chain(more).copied().collect()
}

async fn put(world: &World, key: &str, data: impl Into<Vec<u8>>) {
    let put = world.kinesis.put_record().stream_name(STREAM).partition_key(key).data(Blob::new(data));
    put.send().await.unwrap();
}

fn data(stdout: &[u8]) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap()["data"].clone();
    text(stdout).lines().map(line).collect()
}

/// A consumer at work, and its standard output.
struct Consumer {
    child: Child,
    stdout: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Consumer {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut child = world.command(arguments).kill_on_drop(true).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        Consumer { child, stdout }
    }

    /// The data of the next record that it prints.
    async fn next(&mut self) -> Value {
        let line = self.stdout.next_line().await.unwrap().unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["data"].clone()
    }

    async fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        let status = tokio::process::Command::new("kill").args([signal, &pid]).status().await.unwrap();
        assert!(status.success());
    }

    /// Its exit status, and what it said.
    async fn ended(self) -> (Option<i32>, String) {
        let output = self.child.wait_with_output().await.unwrap();
        (output.status.code(), text(&output.stderr))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_printed_once_and_the_next_start_goes_on_behind_them() {
    let world = world().await;
    for n in 0..3 {
        put(&world, "C1", format!("{{\"n\":{n}}}")).await;
    }
    let arguments = printing("look", &["--until-caught-up", "--create-checkpoints"]);
    let first = world.fraudctl(&arguments).await;
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    assert_eq!(data(&first.stdout), [0, 1, 2].map(|n| serde_json::json!({ "n": n })));
    assert!(text(&first.stderr).ends_with("3 records handled\n"));
    let line: Value = serde_json::from_str(text(&first.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(line["partition_key"], "C1");
    assert!(line["shard"].as_str().unwrap().starts_with("shardId-"));
    assert!(line["arrival"].as_str().unwrap().ends_with('Z'));
    put(&world, "C1", "no JSON").await;
    let second = world.fraudctl(&arguments).await;
    assert_eq!(data(&second.stdout), [Value::from("no JSON")]);
    // Another name is another consumer.
    let other = world.fraudctl(&printing("other", &["--until-caught-up"])).await;
    assert_eq!(data(&other.stdout).len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_from_before_the_streams_retention_says_what_is_gone() {
    let world = world().await;
    let arguments =
        printing("look", &["--until-caught-up", "--create-checkpoints", "--from", "2020-01-15T00:00:00Z"]);
    for is_first_start in [true, false] {
        let mut command = world.command(&arguments);
        let output = command.env("AWS_ENDPOINT_URL_KINESIS", old_stream()).output().await.unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(
            stderr.matches("the stream has all that arrived since 20").count(),
            usize::from(is_first_start)
        );
        assert_eq!(stderr.contains("raw backup"), is_first_start, "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_and_ctrl_c_finish_the_batch_and_the_next_start_is_immediate() {
    let world = world().await;
    for (n, signal) in ["-TERM", "-INT"].into_iter().enumerate() {
        put(&world, "C1", n.to_string()).await;
        let arguments = printing("look", &["--create-checkpoints", "--lease-seconds", "3600"]);
        let mut consumer = Consumer::start(&world, &arguments);
        assert_eq!(consumer.next().await, n);
        consumer.signal(signal).await;
        let (status, stderr) = consumer.ended().await;
        assert_eq!(
            (status, stderr.as_str()),
            (Some(0), "finishing; Ctrl-C again stops at once\n1 record handled\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_with_the_same_name_stops_and_says_how_to_mend_it() {
    let world = world().await;
    put(&world, "C1", "1").await;
    let arguments = printing("look", &["--create-checkpoints", "--lease-seconds", "2"]);
    let mut first = Consumer::start(&world, &arguments);
    assert_eq!(first.next().await, 1);
    let second = world.fraudctl(&arguments).await;
    let stderr = text(&second.stderr);
    assert_eq!(second.status.code(), Some(1), "{stderr}");
    assert_eq!(text(&second.stdout), "");
    assert!(stderr.contains("fraudctl: stop the other process, or give this one another --name: consumer `look` of stream `transactions` is running already"), "{stderr}");
    put(&world, "C1", "2").await;
    assert_eq!(first.next().await, 2);
    first.signal("-TERM").await;
    assert_eq!(first.ended().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_killed_is_succeeded_once_its_lease_has_run_out() {
    let world = world().await;
    put(&world, "C1", "1").await;
    let arguments = printing("look", &["--create-checkpoints", "--lease-seconds", "1"]);
    let mut killed = Consumer::start(&world, &arguments);
    assert_eq!(killed.next().await, 1);
    killed.signal("-KILL").await;
    killed.ended().await;
    put(&world, "C1", "2").await;
    let next = world.fraudctl(&[arguments, vec!["--until-caught-up"]].concat()).await;
    assert_eq!(next.status.code(), Some(0), "{}", text(&next.stderr));
    // Whether the killed one had noted the first is a matter of milliseconds.
    assert_eq!(data(&next.stdout).last(), Some(&2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_stopped_for_longer_than_its_lease_stops_when_it_wakes_up() {
    let world = world().await;
    put(&world, "C1", "1").await;
    let arguments = printing("look", &["--create-checkpoints", "--lease-seconds", "1"]);
    let mut stalled = Consumer::start(&world, &arguments);
    assert_eq!(stalled.next().await, 1);
    stalled.signal("-STOP").await;
    put(&world, "C1", "2").await;
    let mut next = Consumer::start(&world, &arguments);
    while next.next().await != 2 {}
    stalled.signal("-CONT").await;
    let (status, stderr) = tokio::time::timeout(Duration::from_secs(20), stalled.ended()).await.unwrap();
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("fraudctl: consumer `look` of stream `transactions` has lost "), "{stderr}");
    assert!(stderr.contains("longer than its lease"), "{stderr}");
    next.signal("-TERM").await;
    assert_eq!(next.ended().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_stream_or_table_and_wrong_arguments_are_told_from_each_other_by_the_exit_status() {
    let world = world().await;
    let cases: [(Vec<&str>, i32, &str); 5] = [
        (printing("look", &[]), 1, "there is no table transactions-checkpoints: if it was lost, restore it"),
        (
            ["consume", "--stream", "nowhere", "--name", "look"]
                .iter()
                .chain(&CHECKPOINTS)
                .copied()
                .collect(),
            1,
            "cannot read the stream `nowhere`: ResourceNotFoundException",
        ),
        (printing("look", &["--from", "tomorrow"]), 2, "it must be `trim-horizon`, `latest` or a time"),
        (
            printing("look", &["--from", "2999-01-01T00:00:00Z"]),
            2,
            "2999-01-01T00:00:00.000Z is in the future",
        ),
        (printing("look", &["--handler", "alerts"]), 2, "DEAD_LETTERS is not set; it accepts"),
    ];
    for (arguments, status, message) in cases {
        let output = world.bare_fraudctl(&arguments).await;
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_would_lose_what_the_checkpoints_pass_by_is_refused() {
    let mut world = world().await;
    world.put_transactions(1).await;
    for (handler, variable, value) in [
        ("alerts", "ALERT_LEDGER", "memory:"),
        ("alerts", "ALERT_SINK", "stdout:"),
        ("alerts", "DEAD_LETTERS", "stdout:"),
        ("alerts", "UNALERTED_LETTERS", "stdout:"),
        ("analytics", "AGGREGATES", "memory:"),
        ("analytics", "AGGREGATE_SINK", "stdout:"),
        ("analytics", "DEAD_LETTERS", "stdout:"),
    ] {
        let arguments =
            printing(handler, &["--handler", handler, "--create-checkpoints", "--until-caught-up"]);
        let mut command = world.command(&arguments);
        let output = command.envs(world.configuration()).env(variable, value).output().await.unwrap();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), &*stdout), (Some(2), ""), "{variable}: {stderr}");
        let told = format!("{variable} is `{value}`, which is for development");
        assert!(stderr.contains(&told), "{stderr}");
    }
    assert_eq!(world.aws.calls().count(Service::Kinesis, "GetRecords"), 0);
    // What the other function uses does not matter.
    let arguments =
        printing("analytics", &["--handler", "analytics", "--create-checkpoints", "--until-caught-up"]);
    let mut command = world.command(&arguments);
    let output = command.envs(world.configuration()).env("ALERT_SINK", "stdout:").output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_handle_the_stream_as_behind_a_mapping_and_what_they_want_again_comes_again() {
    let mut world = world().await;
    world.put_transactions(2000).await;
    // Each function has something to be delivered again.
    let faults = world.aws.faults();
    faults.add(When::calls(Service::Sns, "PublishBatch").next(4), Fault::Throttle).unwrap();
    for handler in ["alerts", "analytics"] {
        let arguments =
            ["--handler", handler, "--until-caught-up", "--create-checkpoints", "--batch-size", "200"];
        let output = world.fraudctl(&printing(handler, &arguments)).await;
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        let (_, numbers) = stderr.split_once("2,001 records handled\n").unwrap();
        let done = if handler == "alerts" { "alerted now  " } else { "counted now  " };
        assert!(numbers.contains(done) && numbers.contains("dead letters invalid_amount  1"), "{stderr}");
        assert_eq!(
            stderr.contains("records are retried: alert_sink_unavailable"),
            handler == "alerts",
            "{stderr}"
        );
    }
    assert!(!world.high_scores.is_empty());
    assert_eq!(world.alert_ids(), world.high_scores);
    assert_eq!(world.counted().await, world.countable);
    // One is not a transaction: each function has buried it.
    assert_eq!(world.aws.messages("fraud-dead-letters").unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_printed_is_printed_by_the_next_start() {
    let world = world().await;
    put(&world, "C1", "1").await;
    let arguments = printing("look", &["--create-checkpoints", "--until-caught-up"]);
    let mut child = world.command(&arguments).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write to standard output: Broken pipe"), "{stderr}");
    assert_eq!(data(&world.fraudctl(&arguments).await.stdout), [1]);
}
