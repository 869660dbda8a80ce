//! Dead letters, handed back: accepted once, or left where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use embedded_aws::{Fault, Service, When};
use serde_json::json;

use crate::functions::{
    aggregate, counted, event, forget_rule, high, position_id, run_alerts, run_analytics,
};
use crate::letters::{NOTHING_AGAIN, batch, damage, letters, send_strangers};
use crate::world::{Ended, LEDGER, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mended_is_alerted_and_counted_once_and_what_is_poison_still_stays() {
    let mut world = World::start().await;
    let damaged = ["C1/T1".to_owned(), position_id(2, 0), position_id(2, 2)];
    for id in &damaged {
        damage(&world, id).await;
    }
    // An older release has given the table windows of ten minutes.
    assert_eq!(run_analytics(&world, 600, &event(&[&high(Some("T0"), "1")])).await, NOTHING_AGAIN);
    forget_rule(&world).await;
    assert_eq!(run_alerts(&world, &batch()).await, NOTHING_AGAIN);
    assert_eq!(run_analytics(&world, 300, &batch()).await, NOTHING_AGAIN);
    let poison = [
        ("customer-analytics", "invalid_amount", 1),
        ("customer-analytics", "not_json", 1),
        ("kinesis-alerts", "invalid_amount", 1),
        ("kinesis-alerts", "not_json", 1),
    ];
    let before = letters(
        &[
            &poison[..],
            &[("customer-analytics", "aggregate_refused", 4), ("kinesis-alerts", "alert_refused", 3)],
        ]
        .concat(),
    );
    assert_eq!(world.letters_by_reason(), before);
    assert_eq!(world.alerted(), ["C1/T2"]);

    // Nothing is mended yet.
    let early = world.dead_letters("redrive", &["--json"]).await;
    assert_eq!(early.status, Some(1), "{early:?}");
    assert_eq!((&early.json()["redriven"], &early.json()["stayed"]), (&json!(0), &json!(11)));
    assert!(early.stderr.contains(&format!("{} stays: still alert_refused", position_id(2, 2))), "{early:?}");
    assert_eq!(world.letters_by_reason(), before);
    assert_eq!(world.waiting().await, (11, 0));

    for id in &damaged {
        world.delete(LEDGER, "alert_id", id).await;
    }
    world.variables.insert("WINDOW_SECONDS", "600".to_owned());
    let other_rule = world.dead_letters("redrive", &["--json"]).await;
    assert_eq!(other_rule.status, Some(2), "{other_rule:?}");
    assert!(
        other_rule.stderr.contains("the table's windows were written with WINDOW_SECONDS=300"),
        "{other_rule:?}"
    );
    assert_eq!(
        world.letters_by_reason()[&("customer-analytics".to_owned(), "aggregate_refused".to_owned())],
        4
    );
    forget_rule(&world).await;
    let mended = world.dead_letters("redrive", &["--json"]).await;
    assert_eq!(mended.status, Some(1), "{mended:?}");
    let expected = json!({
        "dry_run": false,
        "redriven": 7,
        "stayed": 4,
        "stayed_by_reason": { "invalid_amount": 2, "not_json": 2 },
    });
    assert_eq!(mended.json(), expected);
    let done = async |world: &World| {
        assert_eq!(world.letters_by_reason(), letters(&poison));
        let mut alerted = world.alerted();
        alerted.sort();
        let mut ids = damaged.to_vec();
        ids.push("C1/T2".to_owned());
        ids.sort();
        assert_eq!(alerted, ids);
        let window = ("C1".to_owned(), "2024-01-15T03:00:00.000Z".to_owned());
        let sums = ("5".to_owned(), "140001.75".to_owned());
        assert_eq!(counted(world).await, BTreeMap::from([(window, sums)]));
    };
    done(&world).await;

    let again = world.dead_letters("redrive", &["--json"]).await;
    assert_eq!((again.status, &again.json()["redriven"]), (Some(1), &json!(0)), "{again:?}");
    done(&world).await;

    // The batch itself is delivered again.
    let letters_before = world.letters().len();
    assert_eq!(run_alerts(&world, &batch()).await, NOTHING_AGAIN);
    assert_eq!(run_analytics(&world, 600, &batch()).await, NOTHING_AGAIN);
    assert_eq!(world.letters().len(), letters_before + 4, "only what is poison still is dead-lettered");
    let alerted: BTreeSet<_> = world.alerted().into_iter().collect();
    assert_eq!((alerted.len(), world.alerted().len()), (4, 4));
    assert_eq!(counted(&world).await.into_values().next().unwrap().0, "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_dies_in_the_middle_loses_nothing_and_done_again_does_nothing_twice() {
    let world = World::start().await;
    let ids = [position_id(0, 0), position_id(0, 1)];
    for id in &ids {
        damage(&world, id).await;
    }
    run_alerts(&world, &event(&[&aggregate(&[&high(None, "20000"), &high(None, "30000")])])).await;
    for id in &ids {
        world.delete(LEDGER, "alert_id", id).await;
    }
    assert_eq!(world.letters().len(), 2);

    world.fault(Service::Sqs, "DeleteMessage", Fault::Hang);
    let queue = world.queue();
    let redrive = ["dead-letters", "redrive", "--queue", &queue, "--visibility-timeout", "1"];
    let mut killed = world.spawn(&redrive);
    until(async || world.aws.calls().count(Service::Sqs, "DeleteMessage") > 0).await;
    killed.kill().await.unwrap();
    assert_eq!(world.letters().len(), 2);
    assert_eq!(world.alerted().len(), 2);
    world.aws.faults().clear();
    until(async || world.waiting().await == (2, 0)).await;

    let redone = world.fraudctl(&redrive).await;
    assert_eq!(redone.status, Some(0), "{redone:?}");
    assert_eq!(redone.stdout, "2 letters redriven, 0 stay\n");
    assert_eq!(world.letters().len(), 0);
    let mut alerted = world.alerted();
    alerted.sort();
    assert_eq!(alerted, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_redrive_that_was_killed_still_hides_is_told_and_is_no_empty_queue() {
    let world = World::start().await;
    for id in ["C1/T1", "C1/T2"] {
        damage(&world, id).await;
    }
    run_alerts(&world, &event(&[&high(Some("T1"), "20000"), &high(Some("T2"), "20000")])).await;
    world.delete(LEDGER, "alert_id", "C1/T1").await;
    world.delete(LEDGER, "alert_id", "C1/T2").await;
    world.fault(Service::Sqs, "DeleteMessage", Fault::Hang);
    let queue = world.queue();
    let mut killed =
        world.spawn(&["dead-letters", "redrive", "--queue", &queue, "--visibility-timeout", "3600"]);
    until(async || world.aws.calls().count(Service::Sqs, "DeleteMessage") > 0).await;
    killed.kill().await.unwrap();
    world.aws.faults().clear();

    let told = "about 2 letters are hidden by another reader, for at most 120 seconds";
    let listed = world.dead_letters("list", &[]).await;
    assert_eq!((listed.status, &*listed.stdout), (Some(0), "no letters can be received\n"), "{listed:?}");
    assert!(listed.stderr.contains(told), "{listed:?}");
    let none = world.dead_letters("redrive", &[]).await;
    assert_eq!((none.status, &*none.stdout), (Some(1), "0 letters redriven, 0 stay\n"), "{none:?}");
    assert!(none.stderr.contains(told), "{none:?}");
    // What the command itself holds is not meant, nor what it has removed.
    world.send_to_queue("{}").await;
    let stays = world.dead_letters("redrive", &[]).await;
    assert_eq!((stays.status, &*stays.stdout), (Some(1), "0 letters redriven, 1 stay (1 no_letter)\n"));
    assert!(stays.stderr.contains(told), "{stays:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_stay_hidden_from_others_for_as_long_as_they_are_worked_on() {
    let world = World::start().await;
    damage(&world, "C1/T1").await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000")])).await;
    world.delete(LEDGER, "alert_id", "C1/T1").await;
    world.aws.calls().clear();
    // Three times as long as a letter is hidden at once.
    world.fault(Service::DynamoDb, "PutItem", Fault::Delay(Duration::from_secs(2)));
    world.fault(Service::Sns, "PublishBatch", Fault::Delay(Duration::from_secs(1)));
    let queue = world.queue();
    let redrive = ["dead-letters", "redrive", "--queue", &queue, "--visibility-timeout", "1"];
    let mut redriving = world.spawn(&redrive);
    until(async || world.aws.calls().count(Service::DynamoDb, "PutItem") > 0).await;
    while redriving.try_wait().unwrap().is_none() {
        assert_eq!(world.waiting().await.0, 0, "another could have taken it");
    }
    assert!(redriving.wait().await.unwrap().success());
    assert_eq!((world.letters().len(), world.alerted()), (0, vec!["C1/T1".to_owned()]));
    assert!(world.aws.calls().count(Service::Sqs, "ChangeMessageVisibility") >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_interrupted_gives_back_what_it_did_not_do() {
    let world = World::start().await;
    let records: Vec<Vec<u8>> = (0..30).map(|n| format!("no json {n}").into_bytes()).collect();
    run_alerts(&world, &event(&records.iter().map(|record| &record[..]).collect::<Vec<_>>())).await;
    // The second ten are received, and then Ctrl-C is pressed.
    world
        .aws
        .faults()
        .add(When::calls(Service::Sqs, "ReceiveMessage").nth(2), Fault::Delay(Duration::from_millis(500)))
        .unwrap();
    let queue = world.queue();
    let redriving = world.spawn(&["dead-letters", "redrive", "--queue", &queue]);
    until(async || world.aws.calls().count(Service::Sqs, "ReceiveMessage") >= 2).await;
    let pid = redriving.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = Ended::from(redriving.wait_with_output().await.unwrap());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("interrupted: letters that were not redriven are unchanged"), "{ended:?}");
    assert_eq!(ended.stdout, "0 letters redriven, 20 stay (20 not_json)\n");
    assert_eq!(world.waiting().await, (30, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_cannot_be_removed_is_told_and_goes_with_the_next_redrive() {
    let world = World::start().await;
    damage(&world, "C1/T1").await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000")])).await;
    world.delete(LEDGER, "alert_id", "C1/T1").await;
    world.fault(Service::Sqs, "DeleteMessage", Fault::InternalError);
    let kept = world.dead_letters("redrive", &[]).await;
    assert_eq!(kept.status, Some(1), "{kept:?}");
    let told = "stays: accepted, but not removed (InternalFailure)";
    assert!(kept.stderr.contains(told), "{kept:?}");
    assert_eq!(kept.stdout, "0 letters redriven, 1 stay (1 not_removed)\n");
    world.aws.faults().clear();
    let gone = world.dead_letters("redrive", &[]).await;
    assert_eq!((gone.status, world.letters().len()), (Some(0), 0), "{gone:?}");
    assert_eq!(world.alerted(), ["C1/T1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_whose_function_cannot_do_its_work_now_stay_until_it_can() {
    let world = World::start().await;
    damage(&world, "C1/T1").await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000")])).await;
    world.delete(LEDGER, "alert_id", "C1/T1").await;
    world.fault(Service::Sns, "PublishBatch", Fault::InternalError);
    let waits = world.dead_letters("redrive", &[]).await;
    assert_eq!(waits.status, Some(1), "{waits:?}");
    assert!(waits.stderr.contains("stays: alert_sink_unavailable: redrive it again"), "{waits:?}");
    assert_eq!(world.letters().len(), 1);
    world.aws.faults().clear();
    let done = world.dead_letters("redrive", &[]).await;
    assert_eq!((done.status, world.alerted()), (Some(0), vec!["C1/T1".to_owned()]), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_go_back_is_told_with_its_reason_and_left_alone() {
    let world = World::start().await;
    send_strangers(&world).await;
    let before = world.letters();
    let left = world.dead_letters("redrive", &["--json"]).await;
    assert_eq!(left.status, Some(1), "{left:?}");
    let expected = json!({ "data_omitted": 1, "no_letter": 1, "unknown_function": 1 });
    assert_eq!(left.json()["stayed_by_reason"], expected);
    for told in [
        "its 2 bytes are too many for a letter: they are in the stream transactions until its retention is over, and in the \
         raw backup under raw/2024/01/15/03/",
        "no function firehose-transform reads the stream",
        "not a dead letter: missing field `id`",
    ] {
        assert!(left.stderr.contains(told), "{told}: {left:?}");
    }
    assert_eq!(world.letters(), before);
    // Who asks for letters of a kind is not told of others.
    let none = world.dead_letters("redrive", &["--function", "customer-analytics"]).await;
    assert_eq!((none.status, &*none.stdout), (Some(0), "0 letters redriven, 0 stay\n"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_a_redrive_would_do_and_does_nothing() {
    let world = World::start().await;
    damage(&world, "C1/T1").await;
    run_alerts(&world, &batch()).await;
    let (letters, alerted) = (world.letters(), world.alerted());
    world.delete(LEDGER, "alert_id", "C1/T1").await;
    world.aws.calls().clear();
    let dry = world.dead_letters("redrive", &["--dry-run", "--json"]).await;
    assert_eq!(dry.status, Some(1), "{dry:?}");
    let expected = json!({
        "dry_run": true,
        "redriven": 1,
        "stayed": 2,
        "stayed_by_reason": { "invalid_amount": 1, "not_json": 1 },
    });
    assert_eq!(dry.json(), expected);
    let dynamodb = |operation| world.aws.calls().count(Service::DynamoDb, operation);
    assert_eq!((dynamodb("PutItem"), dynamodb("BatchGetItem")), (0, 0));
    assert_eq!(world.aws.calls().count(Service::Sqs, "DeleteMessage"), 0);
    assert_eq!((world.letters(), world.alerted(), world.waiting().await), (letters, alerted, (3, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_takes_what_it_is_told_to_and_no_more() {
    let world = World::start().await;
    for n in 0..4 {
        damage(&world, &format!("C1/T{n}")).await;
    }
    let records: Vec<Vec<u8>> = (0..4).map(|n| high(Some(&format!("T{n}")), "20000")).collect();
    run_alerts(&world, &event(&records.iter().map(|record| &record[..]).collect::<Vec<_>>())).await;
    run_analytics(&world, 300, &event(&[b"no json"])).await;
    for n in 0..4 {
        world.delete(LEDGER, "alert_id", &format!("C1/T{n}")).await;
    }
    for wrong in [&["--function", "kinesis-alert"][..], &["--limit", "0"], &["--delete"]] {
        let refused = world.dead_letters("redrive", wrong).await;
        assert_eq!((refused.status, world.letters().len()), (Some(2), 5), "{refused:?}");
    }
    let unknown = world.dead_letters("redrive", &["--reason", "alert_refusd"]).await;
    assert_eq!(unknown.status, Some(2), "{unknown:?}");
    let told = "--reason is `alert_refusd`; letters have missing_data, bad_base64, ";
    assert!(unknown.stderr.contains(told) && unknown.stderr.contains("aggregate_refused"), "{unknown:?}");
    let some = world.dead_letters("redrive", &["--reason", "alert_refused", "--limit", "3"]).await;
    assert_eq!((some.status, &*some.stdout), (Some(0), "3 letters redriven, 0 stay\n"), "{some:?}");
    assert_eq!((world.alerted().len(), world.letters().len()), (3, 2));
    let rest = world.dead_letters("redrive", &["--function", "kinesis-alerts"]).await;
    assert_eq!((rest.status, &*rest.stdout), (Some(0), "1 letter redriven, 0 stay\n"), "{rest:?}");
    assert_eq!(world.letters_by_reason(), letters(&[("customer-analytics", "not_json", 1)]));
    assert_eq!(world.waiting().await, (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_back_to_what_would_lose_it_or_is_not_configured() {
    let mut world = World::start().await;
    damage(&world, "C1/T1").await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000")])).await;
    for (variable, value, told) in [
        ("ALERT_LEDGER", "memory:", "ALERT_LEDGER is `memory:`, which is for development"),
        ("ALERT_SINK", "stdout:", "ALERT_SINK is `stdout:`, which is for development"),
        ("PROFILE_SOURCE", "", "PROFILE_SOURCE is not set"),
        ("FRAUD_POLICY", "file:nowhere.toml", "cannot read nowhere.toml"),
    ] {
        let usual = world.variables.insert(variable, value.to_owned()).unwrap();
        let refused = world.dead_letters("redrive", &[]).await;
        assert_eq!(refused.status, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
        world.variables.insert(variable, usual);
        assert_eq!(world.waiting().await, (1, 0));
    }
}
