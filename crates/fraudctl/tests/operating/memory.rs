//! What is older than the memory that keeps it from counting twice is not redriven unless that is asked for.

use std::collections::BTreeMap;

use serde_json::json;

use crate::functions::{counted, event, forget_rule, high, run_alerts, run_analytics};
use crate::letters::damage;
use crate::objects;
use crate::world::{Ended, LEDGER, World};

/// Its functions remember for two years, and their records arrived in January 2024.
async fn forgetful() -> World {
    let mut world = World::start().await;
    world.variables.insert("ALERT_LEDGER_DAYS", "730".to_owned());
    world.variables.insert("AGGREGATE_DAYS", "731".to_owned());
    world
}

fn refused(ended: &Ended, told: &[&str]) {
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_eq!(ended.json()["stayed_by_reason"], json!({ "forgotten": told.len() }), "{ended:?}");
    for told in told {
        let told =
            format!("it arrived at 2024-01-15T03:00:00.250Z, and {told}: the table may have forgotten it");
        assert!(ended.stderr.contains(&told), "{told}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_its_table_may_have_forgotten_stays_unless_it_is_asked_for() {
    let world = forgetful().await;
    damage(&world, "C1/T1").await;
    // An older release has given the table windows of ten minutes.
    run_analytics(&world, 600, &event(&[&high(Some("T0"), "1")])).await;
    forget_rule(&world).await;
    run_analytics(&world, 300, &event(&[&high(Some("T1"), "20000")])).await;
    run_alerts(&world, &event(&[&high(Some("T1"), "20000")])).await;
    world.delete(LEDGER, "alert_id", "C1/T1").await;
    assert_eq!(world.waiting().await, (2, 0));
    for arguments in [&["--json"][..], &["--json", "--dry-run"]] {
        let stays = world.dead_letters("redrive", arguments).await;
        refused(&stays, &["ALERT_LEDGER_DAYS is 730", "AGGREGATE_DAYS is 731"]);
        assert_eq!((world.waiting().await, world.alerted().len()), ((2, 0), 0));
    }
    let alerts = ["--beyond-memory", "--function", "kinesis-alerts"];
    let asked = world.dead_letters("redrive", &alerts).await;
    assert_eq!((asked.status, world.alerted()), (Some(0), vec!["C1/T1".to_owned()]), "{asked:?}");
    // What is younger than that is not asked about.
    let mut remembering = world;
    remembering.variables.insert("AGGREGATE_DAYS", "36500".to_owned());
    remembering.variables.insert("WINDOW_SECONDS", "600".to_owned());
    forget_rule(&remembering).await;
    let young = remembering.dead_letters("redrive", &[]).await;
    assert_eq!((young.status, remembering.letters().len()), (Some(0), 0), "{young:?}");
    let window = ("C1".to_owned(), "2024-01-15T03:00:00.000Z".to_owned());
    let sums = ("2".to_owned(), "20001".to_owned());
    assert_eq!(counted(&remembering).await, BTreeMap::from([(window, sums)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_its_table_may_have_forgotten_stays_unless_it_is_asked_for() {
    let world = forgetful().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, function) in [("a", "kinesis-alerts"), ("b", "customer-analytics")] {
        objects::write(folder.path(), name, function, objects::batch());
    }
    for arguments in [&["--json"][..], &["--json", "--dry-run"]] {
        let stays = objects::dead_letters(&world, "redrive", folder.path(), arguments).await;
        refused(&stays, &["ALERT_LEDGER_DAYS is 730", "AGGREGATE_DAYS is 731"]);
    }
    assert!(world.alerted().is_empty() && counted(&world).await.is_empty());
    let asked = objects::dead_letters(&world, "redrive", folder.path(), &["--beyond-memory"]).await;
    assert_eq!((asked.status, &*asked.stdout), (Some(0), "2 objects redriven, 0 stay\n"), "{asked:?}");
    assert_eq!((world.alerted().len(), counted(&world).await.len()), (3, 1));
}
