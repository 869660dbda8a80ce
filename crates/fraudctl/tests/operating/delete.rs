//! Dead letters, deleted for good.

use embedded_aws::{Fault, Service};
use serde_json::json;

use crate::functions::{event, position_id, run_alerts, run_analytics};
use crate::letters::{batch, letters, send_strangers};
use crate::world::World;

/// Two functions that could not process one record, and one that could not process another.
async fn world() -> World {
    let world = World::start().await;
    run_alerts(&world, &batch()).await;
    run_analytics(&world, 300, &event(&[br#"{"amount":1}"#, b"no json"])).await;
    let waiting = [
        ("customer-analytics", "not_json", 1),
        ("kinesis-alerts", "invalid_amount", 1),
        ("kinesis-alerts", "not_json", 1),
    ];
    assert_eq!(world.letters_by_reason(), letters(&waiting));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_deletes_the_letters_of_its_record_and_no_others() {
    let world = world().await;
    let id = position_id(1, 0);
    let dry = world.dead_letters("delete", &[&id, "--dry-run"]).await;
    assert_eq!(dry.status, Some(0), "{dry:?}");
    let mut told: Vec<&str> = dry.stdout.lines().collect();
    told.sort_unstable();
    let would = |function: &str| format!("would be deleted: {id}, not_json of {function}");
    assert_eq!(told, [would("customer-analytics"), would("kinesis-alerts")]);
    assert_eq!(world.waiting().await, (3, 0));

    let one = world.dead_letters("delete", &[&id, "--function", "customer-analytics"]).await;
    assert_eq!(
        (one.status, one.stdout),
        (Some(0), format!("deleted: {id}, not_json of customer-analytics\n"))
    );
    let left = [("kinesis-alerts", "invalid_amount", 1), ("kinesis-alerts", "not_json", 1)];
    assert_eq!(world.letters_by_reason(), letters(&left));

    let both = world.dead_letters("delete", &[&id, &position_id(2, 1), "--json"]).await;
    assert_eq!((both.status, both.json_lines().len()), (Some(0), 2), "{both:?}");
    assert!(both.json_lines().iter().all(|line| line["dry_run"] == false && line["message_id"].is_string()));
    assert_eq!(world.letters().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_letter_is_deleted_by_its_message_id() {
    let world = World::start().await;
    send_strangers(&world).await;
    let listed = world.dead_letters("list", &["--json"]).await.json_lines();
    let stranger = listed.iter().find(|line| !line["not_a_letter"].is_null()).unwrap();
    let message = stranger["message_id"].as_str().unwrap();
    let deleted = world.dead_letters("delete", &[message]).await;
    assert_eq!(
        (deleted.status, deleted.stdout),
        (Some(0), format!("deleted: {message}, not a dead letter\n"))
    );
    assert_eq!(world.waiting().await, (2, 0));
    assert!(!world.letters().contains(&json!({ "hello": "there" })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_there_and_a_letter_that_cannot_be_deleted_are_told() {
    let world = world().await;
    let missing = world.dead_letters("delete", &["nothing", &position_id(2, 1)]).await;
    assert_eq!(missing.status, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("no letter nothing among 3 letters"), "{missing:?}");
    assert_eq!(world.waiting().await, (2, 0), "the other is gone all the same");
    world.fault(Service::Sqs, "DeleteMessage", Fault::InternalError);
    let kept = world.dead_letters("delete", &[&position_id(1, 0)]).await;
    assert_eq!((kept.status, &*kept.stdout), (Some(1), ""), "{kept:?}");
    assert!(kept.stderr.contains("could not be deleted: InternalFailure"), "{kept:?}");
    assert_eq!(world.waiting().await, (2, 0));
    let nothing = world.dead_letters("delete", &[]).await;
    assert_eq!(nothing.status, Some(2), "{nothing:?}");
}
