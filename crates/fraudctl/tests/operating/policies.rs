//! Published policies.

use std::fs;

use embedded_aws::{Fault, Service};
use fraud_core::policy::Policy;
use serde_json::json;

use crate::world::{Ended, World};

const POLICY: &str = "# Ours.\nname = \"night\"\ncap = 1\nthreshold = 0.2\ndefault_risk = 0.5\n\n[[factors]]\nname = \"amount\"\n\
                      input = \"amount\"\nbands = [{ above = 10, points = 0.3 }]\n";

fn id() -> String {
    Policy::parse(POLICY).unwrap().id().to_owned()
}

/// `fraudctl policy <arguments> --store <the table>`
async fn policy(world: &World, arguments: &[&str]) -> Ended {
    world.fraudctl(&[&["policy"], arguments, &["--store", "dynamodb:policies"]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_published_once_listed_shown_and_exported_as_it_was() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, report, out) = (path("night.toml"), path("report.json"), path("out.toml"));
    fs::write(&file, POLICY).unwrap();
    fs::write(&report, r#"{"auc": 0.9}"#).unwrap();
    let id = id();

    let published = policy(&world, &["publish", &file, "--by", "ana", "--compared", &report]).await;
    assert_eq!(published.status, Some(0), "{published:?}");
    assert_eq!(published.stdout, format!("{id} published to policies\n"));
    let again = policy(&world, &["publish", &file, "--by", "ben"]).await;
    assert_eq!(again.status, Some(0), "{again:?}");
    assert!(again.stdout.starts_with(&format!("{id} was published before, by ana at ")), "{again:?}");
    // Another layout decides alike: it is the same policy.
    fs::write(&file, POLICY.replace("# Ours.\n", "")).unwrap();
    let alike = policy(&world, &["publish", &file, "--by", "ben", "--json"]).await.json();
    assert_eq!(
        (&alike["policy_id"], &alike["new"], &alike["published_by"]),
        (&json!(id), &json!(false), &json!("ana"))
    );

    let listed = policy(&world, &["list", "--json"]).await.json();
    assert_eq!((&listed["policy_id"], &listed["compared"]), (&json!(id), &json!(true)));
    let shown = policy(&world, &["show", &id]).await;
    assert!(
        shown.stdout.contains("by  ana\n") && shown.stdout.contains("# Ours.\nname = \"night\""),
        "{shown:?}"
    );
    let shown = policy(&world, &["show", &id, "--json"]).await.json();
    assert_eq!(shown["compared"], json!({ "auc": 0.9 }));
    assert_eq!(shown["canonical"], Policy::parse(POLICY).unwrap().canonical());

    assert_eq!(policy(&world, &["export", &id]).await.stdout, POLICY);
    assert_eq!(policy(&world, &["export", &id, "--out", &out]).await.status, Some(0));
    assert_eq!(fs::read_to_string(&out).unwrap(), POLICY);
    let exists = policy(&world, &["export", &id, "--out", &out]).await;
    assert!(exists.status == Some(2) && exists.stderr.contains("exists: delete it"), "{exists:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_policy_scores_wherever_a_policy_is_named() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, transactions, profiles) = (path("night.toml"), path("tx.ndjson"), path("profiles.json"));
    fs::write(&file, POLICY).unwrap();
    fs::write(&transactions, "{\"amount\":20}\n").unwrap();
    fs::write(&profiles, "{\"C1\":{}}").unwrap();
    policy(&world, &["publish", &file, "--by", "ana"]).await;
    world.variables.insert("POLICY_STORE", "dynamodb:policies".to_owned());
    let named = format!("store:{}", id());
    let scored = ["score", &transactions, "--profiles", &profiles, "--json", "--policy", &named];
    let scored = world.fraudctl(&scored).await;
    assert_eq!(scored.json()["fraud_score"], 0.3, "{scored:?}");
    let missing = ["score", &transactions, "--profiles", &profiles, "--policy", "store:night@000000000000"];
    let missing = world.fraudctl(&missing).await;
    assert_eq!(missing.status, Some(2), "{missing:?}");
    assert!(
        missing.stderr.contains("store:night@000000000000 is not in the table policies (POLICY_STORE)"),
        "{missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_published_is_told_with_the_way_out() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, bad, report) = (path("good.toml"), path("bad.toml"), path("report.json"));
    fs::write(&good, POLICY).unwrap();
    fs::write(&bad, POLICY.replace("threshold = 0.2", "threshold = 2")).unwrap();
    fs::write(&report, "auc").unwrap();
    for (arguments, told) in [
        (&["publish", &bad, "--by", "ana"][..], "line 4"),
        (&["publish", &good, "--by", " "], "give --by NAME"),
        (&["publish", &good, "--by", "ana", "--compared", &report], "report.json is not JSON"),
        (&["publish", "no/such.toml", "--by", "ana"], "cannot read no/such.toml"),
    ] {
        let ended = policy(&world, arguments).await;
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
    let unnamed = world.fraudctl(&["policy", "list"]).await;
    assert!(unnamed.stderr.contains("give --store dynamodb:<table>, or set POLICY_STORE"), "{unnamed:?}");
    let none = policy(&world, &["show", "night@000000000000"]).await;
    assert_eq!(none.status, Some(1), "{none:?}");
    assert!(none.stderr.contains("fraudctl policy list tells which it has"), "{none:?}");
    assert_eq!(policy(&world, &["list"]).await.stdout, "no policy is published\n");
    world.fault(Service::DynamoDb, "PutItem", Fault::InternalError);
    let refused = policy(&world, &["publish", &good, "--by", "ana"]).await;
    assert_eq!(refused.status, Some(1), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_verified_by_the_published_text_of_their_policy() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, lines) = (path("night.toml"), path("lines.ndjson"));
    fs::write(&file, POLICY).unwrap();
    let line = json!({
        "transaction_id": "T1", "customer_id": "C1", "amount": 11, "event_time": "2026-01-15T12:00:00Z",
        "fraud_score": 0.3, "fraud_reasons": ["amount"], "fraud_policy": id(), "decision_id": "C1/T1",
        "enrichment": "no_profile", "ingested_at": "2026-01-15T12:00:01.000Z",
    });
    fs::write(&lines, line.to_string()).unwrap();
    let verify = ["verify", &lines, "--policies"];
    let unknown = world.fraudctl(&[&verify[..], &["dynamodb:policies"]].concat()).await;
    assert_eq!(unknown.status, Some(1), "{unknown:?}");
    assert_eq!(policy(&world, &["publish", &file, "--by", "ana"]).await.status, Some(0));
    let published = world.fraudctl(&[&verify[..], &["dynamodb:policies"]].concat()).await;
    assert!(published.stdout.contains(": 1 verified,"), "{published:?}");
    world.variables.insert("POLICY_STORE", "dynamodb:policies".to_owned());
    let by_variable = world.fraudctl(&[&verify[..], &["store"]].concat()).await;
    assert_eq!(by_variable.status, Some(0), "{by_variable:?}");
}
