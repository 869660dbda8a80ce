//! Reports as pages: self-contained, the same each time, with every number of the JSON in words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fraud_core::policy::Policy;
use serde_json::{Value, json};
use tempfile::TempDir;

fn fraudctl(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    command.args(arguments.split(' ')).current_dir(folder).env_remove("LABEL_DELAY_DAYS").output().unwrap()
}

fn done(folder: &Path, arguments: &str) -> String {
    let output = fraudctl(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Sixty days with labels and the example policy.
fn months() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/examples/card-simulated.toml");
    fs::copy(example, folder.path().join("card.toml")).unwrap();
    done(
        folder.path(),
        "generate --days 60 --customers 200 --merchants 100 --seed 2 --transactions tx.ndjson --profiles p.json --labels l.ndjson",
    );
    folder
}

/// What a page says: its text, without the style sheet and without what is within tags, such as the coordinates of a drawing.
fn words_of(page: &str) -> String {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let outside = [head, body]
        .into_iter()
        .flat_map(|part| part.split('<'))
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    outside.collect::<Vec<_>>().join(" ")
}

/// The numbers of a text, as they are written.
fn numbers(text: &str) -> HashSet<&str> {
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, '.' | '-' | 'e' | '+');
    text.split(|character| !is_part(character))
        .filter(|part| part.contains(|digit: char| digit.is_ascii_digit()))
        .collect()
}

/// The numbers of a JSON text outside of its strings, as they are written.
fn numbers_of_json(json: &str) -> HashSet<&str> {
    let mut outside = HashSet::new();
    // Strings here hold no escaped quote but in reasons, which are looked for as text.
    for (place, part) in json.split('"').enumerate() {
        if place % 2 == 0 {
            outside.extend(
                part.split([',', ':', '[', ']', '{', '}']).filter(|part| part.parse::<f64>().is_ok()),
            );
        }
    }
    outside
}

/// Holds what every page promises.
fn hold(page: &str, json: &str) {
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{page}");
    for forbidden in ["<script", "http:", "https:", "src=", "href=", "@import", "url(", "style=\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let words = words_of(page);
    let told = numbers(&words);
    let untold: Vec<_> = numbers_of_json(json).into_iter().filter(|number| !told.contains(number)).collect();
    assert!(untold.is_empty(), "the page lacks {untold:?}");
    let plots = page.matches("<svg ").count();
    assert_eq!(plots, page.matches("role=\"img\" aria-labelledby=\"").count());
    assert_eq!(
        (plots, plots),
        (page.matches("<desc id=").count(), page.matches("<summary>The numbers</summary>").count())
    );
    // Each table is in a box of its own that scrolls.
    assert_eq!(
        page.matches("<table>").count(),
        page.matches("<div class=\"box\" tabindex=\"0\">\n<table>").count()
    );
    for tag in ["section", "table", "svg", "details", "dl", "div", "figure"] {
        assert_eq!(
            page.matches(&format!("<{tag}")).count(),
            page.matches(&format!("</{tag}>")).count(),
            "{tag}"
        );
    }
}

#[test]
fn a_back_tests_report_has_every_number_and_is_the_same_each_time() {
    let folder = months();
    let backtest =
        "backtest tx.ndjson --profiles p.json --labels l.ndjson --policy card.toml --json --report";
    let json = done(folder.path(), &format!("{backtest} one.html"));
    done(folder.path(), &format!("{backtest} two.html --threads 1"));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("one.html"), read("two.html"));
    hold(&read("one.html"), &json);
    let page = read("one.html");
    for told in [
        "alerts a day above 18",
        "Precision and recall",
        "Fraud value caught",
        "Scores of frauds and of the rest",
        "What a score means",
        "without it: avg precision",
        "What is judged",
        "factor amount_for_this_customer history.amount_ratio from 1.6 until 2 points 3.0",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert_eq!(page.matches("<svg ").count(), 5);
}

#[test]
fn a_policy_is_reported_against_another_with_what_is_gained_and_lost() {
    let folder = months();
    let against = "backtest tx.ndjson --profiles p.json --labels l.ndjson --policy card.toml --against builtin:default \
                   --alerts-per-day 5 --json --report page.html";
    let json = done(folder.path(), against);
    let page = fs::read_to_string(folder.path().join("page.html")).unwrap();
    hold(&page, &json);
    let result: Value = serde_json::from_str(&json).unwrap();
    let example = result["gained"]["examples"][0]["id"].as_str().unwrap();
    for told in [example, "this policy", "the other", "budget", "Gained", "Those with the largest amounts"] {
        assert!(page.contains(told), "{told}");
    }
    let diff = "policy diff builtin:default card.toml tx.ndjson --profiles p.json --labels l.ndjson --json --report diff.html";
    let json = done(folder.path(), diff);
    hold(&fs::read_to_string(folder.path().join("diff.html")).unwrap(), &json);
}

#[test]
fn without_each_factor_a_policy_is_measured_as_one_that_lacks_it() {
    let folder = months();
    let page = |policy: &str| {
        let arguments = format!(
            "backtest tx.ndjson --profiles p.json --labels l.ndjson --policy {policy} --json --report page.html"
        );
        let json: Value = serde_json::from_str(&done(folder.path(), &arguments)).unwrap();
        (json, fs::read_to_string(folder.path().join("page.html")).unwrap())
    };
    let (_, whole) = page("card.toml");
    let text = fs::read_to_string(folder.path().join("card.toml")).unwrap();
    let (begin, rest) = text.split_once("[[factors]]\nname = \"large_amount\"").unwrap();
    let (_, rest) = rest.split_once("[[factors]]").unwrap();
    fs::write(folder.path().join("less.toml"), format!("{begin}[[factors]]{rest}")).unwrap();
    let (less, _) = page("less.toml");
    let expected = format!("{:.4} (", less["average_precision"].as_f64().unwrap());
    let (_, row) = whole.split_once("<td>large_amount</td>").unwrap();
    assert!(row.split("</tr>").next().unwrap().contains(&expected), "{expected}: {row:.600}");
}

/// What the lines of a policy and its shadow say, with scores by the number of the transaction.
fn scored_lines() -> String {
    let policy = Policy::builtin_default().unwrap();
    let other = Policy::parse(OTHER).unwrap();
    let line = |number: u64| {
        let (score, shadow) =
            if number.is_multiple_of(10) { (0.9, 0.3) } else { (0.1, if number == 5 { 0.9 } else { 0.2 }) };
        json!({
            "transaction_id": format!("T{number}"), "customer_id": format!("C{}", number % 7), "amount": 100 + number,
            "event_time": format!("2026-01-{:02}T12:00:00Z", 1 + number / 10), "fraud_score": score,
            "fraud_reasons": if score > 0.8 { json!(["amount", "customer_risk"]) } else { json!(["customer_risk"]) },
            "fraud_policy": policy.id(), "decision_id": format!("C{}/T{number}", number % 7), "enrichment": "no_profile",
            "ingested_at": format!("2026-01-{:02}T12:00:01.000Z", 1 + number / 10),
            "shadow_score": shadow, "shadow_policy": other.id(),
        })
        .to_string()
    };
    let mut lines: Vec<String> = (0..200).map(line).collect();
    // A copy counts once.
    lines.push(line(10));
    lines.join("\n")
}

const OTHER: &str = "name = \"other\"\ncap = 1\nthreshold = 0.5\ndefault_risk = 0.5\n[[factors]]\nname = \"amount\"\n\
                     input = \"amount\"\nbands = [{ above = 10, points = 0.9 }]\n";

#[test]
fn what_was_decided_is_measured_as_the_lines_say_beside_the_shadow() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("lines.ndjson", &scored_lines());
    write("other.toml", OTHER);
    // T10 and T5 are fraud.
    let label = |customer: u64, transaction: u64| {
        json!({"customer_id": format!("C{customer}"), "transaction_id": format!("T{transaction}"), "verdict": "fraud",
               "source": "chargeback", "reported_at": "2026-01-30T00:00:00Z"})
        .to_string()
    };
    write("labels.ndjson", &format!("{}\n{}\n", label(3, 10), label(5, 5)));
    let report = "report lines.ndjson --labels labels.ndjson --policies other.toml --json --out page.html";
    let json = done(folder.path(), report);
    let decided: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&decided["transactions"], &decided["alerts"], &decided["frauds"]),
        (&json!(200), &json!(20), &json!(2))
    );
    assert_eq!((&decided["frauds_caught"], &decided["recall"]), (&json!(1), &json!(0.5)));
    assert_eq!(decided["factors"][0]["frauds"], 1, "reasons are those of the lines");
    assert_eq!(decided["weeks"].as_array().unwrap().len(), 3);
    let shadow = &decided["shadow"];
    assert_eq!((&shadow["alerts"], &shadow["frauds_caught"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&decided["gained"]["alerts"], &decided["lost"]["alerts"], &decided["lost"]["frauds"]),
        (&json!(20), &json!(1), &json!(1))
    );
    hold(&fs::read_to_string(folder.path().join("page.html")).unwrap(), &json);

    let unknown = fraudctl(folder.path(), "report lines.ndjson --labels labels.ndjson");
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(
        unknown.status.code() == Some(2) && told.contains("whose text is not known: name it by --policies"),
        "{told}"
    );
    write("tx.ndjson", "{\"transaction_id\":\"T1\",\"customer_id\":\"C1\",\"amount\":1}\n");
    let raw = fraudctl(folder.path(), "report tx.ndjson --labels labels.ndjson");
    let told = String::from_utf8(raw.stderr).unwrap();
    assert!(raw.status.code() == Some(2) && told.contains("the files are not scored lines"), "{told}");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let output = fraudctl(folder.path(), "backtest - --report nowhere/page.html");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && told.contains("cannot write nowhere/page.html"), "{told}");
}
