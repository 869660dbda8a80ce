//! One contract, run against every implementation.

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use embedded_aws::{EmbeddedAws, Fault, KeyType, REGION, Service, TableDefinition, When};

use super::*;

const SHARD: &str = "shardId-000000000000";
const LENGTH: Duration = Duration::from_secs(10);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_705_287_600_000 + seconds * 1000).unwrap()
}

fn claim(owner: &str) -> LeaseClaim {
    LeaseClaim {
        owner: owner.to_owned(),
        length: LENGTH,
        stream_created_at: at(0),
        start: Start::TrimHorizon,
    }
}

fn after(number: &str) -> Checkpoint {
    Checkpoint::After(SequenceNumber::parse(number).unwrap())
}

fn lost_to(owner: &str) -> Kept {
    Kept::Lost(LostTo(Some(owner.to_owned())))
}

async fn take(checkpoints: &impl Checkpoints, owner: &str) -> Lease {
    match checkpoints.take_lease(&claim(owner), None).await.unwrap() {
        LeaseAnswer::Taken(lease) => lease,
        other => panic!("{owner} does not get the lease: {other:?}"),
    }
}

async fn holder(checkpoints: &impl Checkpoints, owner: &str) -> Holder {
    Holder { owner: owner.to_owned(), term: take(checkpoints, owner).await.term }
}

async fn standing(checkpoints: &impl Checkpoints, owner: &str) -> Standing {
    match checkpoints.take_lease(&claim(owner), None).await.unwrap() {
        LeaseAnswer::Held(standing) => standing,
        other => panic!("the lease is free for {owner}: {other:?}"),
    }
}

async fn table() -> (EmbeddedAws, Client) {
    let keys = TableDefinition::new("checkpoints", "shard_id", KeyType::String)
        .sort_key("consumer_name", KeyType::String);
    let builder = EmbeddedAws::builder().services([Service::DynamoDb]).table_definition(keys);
    let aws = builder.start().await.unwrap();
    let sdk = Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
    let client = Client::new(sdk.config().await);
    (aws, client)
}

/// Makes a test of each function for each implementation.
macro_rules! contract {
    ($($test:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::MemoryCheckpoints::default()).await;
            })*
        }
        mod in_dynamodb {
            $(#[tokio::test]
            async fn $test() {
                let (_aws, client) = super::table().await;
                let name = "alerts";
                super::$test(super::DynamoDbCheckpoints::new(client, "checkpoints", "transactions", name)).await;
            })*
        }
    };
}

contract! {
    a_lease_is_held_by_one_until_it_is_given_up
    only_a_lease_that_stands_as_it_was_seen_can_be_taken_over
    a_renewal_is_refused_once_another_has_the_lease
    where_a_consumer_began_is_kept_from_its_first_start_on
    checkpoints_of_a_stream_that_was_created_anew_are_refused
    a_checkpoint_only_moves_forward_by_number_and_never_behind_the_end
    who_was_stalled_can_neither_write_nor_claim_a_shard_that_a_later_one_claimed
    a_shard_that_nobody_has_claimed_takes_no_checkpoint
}

async fn a_lease_is_held_by_one_until_it_is_given_up(checkpoints: impl Checkpoints) {
    let first = take(&checkpoints, "a").await;
    assert_eq!(first.term, 1);
    // The same call again, for its answer may have been lost.
    assert_eq!(take(&checkpoints, "a").await, first);
    assert_eq!(standing(&checkpoints, "b").await.owner, "a");
    checkpoints.release_lease("b").await.unwrap();
    assert_eq!(standing(&checkpoints, "b").await.owner, "a");
    checkpoints.release_lease("a").await.unwrap();
    assert!(take(&checkpoints, "b").await.term > first.term);
    checkpoints.release_lease("a").await.unwrap();
    assert_eq!(
        standing(&checkpoints, "a").await,
        Standing { owner: "b".to_owned(), counter: 2, length: LENGTH }
    );
}

async fn only_a_lease_that_stands_as_it_was_seen_can_be_taken_over(checkpoints: impl Checkpoints) {
    let dead = take(&checkpoints, "dead").await;
    let seen = standing(&checkpoints, "b").await;
    assert_eq!(checkpoints.renew_lease("dead").await.unwrap(), Kept::Ours);
    let renewed = match checkpoints.take_lease(&claim("b"), Some(&seen)).await.unwrap() {
        LeaseAnswer::Held(standing) => standing,
        other => panic!("{other:?}"),
    };
    assert_eq!(renewed, Standing { counter: seen.counter + 1, ..seen });
    let taken = checkpoints.take_lease(&claim("b"), Some(&renewed)).await.unwrap();
    assert!(matches!(taken, LeaseAnswer::Taken(Lease { term, .. }) if term > dead.term), "{taken:?}");
    // Who watched it too comes too late.
    let late = checkpoints.take_lease(&claim("c"), Some(&renewed)).await.unwrap();
    assert!(matches!(late, LeaseAnswer::Held(standing) if standing.owner == "b"));
}

async fn a_renewal_is_refused_once_another_has_the_lease(checkpoints: impl Checkpoints) {
    assert_eq!(checkpoints.renew_lease("a").await.unwrap(), Kept::Lost(LostTo(None)));
    take(&checkpoints, "a").await;
    assert_eq!(checkpoints.renew_lease("a").await.unwrap(), Kept::Ours);
    let seen = standing(&checkpoints, "b").await;
    checkpoints.take_lease(&claim("b"), Some(&seen)).await.unwrap();
    assert_eq!(checkpoints.renew_lease("a").await.unwrap(), lost_to("b"));
    checkpoints.release_lease("b").await.unwrap();
    assert_eq!(checkpoints.renew_lease("a").await.unwrap(), Kept::Lost(LostTo(None)));
}

async fn where_a_consumer_began_is_kept_from_its_first_start_on(checkpoints: impl Checkpoints) {
    let begin = Start::Time(Timestamp::from_millis(at(7).millis() + 89).unwrap());
    let first = LeaseClaim { start: begin, ..claim("a") };
    let taken = checkpoints.take_lease(&first, None).await.unwrap();
    assert_eq!(taken, LeaseAnswer::Taken(Lease { term: 1, start: begin }));
    checkpoints.release_lease("a").await.unwrap();
    assert_eq!(take(&checkpoints, "b").await.start, begin);
}

async fn checkpoints_of_a_stream_that_was_created_anew_are_refused(checkpoints: impl Checkpoints) {
    take(&checkpoints, "a").await;
    checkpoints.release_lease("a").await.unwrap();
    let anew = LeaseClaim { stream_created_at: at(1), ..claim("b") };
    let answer = checkpoints.take_lease(&anew, None).await.unwrap();
    assert_eq!(answer, LeaseAnswer::OtherStream { created_at: at(0) });
    take(&checkpoints, "b").await;
}

async fn a_checkpoint_only_moves_forward_by_number_and_never_behind_the_end(checkpoints: impl Checkpoints) {
    let a = holder(&checkpoints, "a").await;
    let claimed = async || match checkpoints.claim_shard(SHARD, &a).await.unwrap() {
        Claimed::At(checkpoint) => checkpoint,
        lost => panic!("{lost:?}"),
    };
    assert_eq!(claimed().await, None);
    // As texts `10` sorts before `9`. What is there already, or further, is not a failure: its answer may have been lost.
    let long = after(&"9".repeat(56));
    for (to, then) in [
        (after("9"), after("9")),
        (after("10"), after("10")),
        (after("9"), after("10")),
        (after("10"), after("10")),
        (long.clone(), long.clone()),
        (Checkpoint::ShardEnd, Checkpoint::ShardEnd),
        (long, Checkpoint::ShardEnd),
    ] {
        assert_eq!(checkpoints.advance(SHARD, &a, &to).await.unwrap(), Kept::Ours);
        assert_eq!(claimed().await, Some(then));
    }
    assert_eq!(checkpoints.claim_shard("shardId-000000000001", &a).await.unwrap(), Claimed::At(None));
}

async fn who_was_stalled_can_neither_write_nor_claim_a_shard_that_a_later_one_claimed(
    checkpoints: impl Checkpoints,
) {
    let stalled = holder(&checkpoints, "stalled").await;
    checkpoints.claim_shard(SHARD, &stalled).await.unwrap();
    let seen = standing(&checkpoints, "b").await;
    let LeaseAnswer::Taken(lease) = checkpoints.take_lease(&claim("b"), Some(&seen)).await.unwrap() else {
        panic!("the lease stood as it was seen");
    };
    let b = Holder { owner: "b".to_owned(), term: lease.term };
    // Until it claims the shard it is of the other's mind what was handled.
    assert_eq!(checkpoints.advance(SHARD, &stalled, &after("5")).await.unwrap(), Kept::Ours);
    assert_eq!(checkpoints.claim_shard(SHARD, &b).await.unwrap(), Claimed::At(Some(after("5"))));
    assert_eq!(checkpoints.advance(SHARD, &stalled, &after("6")).await.unwrap(), lost_to("b"));
    assert_eq!(checkpoints.advance(SHARD, &stalled, &after("5")).await.unwrap(), lost_to("b"));
    let claimed = checkpoints.claim_shard(SHARD, &stalled).await.unwrap();
    assert_eq!(claimed, Claimed::Lost(LostTo(Some("b".to_owned()))));
    assert_eq!(checkpoints.claim_shard(SHARD, &b).await.unwrap(), Claimed::At(Some(after("5"))));
}

async fn a_shard_that_nobody_has_claimed_takes_no_checkpoint(checkpoints: impl Checkpoints) {
    let a = holder(&checkpoints, "a").await;
    assert_eq!(checkpoints.advance(SHARD, &a, &after("5")).await.unwrap(), Kept::Lost(LostTo(None)));
}

#[tokio::test]
async fn consumers_and_streams_in_one_table_have_nothing_in_common() {
    let (_aws, client) = table().await;
    let of = |stream, name| DynamoDbCheckpoints::new(client.clone(), "checkpoints", stream, name);
    let first = of("transactions", "alerts");
    let holds = holder(&first, "a").await;
    first.claim_shard(SHARD, &holds).await.unwrap();
    first.advance(SHARD, &holds, &after("5")).await.unwrap();
    for other in [of("transactions", "print"), of("refunds", "alerts")] {
        let holds = holder(&other, "b").await;
        assert_eq!(other.claim_shard(SHARD, &holds).await.unwrap(), Claimed::At(None));
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_known_when_it_is_made_again() {
    let (aws, client) = table().await;
    let checkpoints = DynamoDbCheckpoints::new(client, "checkpoints", "transactions", "alerts");
    // The SDK repeats the call by itself.
    let lost = || When::calls(Service::DynamoDb, "UpdateItem").nth(1);
    aws.faults().add(lost(), Fault::LoseAnswer).unwrap();
    let a = holder(&checkpoints, "a").await;
    assert_eq!(a.term, 1);
    aws.faults().add(lost(), Fault::LoseAnswer).unwrap();
    assert_eq!(checkpoints.claim_shard(SHARD, &a).await.unwrap(), Claimed::At(None));
    aws.faults().add(lost(), Fault::LoseAnswer).unwrap();
    assert_eq!(checkpoints.advance(SHARD, &a, &after("5")).await.unwrap(), Kept::Ours);
    aws.faults().add(lost(), Fault::LoseAnswer).unwrap();
    assert_eq!(checkpoints.renew_lease("a").await.unwrap(), Kept::Ours);
    aws.faults().add(lost(), Fault::LoseAnswer).unwrap();
    checkpoints.release_lease("a").await.unwrap();
    assert_eq!(aws.calls().count(Service::DynamoDb, "UpdateItem"), 10);
    take(&checkpoints, "b").await;
}

#[tokio::test]
async fn a_table_is_created_once_and_one_that_is_missing_is_a_failure_that_lasts() {
    let aws = EmbeddedAws::builder().services([Service::DynamoDb]).start().await.unwrap();
    let sdk = Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
    let client = Client::new(sdk.config().await);
    let checkpoints = DynamoDbCheckpoints::new(client, "new-checkpoints", "transactions", "alerts");
    let missing = checkpoints.take_lease(&claim("a"), None).await.unwrap_err();
    assert!(
        matches!(&missing, CheckpointFault::Call(fault) if fault.code == "ResourceNotFoundException" && !fault.is_transient()),
        "{missing}"
    );
    checkpoints.create_table().await.unwrap();
    take(&checkpoints, "a").await;
    checkpoints.create_table().await.unwrap();
    assert_eq!(standing(&checkpoints, "b").await.owner, "a");
}

#[tokio::test]
async fn a_row_that_no_consumer_wrote_is_named() {
    let (_aws, client) = table().await;
    let checkpoints = DynamoDbCheckpoints::new(client.clone(), "checkpoints", "transactions", "alerts");
    let a = holder(&checkpoints, "a").await;
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let put = client.put_item().table_name("checkpoints").item("shard_id", text(SHARD));
    let put = put.item("consumer_name", text("transactions/alerts")).item("sequence_number", text("soon"));
    put.send().await.unwrap();
    let fault = checkpoints.claim_shard(SHARD, &a).await.unwrap_err();
    assert_eq!(
        fault,
        CheckpointFault::Unreadable { shard_id: SHARD.to_owned(), attribute: "sequence_number" }
    );
}

#[tokio::test]
async fn an_answer_without_the_row_is_no_shard_without_a_checkpoint() {
    let (aws, client) = table().await;
    let checkpoints = DynamoDbCheckpoints::new(client, "checkpoints", "transactions", "alerts");
    let a = holder(&checkpoints, "a").await;
    checkpoints.claim_shard(SHARD, &a).await.unwrap();
    checkpoints.advance(SHARD, &a, &after("5")).await.unwrap();
    for fault in [
        Fault::CutAnswer,
        Fault::EmptyAnswer,
        Fault::CodelessError { status: 400, body: "{".to_owned(), done: true },
    ] {
        let rule = aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem"), fault).unwrap();
        let in_doubt = checkpoints.claim_shard(SHARD, &a).await.unwrap_err();
        assert!(
            matches!(&in_doubt, CheckpointFault::Call(fault) if fault.may_be_done() && fault.is_transient()),
            "{in_doubt}"
        );
        aws.faults().remove(rule);
        assert_eq!(checkpoints.claim_shard(SHARD, &a).await.unwrap(), Claimed::At(Some(after("5"))));
    }
}
