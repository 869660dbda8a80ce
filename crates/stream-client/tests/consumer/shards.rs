//! Splits and merges.

use stream_client::consumer::{ShardState, Until};

use crate::support::{Recorder, numbers, settings, shard, world};

#[tokio::test(flavor = "multi_thread")]
async fn through_a_split_and_a_merge_in_mid_stream_every_record_comes_once_and_each_key_in_order() {
    let world = world(1).await;
    let handler = Recorder::new();
    world.put(0..30).await;
    let running = world.start(&handler);
    handler.wait_for(5).await;
    world.put(30..60).await;
    world.split(0).await;
    world.put(60..120).await;
    handler.wait_for(70).await;
    world.merge(1, 2).await;
    world.put(120..150).await;
    handler.wait_for(150).await;
    world.split(3).await;
    world.put(150..180).await;
    handler.wait_for(180).await;
    running.stop().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..180));
    for n in 0..4 {
        let written = world.written(&shard(n));
        assert!(written.is_sorted_by(|a, b| a < b), "{written:?}");
        assert_eq!(world.checkpoint(&shard(n)).await.as_deref(), Some("SHARD_END"));
    }
    // Another start finds all of it done.
    let again = Recorder::new();
    world.catch_up(&again).await;
    assert_eq!(again.seen(), []);
    world.put(180..190).await;
    world.catch_up(&again).await;
    assert_eq!(again.numbers(), numbers(180..190));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_waits_until_all_its_parents_are_done_even_if_one_of_them_is_slow() {
    let world = world(2).await;
    world.put(0..40).await;
    world.merge(0, 1).await;
    world.put(40..60).await;
    let handler = Recorder::new();
    handler.close();
    let running = world.start_with(&handler, settings(Until::CaughtUp));
    // A batch of each parent is under way; no more can be until they are done.
    handler.wait_for(20).await;
    assert!(handler.seen().iter().all(|seen| seen.shard != shard(2)));
    handler.open();
    let consumer = running.consumer.clone();
    running.ended().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..60));
    let first_of_child = handler.done().iter().position(|seen| seen.shard == shard(2)).unwrap();
    assert_eq!(first_of_child, 40);
    let report = consumer.report();
    assert_eq!((report.records, report.shards_in(ShardState::Finished)), (60, 2));
    assert_eq!(report.shards[&shard(2)].records, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_shard_is_a_task_of_its_own_and_none_waits_for_another() {
    let world = world(4).await;
    world.put(0..100).await;
    let handler = Recorder::new();
    handler.close();
    let running = world.start(&handler);
    handler.wait_for(25).await;
    let shards: std::collections::BTreeSet<_> = handler.seen().into_iter().map(|seen| seen.shard).collect();
    assert!(shards.len() > 1, "{shards:?}");
    handler.open();
    handler.wait_for(100).await;
    running.stop().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..100));
}
