//! Throttling, failures and expired iterators.

use std::time::Duration;

use embedded_aws::{Fault, Service, ServiceError, When};
use stream_client::consumer::{ConsumerError, Settings, Until};

use crate::support::{Recorder, numbers, settings, shard, world};

const SEED: u64 = 11;

#[tokio::test(flavor = "multi_thread")]
async fn expired_iterators_are_made_anew_behind_the_last_record_and_nothing_comes_twice() {
    let world = world(1).await;
    world.put(0..60).await;
    let expired = || ServiceError::new(400, "ExpiredIteratorException", "Iterator expired.");
    for n in [1, 3, 4] {
        world
            .aws
            .faults()
            .add(When::calls(Service::Kinesis, "GetRecords").nth(n), Fault::Error(expired()))
            .unwrap();
    }
    let handler = Recorder::new();
    let consumer = world.consumer(&handler, settings(Until::CaughtUp));
    consumer.run(std::future::pending()).await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..60));
    assert_eq!(consumer.report().iterators_expired, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_stream_and_a_throttled_key_are_waited_for() {
    let world = world(2).await;
    world.put(0..80).await;
    let order = |operation: &str, fault: Fault, seed: u64| {
        let when = When::calls(Service::Kinesis, operation).with_probability(0.3, SEED + seed);
        world.aws.faults().add(when, fault).unwrap();
    };
    let kms =
        ServiceError::new(400, "KMSThrottlingException", "The request was denied due to request throttling.");
    let limit = ServiceError::new(400, "LimitExceededException", "Rate exceeded.");
    order("GetRecords", Fault::Throttle, 1);
    order("GetRecords", Fault::Error(kms), 2);
    order("GetRecords", Fault::DropConnection, 3);
    order("GetRecords", Fault::InternalError, 4);
    order("GetShardIterator", Fault::Throttle, 5);
    world.aws.faults().add(When::calls(Service::Kinesis, "ListShards").nth(1), Fault::Error(limit)).unwrap();
    let handler = Recorder::new();
    let consumer = world.consumer(&handler, settings(Until::CaughtUp));
    consumer.run(std::future::pending()).await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..80), "seed {SEED}");
    let report = consumer.report();
    assert!(report.throttled > 2 && report.read_failures > 0, "seed {SEED}: {report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_cannot_be_read_is_told_of_while_others_are() {
    let world = world(2).await;
    world.put(0..40).await;
    let of_first = |call: &embedded_aws::Call| call.json().is_some_and(|call| call["ShardId"] == shard(0));
    let when = When::calls(Service::Kinesis, "GetShardIterator").matching(of_first);
    world.aws.faults().add(when, Fault::InternalError).unwrap();
    let running = world.start(&Recorder::new());
    // The SDK itself tries three times; all reads are the other shard's.
    world.aws.calls().wait_for(Service::Kinesis, "GetShardIterator", 6).await;
    world.aws.calls().wait_for(Service::Kinesis, "GetRecords", 4).await;
    let waiting: Vec<String> = running.consumer.report().trouble.into_keys().collect();
    assert_eq!(waiting, [shard(0)]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_read_no_more_than_five_times_a_second() {
    let world = world(1).await;
    world.put(0..40).await;
    let handler = Recorder::new();
    let paced = Settings::new("paced", "test");
    let pace = Settings {
        read_interval: paced.read_interval,
        poll_interval: paced.read_interval,
        ..settings(Until::CaughtUp)
    };
    world.consumer(&handler, pace).run(std::future::pending()).await.unwrap();
    let reads: Vec<_> =
        world.aws.calls().of(Service::Kinesis, "GetRecords").iter().map(|call| call.received_at).collect();
    assert_eq!(reads.len(), 4);
    // Each pause begins with the read before it, whose arrival at the service is a little later.
    let (first, last) = (reads[0], reads[3]);
    assert!(last.duration_since(first).unwrap() >= Duration::from_millis(550), "{reads:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_there_or_not_permitted_ends_the_run_with_its_reason() {
    let world = world(1).await;
    let denied =
        ServiceError::new(400, "AccessDeniedException", "not authorized to perform: kinesis:GetRecords");
    world.aws.faults().add(When::calls(Service::Kinesis, "GetRecords"), Fault::Error(denied)).unwrap();
    let error = world.start(&Recorder::new()).ended().await.unwrap_err();
    assert!(matches!(error, ConsumerError::Source { .. }));
    assert_eq!(
        error.to_string(),
        "cannot read the stream `transactions`: AccessDeniedException: not authorized to perform: kinesis:GetRecords"
    );
    world.aws.faults().clear();
    world.kinesis.delete_stream().stream_name("transactions").send().await.unwrap();
    let error = loop {
        // The emulator deletes a stream a moment after it has said so.
        match world.consumer(&Recorder::new(), settings(Until::CaughtUp)).run(std::future::pending()).await {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        error.starts_with("cannot read the stream `transactions`: ResourceNotFoundException: "),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_service_is_waited_for_and_a_stop_does_not_have_to_wait_for_it() {
    let world = world(1).await;
    let rule = world.aws.faults().add(When::any_call_to(Service::Kinesis), Fault::DropConnection).unwrap();
    let handler = Recorder::new();
    let running = world.start(&handler);
    world.aws.calls().wait_for(Service::Kinesis, "DescribeStreamSummary", 3).await;
    assert!(running.consumer.report().trouble.contains_key("the stream"));
    running.stop().await.unwrap();
    let running = world.start(&handler);
    world.aws.faults().remove(rule);
    world.put(0..5).await;
    handler.wait_for(5).await;
    running.stop().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..5));
}
