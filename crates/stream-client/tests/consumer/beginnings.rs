//! Where a consumer begins and ends.

use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::types::AttributeValue::S;
use exact_text::timestamp::Timestamp;
use stream_client::consumer::{ConsumerError, From, Settings, Until};

use crate::support::{NAME, Recorder, STREAM, TABLE, World, numbers, settings, shard, world};

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap()).unwrap()
}

/// A time that no record shares: whole milliseconds pass before and after it.
async fn between() -> Timestamp {
    tokio::time::sleep(Duration::from_millis(2)).await;
    let time = now();
    tokio::time::sleep(Duration::from_millis(2)).await;
    time
}

fn from(from: From, until: Until) -> Settings {
    Settings { from, ..settings(until) }
}

async fn run(world: &World, settings: Settings) -> Recorder {
    let handler = Recorder::new();
    world.consumer(&handler, settings).run(std::future::pending()).await.unwrap();
    handler
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_time_until_a_time_is_read_what_arrived_between_them_also_through_a_split() {
    let world = world(1).await;
    world.put(0..10).await;
    let begin = between().await;
    world.put(10..20).await;
    world.split(0).await;
    world.put(20..30).await;
    let end = between().await;
    world.put(30..40).await;
    let handler = run(&world, from(From::Time(begin), Until::Time(end))).await;
    let mut expected = numbers(0..30);
    expected.values_mut().for_each(|numbers| numbers.retain(|n| *n >= 10));
    assert_eq!(handler.numbers(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_still_to_come_is_waited_for() {
    let world = world(2).await;
    let end = Timestamp::from_millis(now().millis() + 400).unwrap();
    let handler = Recorder::new();
    let running = world.start_with(&handler, settings(Until::Time(end)));
    world.put(0..10).await;
    running.ended().await.unwrap();
    assert!(now() >= end);
    assert_eq!(handler.numbers(), numbers(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_before_the_end_while_a_batch_is_handled_until_long_after_it_is_read_too() {
    let world = world(1).await;
    world.put(0..5).await;
    let end = Timestamp::from_millis(now().millis() + 1500).unwrap();
    let handler = Recorder::new();
    handler.close();
    let running = world.start_with(&handler, settings(Until::Time(end)));
    handler.wait_for(5).await;
    world.put(5..10).await;
    assert!(now() < end);
    while now().millis() < end.millis() + 2_500 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    handler.open();
    running.ended().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_latest_on_only_new_records_come_and_all_of_shards_that_are_split_off_later() {
    let world = world(1).await;
    world.put(0..10).await;
    // A closed shard and its children are there before the first start.
    world.split(0).await;
    world.put(10..20).await;
    let handler = Recorder::new();
    let running = world.start_with(&handler, from(From::Latest, Until::Stopped));
    let is_read = |n: usize| {
        running.consumer.report().shards.get(&shard(n)).is_some_and(|shard| shard.behind.is_some())
    };
    while !is_read(1) || !is_read(2) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.put(20..30).await;
    world.merge(1, 2).await;
    world.put(30..40).await;
    handler.wait_for(20).await;
    running.stop().await.unwrap();
    let mut expected = numbers(0..40);
    expected.values_mut().for_each(|numbers| numbers.retain(|n| *n >= 20));
    assert_eq!(handler.numbers(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_began_at_the_latest_and_died_before_its_first_checkpoint_skips_nothing() {
    let world = world(1).await;
    let handler = Recorder::new();
    handler.close();
    let running = world.start_with(&handler, from(From::Latest, Until::Stopped));
    while running.consumer.report().shards.get(&shard(0)).is_none_or(|shard| shard.behind.is_none()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.put(0..5).await;
    handler.wait_for(5).await;
    running.kill().await;
    world.put(5..10).await;
    let next = run(&world, from(From::Latest, Until::CaughtUp)).await;
    assert_eq!(next.numbers(), numbers(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_created_anew_under_the_same_name_is_not_read_behind_the_old_ones_checkpoints() {
    let world = world(1).await;
    world.put(0..10).await;
    run(&world, settings(Until::CaughtUp)).await;
    world.kinesis.delete_stream().stream_name(STREAM).send().await.unwrap();
    // A stream tells when it was created in whole seconds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    while world.kinesis.create_stream().stream_name(STREAM).shard_count(1).send().await.is_err() {
        tokio::task::yield_now().await;
    }
    world.active().await;
    world.put(0..10).await;
    let handler = Recorder::new();
    let error = world.start(&handler).ended().await.unwrap_err();
    assert!(matches!(error, ConsumerError::OtherStream { .. }), "{error}");
    assert!(error.to_string().ends_with("Start under another name, or delete the consumer's checkpoints"));
    assert_eq!(handler.seen(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_that_the_stream_refuses_is_an_error_that_names_it_and_no_loop() {
    let world = world(1).await;
    world.put(0..10).await;
    let row = world.dynamodb.put_item().table_name(TABLE).item("shard_id", S(shard(0)));
    let row = row.item("consumer_name", S(format!("{STREAM}/{NAME}")));
    row.item("sequence_number", S(format!("{:0>129}", 12345))).send().await.unwrap();
    let handler = Recorder::new();
    let error = world.start(&handler).ended().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ConsumerError::PositionRefused { .. }), "{text}");
    assert!(text.contains("in shardId-000000000000 (after 12345): "), "{text}");
    assert_eq!(handler.seen(), []);
}
