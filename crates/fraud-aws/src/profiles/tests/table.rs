//! The real SDK against a DynamoDB in process.

use super::*;
use aws_calls::fault::CallFault;

const TABLE: &str = "customer_profiles";

async fn start() -> (EmbeddedAws, Client) {
    let aws = EmbeddedAws::builder()
        .services([Service::DynamoDb])
        .table(TABLE, "customer_id")
        .start()
        .await
        .unwrap();
    let client = Client::new(&crate::testing::for_embedded(&aws, Service::DynamoDb).await);
    (aws, client)
}

async fn put(client: &Client, id: &str, attributes: Vec<(&str, AttributeValue)>) {
    let mut put = client.put_item().table_name(TABLE).item("customer_id", AttributeValue::S(id.to_owned()));
    for (name, value) in attributes {
        put = put.item(name, value);
    }
    put.send().await.unwrap();
}

pub(super) async fn with_the_files_profiles() -> (EmbeddedAws, DynamoDbProfiles) {
    let (aws, client) = start().await;
    let (text, number) =
        (|text: &str| AttributeValue::S(text.into()), |digits: &str| AttributeValue::N(digits.into()));
    let gold = vec![
        ("segment", text("gold")),
        ("lifetime_value", number("12345678901234567890.123456789")),
        ("risk_score", number("0.90")),
    ];
    put(&client, "C1", gold).await;
    put(&client, "C2", vec![]).await;
    put(
        &client,
        "C3",
        vec![("segment", text("x")), ("lifetime_value", text("1.50")), ("risk_score", text("high"))],
    )
    .await;
    put(&client, "Ünï/c@de %", vec![("risk_score", number("1"))]).await;
    aws.calls().clear();
    (aws, DynamoDbProfiles::new(client, TABLE))
}

/// A table with customers `0` to `249`, each with its number as lifetime value.
async fn with_250_customers() -> (EmbeddedAws, DynamoDbProfiles, Vec<String>) {
    let (aws, client) = start().await;
    let ids: Vec<String> = (0..250).map(|n: u32| n.to_string()).collect();
    for id in &ids {
        put(&client, id, vec![("lifetime_value", AttributeValue::N(id.clone()))]).await;
    }
    aws.calls().clear();
    (aws, DynamoDbProfiles::new(client, TABLE), ids)
}

fn refs(ids: &[String]) -> Vec<&str> {
    ids.iter().map(String::as_str).collect()
}

/// How many were found; each must be the one asked for.
fn found(ids: &[String], answer: &ProfileAnswer) -> usize {
    let is_own = |(id, lookup): &(&String, &Lookup)| match lookup {
        Lookup::Found(profile) => {
            assert!(
                crate::testing::members(profile).contains(&format!("\"customer_lifetime_value\":{id},")),
                "{id}"
            );
            true
        }
        Lookup::Absent => panic!("{id} has a profile"),
        Lookup::Unavailable => false,
    };
    ids.iter().zip(&answer.found).filter(is_own).count()
}

#[tokio::test]
async fn two_hundred_and_fifty_customers_take_three_calls_in_parallel() {
    let (aws, store, ids) = with_250_customers().await;
    // Held until all three are there: in sequence they would not come.
    let gate = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    let hold = Fault::before(move |_| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            gate.wait().await;
        }
    });
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), hold).unwrap();
    let answer = store.lookup(&refs(&ids), soon()).await;
    assert_eq!(found(&ids, &answer), 250);
    assert_eq!((answer.looked_up, answer.fault), (250, None));
    let sizes: Vec<usize> = aws
        .calls()
        .of(Service::DynamoDb, "BatchGetItem")
        .iter()
        .map(|call| call.json().unwrap()["RequestItems"][TABLE]["Keys"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 250);
    assert_eq!(sizes.len(), 3);
}

#[tokio::test]
async fn keys_left_unprocessed_are_asked_for_again_until_all_are_there() {
    let (aws, store, ids) = with_250_customers().await;
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem").next(6), Fault::Half).unwrap();
    let answer = store.lookup(&refs(&ids), soon()).await;
    assert_eq!((found(&ids, &answer), answer.fault), (250, None));
    assert!(aws.calls().count(Service::DynamoDb, "BatchGetItem") > 6);
}

#[tokio::test]
async fn keys_that_stay_unprocessed_are_unavailable_when_time_is_up_and_the_others_are_not() {
    let (aws, store, ids) = with_250_customers().await;
    // The call's first half is done. Customer 99 is the last of its call, and half of one key is nothing.
    let half = When::calls(Service::DynamoDb, "BatchGetItem").matching(move |call| {
        let body = call.json().unwrap();
        body["RequestItems"][TABLE]["Keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|key| key["customer_id"]["S"] == "99")
    });
    aws.faults().add(half, Fault::Half).unwrap();
    let answer = store.lookup(&refs(&ids), Instant::now() + Duration::from_secs(1)).await;
    assert_eq!(answer.fault, Some(CallFault::deadline()));
    let found = found(&ids, &answer);
    assert!((150..250).contains(&found), "{found}");
}

#[tokio::test]
async fn a_slow_table_is_waited_for() {
    let (aws, store, ids) = with_250_customers().await;
    let slow = Fault::Delay(Duration::from_millis(300));
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), slow).unwrap();
    let answer = store.lookup(&refs(&ids), soon()).await;
    assert_eq!((found(&ids, &answer), answer.fault), (250, None));
}

#[tokio::test]
async fn a_table_that_throttles_for_a_while_is_asked_again() {
    let (aws, store, ids) = with_250_customers().await;
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem").next(2), Fault::Throttle).unwrap();
    let answer = store.lookup(&refs(&ids), soon()).await;
    assert_eq!((found(&ids, &answer), answer.fault), (250, None));
}

#[tokio::test]
async fn a_table_that_fails_is_unavailable_and_says_why() {
    let (aws, store, ids) = with_250_customers().await;
    let rule =
        aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), Fault::InternalError).unwrap();
    let answer = store.lookup(&refs(&ids), soon()).await;
    assert_eq!(found(&ids, &answer), 0);
    assert_eq!(answer.fault.unwrap().code, "InternalServerError");
    aws.faults().remove(rule);
    assert_eq!(found(&ids, &store.lookup(&refs(&ids), soon()).await), 250);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_no_answer_either() {
    let (_aws, client) = start().await;
    let answer = DynamoDbProfiles::new(client, "no_such_table").lookup(&["C1"], soon()).await;
    assert!(matches!(answer.found[..], [Lookup::Unavailable]));
    assert_eq!(answer.fault.unwrap().code, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_table_that_never_answers_takes_no_longer_than_the_deadline() {
    let (aws, store, ids) = with_250_customers().await;
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), Fault::Hang).unwrap();
    let start = Instant::now();
    let answer = store.lookup(&refs(&ids), start + Duration::from_millis(700)).await;
    assert_eq!((found(&ids, &answer), answer.fault), (0, Some(CallFault::deadline())));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    let (aws, store, ids) = with_250_customers().await;
    aws.shutdown().await;
    let answer = store.lookup(&refs(&ids), soon()).await;
    assert_eq!(found(&ids, &answer), 0);
    assert_eq!(answer.fault.unwrap().code, "cannot reach the service");
}

#[tokio::test]
async fn an_answer_that_says_nothing_of_the_table_is_unavailable_and_not_the_absence_of_profiles() {
    let (aws, store, ids) = with_250_customers().await;
    for fault in crate::testing::answers_that_say_nothing() {
        let rule = aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), fault).unwrap();
        let answer = store.lookup(&refs(&ids), soon()).await;
        assert_eq!(found(&ids, &answer), 0);
        crate::testing::assert_is_in_doubt(&answer.fault.unwrap());
        aws.faults().remove(rule);
    }
    assert_eq!(found(&ids, &store.lookup(&refs(&ids), soon()).await), 250);
}
