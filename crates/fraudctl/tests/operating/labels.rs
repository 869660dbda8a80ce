//! Labels into tables and files, and merchants' counts.

use std::fs;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{Days, NaiveDate, Utc};
use embedded_aws::Service;
use fraud_core::alert::Alert;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::identity::Position;
use fraud_core::policy::Policy;
use fraud_core::transaction::Transaction;
use serde_json::{Value, json};

use crate::world::{Ended, Item, World};

const INTO_TABLES: [&str; 6] = ["--to", "dynamodb:labels", "--entities", "dynamodb:entities", "--by", "ana"];

/// This many days ago.
fn day(ago: u64) -> NaiveDate {
    Utc::now().date_naive() - Days::new(ago)
}

/// The day as rows count it.
fn number(ago: u64) -> i32 {
    day(ago).to_epoch_days()
}

/// A label that tells all; `more` are further members.
fn label(transaction: &str, merchant: &str, ago: u64, more: &str) -> String {
    format!(
        r#"{{"customer_id":"C1","transaction_id":"{transaction}","merchant_id":"{merchant}","event_time":"{}T09:00:00Z","amount":12.5,"verdict":"fraud","reported_at":"{}T10:00:00Z","source":"cardholder"{more}}}"#,
        day(ago),
        day(1),
    )
}

/// A scored line of a transaction.
fn line(transaction: &str, merchant: &str, ago: u64) -> String {
    format!(
        r#"{{"customer_id":"C1","transaction_id":"{transaction}","merchant_id":"{merchant}","event_time":"{0}T09:00:00Z","amount":12.5,"fraud_score":0.1,"ingested_at":"{0}T09:00:01.000Z","decision_id":"C1/{transaction}"}}"#,
        day(ago),
    )
}

async fn apply(world: &World, files: &[&Path], more: &[&str]) -> Ended {
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    world.fraudctl(&[&["labels", "apply"], &files[..], &INTO_TABLES, more].concat()).await
}

/// A merchant's counts, as `n20468` and so on.
async fn counts(world: &World, merchant: &str) -> Vec<(String, String)> {
    let key = AttributeValue::S(format!("merchant/{merchant}"));
    let row = world.rows("entities").await.into_iter().find(|row| row["entity"] == key).unwrap_or_default();
    let mut counts: Vec<_> = row
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_n().ok()?.clone())))
        .filter(|(_, count)| count != "0")
        .collect();
    counts.sort();
    counts
}

fn of(letters: &str, ago: u64, count: u32) -> Vec<(String, String)> {
    letters.chars().map(|letter| (format!("{letter}{}", number(ago)), count.to_string())).collect()
}

/// The alert of a transaction, in the ledger as the function leaves it there.
async fn alerted(world: &World, transaction: &str, merchant: &str, ago: u64) {
    let payload = format!(
        r#"{{"customer_id":"C1","transaction_id":"{transaction}","amount":12000,"merchant_id":"{merchant}","event_time":"{}T03:00:00Z"}}"#,
        day(ago)
    );
    let transaction = Transaction::parse(payload.as_bytes()).unwrap();
    let decider = Decider::new(Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED);
    let position = Position { stream: "s", shard: "shardId-0", sequence_number: "7", sub_sequence_number: 0 };
    let arrival = day(ago).and_hms_opt(3, 0, 1).unwrap().and_utc().timestamp_millis();
    let arrival = exact_text::timestamp::Timestamp::from_millis(arrival).unwrap();
    let decision = decider.decide(&transaction, Enrichment::NoProfile, arrival, Some(position));
    let alert = Alert::new(&transaction, &decision, &decider, position);
    let config = world.sdk(Service::DynamoDb).await;
    let retention = std::time::Duration::from_secs(86_400 * 400);
    let ledger = fraud_aws::ledger::DynamoDbLedger::new(config.config().await, "alert_ledger", retention);
    let claim = fraud_aws::ledger::Claim { token: "t".to_owned(), claimed_at: arrival, expires_at: arrival };
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    fraud_aws::ledger::AlertLedger::claim(&ledger, &alert, &claim, deadline).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_tell_all_count_once_and_are_taken_back() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.ndjson");
    let lines = [
        label("T1", "M1", 3, ""),
        label("T2", "M1", 3, r#","outlier":true,"kind":"card_testing""#),
        label("T3", "M2", 70, ""),
        label("T1", "M1", 3, ""),
        r#"{"customer_id":"C1","verdict":"bad","reported_at":"soon"}"#.to_owned(),
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let applied = apply(&world, &[&file], &["--json"]).await;
    assert_eq!(applied.status, Some(2), "{applied:?}");
    let expected =
        json!({ "applied": 3, "known": 1, "superseded": 0, "unknown": 0, "failed": 0, "not_labels": 1 });
    assert_eq!(applied.json(), expected);
    for told in [
        "line 5: it names no transaction",
        "`verdict` cannot be used",
        "`reported_at` cannot be used",
        "`source` is missing",
    ] {
        assert!(applied.stderr.contains(told), "{told}: {applied:?}");
    }
    let frauds = [of("f", 3, 2), of("o", 3, 1)].concat();
    assert_eq!(counts(&world, "M1").await, frauds);
    assert_eq!(counts(&world, "M2").await, [], "its day is not kept any more");
    // A day that was kept then is counted as of then.
    let old = folder.path().join("old.ndjson");
    fs::write(&old, label("T8", "M8", 70, "")).unwrap();
    let as_of = format!("{}T00:00:00Z", day(60));
    let then = apply(&world, &[&old], &["--as-of", &as_of]).await;
    assert_eq!((then.status, counts(&world, "M8").await), (Some(0), of("fo", 70, 1)), "{then:?}");
    // The same again changes nothing.
    let again = apply(&world, &[&file], &["--json"]).await;
    assert_eq!((again.json()["applied"].clone(), again.json()["known"].clone()), (json!(0), json!(4)));
    assert_eq!(counts(&world, "M1").await, frauds);

    let shown = world.fraudctl(&["labels", "show", "C1/T1", "--table", "dynamodb:labels", "--json"]).await;
    let shown = shown.json();
    assert_eq!(shown["verdict"], json!("fraud"));
    assert_eq!((&shown["merchant_id"], &shown["day"]), (&json!("M1"), &json!(number(3))));
    assert_eq!((&shown["ordinary"], &shown["changed_by"]), (&json!(true), &json!("ana")));
    let retract = ["labels", "add", "C1/T1", "retracted", "--source", "cardholder"];
    let retracted = world.fraudctl(&[&retract[..], &INTO_TABLES].concat()).await;
    assert_eq!((retracted.status, &*retracted.stdout), (Some(0), "C1/T1: retracted, nothing of it counts\n"));
    assert_eq!(counts(&world, "M1").await, of("f", 3, 1));
    let table = world.fraudctl(&["labels", "show", "C1/T1", "--table", "dynamodb:labels"]).await;
    assert!(table.stdout.contains("retracted"), "{table:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_label_lacks_is_in_the_ledger_or_the_lake_and_unknown_ones_are_applied_later() {
    let world = World::start().await;
    alerted(&world, "T1", "M1", 2).await;
    let folder = tempfile::tempdir().unwrap();
    let (labels, unknown, lake) = (
        folder.path().join("labels.ndjson"),
        folder.path().join("unknown.ndjson"),
        folder.path().join("lake.ndjson"),
    );
    let short = |id: &str| {
        format!(r#"{{{id},"verdict":"fraud","reported_at":"{}T10:00:00Z","source":"chargeback"}}"#, day(1))
    };
    let lines = [
        short(r#""alert_id":"C1/T1""#),
        short(r#""decision_id":"C1/T2""#),
        short(r#""customer_id":"C1","transaction_id":"T3""#),
        r#"{"alert_id":"C1/T9","verdict":"legitimate","reported_at":1768446000,"source":"analyst"}"#
            .to_owned(),
    ];
    fs::write(&labels, lines.join("\n")).unwrap();
    fs::write(&lake, [line("T2", "M2", 4), "no line".to_owned()].join("\n")).unwrap();
    let ledger = ["--ledger", "dynamodb:alert_ledger"];
    let alone = apply(&world, &[&labels], &ledger).await;
    assert_eq!(alone.status, Some(1), "{alone:?}");
    assert!(alone.stderr.contains("C1/T2: its merchant, event time or amount is not known"), "{alone:?}");
    assert!(alone.stderr.contains("2 labels not applied"), "{alone:?}");
    // 12,000 is no ordinary amount.
    assert_eq!(counts(&world, "M1").await, of("f", 2, 1));

    let (lake_path, unknown_path) = (lake.to_str().unwrap(), unknown.to_str().unwrap());
    let more = ["--lake", lake_path, "--unknown", unknown_path, "--json"];
    let kept = apply(&world, &[&labels], &[&ledger[..], &more].concat()).await;
    assert_eq!(kept.status, Some(0), "{kept:?}");
    assert_eq!((kept.json()["applied"].clone(), kept.json()["unknown"].clone()), (json!(1), json!(1)));
    assert!(kept.stderr.contains("--lake: 1 line not scored records"), "{kept:?}");
    assert_eq!(counts(&world, "M2").await, of("fo", 4, 1));
    assert_eq!(fs::read_to_string(&unknown).unwrap(), lines[2].clone() + "\n");

    // The transaction has come into the lake.
    fs::write(&lake, line("T3", "M2", 4)).unwrap();
    let later = apply(&world, &[&unknown], &more).await;
    assert_eq!((later.status, later.json()["applied"].clone()), (Some(0), json!(1)), "{later:?}");
    assert_eq!(fs::read_to_string(&unknown).unwrap(), "");
    assert_eq!(counts(&world, "M2").await, of("fo", 4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_called_fraud_by_hand_with_what_the_ledger_knows() {
    let world = World::start().await;
    alerted(&world, "T1", "M1", 2).await;
    let add = async |id: &str, more: &[&str]| {
        world.fraudctl(&[&["labels", "add", id, "fraud"], &INTO_TABLES[..], more].concat()).await
    };
    let ledger = ["--ledger", "dynamodb:alert_ledger"];
    let added = add("C1/T1", &ledger).await;
    assert_eq!(added.stdout, "C1/T1: fraud, counted on a day of merchant/M1\n", "{added:?}");
    assert_eq!(counts(&world, "M1").await, of("f", 2, 1));
    let absent = add("C1/T2", &ledger).await;
    assert_eq!(absent.status, Some(1));
    assert!(absent.stderr.contains("the ledger has no alert C1/T2"), "{absent:?}");
    let without = add("C1/T1", &[]).await;
    assert_eq!(without.status, Some(2));
    assert!(without.stderr.contains("a fraud needs --ledger"), "{without:?}");
    // A row of an older release does not tell the merchant.
    let mut row: Item = world.rows("alert_ledger").await.remove(0);
    row.remove("merchant_id");
    world.put("alert_ledger", row).await;
    let unnamed = add("C1/T1", &ledger).await;
    assert!(unnamed.stderr.contains("name it by --merchant"), "{unnamed:?}");
    let named = add("C1/T1", &[&ledger[..], &["--merchant", "M5", "--json"]].concat()).await;
    assert_eq!(named.json(), json!({ "id": "C1/T1", "verdict": "fraud", "label": "applied" }));
    assert_eq!((counts(&world, "M1").await, counts(&world, "M5").await), (vec![], of("f", 2, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_and_entities_are_kept_in_files_without_any_table() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (labels, kept, entities, lake) =
        (path("labels.ndjson"), path("labels.kept"), path("entities.ndjson"), path("lake.ndjson"));
    fs::write(&labels, label("T1", "M1", 3, "")).unwrap();
    fs::write(&entities, "{\"entity\":\"merchant/M1\",\"list_watched\":0}\n").unwrap();
    let into = [format!("file:{kept}"), format!("file:{entities}")];
    let target = ["--to", &into[0], "--entities", &into[1], "--by", "ana"];
    let applied = world.fraudctl(&[&["labels", "apply", &labels], &target[..]].concat()).await;
    assert_eq!(applied.status, Some(0), "{applied:?}");
    fs::write(&lake, [line("T1", "M1", 3), line("T2", "M1", 3), line("T1", "M1", 3)].join("\n")).unwrap();
    let (from, through) = (day(3).to_string(), day(1).to_string());
    let count = ["merchants", "count", &lake, "--from", &from, "--through", &through, "--to", &into[1]];
    let counted = world.fraudctl(&count).await;
    assert_eq!(counted.status, Some(0), "{counted:?}");
    let expected = format!(
        "{{\"entity\":\"merchant/M1\",\"f{day}\":1,\"list_watched\":0,\"n{day}\":2,\"o{day}\":1}}\n\
         {{\"entity\":\"count/merchants\",\"through\":{}}}\n",
        number(1),
        day = number(3),
    );
    assert_eq!(fs::read_to_string(&entities).unwrap(), expected);
    // The commands that take entities read the file.
    let again = world.fraudctl(&[&["labels", "apply", &labels, "--json"], &target[..]].concat()).await;
    assert_eq!((again.json()["known"].clone(), fs::read_to_string(&entities).unwrap()), (json!(1), expected));
    let shown = world.fraudctl(&["labels", "show", "C1/T1", "--table", &into[0]]).await;
    assert!(shown.stdout.contains(&format!("counted on {} of merchant/M1 as ordinary", day(3))), "{shown:?}");
    let mixed =
        ["labels", "apply", &labels, "--to", &into[0], "--entities", "dynamodb:entities", "--by", "ana"];
    let mixed = world.fraudctl(&mixed).await;
    assert!(mixed.stderr.contains("both must be `dynamodb:`, or both `file:`"), "{mixed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_what_labels_say_and_how_late_they_are() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("labels.ndjson");
    let early = label("T4", "M1", 0, "");
    let contradicting =
        label("T1", "M1", 3, "").replace("\"fraud\"", "\"legitimate\"").replace("cardholder", "analyst");
    let short = r#"{"alert_id":"C1/T5","verdict":"fraud","reported_at":1768446000,"source":"chargeback"}"#;
    let lines = [
        label("T1", "M1", 3, r#","kind":"x""#),
        label("T2", "M1", 11, ""),
        label("T2", "M1", 11, ""),
        early,
        contradicting,
        short.to_owned(),
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let checked = world.fraudctl(&["labels", "check", file.to_str().unwrap(), "--json"]).await;
    assert_eq!(checked.status, Some(0), "{checked:?}");
    let checked = checked.json();
    let expected = json!([
        { "verdict": "legitimate", "source": "analyst", "labels": 1 },
        { "verdict": "fraud", "source": "cardholder", "labels": 4 },
        { "verdict": "fraud", "source": "chargeback", "labels": 1 },
    ]);
    assert_eq!(checked["labels"], expected);
    for (member, expected) in [
        ("transactions", json!(4)),
        ("duplicates", json!(1)),
        ("contradicted", json!(1)),
        ("to_be_looked_up", json!(1)),
        ("left_out", json!({ "kind": 1 })),
        ("before_the_event", json!(1)),
        ("delay_of", json!(2)),
        ("later_than_that", json!(1)),
    ] {
        assert_eq!(checked[member], expected, "{member}");
    }
    assert_eq!(checked["delay"][1], json!({ "percent": 50, "days": 2.0416666666666665 }));
    let text = world.fraudctl(&["labels", "check", file.to_str().unwrap(), "--label-delay-days", "14"]).await;
    for told in [
        "5 distinct labels of 4 transactions, 1 told more than once",
        "1 transaction called fraud and legitimate",
        "1 fraud to be looked up",
        "1 fraud reported before the event",
        "LABEL_DELAY_DAYS 14: 0.0 % of these frauds are reported later",
    ] {
        assert!(text.stdout.contains(told), "{told}: {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merchants_transactions_are_set_by_day_any_number_of_times() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lake.ndjson");
    let lines = [
        line("T1", "M1", 3),
        line("T1", "M1", 3),
        line("T1", "M1", 3).replace("12.5", "13"),
        line("T2", "M1", 2),
        line("T3", "M2", 9),
        line("T4", "M2", 3).replace("\"merchant_id\":\"M2\",", ""),
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let old = [(format!("n{}", number(100)), AttributeValue::N("5".to_owned()))];
    let key = ("entity".to_owned(), AttributeValue::S("merchant/M1".to_owned()));
    world.put("entities", old.into_iter().chain([key]).collect()).await;
    let count = async |from: u64, through: u64| {
        let (from, through) = (day(from).to_string(), day(through).to_string());
        let arguments =
            ["merchants", "count", file.to_str().unwrap(), "--from", &from, "--through", &through];
        world.fraudctl(&[&arguments[..], &["--to", "dynamodb:entities", "--json"]].concat()).await
    };
    for _ in 0..2 {
        let counted = count(3, 2).await;
        assert_eq!(counted.status, Some(0), "{counted:?}");
        let expected = json!({
            "from": day(3).to_string(), "through": day(2).to_string(), "lines": 6, "merchants": 1, "transactions": 3,
            "copies": 1, "without_merchant": 1, "other_days": 1, "not_lines": 0, "passes": 1,
            "counted_through": day(2).to_string(),
        });
        assert_eq!(counted.json(), expected);
        // Another content under the same id is another transaction; what is not kept any more is gone.
        assert_eq!(counts(&world, "M1").await, [of("n", 3, 2), of("n", 2, 1)].concat());
    }
    // Older days do not move the last one, and a gap is told.
    assert_eq!(count(9, 9).await.json()["counted_through"], json!(day(2).to_string()));
    assert_eq!(counts(&world, "M2").await, of("n", 9, 1));
    for (from, through, told) in [
        (2, 3, "--from is after --through"),
        (1, 0, "must be a day that has ended"),
        (90, 80, "these days are older"),
    ] {
        let refused = count(from, through).await;
        assert_eq!(refused.status, Some(2));
        assert!(refused.stderr.contains(told), "{told}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_a_query_are_imported_and_a_gap_does_not_move_the_last_day() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counts.csv");
    let import = async |from: u64, through: u64| {
        let csv = format!("\"merchant_id\",\"day\",\"transactions\"\n\"M1\",\"{}\",\"12\"\n", day(from));
        fs::write(&file, csv).unwrap();
        let (from, through) = (day(from).to_string(), day(through).to_string());
        let arguments =
            ["merchants", "import", file.to_str().unwrap(), "--from", &from, "--through", &through];
        world.fraudctl(&[&arguments[..], &["--to", "dynamodb:entities"]].concat()).await
    };
    let imported = import(9, 8).await;
    assert_eq!(imported.status, Some(0), "{imported:?}");
    assert!(imported.stdout.ends_with(&format!("counted through {}\n", day(8))), "{imported:?}");
    let gap = import(5, 5).await;
    assert!(
        gap.stdout.contains(&format!("counted through {}: the days after it are not all counted", day(8))),
        "{gap:?}"
    );
    assert_eq!(counts(&world, "M1").await, [of("n", 9, 12), of("n", 5, 12)].concat());
    let closed = import(7, 1).await;
    assert!(closed.stdout.ends_with(&format!("counted through {}\n", day(1))), "{closed:?}");
    fs::write(&file, "merchant_id,day,transactions\nM1,soon,1\n").unwrap();
    let through = day(1).to_string();
    let arguments =
        ["merchants", "import", file.to_str().unwrap(), "--from", &through, "--through", &through];
    let wrong = world.fraudctl(&[&arguments[..], &["--to", "dynamodb:entities"]].concat()).await;
    assert_eq!(wrong.status, Some(2));
    assert!(wrong.stderr.contains("line 2: `day`"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_that_merchants_counts_fall_behind_the_delay() {
    let mut world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    fs::write(
        &policy,
        "name = \"p\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n[[factors]]\nname = \"frauds\"\ninput = \"merchant.fraud_rate\"\n\
         bands = [{ from = 0.1, points = 60 }]\n",
    )
    .unwrap();
    world.variables.insert("FRAUD_POLICY", format!("file:{}", policy.display()));
    world.variables.insert("ENTITY_SOURCE", "dynamodb:entities".to_owned());
    let finding = async |world: &World| {
        let found = world.fraudctl(&["doctor", "--json"]).await;
        let lines: Vec<Value> = found.json_lines();
        lines.into_iter().find(|line| line["check"] == "merchants' counts").unwrap()
    };
    let none = finding(&world).await;
    assert_eq!(none["ok"], json!(false));
    assert!(none["wrong"].as_str().unwrap().contains("no merchant's transactions are counted"), "{none}");
    let through = |ago: u64| {
        let day = ("through".to_owned(), AttributeValue::N(number(ago).to_string()));
        [day, ("entity".to_owned(), AttributeValue::S("count/merchants".to_owned()))].into()
    };
    world.put("entities", through(8)).await;
    assert!(finding(&world).await["wrong"].as_str().unwrap().contains(&format!("through {}", day(8))));
    world.put("entities", through(7)).await;
    assert_eq!(finding(&world).await["found"], json!(format!("through {}", day(7))));
    world.variables.insert("LABEL_DELAY_DAYS", "3".to_owned());
    assert_eq!(finding(&world).await["ok"], json!(false));
}
