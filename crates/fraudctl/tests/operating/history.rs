//! A customer's history: shown, and deleted.

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{Fault, Service};
use exact_text::timestamp::Timestamp;
use fraud_aws::history::{DynamoDbHistory, Written};
use fraud_core::history::{Answer, History, Incoming, Known};
use fraud_core::identity::Position;
use fraud_core::policy::HistorySettings;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::transaction::Transaction;
use serde_json::json;
use tokio::time::Instant;

use crate::world::{Ended, World};

const TABLE: &str = "customer_history";
const SETTINGS: HistorySettings =
    HistorySettings { prior_mean_amount: 50.0, outlier_ratio: 2.0, ordinary_below: 200.0 };
/// 2026-01-15T03:00:00Z
const FIRST: i64 = 1_768_446_000_000;

/// A history that took in these amounts, a minute after each other, and a copy of the last.
fn history(amounts: &[&str]) -> History {
    let mut history = History::default();
    history.begin();
    for (number, amount) in (0_i64..).zip(amounts) {
        let payload = format!(
            r#"{{"customer_id":"C1","transaction_id":"T{number}","amount":{amount},"merchant_id":"M1"}}"#
        );
        let transaction = Transaction::parse(payload.as_bytes()).unwrap();
        let digits = number.to_string();
        let position =
            Position { stream: "s", shard: "shardId-0", sequence_number: &digits, sub_sequence_number: 0 };
        let arrival = Timestamp::from_millis(FIRST + number * 60_000).unwrap();
        let record = Incoming::of(&transaction, arrival, position);
        let Answer::New(inputs) = history.ask(&record) else { unreachable!("{number} is new") };
        let profile = Profile::new(Attribute::Text("gold"), Attribute::Number("12.50"), Attribute::Missing);
        let known = Known { profile: Some(profile), ..Known::default() };
        history.take_in(&record, inputs, SETTINGS, known, number == 1);
        let mut copy = record.clone();
        copy.place.arrival += 1_000;
        if number == 1 {
            history.seen_again(&copy, false);
        }
    }
    history.end();
    history
}

async fn rows(world: &World) -> DynamoDbHistory {
    DynamoDbHistory::new(world.sdk(Service::DynamoDb).await.config().await, TABLE)
}

async fn put(world: &World, customer: &str, history: &History) {
    let at = Timestamp::from_millis(FIRST + 86_400_000).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let written = rows(world).await.create(customer, history, at, deadline).await;
    assert_eq!(written, Ok(Written::Done));
}

async fn put_state(world: &World, customer: &str, state: Vec<u8>) {
    let row = [
        ("customer_id", AttributeValue::S(customer.to_owned())),
        ("version", AttributeValue::N("7".to_owned())),
        ("state", AttributeValue::B(Blob::new(state))),
    ];
    world.put(TABLE, row.map(|(name, value)| (name.to_owned(), value)).into()).await;
}

/// `fraudctl history <arguments> --table <the table>`
async fn run(world: &World, arguments: &[&str]) -> Ended {
    world.fraudctl(&[&["history"], arguments, &["--table", "dynamodb:customer_history"]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_shown_with_its_totals_and_the_inputs_of_each_transaction() {
    let world = World::start().await;
    put(&world, "C1", &history(&["12.5", "300", "-1.00005"])).await;
    let shown = run(&world, &["show", "C1", "--json"]).await;
    assert_eq!(shown.status, Some(0), "{shown:?}");
    let shown = shown.json();
    assert_eq!(
        (&shown["customer_id"], &shown["version"], &shown["written_at"], &shown["merchants"]),
        (&json!("C1"), &json!(1), &json!("2026-01-16T03:00:00.000Z"), &json!(1))
    );
    assert_eq!(shown["newest_arrival"], "2026-01-15T03:02:00.000Z");
    assert_eq!(shown["forgotten_until"], json!(null));
    assert_eq!(shown["weeks"], json!([{ "from": "2026-01-15", "transactions": 2, "amount": 312.5 }]));
    assert_eq!(
        shown["days"],
        json!([{ "day": "2026-01-15", "transactions": 2, "amount": 312.5, "outliers": 1 }])
    );
    let entries = shown["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 3);
    let high = json!({
        "arrival": "2026-01-15T03:01:00.000Z", "event_time": "2026-01-15T03:01:00.000Z", "amount": 300.0,
        "counts": true, "outlier": true, "alerted": true, "copied_at": "2026-01-15T03:01:01.000Z",
        "enrichment": "profile",
        "profile": { "customer_segment": "gold", "customer_lifetime_value": 12.5, "customer_risk_score": null },
        "inputs": {
            "is_foreign": false, "count_10m": 1, "count_1h": 1, "count_24h": 1, "count_7d": 1, "outliers_2d": 0,
            "outliers_8d": 0, "mean_count": 1, "amount_1h": 12.5, "amount_24h": 12.5, "amount_7d": 12.5,
            "mean_sum": 12.5, "seconds_since_last": 60, "days_known": 0, "new_merchant": false,
        },
        "entities": {},
    });
    assert_eq!(entries[1], high);
    assert_eq!((&entries[2]["counts"], &entries[2]["amount"]), (&json!(false), &json!(-1.0)));

    let text = run(&world, &["show", "C1"]).await;
    assert_eq!(text.status, Some(0), "{text:?}");
    for told in ["last written  2026-01-16T03:00:00.000Z", "300.0000", "-1.0000", "312.5000", "gold, risk -"]
    {
        assert!(text.stdout.contains(told), "{told}: {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_absent_damaged_or_of_a_later_release_is_told() {
    let world = World::start().await;
    let mut later = history(&["1"]).encode();
    later[0] = 9;
    let mut damaged = history(&["1"]).encode();
    damaged[5] ^= 1;
    put_state(&world, "later", later).await;
    put_state(&world, "damaged", damaged).await;
    for (customer, told) in [
        ("nobody", "the table customer_history has no history of nobody"),
        ("later", "the row has format 9, this release reads format 2 (version 7, "),
        ("damaged", "the row's checksum is wrong (version 7, "),
    ] {
        for json in [&[][..], &["--json"]] {
            let shown = run(&world, &[&["show", customer], json].concat()).await;
            assert_eq!((shown.status, shown.stdout.as_str()), (Some(1), ""), "{shown:?}");
            assert!(shown.stderr.contains(told), "{shown:?}");
        }
    }
    let nowhere = world.fraudctl(&["history", "show", "C1"]).await;
    assert_eq!(nowhere.status, Some(2), "{nowhere:?}");
    assert!(nowhere.stderr.contains("give --table dynamodb:<table>, or set HISTORY"), "{nowhere:?}");
    let mut by_variable = world.command(&["history", "show", "nobody"]);
    by_variable.env("HISTORY", "dynamodb:customer_history");
    let ended: Ended = by_variable.output().await.unwrap().into();
    assert_eq!(ended.status, Some(1), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_deleted_only_when_that_is_confirmed_whatever_its_state() {
    let world = World::start().await;
    put(&world, "C1", &history(&["1", "2"])).await;
    put_state(&world, "damaged", vec![2, 2, 3]).await;
    let refused = run(&world, &["delete", "C1"]).await;
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    for told in
        ["2 transactions remembered one by one", "are taken in again, and count", "nothing was deleted"]
    {
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
    }
    assert_eq!(world.rows(TABLE).await.len(), 2);
    let deleted = run(&world, &["delete", "C1", "--yes", "--json"]).await;
    assert_eq!(deleted.status, Some(0), "{deleted:?}");
    assert_eq!(deleted.json(), json!({ "customer_id": "C1", "deleted": true, "version": 1 }));
    assert_eq!(world.rows(TABLE).await.len(), 1);
    let again = run(&world, &["delete", "C1", "--yes"]).await;
    assert_eq!(again.status, Some(1), "{again:?}");
    assert!(again.stderr.contains("has no history of C1"), "{again:?}");
    let damaged = run(&world, &["delete", "damaged", "--yes"]).await;
    assert_eq!(damaged.status, Some(0), "{damaged:?}");
    assert!(damaged.stdout.contains("version 7, not readable: the row's checksum is wrong"), "{damaged:?}");
    assert_eq!(world.rows(TABLE).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_refuses_is_told_with_what_to_do() {
    let world = World::start().await;
    put(&world, "C1", &history(&["1"])).await;
    world.deny(Service::DynamoDb, "DeleteItem");
    let refused = run(&world, &["delete", "C1", "--yes"]).await;
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("cannot write to the table customer_history: AccessDenied"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("to fix it: allow the call"), "{refused:?}");
    world.fault(Service::DynamoDb, "GetItem", Fault::EmptyAnswer);
    let unread = run(&world, &["show", "C1"]).await;
    assert_eq!(unread.status, Some(1), "{unread:?}");
}
