//! Two processes, killed ones, stalled ones.

use std::time::{Duration, Instant};

use embedded_aws::{Fault, Service, ServiceError, When};
use serde_json::Value;
use stream_client::consumer::{ConsumerError, Settings, Until};

use crate::support::{LEASE, NAME, Recorder, World, numbers, padded, settings, shard, world};

fn owned(owner: &str) -> Settings {
    Settings { owner: owner.to_owned(), ..settings(Until::Stopped) }
}

fn is_renewal(call: &Value) -> bool {
    call["UpdateExpression"] == "SET updated_at = :now ADD lease_counter :one"
}

/// The renewals of a process do not get through any more.
fn cut_off(world: &World, owner: &'static str) {
    let renewal = When::calls(Service::DynamoDb, "UpdateItem").matching(move |call| {
        call.json().is_some_and(|call| {
            let owned = call["ExpressionAttributeValues"][":owner"]["S"].as_str();
            owned.is_some_and(|by| by.starts_with(owner)) && is_renewal(&call)
        })
    });
    world.aws.faults().add(renewal, Fault::InternalError).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_with_the_same_name_the_later_stops_and_says_how_to_mend_it() {
    let world = world(2).await;
    world.put(0..20).await;
    let handler = Recorder::new();
    let first = world.start_with(&handler, owned("first"));
    handler.wait_for(20).await;
    let later = Recorder::new();
    let error = world.start_with(&later, owned("later")).ended().await.unwrap_err();
    assert!(
        matches!(&error, ConsumerError::NameInUse { owner, .. } if owner.starts_with("first/")),
        "{error}"
    );
    let text = error.to_string();
    assert!(
        text.starts_with(
            "consumer `alerts` of stream `transactions` is running already, in the process first/"
        ),
        "{text}"
    );
    assert!(text.ends_with("Stop it, or start this one under another name"), "{text}");
    assert_eq!(later.seen(), []);
    // The first has not noticed anything.
    world.put(20..40).await;
    handler.wait_for(40).await;
    first.stop().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..40));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_start_at_once_one_works_and_the_other_stops() {
    let world = world(3).await;
    world.put(0..50).await;
    let (one, other) = (Recorder::new(), Recorder::new());
    let (first, second) = (world.start_with(&one, owned("one")), world.start_with(&other, owned("other")));
    tokio::select! {
        () = one.wait_for(50) => {}
        () = other.wait_for(50) => {}
    }
    let (handler, winner, loser) = match one.seen().len() {
        50 => (one, first, second),
        _ => (other, second, first),
    };
    let error = loser.ended().await.unwrap_err();
    assert!(matches!(error, ConsumerError::NameInUse { .. }), "{error}");
    winner.stop().await.unwrap();
    assert_eq!(handler.numbers(), numbers(0..50));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_names_read_the_same_stream_beside_each_other() {
    let world = world(1).await;
    world.put(0..20).await;
    let (one, other) = (Recorder::new(), Recorder::new());
    let first = world.start(&one);
    let second = world.start_with(&other, Settings { name: "print".to_owned(), ..owned("other") });
    one.wait_for(20).await;
    other.wait_for(20).await;
    first.stop().await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_had_under_way_comes_again_once_its_lease_has_run_out() {
    let world = world(1).await;
    world.put(0..10).await;
    let killed = Recorder::new();
    let running = world.start_with(&killed, owned("killed"));
    killed.wait_until_done(10).await;
    // Before there is more to handle, or it may be done with that.
    killed.close();
    world.put(10..20).await;
    killed.wait_for(11).await;
    running.kill().await;
    let killed_at = Instant::now();
    let handler = Recorder::new();
    let next = world.start_with(&handler, owned("next"));
    handler.wait_for(10).await;
    // Not at once: it may have been alive.
    assert!(killed_at.elapsed() >= LEASE, "{:?}", killed_at.elapsed());
    next.stop().await.unwrap();
    assert_eq!((killed.numbers(), handler.numbers()), (numbers(0..10), numbers_from(10)));
    let written = world.written(&shard(0));
    assert!(written.is_sorted_by(|a, b| a < b), "{written:?}");
}

fn numbers_from(first: usize) -> std::collections::BTreeMap<String, Vec<usize>> {
    let mut numbers = numbers(0..20);
    numbers.values_mut().for_each(|numbers| numbers.retain(|n| *n >= first));
    numbers
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_clean_stop_the_next_start_is_immediate_and_goes_on_behind_the_last_batch() {
    let world = world(1).await;
    world.put(0..10).await;
    let handler = Recorder::new();
    handler.close();
    let running = world.start_with(&handler, Settings { lease: LEASE * 100, ..owned("first") });
    handler.wait_for(10).await;
    // The signal finds a batch under way: it is finished and noted.
    let stopping = tokio::spawn(running.stop());
    handler.open();
    stopping.await.unwrap().unwrap();
    let last = handler.done().last().unwrap().sequence_number.clone();
    assert_eq!(world.checkpoint(&shard(0)).await, Some(padded(&last)));
    world.put(10..20).await;
    let started = Instant::now();
    let next = Recorder::new();
    world.catch_up(&next).await;
    assert!(started.elapsed() < LEASE * 10);
    assert_eq!(next.numbers(), numbers_from(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_stalled_finds_its_checkpoint_refused_and_stops_and_nothing_moves_back() {
    let world = world(1).await;
    world.put(0..10).await;
    let stalled = Recorder::new();
    stalled.close();
    let running = world.start_with(&stalled, owned("stalled"));
    stalled.wait_for(10).await;
    cut_off(&world, "stalled");
    let handler = Recorder::new();
    let next = world.start_with(&handler, owned("next"));
    handler.wait_for(10).await;
    world.put(10..20).await;
    handler.wait_for(20).await;
    let last = handler.seen().last().unwrap().sequence_number.clone();
    next.stop().await.unwrap();
    // It wakes up in the middle of a batch that the other has long handled.
    stalled.open();
    let error = running.ended().await.unwrap_err();
    assert!(matches!(&error, ConsumerError::Lost { what, .. } if *what == shard(0)), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "consumer `{NAME}` of stream `transactions` has lost shardId-000000000000 to next/"
        )),
        "{text}"
    );
    assert_eq!(world.checkpoint(&shard(0)).await, Some(padded(&last)));
    assert_eq!(handler.numbers(), numbers(0..20));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_nothing_to_write_notices_by_its_renewal_that_it_was_succeeded() {
    let world = world(1).await;
    world.put(0..10).await;
    let idle = Recorder::new();
    let running = world.start_with(&idle, owned("idle"));
    idle.wait_for(10).await;
    cut_off(&world, "idle");
    let handler = Recorder::new();
    let next = world.start_with(&handler, owned("next"));
    while next.consumer.report().shards.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.aws.faults().clear();
    let error = running.ended().await.unwrap_err();
    assert!(error.to_string().contains(" has lost its lease to next/"), "{error}");
    next.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_is_renewed_while_a_handler_takes_longer_than_it() {
    let world = world(1).await;
    world.put(0..10).await;
    let slow = Recorder::new();
    slow.close();
    let running = world.start_with(&slow, owned("slow"));
    slow.wait_for(10).await;
    let renewals = || {
        let calls = world.aws.calls().of(Service::DynamoDb, "UpdateItem");
        calls.iter().filter(|call| call.json().is_some_and(|call| is_renewal(&call))).count()
    };
    let before = world.aws.calls().count(Service::DynamoDb, "UpdateItem");
    // Four thirds of its length.
    world.aws.calls().wait_for(Service::DynamoDb, "UpdateItem", before + 4).await;
    assert!(renewals() >= 4);
    let error = world.start_with(&Recorder::new(), owned("later")).ended().await.unwrap_err();
    assert!(matches!(error, ConsumerError::NameInUse { .. }), "{error}");
    slow.open();
    running.stop().await.unwrap();
    assert_eq!(slow.numbers(), numbers(0..10));
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_that_fail_for_a_time_are_written_later_and_those_that_never_can_end_the_run() {
    let world = world(2).await;
    world.put(0..60).await;
    let fails = When::calls(Service::DynamoDb, "UpdateItem").with_probability(0.5, 3);
    let rule = world.aws.faults().add(fails, Fault::Throttle).unwrap();
    let handler = Recorder::new();
    world.catch_up(&handler).await;
    assert_eq!(handler.numbers(), numbers(0..60));
    world.aws.faults().remove(rule);
    let denied =
        ServiceError::new(400, "AccessDeniedException", "not authorized to perform: dynamodb:UpdateItem");
    let advance = When::calls(Service::DynamoDb, "UpdateItem").matching(|call| {
        call.json().is_some_and(|call| call["ExpressionAttributeValues"][":to"]["S"].is_string())
    });
    world.aws.faults().add(advance, Fault::Error(denied)).unwrap();
    world.put(60..61).await;
    let error = world.start(&handler).ended().await.unwrap_err().to_string();
    assert!(
        error.contains(
            "the checkpoints of consumer `alerts` cannot be used: AccessDeniedException: not authorized"
        ),
        "{error}"
    );
}
