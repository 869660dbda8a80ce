//! `fraudctl replay`.

use std::collections::BTreeSet;

use exact_text::timestamp::Timestamp;
use serde_json::Value;

use crate::support::{AGGREGATES, LEDGER, STREAM, World, old_stream, text, world};

/// Before everything.
pub(crate) const BEGIN: &str = "2020-01-01T00:00:00Z";

fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap()).unwrap().to_string()
}

/// A time that no record shares: whole milliseconds pass before and after it.
pub(crate) async fn between() -> String {
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let time = now();
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    time
}

async fn replay(world: &World, handler: &str, from: &str, to: &str, more: &[&str]) -> Value {
    let arguments =
        ["replay", "--stream", STREAM, "--handler", handler, "--from", from, "--to", to, "--json"];
    let output = world.fraudctl(&[&arguments, more].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["complete"], &summary["dry_run"]), (&true.into(), &(!more.is_empty()).into()));
    summary
}

/// Replays in a dry run, and sees that nothing was written or sent.
async fn dry_run(world: &World, handler: &str, from: &str, to: &str) -> Value {
    world.aws.calls().clear();
    let summary = replay(world, handler, from, to, &["--dry-run"]).await;
    let operations: BTreeSet<String> =
        world.aws.calls().all().into_iter().map(|call| call.operation).collect();
    let reads =
        ["BatchGetItem", "DescribeStreamSummary", "GetItem", "GetRecords", "GetShardIterator", "ListShards"];
    let writes: Vec<_> = operations.iter().filter(|operation| !reads.contains(&operation.as_str())).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(operations.contains("GetItem") && operations.contains("GetRecords"));
    summary
}

/// Handles all that is on the stream, as the pipeline does.
async fn run_pipeline(world: &World, handler: &str) {
    let arguments =
        ["consume", "--stream", STREAM, "--name", handler, "--checkpoints", "dynamodb:checkpoints"];
    let more = ["--create-checkpoints", "--until-caught-up", "--handler", handler];
    let output = world.fraudctl(&[&arguments[..], &more].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_the_whole_stream_sends_no_alert_again_and_a_dry_run_says_so_before() {
    let mut world = world().await;
    world.put_transactions(2000).await;
    let high = world.high_scores.len();
    assert!(high > 0);
    let end = between().await;

    let before = dry_run(&world, "alerts", BEGIN, &end).await;
    assert_eq!((&before["records"], &before["transactions"]), (&2001.into(), &2001.into()));
    assert_eq!(before["alerts"], serde_json::json!({ "high_scores": high, "sent": high, "suppressed": 0 }));
    assert_eq!(before["dead_letters"], serde_json::json!({ "invalid_amount": 1 }));
    assert!(world.aws.published().is_empty());

    run_pipeline(&world, "alerts").await;
    assert_eq!(world.alert_ids(), world.high_scores);
    let (published, rows) = (world.aws.published().len(), world.rows(LEDGER).await);
    assert_eq!(rows.len(), high);

    let after = dry_run(&world, "alerts", BEGIN, &end).await;
    let nothing_new = serde_json::json!({ "high_scores": high, "sent": 0, "suppressed": high });
    assert_eq!(after["alerts"], nothing_new);
    let replayed = replay(&world, "alerts", BEGIN, &end, &[]).await;
    assert_eq!(replayed["alerts"], nothing_new);
    assert_eq!(replayed["records"], 2001);
    assert_eq!(world.aws.published().len(), published);
    assert_eq!(world.rows(LEDGER).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_the_whole_stream_changes_no_aggregate_and_a_dry_run_says_so_before() {
    let mut world = world().await;
    world.put_transactions(1000).await;
    let countable = world.countable;
    assert!(countable > 900);
    let end = between().await;

    let before = dry_run(&world, "analytics", BEGIN, &end).await;
    let windows = before["windows"].as_u64().unwrap();
    assert_eq!(
        (&before["analytics"]["counted"], &before["analytics"]["counted_before"]),
        (&countable.into(), &0.into())
    );
    assert!(world.rows(AGGREGATES).await.is_empty());

    run_pipeline(&world, "analytics").await;
    let rows = world.rows(AGGREGATES).await;
    assert_eq!((rows.len() as u64, world.counted().await), (windows, countable));

    let after = dry_run(&world, "analytics", BEGIN, &end).await;
    assert_eq!(
        (&after["analytics"]["counted"], &after["analytics"]["counted_before"]),
        (&0.into(), &countable.into())
    );
    assert_eq!(after["windows"], windows);
    let replayed = replay(&world, "analytics", BEGIN, &end, &[]).await;
    assert_eq!(replayed["analytics"], after["analytics"]);
    assert_eq!(world.rows(AGGREGATES).await, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_used_again_are_counted_one_by_one_and_told() {
    let world = world().await;
    for amount in ["1", "2", "1.0", "3"] {
        let data = format!(
            r#"{{"transaction_id":"T1","customer_id":"C1","amount":{amount},"event_time":"2024-01-15T03:01:00Z"}}"#
        );
        let put =
            world.kinesis.put_record().stream_name(STREAM).partition_key("C1").data(data.into_bytes().into());
        put.send().await.unwrap();
    }
    let end = between().await;
    let counts = |counted: u64, before: u64| {
        serde_json::json!({
            "counted": counted, "counted_before": before, "repeated": 1, "ids_reused": 2, "not_for_counting": 0,
        })
    };
    assert_eq!(dry_run(&world, "analytics", BEGIN, &end).await["analytics"], counts(3, 0));
    assert_eq!(replay(&world, "analytics", BEGIN, &end, &[]).await["analytics"], counts(3, 0));
    assert_eq!(world.counted().await, 3);
    assert_eq!(dry_run(&world, "analytics", BEGIN, &end).await["analytics"], counts(0, 3));
    let arguments = ["replay", "--stream", STREAM, "--handler", "analytics", "--from", BEGIN, "--to", &end];
    let output = world.fraudctl(&[&arguments[..], &["--dry-run"]].concat()).await;
    let expected = "
            transactions  4
         windows touched  1
          counted before  4
        would be counted  0
              ids reused  2
        not for counting  0
";
    assert!(text(&output.stdout).ends_with(expected), "{}", text(&output.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_does_what_was_not_done_and_only_within_its_span() {
    let mut world = world().await;
    let first = between().await;
    world.put_transactions(600).await;
    let middle = between().await;
    world.put_transactions(600).await;
    let end = between().await;
    // The producer sent the same transactions again: of the second half none counts.
    let half = replay(&world, "analytics", &middle, &end, &[]).await;
    assert_eq!((&half["records"], &half["analytics"]["counted"]), (&601.into(), &world.countable.into()));
    let whole = dry_run(&world, "analytics", &first, &end).await;
    assert_eq!((&whole["records"], &whole["analytics"]["counted"]), (&1202.into(), &0.into()));
    let none = replay(&world, "analytics", &end, &between().await, &[]).await;
    assert_eq!((&none["records"], &none["transactions"]), (&0.into(), &0.into()));
    let first_half = replay(&world, "alerts", &first, &middle, &[]).await;
    assert_eq!(first_half["alerts"]["sent"], world.high_scores.len());
    assert_eq!(world.alert_ids(), world.high_scores);
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_person_the_summary_says_what_was_and_what_would_be_done() {
    let mut world = world().await;
    world.put_transactions(2000).await;
    let high = world.high_scores.len();
    let end = between().await;
    let arguments = ["replay", "--stream", STREAM, "--handler", "alerts", "--from", BEGIN, "--to", &end];
    let output = world.fraudctl(&[&arguments[..], &["--dry-run"]].concat()).await;
    let expected = format!(
        "2,001 records of transactions that arrived from 2020-01-01T00:00:00.000Z until {end}; nothing was written or sent
            transactions  2,001
             high scores  {high}
          alerted before  0
        would be alerted  {high}
to dead letters invalid_amount  1
"
    );
    assert_eq!(text(&output.stdout), expected);
    assert_eq!(text(&output.stderr), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replayed_is_told_by_the_exit_status() {
    let world = world().await;
    let to = now();
    let cases = [
        (
            ["--from", BEGIN, "--to", BEGIN],
            "ALERT_LEDGER",
            "dynamodb:alert_ledger",
            2,
            "--from must be before --to",
        ),
        (
            ["--from", "2999-01-01T00:00:00Z", "--to", BEGIN],
            "ALERT_LEDGER",
            "dynamodb:alert_ledger",
            2,
            "is in the future",
        ),
        (
            ["--from", BEGIN, "--to", &to],
            "ALERT_LEDGER",
            "memory:",
            2,
            "ALERT_LEDGER is `memory:`, which is for development",
        ),
        (["--from", BEGIN, "--to", &to], "ALERT_SINK", "stdout:", 2, "ALERT_SINK is `stdout:`, which is for"),
        (
            ["--from", BEGIN, "--to", &to],
            "DEAD_LETTERS",
            "stdout:",
            2,
            "DEAD_LETTERS is `stdout:`, which is for",
        ),
        (["--from", BEGIN, "--to", &to], "PROFILE_SOURCE", "nowhere:", 2, "PROFILE_SOURCE is `nowhere:`"),
    ];
    for (times, variable, value, status, message) in cases {
        let begin = ["replay", "--stream", STREAM, "--handler", "alerts"];
        let mut command = world.command(&[&begin[..], &times].concat());
        let output = command.envs(world.configuration()).env(variable, value).output().await.unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
    // A dry run sends nothing, and reads what only a table knows.
    for (variable, value, status) in [("ALERT_SINK", "stdout:", 0), ("ALERT_LEDGER", "memory:", 2)] {
        let dry =
            ["replay", "--stream", STREAM, "--handler", "alerts", "--from", BEGIN, "--to", &to, "--dry-run"];
        let output =
            world.command(&dry).envs(world.configuration()).env(variable, value).output().await.unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", text(&output.stderr));
    }
    let elsewhere = ["replay", "--stream", "nowhere", "--handler", "alerts", "--from", BEGIN, "--to", &to];
    let output = world.fraudctl(&elsewhere).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr)
            .contains("fraudctl: cannot read the stream `nowhere`: ResourceNotFoundException")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_from_before_the_streams_retention_is_refused_with_what_can_be_done() {
    let world = world().await;
    let times = ["--from", BEGIN, "--to", &now()];
    let mut command = world
        .command(&[&["replay", "--stream", STREAM, "--handler", "analytics", "--json"], &times[..]].concat());
    let command = command.envs(world.configuration()).env("AWS_ENDPOINT_URL_KINESIS", old_stream());
    let output = command.output().await.unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["complete"], &summary["records"]), (&false.into(), &0.into()));
    assert!(stderr.contains("--from must be later than 20"), "{stderr}");
    assert!(stderr.contains("keeps records for 24 hours") && stderr.contains("raw backup"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_replay_says_what_it_did_and_that_it_was_not_all() {
    let world = world().await;
    // It waits for an end that is far away.
    let times = ["--from", BEGIN, "--to", "2999-01-01T00:00:00Z"];
    let mut command = world
        .command(&[&["replay", "--stream", STREAM, "--handler", "analytics", "--json"], &times[..]].concat());
    let child = command.envs(world.configuration()).kill_on_drop(true).spawn().unwrap();
    world.aws.calls().wait_for(embedded_aws::Service::Kinesis, "GetRecords", 2).await;
    let pid = child.id().unwrap().to_string();
    tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["complete"], &summary["records"]), (&false.into(), &0.into()));
    assert_eq!(
        text(&output.stderr),
        "finishing; Ctrl-C again stops at once\nfraudctl: interrupted before the end: replay the same span again\n"
    );
}
