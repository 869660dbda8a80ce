//! Batches that a mapping gave up: what its S3 destination holds, listed, shown, and handed back.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use embedded_aws::event_source_mapping::{Condition, DiscardedBatch, Record};
use embedded_aws::{Fault, Service};
use serde_json::json;

use crate::functions::{FIRST, SHARD, aggregate, counted, event, high, position_id};
use crate::world::{Ended, World};

/// Writes a given-up batch as Lambda names and writes it. Gives its path below the folder.
pub(crate) fn write(folder: &Path, name: &str, function: &str, event: String) -> String {
    let record = |index: u128| Record {
        partition_key: "C1".to_owned(),
        data: Vec::new().into(),
        sequence_number: (FIRST + index).to_string(),
        approximate_arrival: UNIX_EPOCH + Duration::from_millis(1_705_287_600_250),
    };
    let batch = DiscardedBatch {
        request_id: "0f6e8a3c".to_owned(),
        function_arn: format!("arn:aws:lambda:us-east-1:123456789012:function:{function}"),
        condition: Condition::RecordAgeExceeded,
        approximate_invoke_count: 7,
        function_error: true,
        discarded_at: UNIX_EPOCH + Duration::from_secs(1_705_291_200),
        shard_id: SHARD.to_owned(),
        stream_arn: "arn:aws:kinesis:us-east-1:123456789012:stream/transactions".to_owned(),
        records: vec![record(0), record(2)],
        event,
    };
    let path = format!("esm/{SHARD}/2024/01/15/{name}");
    fs::create_dir_all(folder.join(&path).parent().unwrap()).unwrap();
    fs::write(folder.join(&path), batch.invocation_record_with_payload()).unwrap();
    path
}

pub(crate) fn batch() -> String {
    let (first, alone, in_aggregate) =
        (high(Some("T1"), "20000.50"), high(None, "30000"), high(None, "40000.25"));
    event(&[&first, b"no json", &aggregate(&[&alone, &in_aggregate])])
}

pub(crate) async fn dead_letters(world: &World, command: &str, folder: &Path, arguments: &[&str]) -> Ended {
    let folder = folder.to_str().unwrap();
    world.fraudctl(&[&["dead-letters", command, "--objects", folder][..], arguments].concat()).await
}

async fn everything_is_done_once(world: &World) {
    let mut alerted = world.alerted();
    alerted.sort();
    assert_eq!(alerted, [position_id(2, 0), position_id(2, 1), "C1/T1".to_owned()]);
    let counted: Vec<_> = counted(world).await.into_values().collect();
    assert_eq!(counted, [("3".to_owned(), "90000.75".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn given_up_batches_go_back_whole_their_poison_is_dead_lettered_and_nothing_is_done_twice() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        write(folder.path(), "a", "fraud-stream-KinesisAlerts-1F2E", batch()),
        write(folder.path(), "b", "fraud-stream-CustomerAnalytics-3D", batch()),
    ];
    let dry = dead_letters(&world, "redrive", folder.path(), &["--dry-run"]).await;
    assert_eq!(
        (dry.status, &*dry.stdout),
        (Some(0), "2 objects would be redriven, 0 would stay\n"),
        "{dry:?}"
    );
    assert!(world.alerted().is_empty() && folder.path().join(&paths[0]).exists());

    let done = dead_letters(&world, "redrive", folder.path(), &[]).await;
    assert_eq!((done.status, &*done.stdout), (Some(0), "2 objects redriven, 0 stay\n"), "{done:?}");
    assert!(done.stderr.contains("1 not_json went to the dead letters"), "{done:?}");
    everything_is_done_once(&world).await;
    assert_eq!(world.letters().iter().filter(|letter| letter["id"] == position_id(1, 0)).count(), 2);

    let again = dead_letters(&world, "redrive", folder.path(), &[]).await;
    assert_eq!((again.status, &*again.stdout), (Some(0), "0 objects redriven, 0 stay\n"), "{again:?}");
    // As if it had died before it could mark them.
    for path in &paths {
        fs::rename(folder.path().join(format!("{path}.done")), folder.path().join(path)).unwrap();
    }
    let redone = dead_letters(&world, "redrive", folder.path(), &["--delete"]).await;
    assert_eq!(redone.status, Some(0), "{redone:?}");
    everything_is_done_once(&world).await;
    let left = fs::read_dir(folder.path().join(&paths[0]).parent().unwrap()).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_must_come_again_stays_and_is_completed_later() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a", "kinesis-alerts", batch());
    world.fault(Service::Sns, "PublishBatch", Fault::InternalError);
    let stays = dead_letters(&world, "redrive", folder.path(), &["--json"]).await;
    assert_eq!(stays.status, Some(1), "{stays:?}");
    assert_eq!(stays.json()["stayed_by_reason"], json!({ "alert_sink_unavailable": 1 }));
    assert!(folder.path().join(&path).exists());
    world.aws.faults().clear();
    let done = dead_letters(&world, "redrive", folder.path(), &[]).await;
    assert_eq!((done.status, world.alerted().len()), (Some(0), 3), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_back_is_told_and_a_function_of_another_name_is_said() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a", "scores", batch());
    fs::write(folder.path().join("notes.txt"), "{}").unwrap();
    let without = folder.path().join("without");
    let text = fs::read_to_string(folder.path().join(&path)).unwrap();
    let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
    record["requestContext"]["functionArn"] = json!("arn:aws:lambda:us-east-1:1:function:kinesis-alerts");
    record.as_object_mut().unwrap().remove("payload");
    fs::write(&without, record.to_string()).unwrap();
    let stays = dead_letters(&world, "redrive", folder.path(), &["--json"]).await;
    assert_eq!(stays.status, Some(1), "{stays:?}");
    let expected = json!({ "data_omitted": 1, "no_batch": 1, "unknown_function": 1 });
    assert_eq!(stays.json()["stayed_by_reason"], expected);
    let told = "the name scores does not say which function it is; name it with --function";
    assert!(stays.stderr.contains(told), "{stays:?}");
    assert!(stays.stderr.contains("only an S3 destination gets them"), "{stays:?}");

    let other = dead_letters(&world, "redrive", folder.path(), &["--reason", "RetryAttemptsExhausted"]).await;
    assert_eq!(other.stdout, "0 objects redriven, 0 stay\n");
    let unknown = dead_letters(&world, "redrive", folder.path(), &["--reason", "not_json"]).await;
    let told = "--reason is `not_json`; given-up batches have RecordAgeExceeded, RetryAttemptsExhausted";
    assert!(unknown.status == Some(2) && unknown.stderr.contains(told), "{unknown:?}");
    fs::remove_file(without).unwrap();
    let usual = world.variables.insert("DEAD_LETTERS", "stdout:".to_owned()).unwrap();
    let refused = dead_letters(&world, "redrive", folder.path(), &["--function", "kinesis-alerts"]).await;
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("DEAD_LETTERS is `stdout:`, which is for development"), "{refused:?}");
    world.variables.insert("DEAD_LETTERS", usual);
    let said = dead_letters(&world, "redrive", folder.path(), &["--function", "kinesis-alerts"]).await;
    assert_eq!((said.status, world.alerted().len()), (Some(0), 3), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_an_object_is_redriven_or_kept_with_its_reason() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let good =
        folder.path().join(write(folder.path(), "payload", "fraud-stream-KinesisAlerts-AbC:live", batch()));
    let text = fs::read_to_string(&good).unwrap();
    let changed = |change: fn(&mut serde_json::Value)| {
        let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut record);
        record.to_string()
    };
    let shapes = [
        (
            "object-payload",
            changed(|record| {
                record["payload"] = serde_json::from_str(record["payload"].as_str().unwrap()).unwrap();
            }),
            "invalid type: map, expected a string",
        ),
        (
            "no-payload",
            changed(|record| {
                record.as_object_mut().unwrap().remove("payload");
            }),
            "it holds no records: only an S3 destination gets them",
        ),
        (
            "dynamodb",
            changed(|record| {
                let info = record.as_object_mut().unwrap().remove("KinesisBatchInfo").unwrap();
                record["DDBStreamBatchInfo"] = info;
            }),
            "missing field `KinesisBatchInfo`",
        ),
        (
            "foreign",
            changed(|record| {
                record["requestContext"]["functionArn"] =
                    json!("arn:aws:lambda:us-east-1:1:function:my-alert-fn");
            }),
            "the name my-alert-fn does not say which function it is",
        ),
        (
            "sqs-body",
            changed(|record| *record = json!({ "Messages": [{ "Body": record.to_string() }] })),
            "missing field `requestContext`",
        ),
        ("truncated", text[..400].to_owned(), "EOF while parsing"),
    ];
    for (name, text, _) in &shapes {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let ended = dead_letters(&world, "redrive", folder.path(), &[]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.starts_with("1 object redriven, 6 stay "), "{ended:?}");
    for (name, _, told) in &shapes {
        let line = ended.stderr.lines().find(|line| line.contains(&format!("{name} stays: ")));
        assert!(line.is_some_and(|line| line.contains(told)), "{name}: {ended:?}");
        assert!(folder.path().join(name).exists());
    }
    assert!(!good.exists() && world.alerted().len() == 3);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_is_told_and_keeps_no_other_from_its_function() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "b", "kinesis-alerts", batch());
    let bad = folder.path().join(&good).with_file_name("a");
    std::os::unix::fs::symlink("nowhere", &bad).unwrap();
    let listed = dead_letters(&world, "list", folder.path(), &["--json"]).await;
    assert_eq!((listed.status, listed.json_lines().len()), (Some(1), 1), "{listed:?}");
    let told = format!("cannot read {}: No such file", bad.display());
    assert!(listed.stderr.contains(&told), "{listed:?}");
    assert_eq!(dead_letters(&world, "show", folder.path(), &["b"]).await.status, Some(0));
    let shown = dead_letters(&world, "show", folder.path(), &["a"]).await;
    assert!(shown.status == Some(1) && shown.stderr.contains(&told), "{shown:?}");
    let redriven =
        dead_letters(&world, "redrive", folder.path(), &["--function", "kinesis-alerts", "--json"]).await;
    assert_eq!((redriven.status, &redriven.json()["redriven"]), (Some(1), &json!(1)), "{redriven:?}");
    assert_eq!(redriven.json()["stayed_by_reason"], json!({ "unreadable": 1 }));
    let told = format!("{} stays: it cannot be read: No such file", bad.display());
    assert!(redriven.stderr.contains(&told), "{redriven:?}");
    assert_eq!(world.alerted().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_a_function_that_is_named_after_both_goes_to_the_one_that_is_said() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a", "kinesis-alerts-CustomerAnalytics-1A", batch());
    write(folder.path(), "b", "kinesis-alerts-KinesisAlerts-1A", batch());
    let analytics = ["--function", "customer-analytics"];
    let done = dead_letters(&world, "redrive", folder.path(), &analytics).await;
    assert_eq!((done.status, &*done.stdout), (Some(0), "1 object redriven, 0 stay\n"), "{done:?}");
    assert_eq!((counted(&world).await.len(), world.alerted().len()), (1, 0));
    fs::rename(folder.path().join(format!("{path}.done")), folder.path().join(&path)).unwrap();
    // The other is of the alerting function by its name.
    let stays = dead_letters(&world, "redrive", folder.path(), &["--json"]).await;
    assert_eq!((stays.status, &stays.json()["redriven"]), (Some(1), &json!(1)), "{stays:?}");
    assert_eq!(stays.json()["stayed_by_reason"], json!({ "unknown_function": 1 }));
    assert!(folder.path().join(&path).exists());
    everything_is_done_once(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn given_up_batches_are_listed_and_shown_with_their_records_decoded() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "b", "customer-analytics", batch());
    write(folder.path(), "a", "kinesis-alerts", batch());
    let listed = dead_letters(&world, "list", folder.path(), &["--json"]).await;
    let lines = listed.json_lines();
    assert!(lines[0]["object"].as_str().unwrap().ends_with("2024/01/15/a"), "{listed:?}");
    assert_eq!((&lines[0]["function"], &lines[0]["records"]), (&json!("kinesis-alerts"), &json!(2)));
    assert_eq!(lines[1]["reason"], "RecordAgeExceeded");
    assert_eq!(lines[1]["last_sequence_number"], (FIRST + 2).to_string());
    let table = dead_letters(&world, "list", folder.path(), &["--limit", "1"]).await;
    assert!(table.stdout.contains("RecordAgeExceeded") && table.stderr.contains("and 1 more"), "{table:?}");
    let shown = dead_letters(&world, "show", folder.path(), &["a"]).await;
    assert_eq!(shown.status, Some(0), "{shown:?}");
    for line in [format!("{}  no json", FIRST + 1), format!("{}/1  {{\"customer_id\"", FIRST + 2)] {
        assert!(shown.stdout.contains(&line), "{line}: {shown:?}");
    }
    let payload = dead_letters(&world, "show", folder.path(), &["b", "--json"]).await;
    assert_eq!(payload.json(), serde_json::from_str::<serde_json::Value>(&batch()).unwrap());
    let missing = dead_letters(&world, "show", folder.path(), &["c"]).await;
    assert_eq!((missing.status, &*missing.stderr), (Some(1), "fraudctl: no object c among 2 objects\n"));
    let nowhere = dead_letters(&world, "list", &folder.path().join("nowhere"), &[]).await;
    assert_eq!(nowhere.status, Some(2), "{nowhere:?}");
}
