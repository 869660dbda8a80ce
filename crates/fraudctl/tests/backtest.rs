//! Back-tests as analysts run them: files in, measures, notes and exit status out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const CARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/examples/card-simulated.toml");

/// A folder with 50 days of generated transactions, their profiles and labels.
fn months() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let output = fraudctl(
        folder.path(),
        "generate --days 50 --customers 60 --merchants 40 --seed 5 --transactions tx.ndjson --profiles profiles.json \
         --labels labels.ndjson",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    folder
}

fn fraudctl(folder: &Path, arguments: &str) -> Output {
    let words = arguments.split_whitespace().map(|word| if word == "CARD" { CARD } else { word });
    Command::new(env!("CARGO_BIN_EXE_fraudctl"))
        .args(words)
        .current_dir(folder)
        .env_remove("LABEL_DELAY_DAYS")
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    assert!(!output.stdout.is_empty(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

const KNOWN: &str = "--profiles profiles.json --labels labels.ndjson --label-delay 7d --json";

#[test]
fn a_policy_is_measured_behind_its_warm_up_and_compared_with_another() {
    let folder = months();
    let output = fraudctl(
        folder.path(),
        &format!("backtest tx.ndjson {KNOWN} --policy CARD --against builtin:default"),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let result = json(&output);
    assert_eq!(
        (&result["from"], &result["to"]),
        (&"2026-01-29T00:00:00.000Z".into(), &"2026-02-20T00:00:00.000Z".into())
    );
    for name in [
        "transactions",
        "labelled",
        "frauds",
        "auc",
        "average_precision",
        "card_precision_at_100",
        "recall_at_1_percent",
        "threshold",
        "alerts_per_day",
        "precision",
        "recall",
        "value_recall",
    ] {
        assert!(result[name].is_number(), "{name}: {result}");
        assert!(result["against"].get(name).is_some(), "{name}");
        assert!(result["weeks"][0].get(name).is_some(), "{name}");
    }
    assert_eq!(result["weeks"].as_array().unwrap().len(), 4, "22 days");
    assert!(result["recall"].as_f64() > result["against"]["recall"].as_f64());
    assert_eq!(result["gained"]["alerts"], result["alerts"], "the built-in policy alerts nothing here");
    assert_eq!(result["lost"]["alerts"], 0);
    let examples = result["gained"]["examples"].as_array().unwrap();
    assert_eq!(examples.len() as u64, result["alerts"].as_u64().unwrap().min(20));
    assert!(
        examples[0]["second_reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()),
        "{}",
        examples[0]
    );
    assert_eq!(result["read"]["refused"], 0);

    // Beside another policy it is measured as alone.
    let alone = json(&fraudctl(folder.path(), &format!("backtest tx.ndjson {KNOWN} --policy CARD")));
    for (name, value) in alone.as_object().unwrap() {
        assert_eq!(&result[name], value, "{name}");
    }

    // The same by `policy diff`, and by `backtest` for people.
    let output = fraudctl(folder.path(), &format!("policy diff builtin:default CARD tx.ndjson {KNOWN}"));
    let differences = json(&output);
    assert_eq!((&differences["gained"], &differences["lost"]), (&result["gained"], &result["lost"]));
    let known = KNOWN.replace(" --json", "");
    let output = fraudctl(
        folder.path(),
        &format!("backtest tx.ndjson {known} --policy CARD --against builtin:default"),
    );
    let shown = stdout(&output);
    for line in ["measure", "recall at 1 % alerts", "Against it:", "alerts gained, worth ", "0 alerts lost"] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

#[test]
fn the_result_is_the_same_whatever_the_files_order_number_of_threads_and_way_of_reading() {
    let folder = months();
    let lines = fs::read_to_string(folder.path().join("tx.ndjson")).unwrap();
    let mut lines: Vec<&str> = lines.lines().collect();
    let backtest = |input: &str| {
        let output =
            fraudctl(folder.path(), &format!("backtest {input} {KNOWN} --policy CARD --alerts-per-day 3"));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let expected = backtest("tx.ndjson");
    assert_eq!(backtest("tx.ndjson --threads 1"), expected);
    assert_eq!(backtest("tx.ndjson --threads 3"), expected);
    // Those of one moment stay as they are.
    let second =
        |line: &&str| serde_json::from_str::<Value>(line).unwrap()["event_time"].as_str().unwrap().to_owned();
    let (mut odd, mut even): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut was_odd = false;
    for pair in lines.chunk_by(|one, next| second(one) == second(next)) {
        was_odd = !was_odd;
        if was_odd { odd.extend(pair) } else { even.extend(pair) }
    }
    lines = odd;
    lines.extend(even);
    fs::write(folder.path().join("mixed.ndjson"), lines.join("\n")).unwrap();
    assert_eq!(backtest("mixed.ndjson"), expected);

    let mut child = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
        .args(
            format!("backtest - {KNOWN} --policy CARD --alerts-per-day 3")
                .replace("CARD", CARD)
                .split_whitespace(),
        )
        .current_dir(folder.path())
        .stdin(Stdio::from(fs::File::open(folder.path().join("mixed.ndjson")).unwrap()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut piped = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut piped).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(piped, expected);
}

#[test]
fn files_that_cannot_be_sorted_in_memory_are_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let line = |number: u32, day: u32| {
        format!(
            "{{\"transaction_id\":\"T{number}\",\"customer_id\":\"C1\",\"amount\":1,\"event_time\":\"2026-01-{day:02}T00:00:00Z\",\"filler\":\"{}\"}}\n",
            "x".repeat(1000)
        )
    };
    let lines: String =
        (0..20_000).map(|number| line(number, 2 + number / 1000)).chain([line(20_000, 1)]).collect();
    fs::write(folder.path().join("tx.ndjson"), lines).unwrap();
    let output = fraudctl(folder.path(), "backtest tx.ndjson --memory-mib 1");
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    let told = stderr(&output);
    for part in ["not in order", "--memory-mib 1 is not enough", "line 20001", "sort them by event_time"] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let output = fraudctl(folder.path(), "backtest tx.ndjson --memory-mib 64 --json");
    assert_eq!(json(&output)["transactions"], 20_001);
}

#[test]
fn what_is_asked_for_and_not_kept_is_status_three() {
    let folder = months();
    let run =
        |more: &str| fraudctl(folder.path(), &format!("backtest tx.ndjson {KNOWN} --policy CARD {more}"));
    let result = json(&run(""));
    let recall = result["recall"].as_f64().unwrap();
    for (more, told) in [
        (format!("--min-recall {}", recall + 0.01), Some(format!("the recall is {recall:.4}"))),
        (format!("--min-recall {recall}"), None),
        ("--min-precision 1".to_owned(), Some("the precision is 0.".to_owned())),
        ("--max-alerts-per-day 0.01".to_owned(), Some("alerts a day, and must be at most 0.01".to_owned())),
        ("--max-alerts-per-day 1000 --min-precision 0".to_owned(), None),
    ] {
        let output = run(&more);
        let status = if told.is_some() { 3 } else { 0 };
        assert_eq!(output.status.code(), Some(status), "{more}: {}", stderr(&output));
        assert!(stderr(&output).contains(&told.unwrap_or_default()), "{more}: {}", stderr(&output));
        assert_eq!(json(&output)["recall"], result["recall"]);
    }
    // What cannot be measured is not kept.
    let output = fraudctl(folder.path(), "backtest tx.ndjson --profiles profiles.json --min-recall 0.1");
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("there is no recall"), "{}", stderr(&output));
}

#[test]
fn each_oddity_of_files_and_labels_is_a_sentence_with_its_count_and_first_place() {
    let folder = tempfile::tempdir().unwrap();
    let tx = |number: u32, day: u32, more: &str| {
        format!(
            "{{\"transaction_id\":\"T{number}\",\"customer_id\":\"C1\",\"amount\":{number},\"event_time\":\"2026-01-{day:02}T12:00:00Z\"{more}}}\n"
        )
    };
    let label = |number: u32, verdict: &str, day: u32, source: &str| {
        format!(
            "{{\"customer_id\":\"C1\",\"transaction_id\":\"T{number}\",\"verdict\":\"{verdict}\",\"reported_at\":\"2026-01-{day:02}T12:00:00Z\",\"source\":\"{source}\"}}\n"
        )
    };
    let lines = [
        tx(1, 1, ""),
        tx(2, 2, ""),
        tx(2, 2, ""),
        "{\"transaction_id\":\"T9\",\"customer_id\":\"C1\",\"amount\":1}\n".to_owned(),
        "{\"transaction_id\":\"T8\",\"customer_id\":\"C1\",\"amount\":1,\"event_time\":\"soon\"}\n"
            .to_owned(),
        "{\"customer_id\":\"C1\",\"amount\":\"many\"}\n".to_owned(),
        tx(3, 3, ""),
        tx(4, 28, ""),
    ];
    fs::write(folder.path().join("tx.ndjson"), lines.concat()).unwrap();
    let labels = [
        label(1, "fraud", 5, "cardholder"),
        label(1, "legitimate", 4, "analyst"),
        label(2, "fraud", 1, "analyst"),
        label(77, "fraud", 20, "analyst"),
        label(78, "fraud", 20, "analyst"),
    ];
    fs::write(folder.path().join("labels.ndjson"), labels.concat()).unwrap();
    let output = fraudctl(folder.path(), "backtest tx.ndjson --labels labels.ndjson --json");
    assert_eq!(output.status.code(), Some(2), "entries were not used");
    let told = stderr(&output);
    for part in [
        "line 4: it has no event_time, so that it cannot be put in order",
        "line 5: its event_time cannot be read",
        "line 6: ",
        "3 of 8 entries not used",
        "1 copy of a transaction left out",
        "2 transactions labelled and not in the files, the first C1/T77",
        "1 transaction called fraud and legitimate",
        "1 transaction labelled before it was made, the first C1/T2 at 2026-01-01T12:00:00.000Z",
        "1 transaction not judged: younger than 7 days before the end of the labels",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let result = json(&output);
    assert_eq!(
        (&result["transactions"], &result["frauds"], &result["immature"]),
        (&4.into(), &2.into(), &1.into())
    );
    assert_eq!(result["read"]["labels_of_others"], 2);

    // Nothing was fraud.
    fs::write(folder.path().join("labels.ndjson"), label(1, "legitimate", 28, "analyst")).unwrap();
    let told = stderr(&fraudctl(folder.path(), "backtest tx.ndjson --labels labels.ndjson"));
    assert!(told.contains("no fraud is among the transactions that are judged"), "{told}");
    let told = stderr(&fraudctl(folder.path(), "backtest tx.ndjson"));
    assert!(told.contains("no labels were given"), "{told}");

    // No span is left.
    for (more, part) in [
        ("--warm-up 28d", "which is no more than the warm-up of 28 days"),
        ("--from 2026-02-01", "nothing is after --from 2026-02-01"),
        ("--to 2026-01-01", "no transaction is before --to"),
        ("--from 2026-01-03 --to 2026-01-02", "--from is not before --to"),
        ("--label-delay 61d", "--label-delay is 61d"),
        ("--warm-up 3", "a number of days is written as 28d"),
        ("--order arrival", "`ingested_at` is missing"),
        ("--labels nowhere.ndjson", "cannot read nowhere.ndjson"),
        ("--labels tx.ndjson", "entries of the files of labels are not labels"),
    ] {
        let output = fraudctl(folder.path(), &format!("backtest tx.ndjson {more}"));
        assert_eq!(output.status.code(), Some(2), "{more}");
        assert!(stderr(&output).contains(part), "{more}: {}", stderr(&output));
    }
}

#[test]
fn transactions_may_bring_their_own_labels() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..40)
        .map(|number| {
            let label = ["0", "\"No\"", "false", "\"1\""][number % 4];
            format!(
                "{{\"transaction_id\":\"T{number}\",\"customer_id\":\"C{}\",\"amount\":{},\"event_time\":\"2026-01-{:02}T03:00:00Z\",\"isFraud\":{label}}}\n",
                number % 3,
                if number % 4 == 3 { 20_000 } else { 10 },
                number / 4 + 1,
            )
        })
        .collect();
    fs::write(folder.path().join("tx.ndjson"), &lines).unwrap();
    fs::write(
        folder.path().join("profiles.json"),
        r#"{"C0":{"risk_score":1},"C1":{"risk_score":1},"C2":{"risk_score":1}}"#,
    )
    .unwrap();
    let backtest = "backtest tx.ndjson --profiles profiles.json --label-field isFraud --json";
    let result = json(&fraudctl(folder.path(), backtest));
    assert_eq!(
        (&result["frauds"], &result["labelled"], &result["auc"]),
        (&10.into(), &40.into(), &1.0.into())
    );
    assert_eq!((&result["recall"], &result["precision"]), (&1.0.into(), &1.0.into()));
    fs::write(folder.path().join("tx.ndjson"), lines.replacen("\"No\"", "\"maybe\"", 1)).unwrap();
    let output = fraudctl(folder.path(), backtest);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("line 2: `isFraud` is `maybe`: accepted are 1, true"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_budget_gives_the_smallest_threshold_that_keeps_to_it() {
    let folder = months();
    let found = json(&fraudctl(
        folder.path(),
        "policy threshold CARD tx.ndjson --profiles profiles.json --labels labels.ndjson --alerts-per-day 3 --json",
    ));
    let threshold = found["found"]["threshold"].as_f64().unwrap();
    let at = json(&fraudctl(
        folder.path(),
        &format!(
            "backtest tx.ndjson {} --policy CARD --alerts-per-day 3",
            KNOWN.replace("--label-delay 7d ", "")
        ),
    ));
    assert_eq!(at["threshold"].as_f64(), Some(threshold));
    assert!(at["alerts_per_day"].as_f64().unwrap() <= 3.0);
    assert!(found["found"]["alerts_per_day_with_them"].as_f64().unwrap() > 3.0);
    assert_eq!(found["policy_threshold"], 18.0);
    let shown = stdout(&fraudctl(
        folder.path(),
        "policy threshold CARD tx.ndjson --profiles profiles.json --labels labels.ndjson --alerts-per-day 3",
    ));
    assert!(shown.starts_with(&format!("threshold {threshold} for at most 3 alerts a day: ")), "{shown}");
}

#[test]
fn public_data_sets_are_back_tested_as_they_are_published() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/public-shapes");
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    for (file, schema, label) in [
        ("paysim.csv", "paysim.toml", "isFraud"),
        ("sparkov.csv", "sparkov.toml", "is_fraud"),
        ("ieee_cis.csv", "ieee-cis.toml", "isFraud"),
        ("ulb.csv", "ulb.toml", "Class"),
        ("tabformer.csv", "tabformer.toml", "Is Fraud?"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
            .args(["backtest", file, "--label-field", label, "--json", "--schema"])
            .arg(schemas.join(schema))
            .current_dir(&fixtures)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{file}: {}", stderr(&output));
        let mut rows = csv::Reader::from_path(fixtures.join(file)).unwrap();
        let column = rows.headers().unwrap().iter().position(|name| name == label).unwrap();
        let labels: Vec<String> = rows.records().map(|row| row.unwrap()[column].to_owned()).collect();
        let frauds = labels.iter().filter(|label| ["1", "Yes"].contains(&label.as_str())).count();
        let result = json(&output);
        assert_eq!(
            (&result["transactions"], &result["frauds"]),
            (&labels.len().into(), &frauds.into()),
            "{file}"
        );
        assert_eq!(result["auc"].is_number(), frauds > 0, "{file}: {result}");
        assert_eq!(result["read"]["refused"], 0, "{file}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_back_test_that_waits_for_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
        .args(["backtest", "-"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first entry is looked at before anything else; then the rest is waited for.
    let mut input = child.stdin.take().unwrap();
    let line =
        br#"{"transaction_id":"T1","customer_id":"C1","amount":1,"event_time":"2026-01-01T00:00:00Z"}"#;
    std::io::Write::write_all(&mut input, &[&line[..], b"\n"].concat().repeat(100_000)).unwrap();
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    drop(input);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("interrupted: nothing is measured of a part"), "{}", stderr(&output));
}

/// The commands of the blocks of shell in a document.
fn commands(document: &str) -> Vec<Vec<String>> {
    let blocks = document.split("```sh\n").skip(1).filter_map(|block| block.split_once("\n```"));
    let lines = blocks.flat_map(|(block, _)| block.lines());
    let words = |line: &str| {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for character in line.chars() {
            match character {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                other => words.last_mut().unwrap().push(other),
            }
        }
        words
    };
    lines.map(words).collect()
}

/// Sixty generated days as a warehouse would give them.
fn write_payments(folder: &Path) {
    let generate = "generate --days 60 --customers 300 --merchants 200 --seed 4 --transactions own.ndjson --labels own.labels.ndjson";
    let status = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
        .args(generate.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
        .status;
    assert!(status.success());
    let lines = |name: &str| {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let frauds: std::collections::HashSet<String> = lines("own.labels.ndjson")
        .iter()
        .map(|label| label["transaction_id"].as_str().unwrap().to_owned())
        .collect();
    let mut csv = "txn,card,shop,eur,at,fraud\n".to_owned();
    for transaction in lines("own.ndjson") {
        let text = |name: &str| transaction[name].as_str().unwrap().to_owned();
        let fraud = u8::from(frauds.contains(&text("transaction_id")));
        let (id, card, shop, at) =
            (text("transaction_id"), text("customer_id"), text("merchant_id"), text("event_time"));
        csv += &format!("{id},{card},{shop},{},{at},{fraud}\n", transaction["amount"]);
    }
    fs::write(folder.join("payments.csv"), csv).unwrap();
}

#[test]
fn the_commands_of_the_documentation_run() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/public-shapes");
    for (published, fixture) in [
        ("creditcard.csv", "ulb.csv"),
        ("paysim.csv", "paysim.csv"),
        ("fraudTrain.csv", "sparkov.csv"),
        ("train_transaction.csv", "ieee_cis.csv"),
        ("card_transaction.v1.csv", "tabformer.csv"),
    ] {
        fs::copy(fixtures.join(fixture), folder.path().join(published)).unwrap();
    }
    let document = fs::read_to_string(root.join("docs/backtesting.md")).unwrap();
    // Files of the document, and the reader's own.
    for block in document.split("```toml\n# ").skip(1) {
        let (name, text) = block.split_once('\n').unwrap();
        fs::write(folder.path().join(name), text.split_once("\n```").unwrap().0).unwrap();
    }
    write_payments(folder.path());
    let commands = commands(&document);
    assert!(commands.len() > 10, "{commands:?}");
    let mut printed = String::new();
    for command in commands {
        let (program, arguments) = command.split_first().unwrap();
        assert_eq!(program, "fraudctl");
        let in_repository = |word: &String| {
            let is_file = word.starts_with("policies/") || word.starts_with("schemas/");
            if is_file { root.join(word).display().to_string() } else { word.clone() }
        };
        let output = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
            .args(arguments.iter().map(in_repository))
            .current_dir(folder.path())
            .env_remove("LABEL_DELAY_DAYS")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", stderr(&output));
        printed += &stdout(&output);
    }
    let shown = document.split("```\ncard-simulated@").nth(1).and_then(|shown| shown.split_once("\n```"));
    let (shown, _) = shown.unwrap();
    assert!(
        printed.contains(&format!("card-simulated@{shown}\n")),
        "the output in the document is another one"
    );
}
