//! Faults on order, as the unmodified SDK sees them. DynamoDB stands for all services here: one layer serves all.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::{PutItemError, PutItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use embedded_aws::{EmbeddedAws, Fault, FaultError, Service, ServiceError, When};
use tokio::sync::Notify;

const LONG: Duration = Duration::from_secs(10);

async fn aws() -> (EmbeddedAws, Client) {
    let aws = EmbeddedAws::builder().table("items", "id").start().await.unwrap();
    let client = crate::support::dynamodb(&aws);
    (aws, client)
}

async fn put(client: &Client, id: &str) -> Result<PutItemOutput, SdkError<PutItemError>> {
    client.put_item().table_name("items").item("id", AttributeValue::S(id.to_owned())).send().await
}

async fn exists(client: &Client, id: &str) -> bool {
    let found =
        client.get_item().table_name("items").key("id", AttributeValue::S(id.to_owned())).send().await;
    found.unwrap().item.is_some()
}

fn puts() -> When {
    When::calls(Service::DynamoDb, "PutItem")
}

fn code(result: &Result<PutItemOutput, SdkError<PutItemError>>) -> Option<&str> {
    result.as_ref().err().and_then(ProvideErrorMetadata::code)
}

#[tokio::test]
async fn an_internal_error_is_a_500_that_the_sdk_knows_by_its_type() {
    let (aws, client) = aws().await;
    aws.faults().add(puts(), Fault::InternalError).unwrap();

    let result = put(&client, "a").await;

    let Err(SdkError::ServiceError(error)) = result else { panic!("{result:?}") };
    assert_eq!(error.raw().status().as_u16(), 500);
    assert!(error.err().is_internal_server_error());
    assert!(!exists(&client, "a").await);
}

#[tokio::test]
async fn an_error_of_the_tests_own_keeps_its_status_code_and_message() {
    let (aws, client) = aws().await;
    let error = Service::DynamoDb.validation_error("the words of the test");
    aws.faults().add(puts(), Fault::Error(error)).unwrap();
    aws.faults()
        .add(
            When::calls(Service::DynamoDb, "GetItem"),
            Fault::Error(ServiceError::new(503, "Unavailable", "")),
        )
        .unwrap();

    let put = put(&client, "a").await;
    let get = client.get_item().table_name("items").key("id", AttributeValue::S("a".to_owned())).send().await;

    assert_eq!(code(&put), Some("ValidationException"));
    assert_eq!(put.unwrap_err().message(), Some("the words of the test"));
    assert_eq!(get.unwrap_err().raw_response().unwrap().status().as_u16(), 503);
}

#[tokio::test]
async fn throttling_speaks_the_services_own_words() {
    let (aws, client) = aws().await;
    aws.faults().add(puts(), Fault::Throttle).unwrap();

    let result = put(&client, "a").await;

    assert!(result.unwrap_err().into_service_error().is_provisioned_throughput_exceeded_exception());
}

#[tokio::test]
async fn a_delayed_call_is_done_later() {
    let (aws, client) = aws().await;
    aws.faults().add(puts(), Fault::Delay(Duration::from_millis(50))).unwrap();
    let begin = Instant::now();

    put(&client, "a").await.unwrap();

    assert!(begin.elapsed() >= Duration::from_millis(50));
    assert!(exists(&client, "a").await);
}

#[tokio::test]
async fn a_call_that_hangs_is_not_done_and_its_client_times_out() {
    let (aws, client) = aws().await;
    aws.faults().add(puts(), Fault::Hang).unwrap();

    let result = put(&crate::support::impatient(&aws), "a").await;

    assert!(matches!(result, Err(SdkError::TimeoutError(_))), "{result:?}");
    assert!(!exists(&client, "a").await);
}

#[tokio::test]
async fn a_dropped_connection_is_a_dispatch_failure_and_the_call_is_not_done() {
    let (aws, client) = aws().await;
    aws.faults().add(puts(), Fault::DropConnection).unwrap();

    let result = put(&client, "a").await;

    assert!(matches!(result, Err(SdkError::DispatchFailure(_))), "{result:?}");
    assert!(!exists(&client, "a").await);
    assert_eq!(aws.calls().count(Service::DynamoDb, "PutItem"), 1);
}

#[tokio::test]
async fn a_lost_answer_leaves_the_call_done() {
    let (aws, client) = aws().await;
    aws.faults().add(puts().nth(1), Fault::LoseAnswer).unwrap();
    aws.faults().add(puts().nth(2), Fault::HoldAnswer).unwrap();

    let lost = put(&client, "lost").await;
    let held = put(&crate::support::impatient(&aws), "held").await;

    assert!(matches!(lost, Err(SdkError::DispatchFailure(_))), "{lost:?}");
    assert!(matches!(held, Err(SdkError::TimeoutError(_))), "{held:?}");
    assert!(exists(&client, "lost").await && exists(&client, "held").await);
}

#[tokio::test]
async fn half_a_batch_of_reads_gives_the_other_keys_back() {
    let (aws, client) = aws().await;
    let ids: Vec<_> = (0..7).map(|n| n.to_string()).collect();
    for id in &ids {
        put(&client, id).await.unwrap();
    }
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), Fault::Half).unwrap();
    let keys =
        ids.iter().map(|id| HashMap::from([("id".to_owned(), AttributeValue::S(id.clone()))])).collect();
    let keys = KeysAndAttributes::builder().set_keys(Some(keys)).build().unwrap();

    let mut todo = Some(HashMap::from([("items".to_owned(), keys)]));
    let mut counts = Vec::new();
    for _ in 0..4 {
        let answer = client.batch_get_item().set_request_items(todo).send().await.unwrap();
        let found = answer.responses().and_then(|tables| tables.get("items")).map_or(0, Vec::len);
        counts.push((found, answer.unprocessed_keys().unwrap()["items"].keys().len()));
        todo = answer.unprocessed_keys;
    }

    assert_eq!(counts, [(3, 4), (2, 2), (1, 1), (0, 1)]);
}

#[tokio::test]
async fn half_of_an_operation_without_entries_is_refused_when_it_is_ordered() {
    let (aws, _) = aws().await;

    let named = aws.faults().add(puts(), Fault::Half);
    let unnamed = aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::Half);

    assert!(matches!(named, Err(FaultError::NoHalf { operation, .. }) if operation == "PutItem"));
    assert!(matches!(unnamed, Err(FaultError::NoHalf { .. })));
}

#[tokio::test]
async fn a_hook_before_a_call_runs_while_the_call_is_not_done_yet() {
    let (aws, client) = aws().await;
    let (reached, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let hook = {
        let (reached, go_on) = (reached.clone(), go_on.clone());
        Fault::before(move |_| {
            reached.notify_one();
            let go_on = go_on.clone();
            async move { go_on.notified().await }
        })
    };
    aws.faults().add(puts(), hook).unwrap();

    let invocation = tokio::spawn({
        let client = client.clone();
        async move { put(&client, "a").await }
    });
    tokio::time::timeout(LONG, reached.notified()).await.unwrap();
    let during = exists(&client, "a").await;
    go_on.notify_one();

    invocation.await.unwrap().unwrap();
    assert!(!during);
    assert!(exists(&client, "a").await);
}

#[tokio::test]
async fn an_invocation_can_be_cancelled_just_after_its_call_was_done() {
    let (aws, client) = aws().await;
    let done = Arc::new(Notify::new());
    let hook = {
        let done = done.clone();
        Fault::after(move |_| {
            done.notify_one();
            std::future::pending()
        })
    };
    aws.faults().add(puts().nth(1), hook).unwrap();

    let invocation = tokio::spawn({
        let client = client.clone();
        async move { put(&client, "a").await }
    });
    tokio::time::timeout(LONG, done.notified()).await.unwrap();
    invocation.abort();

    assert!(invocation.await.unwrap_err().is_cancelled());
    assert!(exists(&client, "a").await);
}

#[tokio::test]
async fn rules_pick_calls_by_number_content_and_chance() {
    let (aws, client) = aws().await;
    let faults = aws.faults();
    let pattern = async |when: When| {
        let rule = faults.add(when, Fault::Throttle).unwrap();
        let mut failed = Vec::new();
        for n in 1..=5 {
            if put(&client, &n.to_string()).await.is_err() {
                failed.push(n);
            }
        }
        assert_eq!(faults.applied(rule), failed.len());
        assert!(faults.remove(rule));
        failed
    };

    assert_eq!(pattern(puts()).await, [1, 2, 3, 4, 5]);
    assert_eq!(pattern(puts().nth(3)).await, [3]);
    assert_eq!(pattern(puts().next(2)).await, [1, 2]);
    assert_eq!(pattern(puts().from_nth(4)).await, [4, 5]);
    assert_eq!(pattern(When::any_call().matching(|call| call.body.ends_with(b"\"2\"}}}"))).await, [2]);
    assert_eq!(pattern(puts().with_probability(0.0, 7)).await, [0; 0]);
    let by_chance = pattern(puts().with_probability(0.5, 7)).await;
    assert_eq!(pattern(puts().with_probability(0.5, 7)).await, by_chance);
    assert!(matches!(faults.add(puts().nth(0), Fault::Throttle), Err(FaultError::NoSuchCall)));
    assert!(matches!(
        faults.add(puts().with_probability(1.5, 7), Fault::Throttle),
        Err(FaultError::Probability(_))
    ));
}

#[tokio::test]
async fn the_first_rule_that_decides_wins_and_delays_come_on_top() {
    let (aws, client) = aws().await;
    aws.faults().add(puts(), Fault::Delay(Duration::from_millis(30))).unwrap();
    let throttle = aws.faults().add(puts(), Fault::Throttle).unwrap();
    let error = aws.faults().add(puts(), Fault::InternalError).unwrap();
    let begin = Instant::now();

    let result = put(&client, "a").await;

    assert_eq!(code(&result), Some("ProvisionedThroughputExceededException"));
    assert!(begin.elapsed() >= Duration::from_millis(30));
    assert_eq!((aws.faults().applied(throttle), aws.faults().applied(error)), (1, 0));
    aws.faults().clear();
    put(&client, "a").await.unwrap();
}

#[tokio::test]
async fn calls_are_recorded_in_order_with_their_bodies_whatever_became_of_them() {
    let (aws, client) = aws().await;
    aws.faults().add(puts().nth(2), Fault::DropConnection).unwrap();
    for id in ["a", "b", "c"] {
        let _ = put(&client, id).await;
    }

    let ids: Vec<_> = aws
        .calls()
        .of(Service::DynamoDb, "PutItem")
        .iter()
        .map(|call| call.json().unwrap()["Item"]["id"]["S"].as_str().unwrap().to_owned())
        .collect();

    assert_eq!(ids, ["a", "b", "c"]);
    aws.calls().clear();
    assert_eq!((aws.calls().all().len(), aws.calls().count(Service::DynamoDb, "PutItem")), (0, 0));
}

#[tokio::test]
async fn the_most_calls_under_way_at_once_are_counted() {
    let (aws, client) = aws().await;
    let open = Arc::new(tokio::sync::Semaphore::new(0));
    let hook = {
        let open = open.clone();
        Fault::before(move |_| {
            let open = open.clone();
            async move { drop(open.acquire().await) }
        })
    };
    aws.faults().add(puts(), hook).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..4 {
        let client = client.clone();
        tasks.spawn(async move { put(&client, &n.to_string()).await });
    }

    tokio::time::timeout(LONG, aws.calls().wait_for(Service::DynamoDb, "PutItem", 4)).await.unwrap();
    open.add_permits(1);
    for result in tasks.join_all().await {
        result.unwrap();
    }
    put(&client, "after").await.unwrap();

    assert_eq!(aws.calls().max_concurrency(Service::DynamoDb, "PutItem"), 4);
}

#[tokio::test]
async fn an_answer_has_the_date_that_a_test_gives_it_whatever_it_says() {
    let (aws, client) = aws().await;
    let date = "Mon, 15 Jan 2024 03:00:00 GMT";
    aws.faults().add(puts(), Fault::Date(date.to_owned())).unwrap();
    aws.faults().add(puts(), Fault::Throttle).unwrap();

    let dated = put(&client, "a").await.unwrap_err();
    aws.faults().clear();
    let refused = aws.faults().add(puts(), Fault::Date("\n".to_owned()));

    assert_eq!(dated.raw_response().unwrap().headers().get("date"), Some(date));
    assert_eq!(refused, Err(FaultError::Date("\n".to_owned())));
}
