//! Streams: created once, changed only where nothing is lost.

use embedded_aws::{Fault, Service, When};
use serde_json::json;

use crate::world::{Ended, World};

async fn stream(world: &World, arguments: &[&str]) -> Ended {
    world.fraudctl(&[&["stream"], arguments].concat()).await
}

async fn described(world: &World, name: &str) -> serde_json::Value {
    let described = stream(world, &["describe", name, "--json"]).await;
    assert_eq!(described.status, Some(0), "{described:?}");
    described.json()
}

const CREATE: [&str; 7] =
    ["create", "payments", "--shards", "3", "--retention-hours", "168", "--shard-metrics"];

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_created_as_asked_and_created_again_nothing_changes() {
    let world = World::start().await;
    let created = stream(&world, &CREATE).await;
    assert_eq!(created.status, Some(0), "{created:?}");
    assert!(
        created.stdout.starts_with("payments created: 3 shards, records kept for 24 hours\n"),
        "{created:?}"
    );
    assert!(created.stdout.contains("payments: retention raised from 24 to 168 hours\n"), "{created:?}");
    let found = described(&world, "payments").await;
    let expected = json!([
        "IncomingBytes",
        "IncomingRecords",
        "IteratorAgeMilliseconds",
        "ReadProvisionedThroughputExceeded",
        "WriteProvisionedThroughputExceeded"
    ]);
    assert_eq!((&found["shard_metrics"], &found["retention_hours"]), (&expected, &json!(168)));
    assert_eq!((&found["mode"], &found["status"]), (&json!("provisioned"), &json!("ACTIVE")));
    let shards = found["open_shards"].as_array().unwrap();
    assert_eq!(shards.len(), 3);
    assert_eq!(shards[0]["first_hash_key"], "0");
    assert_eq!(shards[2]["last_hash_key"], u128::MAX.to_string());

    world.aws.calls().clear();
    for arguments in [&CREATE[..], &["create", "payments"]] {
        let again = stream(&world, arguments).await;
        let expected = "payments exists, nothing was changed: 3 shards, records kept for 168 hours\n";
        assert_eq!((again.status, &*again.stdout), (Some(0), expected), "{again:?}");
    }
    let calls: Vec<String> = world.aws.calls().all().into_iter().map(|call| call.operation).collect();
    assert!(calls.iter().all(|operation| operation == "DescribeStreamSummary"), "{calls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_to_a_stream_is_one_object_if_json_is_asked_for() {
    let world = World::start().await;
    let created = stream(&world, &[&CREATE[..], &["--json"]].concat()).await.json();
    assert_eq!((&created["created"], &created["retention_hours"]), (&true.into(), &168.into()));
    assert_eq!(created["changes"][0], "retention raised from 24 to 168 hours");
    let refused = stream(&world, &["create", "payments", "--shards", "5", "--json"]).await;
    assert_eq!(refused.status, Some(1), "{refused:?}");
    let told = refused.json();
    assert_eq!((&told["created"], &told["changes"]), (&false.into(), &json!([])));
    assert_eq!((told["refused"].as_array().unwrap().len(), &told["open_shards"]), (1, &3.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_on_demand_is_created_where_nothing_else_is_said() {
    let world = World::start().await;
    let created = stream(&world, &["create", "payments"]).await;
    let expected = "payments created: 4 shards, on demand, records kept for 24 hours\n";
    assert_eq!((created.status, &*created.stdout), (Some(0), expected), "{created:?}");
    assert_eq!(described(&world, "payments").await["mode"], "on_demand");
    let text = stream(&world, &["describe", "payments"]).await;
    for line in [
        "mode  on demand",
        "retention  24 hours",
        "encryption  NONE",
        "consumers  none",
        "shards  4 open, 0 closed",
    ] {
        assert!(text.stdout.contains(line), "{line}: {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_lose_records_or_reshard_is_refused_with_the_way_out_and_the_rest_is_done() {
    let world = World::start().await;
    stream(&world, &["create", "payments", "--shards", "3", "--retention-hours", "100"]).await;
    let refused = stream(&world, &["create", "payments", "--shards", "4", "--retention-hours", "150"]).await;
    assert_eq!(refused.status, Some(1), "{refused:?}");
    let told = "the stream has 3 shards, 4 were asked for: aws kinesis update-shard-count";
    assert!(refused.stderr.contains(told), "{refused:?}");
    assert_eq!(refused.stdout, "payments: retention raised from 100 to 150 hours\n");
    let refused = stream(&world, &["create", "payments", "--on-demand"]).await;
    assert!(refused.stderr.contains("StreamMode=ON_DEMAND"), "{refused:?}");
    let refused = stream(&world, &["create", "payments", "--retention-hours", "24"]).await;
    assert_eq!(refused.status, Some(1), "{refused:?}");
    let told = "keeping them for 24 deletes what is older at once: --shorten-retention";
    assert!(refused.stderr.contains(told), "{refused:?}");
    assert_eq!(described(&world, "payments").await["retention_hours"], 150);
    let meant = ["create", "payments", "--retention-hours", "24", "--shorten-retention"];
    let lowered = stream(&world, &meant).await;
    assert_eq!(
        (lowered.status, &*lowered.stdout),
        (Some(0), "payments: retention lowered from 150 to 24 hours\n")
    );
    assert_eq!(described(&world, "payments").await["retention_hours"], 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_died_in_the_middle_or_whose_answer_was_lost_is_completed() {
    let world = World::start().await;
    world.aws.faults().add(When::calls(Service::Kinesis, "CreateStream").nth(1), Fault::LoseAnswer).unwrap();
    world.deny(Service::Kinesis, "IncreaseStreamRetentionPeriod");
    let halfway = stream(&world, &CREATE).await;
    assert_eq!(halfway.status, Some(1), "{halfway:?}");
    assert!(halfway.stderr.contains("IncreaseStreamRetentionPeriod: AccessDeniedException"), "{halfway:?}");
    world.aws.faults().clear();
    let completed = stream(&world, &CREATE).await;
    assert_eq!(completed.status, Some(0), "{completed:?}");
    assert_eq!(described(&world, "payments").await["retention_hours"], 168);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_was_split_is_closed_and_its_children_name_it() {
    let world = World::start().await;
    let client = aws_sdk_kinesis::Client::new(world.sdk(Service::Kinesis).await.config().await);
    let split = client.split_shard().stream_name("transactions").shard_to_split("shardId-000000000000");
    split.new_starting_hash_key((u128::MAX / 4).to_string()).send().await.unwrap();
    crate::world::until(async || described(&world, "transactions").await["closed_shards"] == 1).await;
    let found = described(&world, "transactions").await;
    let parents: Vec<_> =
        found["open_shards"].as_array().unwrap().iter().map(|shard| &shard["parents"]).collect();
    assert_eq!(parents, [&json!(["shardId-000000000000"]), &json!(["shardId-000000000000"]), &json!([])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_there_is_told_and_wrong_arguments_are_refused() {
    let world = World::start().await;
    let missing = stream(&world, &["describe", "nowhere"]).await;
    assert_eq!((missing.status, &*missing.stderr), (Some(1), "fraudctl: there is no stream nowhere\n"));
    for arguments in [
        &["create", "payments", "--shards", "0"][..],
        &["create", "payments", "--shards", "2", "--on-demand"],
        &["create", "payments", "--retention-hours", "23"],
        &["create", "payments", "--shorten-retention"],
    ] {
        assert_eq!(stream(&world, arguments).await.status, Some(2), "{arguments:?}");
    }
}
