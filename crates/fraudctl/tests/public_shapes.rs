//! Public data sets in the shape in which they are published, read by the schemas that are committed for them; and other CSV.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, Reading, TimeField, TransactionReader};
use fraudctl::input::{Input, Source};
use serde_json::Value;

/// Each file with its schema, and the same transactions as somebody else mapped them.
const SHAPES: [(&str, &str, Option<&str>); 6] = [
    ("paysim.csv", "paysim", Some("paysim.mapped.ndjson")),
    ("sparkov.csv", "sparkov", Some("sparkov.mapped.ndjson")),
    ("sparkov.pandas.ndjson", "sparkov", Some("sparkov.mapped.ndjson")),
    ("ieee_cis.csv", "ieee-cis", Some("ieee.mapped.ndjson")),
    ("ulb.csv", "ulb", None),
    ("tabformer.csv", "tabformer", None),
];

fn shape(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/public-shapes");
    folder.join(name).display().to_string()
}

fn schema(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(format!("{name}.toml"))
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fraudctl")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command says, with the exit status that it must have.
fn told(status: i32, arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stderr)
}

/// The scored transactions.
fn scored(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[&["score", "--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is compared of a transaction: customer, amount, instant and hour.
type Read = (Option<String>, f64, Option<i64>, Option<u8>);

fn read(file: &str, schema: &Schema) -> Vec<Read> {
    let reading = Reading::new(schema, &Asked::default());
    let entries = Input::open(&[Source::File(file.into())]).unwrap();
    let read = |entry: fraudctl::input::Entry| {
        let transaction = TransactionReader::new(&reading).read(&entry.bytes).unwrap();
        let time = match transaction.event_time {
            TimeField::Known(time, _) => Some(time),
            TimeField::Missing | TimeField::Unreadable => None,
        };
        (
            transaction.customer_id.as_deref().map(str::to_owned),
            transaction.amount.value,
            time.map(|time| time.instant.millis()),
            time.and_then(|time| time.hour),
        )
    };
    entries.map(|entry| read(entry.unwrap())).collect()
}

#[test]
fn every_public_shape_is_scored_by_its_schema() {
    for (file, name, _) in SHAPES {
        let (file, schema) = (shape(file), schema(name).display().to_string());
        let lines = scored(&[&file, "--schema", &schema]);
        assert_eq!(lines.len(), 200, "{file}");
        assert!(
            lines.iter().all(|line| line["amount"].is_number() && line.get("event_time_fault").is_none())
        );
        let customers = lines.iter().filter(|line| line["customer_id"].is_string()).count();
        assert_eq!(customers, if name == "ulb" { 0 } else { 200 }, "{file}");
        let told = told(0, &["score", &file, "--schema", &schema]);
        assert!(told.starts_with("200 transactions scored by "), "{told}");
    }
}

#[test]
fn public_shapes_are_read_as_others_have_mapped_them() {
    for (file, name, mapped) in SHAPES {
        let schema = Schema::parse(&fs::read_to_string(schema(name)).unwrap()).unwrap();
        let read_by_schema = read(&shape(file), &schema);
        assert_eq!(read_by_schema.len(), 200, "{file}");
        assert!(read_by_schema.iter().all(|(.., time, hour)| time.is_some() && hour.is_some()), "{file}");
        let Some(mapped) = mapped else { continue };
        let expected = read(&shape(mapped), &Schema::builtin_default());
        assert_eq!(expected.len(), 200, "{mapped}");
        for (row, (read, expected)) in read_by_schema.iter().zip(expected).enumerate() {
            assert_eq!((&read.0, read.1, read.2), (&expected.0, expected.1, expected.2), "{file}, row {row}");
        }
    }
    // Signs of currency, and a time that is joined from columns.
    let tabformer = Schema::parse(&fs::read_to_string(schema("tabformer")).unwrap()).unwrap();
    let first = read(&shape("tabformer.csv"), &tabformer).remove(0);
    let instant = "2002-09-01T09:13:00Z";
    let instant = exact_text::written_time::parse(instant).unwrap().instant.millis();
    assert_eq!(first, (Some("36".to_owned()), 7.18, Some(instant), Some(9)));
}

#[test]
fn a_schema_is_checked_against_a_sample_of_csv() {
    let schema = schema("tabformer").display().to_string();
    let output = run(&["schema", "check", &schema, &shape("tabformer.csv")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("200 transactions read, 0 records refused"));
    let shown = text(&output.stdout);
    let row = shown.lines().find(|line| line.contains("2002-09-01T09:13:00.000Z, 09 h local")).unwrap();
    assert!(row.contains(" 7.18 ") && row.contains(" 36 ") && row.contains("Swipe Transaction"), "{row}");
    let folder = tempfile::tempdir().unwrap();
    let sample = folder.path().join("x.csv");
    fs::write(&sample, "User,Amount\n1,$5\n2\n").unwrap();
    let told = told(2, &["schema", "check", &schema, sample.to_str().unwrap()]);
    assert!(
        told.contains("1 transaction read, 1 record refused\n1 fields, but the header names 2"),
        "{told}"
    );
}

#[test]
fn columns_are_mapped_without_a_file() {
    let map = "transaction_id=trans_num,customer_id=cc_num,amount=amt,event_time=trans_date_trans_time";
    let by_schema = scored(&[&shape("sparkov.csv"), "--schema", schema("sparkov").to_str().unwrap()]);
    assert_eq!(scored(&[&shape("sparkov.csv"), "--map", map]), by_schema);
    let (first, rest) = map.split_once(',').unwrap();
    let of_json = scored(&[&shape("sparkov.pandas.ndjson"), "--map", first, "--map", rest]);
    let amounts = |lines: &[Value]| lines.iter().map(|line| line["amount"].as_f64()).collect::<Vec<_>>();
    assert_eq!(amounts(&of_json), amounts(&by_schema));
    let both = told(2, &["score", "x", "--map", "amount=amt", "--schema", "s.toml"]);
    assert!(both.contains("cannot be used with"), "{both}");
    let wrong = told(2, &["score", "x", "--map", "amount"]);
    assert!(wrong.contains("write it as amount=amt,customer_id=cc_num"), "{wrong}");
}

#[test]
fn a_column_that_is_not_there_is_told_with_those_that_are() {
    let file = shape("paysim.csv");
    let message = told(2, &["score", &file, "--map", "amount=amount,customer_id=nameOrg"]);
    let expected = "has no column `nameOrg`, which is read as `customer_id`; did you mean `nameOrig`? (its columns are `step`, \
                    `type`, `amount`, `nameOrig`, ";
    assert!(message.contains(&format!("{file} {expected}")), "{message}");
    // A schema may name more than every file has, but not the amount.
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("s.toml");
    let schema_of = |text: &str| {
        fs::write(&schema, format!("name = \"s\"\n{text}")).unwrap();
        schema.to_str().unwrap()
    };
    let note = told(0, &["score", &file, "--schema", schema_of("amount = \"/amount\"\nip = \"/ip\"\n")]);
    assert!(note.contains(&format!("{file} has no column `ip`, which the schema reads as `ip`")), "{note}");
    let message = told(2, &["score", &file, "--schema", schema_of("amount = \"/amt\"\n")]);
    assert!(message.contains("has no column `amt`, which is read as `amount`"), "{message}");
    // Where nothing tells the columns, transactions are counted.
    let file = folder.path().join("x.ndjson");
    fs::write(&file, "{\"a\":1,\"c\":\"C1\"}\n{\"a\":2}\n{\"a\":3,\"c\":null}\n").unwrap();
    let file = file.to_str().unwrap();
    let some = told(0, &["score", file, "--map", "amount=a,customer_id=c"]);
    let expected =
        "2 transactions without `customer_id` where --map says, of 3 transactions; the first is line 2\n";
    assert!(some.contains(expected), "{some}");
    let none = told(2, &["score", file, "--map", "amount=a,customer_id=cc"]);
    assert!(none.contains("no transaction has `customer_id` where --map says"), "{none}");
}

#[test]
fn labels_and_entities_are_read_from_csv() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let labels = path("labels.csv");
    let rows = "customer_id;transaction_id;verdict;reported_at;source;amount;event_time;merchant_id;outlier\n\
                C1;00501;fraud;2026-01-20T10:00:00Z;chargeback;12.50;2026-01-15T10:00:00Z;1.10;True\n\
                C1;1e5;legitimate;2026-01-21T10:00:00Z;analyst;;;;\n\
                C1;7;fraud;2026-01-21T10:00:00Z;analyst;12,50;;;\n";
    fs::write(&labels, rows).unwrap();
    let output = run(&["labels", "check", &labels, "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("line 4: `amount` cannot be used"), "{}", text(&output.stderr));
    let checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&checked["lines"], &checked["not_labels"]), (&3.into(), &1.into()));
    assert_eq!((&checked["to_be_looked_up"], &checked["delay_of"]), (&0.into(), &1.into()));

    let (policy, entities, tx) = (path("p.toml"), path("entities.csv"), path("tx.csv"));
    let factor = "name = \"p\"\ncap = 10\nthreshold = 1\ndefault_risk = 0.5\n[[factors]]\nname = \"listed\"\npoints = 5\n\
                  when = [{ entity = \"merchant\", on_list = \"blocked\" }]\n\
                  [[factors]]\nname = \"risky\"\npoints = 2\nwhen = [{ input = \"device.risk\", above = 0.5 }]\n";
    fs::write(&policy, factor).unwrap();
    fs::write(&tx, "amount|merchant_id|device_id\n1|00501|D1\n2|501|\n").unwrap();
    for rows in [
        "entity,risk,list_blocked\nmerchant/00501,,0\ndevice/D1,0.9,\n",
        "kind|id|risk|list_blocked\nmerchant|00501||0\ndevice|D1|0.9|\n",
    ] {
        fs::write(&entities, rows).unwrap();
        let lines = scored(&[&tx, "--policy", &policy, "--entities", &entities]);
        let scores: Vec<_> = lines.iter().map(|line| line["fraud_score"].as_f64()).collect();
        assert_eq!(scores, [Some(7.0), Some(0.0)], "{rows}");
    }
}
