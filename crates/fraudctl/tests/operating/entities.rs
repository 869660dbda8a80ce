//! Entities and lists in a table.

use std::fs;

use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::Service;
use serde_json::{Value, json};

use crate::world::{Ended, World};

const TABLE: &str = "entities";

/// `fraudctl <arguments> --table <the table>`
async fn run(world: &World, arguments: &[&str]) -> Ended {
    world.fraudctl(&[arguments, &["--table", "dynamodb:entities"]].concat()).await
}

async fn put(world: &World, entity: &str, attributes: &[(&str, AttributeValue)]) {
    let key = ("entity".to_owned(), AttributeValue::S(entity.to_owned()));
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    world.put(TABLE, attributes.chain([key]).collect()).await;
}

fn number(digits: &str) -> AttributeValue {
    AttributeValue::N(digits.to_owned())
}

/// What the table has of an entity, but for the time of the change.
async fn shown(world: &World, entity: &str) -> Value {
    let shown = run(world, &["entities", "show", entity, "--json"]).await;
    assert_eq!(shown.status, Some(0), "{shown:?}");
    let mut shown = shown.json();
    assert!(shown["changed_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{shown}");
    shown.as_object_mut().unwrap().remove("changed_at");
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_sets_what_it_names_and_leaves_every_other_attribute_and_list() {
    let world = World::start().await;
    put(&world, "merchant/M1", &[("risk", number("0.1")), ("list_trusted", number("0"))]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("entities.csv");
    fs::write(
        &file,
        "kind;id;risk;list_compromised;note\nmerchant;M1;0,95;;x\ncard;4;;1893456000;\ncard;5;95;;\nshop;6;1;;\nip;7;;;\n",
    )
    .unwrap();
    let path = file.to_str().unwrap();
    let imported = run(&world, &["entities", "import", path, "--by", "ana", "--json"]).await;
    assert_eq!(imported.status, Some(2), "{imported:?}");
    let mut summary = imported.json();
    assert!(summary["seconds"].as_f64().is_some());
    summary.as_object_mut().unwrap().remove("seconds");
    assert_eq!(summary, json!({ "written": 2, "bad": 3 }));
    for told in [
        "`note` left out",
        "line 4: `risk` is not a number from 0 to 1",
        "line 5: `kind` is `shop`: write it as merchant/M0976; kinds are customer, merchant, device, card, ip",
        "line 6: it has neither `risk` nor a `list_<name>`",
        "3 rows not written",
    ] {
        assert!(imported.stderr.contains(told), "{told}: {imported:?}");
    }
    assert_eq!(
        shown(&world, "merchant/M1").await,
        json!({ "entity": "merchant/M1", "risk": 0.95, "list_trusted": 0, "changed_by": "ana" })
    );
    assert_eq!(
        shown(&world, "card/4").await,
        json!({ "entity": "card/4", "list_compromised": 1_893_456_000, "changed_by": "ana" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_put_on_lists_taken_off_and_shown() {
    let world = World::start().await;
    let added =
        run(&world, &["lists", "add", "compromised", "merchant/M1", "device/d 1", "--by", "ana"]).await;
    assert_eq!(added.status, Some(0), "{added:?}");
    assert!(added.stdout.contains("merchant/M1 is on the list compromised without an end\n"), "{added:?}");
    let until = ["lists", "add", "compromised", "card/4", "--until", "2199-01-15T00:00:00.5Z", "--by", "ben"];
    let added = run(&world, &[&until[..], &["--json"]].concat()).await;
    assert_eq!(
        added.json(),
        json!({ "list": "compromised", "added": ["card/4"], "until": "2199-01-15T00:00:00.500Z" })
    );
    put(&world, "ip/1", &[("list_compromised", number("1705287600"))]).await;
    put(&world, "ip/2", &[("list_trusted", number("0"))]).await;

    let list = run(&world, &["lists", "show", "compromised", "--json"]).await;
    assert!(list.stderr.contains("5 rows read"), "{list:?}");
    let lines: Vec<_> = list
        .json_lines()
        .iter()
        .map(|line| {
            (line["entity"].clone(), line["until"].clone(), line["is_on"].clone(), line["changed_by"].clone())
        })
        .collect();
    let expected = [
        (json!("card/4"), json!("2199-01-15T00:00:01.000Z"), json!(true), json!("ben")),
        (json!("device/d 1"), json!(null), json!(true), json!("ana")),
        (json!("ip/1"), json!("2024-01-15T03:00:00.000Z"), json!(false), json!("")),
        (json!("merchant/M1"), json!(null), json!(true), json!("ana")),
    ];
    assert_eq!(lines, expected);
    let table = run(&world, &["lists", "show", "compromised"]).await;
    assert!(table.stdout.contains("2024-01-15T03:00:00.000Z, ended"), "{table:?}");
    let shown = run(&world, &["entities", "show", "ip/1", "card/4"]).await;
    assert!(shown.stdout.contains("compromised (ended 2024-01-15T03:00:00.000Z)"), "{shown:?}");
    assert!(shown.stdout.contains("compromised (until 2199-01-15T00:00:01.000Z)"), "{shown:?}");

    let removed = run(
        &world,
        &["lists", "remove", "compromised", "merchant/M1", "ip/2", "ip/9", "--by", "ben", "--json"],
    )
    .await;
    assert_eq!(
        removed.json(),
        json!({ "list": "compromised", "removed": ["merchant/M1"], "not_on_it": ["ip/2", "ip/9"] })
    );
    let empty = run(&world, &["entities", "show", "merchant/M1", "ip/9"]).await;
    assert_eq!(empty.status, Some(1), "{empty:?}");
    assert!(
        empty.stderr.contains("nothing is known of ip/9") && !empty.stdout.contains("compromised"),
        "{empty:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_counted_from_now() {
    let world = World::start().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let added = run(&world, &["lists", "add", "trusted", "customer/C1", "--days", "30", "--by", "ana"]).await;
    assert_eq!(added.status, Some(0), "{added:?}");
    let until = shown(&world, "customer/C1").await["list_trusted"].as_u64().unwrap();
    let expected = now + 30 * 24 * 3600;
    assert!((expected..expected + 60).contains(&until), "{until}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_over_all_pages_of_the_table() {
    let world = World::start().await;
    for card in 0..6 {
        let note = ("note", AttributeValue::S("x".repeat(300_000)));
        put(&world, &format!("card/{card}"), &[("list_stolen", number("0")), note]).await;
    }
    let list = run(&world, &["lists", "show", "stolen", "--json"]).await;
    assert_eq!(list.json_lines().len(), 6, "{list:?}");
    assert!(world.aws.calls().count(Service::DynamoDb, "Scan") > 1, "one page");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_with_the_way_out() {
    let mut world = World::start().await;
    for (arguments, told) in [
        (
            &["lists", "add", "VIP", "card/4"][..],
            "a list's name has lower-case letters, digits and _, 1 to 64",
        ),
        (
            &["lists", "add", "vip", "card"],
            "write it as merchant/M0976; kinds are customer, merchant, device",
        ),
        (
            &["lists", "add", "vip", "card/4", "--until", "2024-01-15T00:00:00Z", "--by", "a"],
            "is past; name a time to come",
        ),
        (&["lists", "add", "vip", "card/4", "--by", " "], "give --by NAME"),
        (&["entities", "show", "card/4"], "give --table dynamodb:<table>, or set ENTITY_SOURCE"),
        (&["entities", "import", "no/such.csv", "--by", "a"], "no/such.csv"),
    ] {
        let ended = world.fraudctl(arguments).await;
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
    world.variables.insert("ENTITY_SOURCE", "file:entities.json".to_owned());
    let ended = world.fraudctl(&["lists", "show", "vip"]).await;
    assert!(ended.stderr.contains("file:entities.json is not a table: change the file itself"), "{ended:?}");
    // The variable is enough.
    world.variables.insert("ENTITY_SOURCE", "dynamodb:entities".to_owned());
    let ended = world.fraudctl(&["lists", "show", "vip"]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(0), "nothing is on the list vip\n"));
    world.deny(Service::DynamoDb, "UpdateItem");
    let ended = world.fraudctl(&["lists", "add", "vip", "card/4", "--by", "ana"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("cannot write to the table entities"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_scored_with_the_entities_that_the_policy_asks_for() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let files = ["lists.toml", "tx.ndjson", "profiles.json", "entities.json"].map(path);
    let [policy, transactions, profiles, entities] = &files;
    let text = "name = \"lists\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[[factors]]\nname = \"merchant\"\n\
                when = [{ entity = \"merchant\", on_list = \"compromised\" }]\npoints = 60\n";
    fs::write(policy, text).unwrap();
    fs::write(transactions, "{\"amount\":1,\"merchant_id\":\"M1\"}\n{\"amount\":1,\"merchant_id\":\"M2\"}\n")
        .unwrap();
    fs::write(profiles, "{\"C1\":{}}").unwrap();
    fs::write(entities, r#"{"merchant/M1": {"list_compromised": 0}}"#).unwrap();
    let score = ["score", transactions, "--profiles", profiles, "--policy", policy, "--json"];
    let scored = world.fraudctl(&[&score[..], &["--entities", entities]].concat()).await;
    let alerts: Vec<_> = scored.json_lines().iter().map(|line| line["alert"].clone()).collect();
    assert_eq!(alerts, [json!(true), json!(false)], "{scored:?}");
    let without = world.fraudctl(&score).await;
    assert_eq!(without.status, Some(2), "{without:?}");
    assert!(without.stderr.contains("asks for entities (merchant): give --entities FILE"), "{without:?}");
}
