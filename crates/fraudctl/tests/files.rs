//! The kinds of files that commands take, and those that they refuse, as their users meet them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use embedded_aws::EmbeddedAws;
use embedded_aws::event_source_mapping::RecordSource;
use serde_json::{Value, json};

/// Three transactions, the first of them a fraud by its profile's risk, in every way that is read.
const READ: [&str; 10] = [
    "tx.ndjson",
    "tx.ndjson.gz",
    "tx.ndjson.zst",
    "tx-array-oneline.json",
    "tx-array-pretty.json",
    "tx-bom.ndjson",
    "tx-concatenated.json",
    "tx-cr-only.ndjson",
    "tx-crlf.ndjson",
    "tx-pretty.json",
];
/// The same in a way that is not.
const REFUSED: [(&str, &str); 1] = [("tx-utf16.ndjson", "it looks like UTF-16 text; save it as UTF-8")];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn transactions(name: &str) -> String {
    fixture("transactions").join(name).display().to_string()
}

fn fraudctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn run(arguments: &[&str]) -> Output {
    fraudctl(arguments).output().unwrap()
}

async fn aws() -> EmbeddedAws {
    EmbeddedAws::builder()
        .stream("transactions", 1)
        .table("customer_profiles", "customer_id")
        .start()
        .await
        .unwrap()
}

async fn on(aws: &EmbeddedAws, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::from(fraudctl(arguments));
    command.envs(aws.env()).output().await.unwrap()
}

/// The payloads on the stream.
async fn arrived(aws: &EmbeddedAws) -> Vec<String> {
    let source = aws.record_source("transactions");
    let shard = source.shards().await.unwrap().remove(0);
    let page = source.read(&shard.id, None, 10_000).await.unwrap();
    page.records.into_iter().map(|record| text(&record.data)).collect()
}

#[test]
fn score_reads_every_kind_of_file_to_the_same_scores() {
    let profiles = transactions("profiles.json");
    for name in READ {
        let output = run(&["score", &transactions(name), "--profiles", &profiles, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", text(&output.stderr));
        let scored: Vec<Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<_> = scored
            .iter()
            .map(|line| json!([line["transaction_id"], line["amount"], line["alert"]]))
            .collect();
        assert_eq!(
            shown,
            [json!(["T1", 19000.5, true]), json!(["T2", 12.5, false]), json!(["T3", 99, false])],
            "{name}"
        );
    }
}

#[test]
fn score_refuses_every_other_kind_with_what_it_seems_to_be() {
    let profiles = transactions("profiles.json");
    for (name, message) in REFUSED {
        let file = transactions(name);
        let output = run(&["score", &file, "--profiles", &profiles]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(&format!("{file} is refused: {message}")), "{stderr}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn produce_sends_the_objects_of_every_kind_of_file_as_they_are_written() {
    let profiles: Vec<String> = READ.map(transactions).to_vec();
    let aws = aws().await;
    let arguments: Vec<&str> = profiles.iter().map(String::as_str).collect();
    let output =
        on(&aws, &[&["produce", "--stream", "transactions", "--json"][..], &arguments].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let arrived = arrived(&aws).await;
    assert_eq!(arrived.len(), 3 * READ.len());
    let plain = fs::read_to_string(fixture("transactions/tx.ndjson")).unwrap();
    for line in plain.lines() {
        let times = arrived.iter().filter(|data| *data == line).count();
        // All but the arrays and the pretty-printed ones are written so; an amount without its last zero in all arrays.
        let one_line_array = usize::from(!line.contains("19000.50"));
        assert_eq!(times, READ.len() - 3 + one_line_array, "{line}");
    }
    let pretty = fs::read_to_string(fixture("transactions/tx-pretty.json")).unwrap();
    assert!(arrived.iter().any(|data| data.contains('\n') && pretty.starts_with(data.as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_csv_are_scored_and_sent_as_objects() {
    let (csv, profiles) = (transactions("tx.csv"), transactions("profiles.json"));
    let plain = fs::read_to_string(fixture("transactions/tx.ndjson")).unwrap();
    let expected: Vec<&str> = plain.lines().take(2).collect();
    // Through standard input as well.
    for (input, stdin) in [(csv.as_str(), Stdio::null()), ("-", fs::File::open(&csv).unwrap().into())] {
        let output =
            fraudctl(&["score", input, "--profiles", &profiles, "--json"]).stdin(stdin).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let alerts: Vec<Value> = text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["alert"].clone())
            .collect();
        assert_eq!(alerts, [true, false]);
    }
    let aws = aws().await;
    let output = on(&aws, &["produce", &csv, "--stream", "transactions"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut sent = arrived(&aws).await;
    sent.sort();
    assert_eq!(sent, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn produce_sends_nothing_of_any_file_where_one_is_of_another_kind() {
    let aws = aws().await;
    let good = transactions("tx.ndjson");
    for (name, message) in REFUSED {
        let output = on(&aws, &["produce", &good, &transactions(name), "--stream", "transactions"]).await;
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
        assert_eq!(aws.calls().all().len(), 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn produce_tells_what_is_no_object_by_line_and_sends_the_rest() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tx.ndjson");
    fs::write(&file, "{\"a\":1}\nno object\n{\"a\":2}{\"a\":NaN}\n{\"a\":3}\n{\"a\":").unwrap();
    let output = on(&aws, &["produce", file.to_str().unwrap(), "--stream", "transactions", "--json"]).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for line in [
        "line 2: not JSON from byte 1 on; not sent",
        "line 3, byte 8: not JSON from byte 6 on; not sent",
        "line 5: not JSON: the input ends within it; not sent",
        "3 entries not sent: not an object, see above",
    ] {
        assert!(stderr.contains(line), "{stderr}");
    }
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["sent"], &summary["refused"]), (&3.into(), &3.into()));
    let mut arrived = arrived(&aws).await;
    arrived.sort();
    assert_eq!(arrived, ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_raw_backup_is_sent_again_with_every_digit() {
    let aws = aws().await;
    let raw = fixture("raw-backup/raw-object.gz").display().to_string();
    let output = on(&aws, &["produce", &raw, "--stream", "transactions"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let original = fs::read_to_string(fixture("raw-backup/original.ndjson")).unwrap();
    let mut expected: Vec<&str> = original.lines().collect();
    expected.sort();
    let mut arrived = arrived(&aws).await;
    arrived.sort();
    assert_eq!(arrived, expected);
}

/// Writes the three transactions as a Parquet file, one column for each of their members.
fn write_parquet(path: &Path) {
    use parquet::data_type::{ByteArrayType, DoubleType};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    let plain = fs::read_to_string(fixture("transactions/tx.ndjson")).unwrap();
    let rows: Vec<Value> = plain.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let schema = "message lake { required binary transaction_id (UTF8); required binary customer_id (UTF8); \
                  required double amount; required binary event_time (UTF8); }";
    let schema = parquet::schema::parser::parse_message_type(schema).unwrap();
    let properties = WriterProperties::builder().set_compression(parquet::basic::Compression::SNAPPY).build();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), properties.into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for name in ["transaction_id", "customer_id", "amount", "event_time"] {
        let mut column = group.next_column().unwrap().unwrap();
        if name == "amount" {
            let values: Vec<f64> = rows.iter().map(|row| row[name].as_f64().unwrap()).collect();
            column.typed::<DoubleType>().write_batch(&values, None, None).unwrap();
        } else {
            let values: Vec<_> = rows.iter().map(|row| row[name].as_str().unwrap().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

/// What is scored of an input, as JSON lines without their places, and what is told.
fn scored(folder: &Path, input: &str) -> (Vec<Value>, String) {
    let profiles = transactions("profiles.json");
    let output =
        fraudctl(&["score", input, "--profiles", &profiles, "--json"]).current_dir(folder).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{input}: {}", text(&output.stderr));
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().retain(|name, _| !["file", "line"].contains(&name.as_str()));
        // As a number: a DOUBLE does not tell 99 from 99.0.
        line["amount"] = line["amount"].as_f64().into();
        line
    };
    (text(&output.stdout).lines().map(line).collect(), text(&output.stderr))
}

#[test]
fn a_lake_of_parquet_is_scored_as_its_transactions_are_by_folder_and_by_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    for file in ["dt=2026-01-15/hour=07/a.parquet", "dt=2026-02-01/b.parquet", ".part.parquet"] {
        write_parquet(&lake.join(file));
    }
    fs::write(lake.join("_SUCCESS"), "").unwrap();
    let (expected, _) = scored(folder.path(), &transactions("tx.ndjson"));
    assert_eq!(expected.len(), 3);
    let twice = [&expected[..], &expected].concat();
    let (of_folder, told) = scored(folder.path(), "lake");
    assert_eq!(of_folder, twice);
    assert!(
        told.contains("lake: 2 names left out: hidden, beginning with `_`, or a link to a folder"),
        "{told}"
    );
    assert_eq!(scored(folder.path(), "lake/dt=2026-01-*/**/*.parquet").0, expected);
    assert_eq!(scored(folder.path(), "l*/*/").0, twice);
    for (input, message) in [
        ("lake/*.parquet", "nothing matches lake/*.parquet"),
        ("empty", "empty is a folder without files to read"),
    ] {
        fs::create_dir_all(folder.path().join("empty")).unwrap();
        let profiles = transactions("profiles.json");
        let output =
            fraudctl(&["score", input, "--profiles", &profiles]).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    let file = fs::File::open(lake.join("dt=2026-02-01/b.parquet")).unwrap();
    let through_stdin =
        fraudctl(&["score", "-", "--profiles", &transactions("profiles.json")]).stdin(file).output().unwrap();
    assert_eq!(through_stdin.status.code(), Some(2));
    assert!(text(&through_stdin.stderr).contains("standard input is refused: it is Parquet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_parquet_is_sent_as_the_object_of_its_columns_and_a_damaged_file_is_not_sent() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tx.parquet");
    write_parquet(&file);
    let path = file.to_str().unwrap();
    let output = on(&aws, &["produce", path, "--stream", "transactions"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut sent = arrived(&aws).await;
    sent.sort();
    let plain = fs::read_to_string(fixture("transactions/tx.ndjson")).unwrap();
    // A DOUBLE has no digits but those that its number needs.
    let expected = plain.replace("19000.50", "19000.5").replace(":99,", ":99.0,");
    assert_eq!(sent, expected.lines().collect::<Vec<_>>());

    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let good = transactions("tx.ndjson");
    let output = on(&aws, &["produce", &good, path, "--stream", "transactions"]).await;
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(&format!("cannot read {path}: it is damaged")), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(arrived(&aws).await.len(), 3);
}

/// Imports a profile file into a table of its own. Gives the exit status, the rows as `profiles export` writes them, and
/// what was told.
async fn imported(name: &str) -> (Option<i32>, Vec<String>, String) {
    let aws = aws().await;
    let file = fixture("profiles").join(name).display().to_string();
    let import = on(&aws, &["profiles", "import", &file, "--to", "dynamodb:customer_profiles"]).await;
    let export = on(&aws, &["profiles", "export", "--from", "dynamodb:customer_profiles"]).await;
    assert_eq!(export.status.code(), Some(0), "{}", text(&export.stderr));
    let mut rows: Vec<String> = text(&export.stdout).lines().map(str::to_owned).collect();
    rows.sort();
    (import.status.code(), rows, text(&import.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_imported_from_the_files_that_spreadsheets_and_exports_make() {
    let plain = r#"{"customer_id":"C000001","segment":"gold","lifetime_value":100.5,"risk_score":0.95}"#;
    let silver = r#"{"customer_id":"C000002","segment":"silver","lifetime_value":5,"risk_score":0.1}"#;
    for (name, expected) in [
        ("plain.csv", vec![plain, silver]),
        ("plain.csv.gz", vec![plain, silver]),
        ("capital-header.csv", vec![plain]),
        ("excel-semicolon.csv", vec![plain]),
        ("extra-column.csv", vec![plain]),
        ("tabs.csv", vec![plain]),
        ("tabs.tsv", vec![plain]),
        (
            "excel-bom-crlf.csv",
            vec![
                r#"{"customer_id":"C100001","segment":"gold","lifetime_value":100.5,"risk_score":0.95}"#,
                r#"{"customer_id":"C100002","segment":"silver, \"old\"","lifetime_value":5,"risk_score":0.1}"#,
            ],
        ),
        (
            "duplicate-ids.csv",
            vec![
                r#"{"customer_id":"C200001","segment":"gold","lifetime_value":1,"risk_score":0.9}"#,
                r#"{"customer_id":"C200002","segment":"gold","lifetime_value":1,"risk_score":0.2}"#,
            ],
        ),
        (
            "array.json",
            vec![
                r#"{"customer_id":"C500001","risk_score":0.95}"#,
                r#"{"customer_id":"C500002","risk_score":0.5}"#,
            ],
        ),
        ("ddb-export.json", vec![r#"{"customer_id":"C600001","risk_score":0.9}"#]),
        (
            "strings.ndjson",
            vec![
                r#"{"customer_id":"C700001","risk_score":0.95}"#,
                r#"{"customer_id":"C700002","risk_score":0.5}"#,
                r#"{"customer_id":"C700003"}"#,
            ],
        ),
        (
            "profile-map.json",
            vec![r#"{"customer_id":"C000001","segment":"gold","lifetime_value":100,"risk_score":0.95}"#],
        ),
    ] {
        let (status, rows, told) = imported(name).await;
        assert_eq!(
            (status, rows),
            (Some(0), expected.into_iter().map(str::to_owned).collect()),
            "{name}: {told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn profile_rows_that_cannot_be_used_are_told_and_the_others_written_and_files_of_another_kind_refused()
{
    let (status, rows, told) = imported("value-forms.csv").await;
    assert_eq!(status, Some(2));
    assert_eq!(rows.len(), 6, "{rows:?}");
    for line in [
        "line 2: `lifetime_value` is not a number: `1,234.50`",
        "line 4: `risk_score` is not between 0 and 1: 95;",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let (status, rows, told) = imported("latin1.csv").await;
    assert_eq!((status, rows.len()), (Some(2), 1));
    assert!(told.contains("line 2: not UTF-8: save the file as UTF-8"), "{told}");
    for (name, message) in [
        ("utf16.csv", "utf16.csv is refused: it looks like UTF-16 text; save it as UTF-8"),
        ("empty.csv", "empty.csv: it is empty; accepted are CSV"),
        ("header-only.csv", "header-only.csv holds no profile"),
    ] {
        let (status, rows, told) = imported(name).await;
        assert_eq!((status, rows.len()), (Some(2), 0), "{name}");
        assert!(told.contains(message), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_generate_writes_is_imported_and_what_is_exported_is_imported_again() {
    let aws = aws().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (tx, profiles, csv) = (path("tx.ndjson"), path("profiles.json"), path("customers.CSV"));
    let to = ["--to", "dynamodb:customer_profiles"];
    let from = ["--from", "dynamodb:customer_profiles"];
    let done = async |arguments: &[&str]| {
        let output = on(&aws, arguments).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    done(&["generate", "--count", "100", "--seed", "7", "--transactions", &tx, "--profiles", &profiles])
        .await;
    done(&[&["profiles", "import", &profiles][..], &to].concat()).await;
    let exported = done(&[&["profiles", "export"][..], &from].concat()).await;
    let count =
        serde_json::from_slice::<Value>(&fs::read(&profiles).unwrap()).unwrap().as_object().unwrap().len();
    assert_eq!(exported.lines().count(), count);
    done(&[&["profiles", "export", &csv][..], &from].concat()).await;
    assert!(fs::read_to_string(&csv).unwrap().starts_with("customer_id,segment,lifetime_value,risk_score\n"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no part of a file is left");
    let summary = done(&[&["profiles", "import", &csv, "--json"][..], &to].concat()).await;
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!((&summary["written"], &summary["bad"]), (&count.into(), &0.into()));
    assert_eq!(done(&[&["profiles", "export"][..], &from].concat()).await, exported);
    // To score by, every one of them is as good.
    let scored = done(&["score", &tx, "--profiles", &profiles]).await;
    assert_eq!(done(&["score", &tx, "--profiles", &csv]).await, scored);
}

#[test]
fn profiles_to_score_by_are_told_where_they_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let tx = transactions("tx.ndjson");
    let score = |content: &str| {
        fs::write(folder.path().join("p.csv"), content).unwrap();
        let output = fraudctl(&["score", &tx, "--profiles", "p.csv", "--json"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (status, scored, told) = score("customer_id,risk_score\nC000001,95\n");
    assert_eq!(status, Some(0));
    assert!(told.contains("p.csv, line 2: `risk_score` is not between 0 and 1: 95; a percentage"), "{told}");
    assert!(scored.contains("\"enrichment\":\"invalid_profile\""), "{scored}");
    let (status, _, told) = score("customer_id,risk_score\nC000001,0.9,1\nC2\n");
    assert_eq!(status, Some(2));
    assert!(
        told.contains("cannot read the profiles in p.csv: rows that cannot be read: 2, the first of them line 2: 3 fields"),
        "{told}"
    );
}
