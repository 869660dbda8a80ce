//! Alerts whose sender died: found, shown, and sent once.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{Fault, Service};
use serde_json::{Value, json};

use crate::functions::{event, high, run_alerts};
use crate::world::{LEDGER, World};

/// Lets the function claim alerts of these transactions and fail to send them.
async fn leave_unsent(world: &World, ids: &[&str]) {
    world.fault(Service::Sns, "PublishBatch", Fault::InternalError);
    // Each in a batch of its own: behind one that fails the others of a customer are not even tried.
    let batches = ids.iter().map(async |id| run_alerts(world, &event(&[&high(Some(id), "20000.50")])).await);
    for response in futures_util::future::join_all(batches).await {
        assert!(response.contains("itemIdentifier"), "{response}");
    }
    world.aws.faults().clear();
    assert_eq!(world.alerted(), Vec::<String>::new());
}

/// Changes an alert's row.
async fn change(world: &World, alert_id: &str, changes: &[(&str, AttributeValue)]) {
    let rows = world.rows(LEDGER).await;
    let id = AttributeValue::S(alert_id.to_owned());
    let mut row = rows.into_iter().find(|row| row["alert_id"] == id).unwrap();
    row.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    world.put(LEDGER, row).await;
}

async fn messages(world: &World) -> BTreeMap<String, String> {
    let text = |row: &crate::world::Item, name: &str| row[name].as_s().unwrap().clone();
    world.rows(LEDGER).await.iter().map(|row| (text(row, "alert_id"), text(row, "message"))).collect()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

async fn alerts(world: &World, arguments: &[&str]) -> crate::world::Ended {
    world.fraudctl(&[&["alerts"], arguments].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_are_claims_whose_sender_died_or_gave_up_the_oldest_first() {
    let world = World::start().await;
    leave_unsent(&world, &["T1", "T2", "T3", "T4"]).await;
    // T1's sender gave up, T2's died, T3's is at work, T4 was sent.
    change(
        &world,
        "C1/T2",
        &[
            ("claimed_at", text("2024-01-15T03:00:00.000Z")),
            ("claim_expires_at", number("1705287660000")),
            ("may_have_been_sent", AttributeValue::Bool(false)),
        ],
    )
    .await;
    change(&world, "C1/T3", &[("claim_expires_at", number("32503680000000"))]).await;
    change(&world, "C1/T4", &[("status", text("sent"))]).await;
    let pending = alerts(&world, &["pending", "--json"]).await;
    assert_eq!(pending.status, Some(0), "{pending:?}");
    let lines = pending.json_lines();
    assert_eq!(lines.iter().map(|line| &line["alert_id"]).collect::<Vec<_>>(), ["C1/T2", "C1/T1"]);
    assert_eq!((&lines[0]["given_up"], &lines[0]["may_have_been_sent"]), (&json!(false), &json!(true)));
    assert_eq!((&lines[1]["given_up"], &lines[1]["may_have_been_sent"]), (&json!(true), &json!(true)));
    assert_eq!(lines[0]["claimed_at"], "2024-01-15T03:00:00.000Z");
    assert!(pending.stdout.contains("\"transaction_amount\":20000.50,"), "{pending:?}");
    assert_eq!(lines[0]["reasons"][0]["name"], "amount");
    let table = alerts(&world, &["pending"]).await;
    assert!(table.stdout.contains("amount customer_risk time_of_day"), "{table:?}");
    let elsewhere = alerts(&world, &["pending", "--ledger", "dynamodb:nowhere"]).await;
    assert_eq!(elsewhere.status, Some(1), "{elsewhere:?}");
    assert!(elsewhere.stderr.contains("cannot read the ledger: ResourceNotFoundException"), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_senders_who_send_at_once_one_sends_each_alert() {
    let world = World::start().await;
    let ids = ["T1", "T2", "T3", "T4", "T5"];
    leave_unsent(&world, &ids).await;
    let stored = messages(&world).await;
    // Long enough for the others to find what one has claimed.
    world.fault(Service::Sns, "PublishBatch", Fault::Delay(Duration::from_millis(150)));
    let records: Vec<Vec<u8>> = ids.iter().map(|id| high(Some(id), "20000.50")).collect();
    let records: Vec<&[u8]> = records.iter().map(|record| &record[..]).collect();
    let event = event(&records);
    let (first, second, _function) =
        tokio::join!(alerts(&world, &["send"]), alerts(&world, &["send"]), run_alerts(&world, &event));
    for sender in [&first, &second] {
        // What another holds is not sent yet.
        let held = sender.stderr.contains("not sent yet: another sender holds it");
        assert_eq!(sender.status, Some(i32::from(held)), "{sender:?}");
    }
    // What was held by the other when a sender came to it is sent by then, or by this one.
    assert_eq!(alerts(&world, &["send"]).await.status, Some(0));
    let sent: Vec<String> = world.aws.published().into_iter().map(|published| published.message).collect();
    let mut sent_sorted = sent.clone();
    sent_sorted.sort();
    assert_eq!(sent_sorted, stored.into_values().collect::<Vec<_>>(), "each once, byte for byte as stored");
    assert_eq!(alerts(&world, &["pending"]).await.stdout, "no alert is pending\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_marked_as_sent_is_not_sent_unless_it_is_asked_for_again() {
    let world = World::start().await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000.50")])).await;
    assert_eq!(world.alerted(), ["C1/T1"]);
    let sent = alerts(&world, &["send", "C1/T1"]).await;
    assert_eq!((sent.status, world.alerted().len()), (Some(0), 1), "{sent:?}");
    assert!(sent.stderr.contains("C1/T1: it is marked as sent"), "{sent:?}");
    let dry = alerts(&world, &["send", "--again", "C1/T1", "--dry-run"]).await;
    assert_eq!((dry.status, world.alerted().len()), (Some(0), 1), "{dry:?}");
    let again = alerts(&world, &["send", "--again", "C1/T1"]).await;
    assert_eq!(again.status, Some(0), "{again:?}");
    let published = world.aws.published();
    assert_eq!(published.len(), 2);
    assert_eq!(published[0].message, published[1].message);
    assert_eq!(published[0].attributes, published[1].attributes);

    let row = &alerts(&world, &["show", "C1/T1", "--json"]).await.json()["row"];
    assert_eq!(row["message"], published[0].message.as_str());
    assert_eq!(row["status"], "sent");
    assert!(row["sent_again_at"].as_str() > row["sent_at"].as_str(), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_told_as_a_story_from_the_ledger_and_from_its_message_alone() {
    let world = World::start().await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000.50")])).await;
    let story = alerts(&world, &["show", "C1/T1", "--json"]).await.json();
    let message: Value = serde_json::from_str(story["message"].as_str().unwrap()).unwrap();
    assert_eq!(message["alert_id"], "C1/T1");
    assert_eq!(story["record"]["amount"], 20000.50);
    assert_eq!(story["decision"]["fraud_score"], message["fraud_score"]);
    assert_eq!(story["decision"]["policy"], message["policy"]);
    assert_eq!(story["decision"]["threshold"], 0.8);
    // Each factor's points are those of its reason, and together they are the score.
    let factors = story["decision"]["factors"].as_array().unwrap();
    let of_reason = |factor: &Value| {
        let reasons = message["reasons"].as_array().unwrap();
        let reason = reasons.iter().find(|reason| reason["name"] == factor["name"]);
        reason.map_or(0.0, |reason| reason["points"].as_f64().unwrap())
    };
    let points: Vec<f64> = factors.iter().map(|factor| factor["points"].as_f64().unwrap()).collect();
    assert_eq!(points, factors.iter().map(of_reason).collect::<Vec<_>>());
    assert_eq!(points.iter().sum::<f64>(), message["fraud_score"].as_f64().unwrap());
    assert_eq!(factors.len(), 3);
    assert_eq!(factors[0]["why"], "amount > 10000");
    assert_eq!((&story["ledger"]["status"], &story["row"]["status"]), (&json!("sent"), &json!("sent")));
    assert_eq!(story["ledger"]["may_have_been_sent"], false);
    assert_eq!(story["places"]["sequence_number"], message["sequence_number"]);
    assert_eq!(story["places"]["partition"], "year=2024/month=01/day=15/hour=03");

    let told = alerts(&world, &["show", "C1/T1"]).await.stdout;
    for line in [
        "  amount          20000.50",
        "  status              sent",
        "  shard            shardId-000000000000",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    // The same from a file, without the ledger; the page has the same facts.
    let folder = tempfile::tempdir().unwrap();
    let (messages, page) = (folder.path().join("alerts.ndjson"), folder.path().join("why.html"));
    std::fs::write(&messages, story["message"].as_str().unwrap()).unwrap();
    let files = ["show", "C1/T1", "--messages", messages.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let by_file = alerts(&world, &[&files[..], &["--json"]].concat()).await.json();
    assert_eq!((&by_file["ledger"], &by_file["row"]), (&Value::Null, &Value::Null));
    assert_eq!(by_file["decision"], story["decision"]);
    let page = std::fs::read_to_string(page).unwrap();
    for fact in ["20000.50", "amount &gt; 10000", "shardId-000000000000", "year=2024/month=01/day=15/hour=03"]
    {
        assert!(page.contains(fact), "{fact}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("http"));
    let none = alerts(&world, &["show", "C1/T9", "--messages", messages.to_str().unwrap()]).await;
    assert_eq!((none.status, &*none.stderr), (Some(1), "fraudctl: the files have no message of C1/T9\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_is_told_by_its_id_and_keeps_no_other_alert_back() {
    let world = World::start().await;
    leave_unsent(&world, &["T1", "T2", "T3"]).await;
    change(&world, "C1/T1", &[("fraud_score", number("1"))]).await;
    change(&world, "C1/T2", &[("message", text("no JSON"))]).await;
    let pending = alerts(&world, &["pending", "--json"]).await;
    assert_eq!((pending.status, pending.json_lines().len()), (Some(1), 2), "{pending:?}");
    assert!(pending.stderr.contains("C1/T1: the row's `fraud_score` cannot be read"), "{pending:?}");
    let sent = alerts(&world, &["send", "--json"]).await;
    assert_eq!(sent.status, Some(1), "{sent:?}");
    assert_eq!(sent.json(), json!({ "dry_run": false, "sent": 1, "not_needed": 0, "not_sent": 2 }));
    for told in ["C1/T1: the row's `fraud_score` cannot be read", "C1/T2: the row's `message` cannot be read"]
    {
        assert!(sent.stderr.contains(told), "{told}: {sent:?}");
    }
    assert_eq!(world.alerted(), ["C1/T3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_sender_holds_is_not_sent_and_no_success() {
    let world = World::start().await;
    leave_unsent(&world, &["T1", "T2"]).await;
    change(&world, "C1/T1", &[("claim_expires_at", number("32503680000000"))]).await;
    let held = alerts(&world, &["send", "C1/T1", "--json"]).await;
    assert_eq!(held.status, Some(1), "{held:?}");
    assert!(held.stderr.contains("C1/T1: not sent yet: another sender holds it; if that dies"), "{held:?}");
    assert_eq!(held.json(), json!({ "dry_run": false, "sent": 0, "not_needed": 0, "not_sent": 1 }));
    assert_eq!(world.alerted(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_topic_does_not_take_stays_pending() {
    let world = World::start().await;
    leave_unsent(&world, &["T1"]).await;
    world.deny(Service::Sns, "PublishBatch");
    let denied = alerts(&world, &["send", "--json"]).await;
    assert_eq!(denied.status, Some(1), "{denied:?}");
    assert!(denied.stderr.contains("C1/T1: the topic did not take it: AuthorizationError"), "{denied:?}");
    assert_eq!(denied.json(), json!({ "dry_run": false, "sent": 0, "not_needed": 0, "not_sent": 1 }));
    world.aws.faults().clear();
    let dry = alerts(&world, &["send", "--dry-run"]).await;
    assert!(dry.stdout.contains("C1/T1") && dry.stdout.contains("1 alert would be sent"), "{dry:?}");
    assert_eq!(world.alerted().len(), 0);
    let done = alerts(&world, &["send", "C1/T1"]).await;
    assert_eq!((done.status, world.alerted()), (Some(0), vec!["C1/T1".to_owned()]), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_was_sent_and_could_not_be_marked_is_told_and_goes_out_again() {
    let world = World::start().await;
    leave_unsent(&world, &["T1"]).await;
    // The first UpdateItem is the claim.
    let marks = embedded_aws::When::calls(Service::DynamoDb, "UpdateItem").from_nth(2);
    let denied = embedded_aws::ServiceError::new(400, "AccessDeniedException", "no");
    world.aws.faults().add(marks, Fault::Error(denied)).unwrap();
    let mut sender = world.spawn(&["alerts", "send"]);
    // It goes on trying for as long as its claim lasts; here it is killed.
    crate::world::until(async || world.aws.calls().count(Service::DynamoDb, "UpdateItem") >= 6).await;
    sender.kill().await.unwrap();
    world.aws.faults().clear();
    assert_eq!(world.alerted(), ["C1/T1"]);
    assert_eq!(alerts(&world, &["pending"]).await.stdout, "no alert is pending\n");
    change(&world, "C1/T1", &[("claim_expires_at", number("1705287660000"))]).await;
    let pending = alerts(&world, &["pending", "--json"]).await;
    assert_eq!(pending.json()["may_have_been_sent"], true);
    assert_eq!(alerts(&world, &["send"]).await.status, Some(0));
    assert_eq!(world.alerted(), ["C1/T1", "C1/T1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_cannot_be_sent_to_is_told() {
    let mut world = World::start().await;
    let unknown = alerts(&world, &["send", "C1/T9"]).await;
    assert_eq!(unknown.status, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("C1/T9: the ledger has no such alert"), "{unknown:?}");
    let unknown = alerts(&world, &["show", "C1/T9"]).await;
    assert_eq!((unknown.status, &*unknown.stderr), (Some(1), "fraudctl: the ledger has no alert C1/T9\n"));
    leave_unsent(&world, &["T1"]).await;
    let unsent = alerts(&world, &["send", "--again", "C1/T1"]).await;
    assert_eq!(unsent.status, Some(2), "{unsent:?}");
    for (variable, value, told) in [
        ("ALERT_SINK", "stdout:", "alerts are sent to `sns:<topic arn>` only"),
        ("ALERT_SINK", "", "ALERT_SINK is not set"),
        ("ALERT_LEDGER", "memory:", "a ledger in the memory of another process cannot be read"),
        ("ALERT_LEDGER", "", "ALERT_LEDGER is not set"),
    ] {
        let usual = world.variables.insert(variable, value.to_owned()).unwrap();
        let refused = alerts(&world, &["send"]).await;
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        world.variables.insert(variable, usual);
    }
    assert_eq!(world.alerted().len(), 0);
}
