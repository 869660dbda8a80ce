//! Each query of `docs/queries.md`, as printed, over what the local pipeline leaves: its rows are held against a count over
//! the same lines that knows no SQL.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use system_tests::document::{Block, run};
use system_tests::workspace::root;

/// Numbers by the text that they are for.
type Counts = BTreeMap<String, Vec<u64>>;

fn shell(folder: &Path, text: &str) {
    let block = Block { language: "sh".to_owned(), text: text.to_owned() };
    let output = run(&block, folder).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Generated transactions, with what the queries look for among them: a merchant with many, a device on a list, event times
/// that cannot be used, an id that is used twice.
fn write_transactions(folder: &Path) {
    shell(
        folder,
        "fraudctl generate --count 1000 --seed 2 --transactions tx.ndjson --profiles profiles.json",
    );
    let text = std::fs::read_to_string(folder.join("tx.ndjson")).unwrap();
    let mut transactions: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (index, transaction) in transactions.iter_mut().enumerate() {
        match index % 50 {
            7 => transaction["event_time"] = json!(1_768_438_994),
            9 => transaction["event_time"] = json!("Thursday 3 PM"),
            place if place % 5 == 0 => transaction["merchant_id"] = json!("M0001"),
            place if place % 5 == 1 => transaction["device_id"] = json!("D1"),
            _ => {}
        }
    }
    let mut reused = transactions[20].clone();
    reused["amount"] = json!(77.5);
    let named = json!({"transaction_id": "T-0001", "customer_id": "C1001", "amount": 99.25, "event_time": "2026-01-15T12:00:00Z"});
    transactions.extend([reused, named]);
    let lines =
        |transactions: &[Value]| transactions.iter().map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(folder.join("tx.ndjson"), lines(&transactions)).unwrap();
    // The same under a policy that looks at entities, as other transactions.
    for transaction in &mut transactions {
        let id = transaction["transaction_id"].as_str().unwrap_or_default();
        transaction["transaction_id"] = json!(format!("E{id}"));
    }
    std::fs::write(folder.join("by-entities.ndjson"), lines(&transactions)).unwrap();
    let entities = json!({"merchant/M0001": {"risk": 0.9}, "device/D1": {"list_compromised": 0}});
    std::fs::write(folder.join("entities.json"), entities.to_string()).unwrap();
}

/// A line of the lake, and its partition.
struct Line {
    day: u64,
    hour: u64,
    members: Value,
}

impl Line {
    fn text(&self, name: &str) -> Option<&str> {
        self.members[name].as_str()
    }

    fn score(&self) -> f64 {
        self.members["fraud_score"].as_f64().unwrap()
    }

    fn high(&self) -> u64 {
        u64::from(self.score() > 0.8)
    }

    /// What makes two lines copies of one transaction.
    fn content(&self) -> String {
        let name = |name: &str| &self.members[name];
        format!(
            "{} {} {} {} {}",
            self.day,
            name("decision_id"),
            name("amount"),
            name("event_time"),
            name("merchant_id")
        )
    }
}

/// Every object below a folder, with its path.
fn objects(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => objects(&path, found),
            false => found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap())),
        }
    }
}

fn lines(folder: &Path) -> Vec<Line> {
    let mut found = Vec::new();
    objects(&folder.join("out/scored"), &mut found);
    let part =
        |path: &str, name: &str| path.split_once(name).unwrap().1.split('/').next().unwrap().parse().unwrap();
    let of_object = |(path, text): &(String, String)| -> Vec<Line> {
        let (day, hour) = (part(path, "day="), part(path, "hour="));
        text.lines().map(|line| Line { day, hour, members: serde_json::from_str(line).unwrap() }).collect()
    };
    found.iter().flat_map(of_object).collect()
}

/// Copies of some lines, as Firehose delivers twice: of the other decision the profiles did not answer. Of every other one only
/// that is left.
fn add_copies(folder: &Path) {
    let mut found = Vec::new();
    objects(&folder.join("out/scored"), &mut found);
    for (path, text) in found {
        let mut lines = String::new();
        for (index, line) in text.lines().enumerate() {
            let copy = line.replace(r#""enrichment":"profile""#, r#""enrichment":"unavailable""#);
            let is_copied = index % 9 == 0 && copy != line;
            if is_copied {
                lines += &format!("{copy}\n");
            }
            if !is_copied || index % 2 == 0 {
                lines += &format!("{line}\n");
            }
        }
        std::fs::write(path, lines).unwrap();
    }
}

fn counted<'l>(lines: impl IntoIterator<Item = (String, Vec<u64>)> + 'l) -> Counts {
    let mut counts = Counts::new();
    for (name, numbers) in lines {
        let of_name = counts.entry(name).or_insert_with(|| vec![0; numbers.len()]);
        of_name.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
    }
    counts
}

/// What the queries answer, in their order.
struct Answers(std::vec::IntoIter<Value>);

impl Answers {
    fn of(folder: &Path) -> Self {
        let python = root().join(".venv/bin/python");
        assert!(python.exists(), "{} is missing; run `make tools`", python.display());
        let mut command = Command::new(python);
        command
            .arg(root().join("tests/queries/run.py"))
            .arg(root().join("docs/queries.md"))
            .arg(folder)
            .arg("--json");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        Answers(answers.into_iter())
    }

    /// The rows of the next query, which is below this heading, as these columns.
    fn next<const N: usize>(&mut self, heading: &str, columns: [&str; N]) -> Vec<[Value; N]> {
        let answer = self.0.next().unwrap();
        assert_eq!(answer["heading"], heading);
        let names = answer["columns"].as_array().unwrap();
        let places = columns.map(|column| names.iter().position(|name| name == column).unwrap());
        let rows = answer["rows"].as_array().unwrap();
        rows.iter().map(|row| places.map(|place| row[place].clone())).collect()
    }

    /// The same as counts by the first column.
    fn counts<const N: usize>(&mut self, heading: &str, columns: [&str; N]) -> Counts {
        let rows = self.next(heading, columns);
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let counts: Counts = rows
            .iter()
            .map(|row| (text(&row[0]), row[1..].iter().map(|number| number.as_u64().unwrap()).collect()))
            .collect();
        assert_eq!(counts.len(), rows.len());
        counts
    }
}

#[test]
fn every_query_answers_what_a_count_over_the_lines_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_transactions(folder);
    shell(
        folder,
        "fraud-local --input tx.ndjson --profiles profiles.json --without-analytics
         fraud-local --input by-entities.ndjson --profiles profiles.json --entities entities.json --without-analytics \
           --policy policies/examples/card-online.toml --out by-entities
         cp --recursive by-entities/scored out/",
    );
    add_copies(folder);
    let all = lines(folder);
    let mut once: BTreeMap<String, &Line> = BTreeMap::new();
    for line in &all {
        let kept = once.entry(line.content()).or_insert(line);
        if kept.text("enrichment") == Some("unavailable") {
            *kept = line;
        }
    }
    assert!(once.len() < all.len() && all.iter().all(|line| !line.members["decision_id"].is_null()));
    let of_day: Vec<&Line> = once.values().copied().filter(|line| line.day == 15).collect();
    let mut answers = Answers::of(folder);

    for _ in ["the lake alone", "with what a replay wrote"] {
        assert_eq!(answers.next("Copies", ["transactions"]), [[json!(once.len())]]);
    }

    let mut contents: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in all.iter().filter(|line| (9..=15).contains(&line.day)) {
        contents.entry(line.text("decision_id").unwrap()).or_default().insert(line.content());
    }
    contents.retain(|_, contents| contents.len() > 1);
    let expected =
        contents.iter().map(|(id, contents)| ((*id).to_owned(), vec![contents.len() as u64])).collect();
    assert_eq!(answers.counts("Reused ids", ["decision_id", "transactions"]), expected);
    assert_eq!(expected.len(), 2);

    let segment =
        |line: &&Line| line.text("customer_segment").or(line.text("enrichment")).unwrap().to_owned();
    let expected = counted(of_day.iter().map(|line| (segment(line), vec![1, line.high()])));
    let columns = ["segment", "transactions", "high_scores"];
    assert_eq!(answers.counts("Daily fraud by segment", columns), expected);
    assert!(expected.values().any(|counts| counts[1] > 0));

    let with_merchant = |line: &&&Line| line.text("merchant_id").is_some();
    let merchant = |line: &&Line| line.text("merchant_id").unwrap().to_owned();
    let mut expected =
        counted(of_day.iter().filter(with_merchant).map(|line| (merchant(line), vec![1, line.high()])));
    expected.retain(|_, counts| counts[0] >= 100);
    let columns = ["merchant_id", "transactions", "high_scores"];
    assert_eq!(answers.counts("Merchants", columns), expected);
    assert_eq!(expected.keys().collect::<Vec<_>>(), ["M0001"]);

    let rows = answers.next("Merchants' transactions", ["merchant_id", "day", "transactions"]);
    let rows = rows.iter().map(|[merchant, day, count]| {
        (format!("{} {}", merchant.as_str().unwrap(), day.as_str().unwrap()), vec![count.as_u64().unwrap()])
    });
    let of_merchant = |line: &&Line| (format!("{} 2026-01-{:02}", merchant(line), line.day), vec![1]);
    let expected = counted(once.values().filter(|line| with_merchant(line)).map(of_merchant));
    assert_eq!(rows.collect::<Counts>(), expected);

    let reasons = |line: &&Line| -> Vec<String> {
        let reasons = line.members["fraud_reasons"].as_array().unwrap();
        let mut reasons: Vec<_> = reasons.iter().map(|reason| reason.as_str().unwrap().to_owned()).collect();
        reasons.sort_unstable();
        reasons
    };
    let expected = counted(of_day.iter().map(|line| (reasons(line).join(" + "), vec![1])));
    assert_eq!(answers.counts("Reasons", ["reasons", "transactions"]), expected);
    let each =
        of_day.iter().flat_map(|line| reasons(line).into_iter().map(|reason| (reason, vec![1, line.high()])));
    assert_eq!(answers.counts("Reasons", ["reason", "transactions", "high_scores"]), counted(each));

    let columns = ["transactions", "high_before", "high_after", "new_alerts", "alerts_gone"];
    let [totals] = &answers.next("Scoring a day again", columns)[..] else { unreachable!("one row") };
    let [transactions, before, after, new, gone] = totals.each_ref().map(|number| number.as_u64().unwrap());
    let high: u64 = of_day.iter().map(|line| line.high()).sum();
    assert_eq!((transactions, before, after + gone), (of_day.len() as u64, high, before + new));
    // The points of the other policy are not those of the query: its high scores are gone.
    assert!(after > 0 && gone > 0, "{totals:?}");
    for column in ["fraud_policy", "transaction_schema"] {
        let of = |line: &Line| line.text(column).unwrap_or("null").to_owned();
        let expected = counted(all.iter().map(|line| (of(line), vec![1])));
        assert_eq!(answers.counts("Scoring a day again", [column, "transactions"]), expected);
    }

    let inputs =
        |line: &&Line| -> Option<Value> { serde_json::from_str(line.text("fraud_inputs")?).unwrap() };
    let on_list = |line: &&Line| inputs(line).unwrap()["device.on_list.compromised"] == true;
    let by_entities: Vec<_> =
        of_day.iter().filter(|line| inputs(line).is_some() && line.score() > 40.0).collect();
    let columns = ["merchant_risk_from", "device_on_list", "transactions"];
    let rows = answers.next("What a decision was made from", columns);
    let sum = |is_counted: &dyn Fn(&[Value; 3]) -> bool| -> u64 {
        rows.iter().filter(|row| is_counted(row)).map(|row| row[2].as_u64().unwrap()).sum()
    };
    assert_eq!(sum(&|_| true), by_entities.len() as u64);
    assert_eq!(sum(&|row| row[1] == "true"), by_entities.iter().filter(|line| on_list(line)).count() as u64);
    let risky = by_entities.iter().filter(|line| line.text("merchant_id") == Some("M0001"));
    assert_eq!(sum(&|row| row[0] == 0.9), risky.count() as u64);
    assert!(rows.len() > 1, "{rows:?}");

    let unavailable = once.values().filter(|line| line.text("enrichment") == Some("unavailable"));
    let expected = counted(unavailable.map(|line| (format!("{} {}", line.day, line.hour), vec![1])));
    let rows = answers.next("What was not enriched", ["day", "hour", "transactions"]);
    let rows = rows.iter().map(|[day, hour, count]| (format!("{day} {hour}"), vec![count.as_u64().unwrap()]));
    assert_eq!(rows.collect::<Counts>(), expected);
    assert!(expected.len() > 1);

    let rows = answers.next("Event times", ["event_time_fault", "form", "transactions"]);
    let rows = rows.iter().map(|[fault, form, count]| {
        (format!("{} {}", fault.as_str().unwrap(), form.as_str().unwrap()), vec![count.as_u64().unwrap()])
    });
    let faulty = of_day.iter().filter_map(|line| line.text("event_time_fault"));
    let form = |fault: &str| if fault == "unreadable" { "aaaaaaaa 9 aa" } else { "9999999999" };
    let expected = counted(faulty.map(|fault| (format!("{fault} {}", form(fault)), vec![1])));
    assert_eq!(counted(rows), expected);
    assert_eq!(expected.len(), 2, "{expected:?}");

    let columns = ["decision_id", "amount", "enrichment"];
    let rows = answers.next("Why was this transaction alerted?", columns);
    assert_eq!(rows, [[json!("C1001/T-0001"), json!(99.25), json!("no_profile")]]);
    assert_eq!(answers.0.next(), None);
}
