//! What a handler wants again.

use std::sync::atomic::{AtomicU32, Ordering};

use embedded_aws::Service;
use kpl_aggregation::{Entry, encode};
use stream_client::consumer::{ConsumerError, Handled, SequenceNumber, Until};

use crate::support::{Recorder, numbers, padded, settings, shard, world};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_before_a_failed_record_is_done_and_it_and_all_behind_come_again_without_another_read() {
    let world = world(1).await;
    world.put(0..10).await;
    let failures = AtomicU32::new(0);
    let handler = Recorder::answering(move |batch| {
        // Twice the fourth record, once the seventh.
        let wanted = match failures.fetch_add(1, Ordering::Relaxed) {
            0 => batch.records.get(3),
            1 => batch.records.first(),
            2 => batch.records.get(3),
            _ => None,
        };
        Ok(wanted.map_or(Handled::All, |record| Handled::AgainFrom(record.sequence_number.clone())))
    });
    let consumer = world.consumer(&handler, settings(Until::CaughtUp));
    consumer.run(std::future::pending()).await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..10));
    let handed_over: Vec<(usize, u32)> =
        handler.seen().iter().map(|seen| (seen.data.parse().unwrap(), seen.attempt)).collect();
    let batch = |from: usize, attempt: u32| (from..10).map(move |n| (n, attempt));
    let expected: Vec<_> = batch(0, 1).chain(batch(3, 1)).chain(batch(3, 2)).chain(batch(6, 1)).collect();
    assert_eq!(handed_over, expected);
    let numbers: Vec<_> = handler.seen().iter().take(10).map(|seen| padded(&seen.sequence_number)).collect();
    assert_eq!(world.written(&shard(0)), [&numbers[2], &numbers[5], &numbers[9]].map(String::clone));
    assert_eq!(world.aws.calls().count(Service::Kinesis, "GetRecords"), 1);
    assert_eq!((consumer.report().batches, consumer.report().incomplete_batches), (4, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_in_the_batch_brings_all_of_it_again() {
    let world = world(1).await;
    world.put(0..10).await;
    let calls = AtomicU32::new(0);
    let handler = Recorder::answering(move |_| {
        Ok(match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Handled::AgainFrom(SequenceNumber::parse("1").unwrap()),
            _ => Handled::All,
        })
    });
    world.catch_up(&handler).await;
    assert_eq!(handler.seen().len(), 20);
    assert_eq!(handler.numbers(), numbers(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_records_that_fail_and_they_are_the_first_of_the_next_start() {
    let world = world(1).await;
    world.put(0..10).await;
    let failing = Recorder::answering(|batch| {
        let five = batch.records.iter().find(|record| record.data == "5");
        Ok(Handled::AgainFrom(five.unwrap().sequence_number.clone()))
    });
    let running = world.start(&failing);
    // The first time ten, then five.
    failing.wait_for(20).await;
    running.stop().await.unwrap();
    let handler = Recorder::new();
    world.catch_up(&handler).await;
    assert_eq!(handler.seen().first().unwrap().data, "5");
    assert_eq!((failing.done().len(), handler.done().len()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregate_is_one_position_and_comes_again_whole() {
    let world = world(1).await;
    let entry = |data| Entry { partition_key: "C1", explicit_hash_key: None, data };
    let aggregate = encode(&[entry(b"a"), entry(b"b"), entry(b"c")]).unwrap();
    world.put_record("C1", "before").await;
    let position = world.put_record("C1", aggregate.to_vec()).await;
    world.put_record("C1", "behind").await;
    let failing_at = |is_it: fn(&[u8]) -> bool| {
        Recorder::answering(move |batch| {
            let again = batch.records.iter().find(|record| is_it(&record.data)).unwrap();
            Ok(Handled::AgainFrom(again.sequence_number.clone()))
        })
    };
    // It is the one that fails: the checkpoint is before it.
    let failing = failing_at(|data| data.starts_with(&[0xf3, 0x89, 0x9a, 0xc2]));
    let running = world.start(&failing);
    failing.wait_for(5).await;
    running.stop().await.unwrap();
    assert!(world.checkpoint(&shard(0)).await.unwrap() < padded(&position));
    // The one behind it fails: the checkpoint is at it.
    let behind = failing_at(|data| data == b"behind");
    let running = world.start(&behind);
    behind.wait_for(3).await;
    running.stop().await.unwrap();
    assert_eq!(behind.seen()[0].sequence_number, position);
    assert_eq!(world.checkpoint(&shard(0)).await, Some(padded(&position)));
    let handler = Recorder::new();
    world.catch_up(&handler).await;
    assert_eq!(handler.seen().iter().map(|seen| seen.data.as_str()).collect::<Vec<_>>(), ["behind"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_cannot_go_on_or_panics_ends_the_run_and_its_batch_comes_again() {
    let world = world(1).await;
    world.put(0..10).await;
    let broken = Recorder::answering(|_| Err("standard output is closed".into()));
    let error = world.start(&broken).ended().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the handler cannot go on with shardId-000000000000: standard output is closed"
    );
    let panicking = Recorder::answering(|_| panic!("a bug"));
    let error = world.start(&panicking).ended().await.unwrap_err();
    assert!(matches!(&error, ConsumerError::Panicked { message } if message == "a bug"), "{error}");
    let handler = Recorder::new();
    world.catch_up(&handler).await;
    assert_eq!(handler.numbers(), numbers(0..10));
}
