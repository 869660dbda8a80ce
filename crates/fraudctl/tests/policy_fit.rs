//! `fraudctl policy fit` over generated months: a policy that is valid, does what it says, and keeps what the draft's author wrote.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use fraud_core::policy::{Policy, Shape};
use serde_json::Value;
use tempfile::TempDir;

const DRAFT: &str = r#"# Ours.
name = "ours"   # kept
cap = 10
threshold = 1
default_risk = 0.5
[history]
prior_mean_amount = 53.6
outlier_ratio = 2.2
[[factors]]
name = "amount"
input = "amount"
bands = [{ from = 150, up_to = 220, points = 1 }, { above = 220, points = 2 }]
[[factors]]
name = "ratio"
input = "history.amount_ratio"
bands = [{ from = 2, below = 3, points = 1 }, { from = 3, below = 4, points = 2 }, { from = 4, points = 3 }]
[[factors]]
name = "merchant"
input = "merchant.fraud_rate"
bands = [{ from = 0.05, below = 0.3, points = 1 }, { from = 0.3, points = 2 }]
[[factors]]
name = "dear_by_day"
when = [{ input = "amount", above = 100 }, { input = "hour", from = 8 }]
points = 1
"#;

fn fraudctl(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    command.args(arguments).current_dir(folder).env_remove("LABEL_DELAY_DAYS").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ninety days with labels, and the draft.
fn months() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let generated = "generate --days 90 --customers 300 --merchants 200 --seed 5 --transactions tx.ndjson --labels labels.ndjson";
    let output = fraudctl(folder.path(), &generated.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "{}", text(&output.stderr));
    fs::write(folder.path().join("draft.toml"), DRAFT).unwrap();
    folder
}

const FIT: [&str; 7] = ["policy", "fit", "tx.ndjson", "--labels", "labels.ndjson", "--factors", "draft.toml"];

fn json(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_fitted_policy_does_what_the_fit_says_of_it() {
    let folder = months();
    let fitted = json(&fraudctl(folder.path(), &[&FIT[..], &["--json"]].concat()));
    let proposal = fitted["text"].as_str().unwrap();
    fs::write(folder.path().join("proposal.toml"), proposal).unwrap();
    let policy = Policy::parse(proposal).unwrap();
    assert_eq!(policy.id(), fitted["policy"]);

    // A back-test of the same span gives the same measures.
    let from = fitted["held_out_from"].as_str().unwrap();
    let backtest = [
        "backtest",
        "tx.ndjson",
        "--labels",
        "labels.ndjson",
        "--policy",
        "proposal.toml",
        "--from",
        from,
        "--json",
    ];
    let tested = json(&fraudctl(folder.path(), &backtest));
    let held_out = &fitted["held_out"];
    for measure in [
        "frauds",
        "alerts",
        "frauds_caught",
        "value_caught",
        "average_precision",
        "auc",
        "precision",
        "recall",
    ] {
        // The back-test goes on to the end of the day, in which nothing is judged any more.
        if measure != "alerts" {
            assert_eq!(tested[measure], held_out[measure], "{measure}");
        }
    }
    let average_precision = held_out["average_precision"].as_f64().unwrap();
    assert!(average_precision > 0.5, "{held_out}");
    let exact = fitted["average_precision_not_rounded"].as_f64().unwrap();
    assert!((exact - average_precision).abs() < 0.01, "rounding: {exact} {average_precision}");
    assert!(
        held_out["frauds"].as_u64() > Some(20) && fitted["learnt_frauds"].as_u64() > Some(200),
        "{fitted}"
    );
}

#[test]
fn a_proposal_keeps_what_was_written_and_each_direction_and_tells_what_it_was_fitted_to() {
    let folder = months();
    let output =
        fraudctl(folder.path(), &[&FIT[..], &["--out", "card.toml", "--alerts-per-day", "12"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let proposal = fs::read_to_string(folder.path().join("card.toml")).unwrap();
    assert!(proposal.starts_with("# Fitted by `fraudctl policy fit` to "), "{proposal}");
    for kept in [
        "# Ours.\nname = \"ours\"   # kept\n",
        "when = [{ input = \"amount\", above = 100 }, { input = \"hour\", from = 8 }]",
    ] {
        assert!(proposal.contains(kept), "{kept}: {proposal}");
    }
    assert!(proposal.contains(" transactions, ") && proposal.contains(" %)"), "{proposal}");
    let policy = Policy::parse(&proposal).unwrap();
    for factor in policy.factors() {
        let Shape::Bands { mut bands, .. } = factor.shape() else { continue };
        bands.sort_by(|one, other| one.above.total_cmp(&other.above));
        assert!(bands.is_sorted_by(|one, next| one.points + 2.0 <= next.points), "{proposal}");
        assert!(bands.iter().all(|band| band.points >= 2.0 && band.points.fract() == 0.0), "{proposal}");
    }
    let told = text(&output.stderr);
    assert!(told.contains("average precision") && told.contains("held out from 2026-"), "{told}");
    // What was learnt from keeps to the budget.
    let again = fraudctl(folder.path(), &[&FIT[..], &["--json", "--alerts-per-day", "12"]].concat());
    assert!(json(&again)["learnt"]["alerts_per_day"].as_f64() <= Some(12.0));
    let exists = fraudctl(folder.path(), &[&FIT[..], &["--out", "card.toml"]].concat());
    assert_eq!((exists.status.code(), text(&exists.stderr).contains("exists: delete it")), (Some(2), true));
}

#[test]
fn bands_are_found_where_none_are_given() {
    let folder = months();
    let weights = "name = \"w\"\ncap = 1\nthreshold = 0.5\ndefault_risk = 0.5\n[history]\nprior_mean_amount = 53.6\n\
                   outlier_ratio = 2.2\n[[factors]]\nname = \"amount\"\ninput = \"amount\"\nweight = 1\n\
                   [[factors]]\nname = \"ratio\"\ninput = \"history.amount_ratio\"\nweight = 1\n";
    fs::write(folder.path().join("draft.toml"), weights).unwrap();
    let fitted = json(&fraudctl(folder.path(), &[&FIT[..], &["--bands", "auto", "--json"]].concat()));
    let policy = Policy::parse(fitted["text"].as_str().unwrap()).unwrap();
    for factor in policy.factors() {
        let Shape::Bands { bands, .. } = factor.shape() else { panic!("{factor:?}") };
        assert!(
            bands.len() > 1
                && bands.is_sorted_by(|one, next| one.up_to == next.above && one.points < next.points)
        );
    }
    // Chance is the share of frauds, near .013.
    assert!(fitted["held_out"]["average_precision"].as_f64() > Some(0.15), "{fitted}");
    let none = fraudctl(folder.path(), &FIT);
    assert_eq!(none.status.code(), Some(2));
    assert!(
        text(&none.stderr)
            .contains("factor `amount` has a weight: give it bands, or have them found (--bands auto)")
    );
}

#[test]
fn what_cannot_be_fitted_is_a_sentence() {
    let folder = months();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("wrong.toml", &DRAFT.replace("history.amount_ratio", "history.amount_ratoi"));
    write(
        "none.ndjson",
        "{\"customer_id\":\"C1\",\"transaction_id\":\"nowhere\",\"verdict\":\"legitimate\",\"source\":\"analyst\",\"reported_at\":\"2026-04-01T00:00:00Z\"}\n",
    );
    let alike = "name = \"a\"\ncap = 1\nthreshold = 0.5\ndefault_risk = 0.5\n[[factors]]\nname = \"all\"\ninput = \"amount\"\n\
                 bands = [{ from = 0, points = 1 }]\n";
    write("alike.toml", alike);
    for (arguments, told) in [
        (vec!["--factors", "wrong.toml"], "--factors wrong.toml has 1 mistake:"),
        (vec!["--factors", "wrong.toml"], "did you mean `history.amount_ratio`"),
        (vec!["--factors", "nowhere.toml"], "cannot read nowhere.toml"),
        (vec!["--factors", "alike.toml"], "no factor tells frauds from others"),
        (
            vec!["--factors", "draft.toml", "--holdout", "80d"],
            "no more than --holdout: nothing is left to learn from",
        ),
        (vec!["--factors", "draft.toml", "--memory-mib", "1"], "--memory-mib 1 is not enough"),
        (vec!["--factors", "draft.toml", "--holdout", "a week"], "a number of days is written as 28d"),
    ] {
        let output = fraudctl(folder.path(), &[&FIT[..5], &arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(told), "{arguments:?}: {}", text(&output.stderr));
    }
    let no_fraud = [
        "policy",
        "fit",
        "tx.ndjson",
        "--labels",
        "none.ndjson",
        "--factors",
        "draft.toml",
        "--labels-until",
        "2026-04-08",
    ];
    let output = fraudctl(folder.path(), &no_fraud);
    assert!(
        text(&output.stderr).contains("0 are fraud: points need some of both"),
        "{}",
        text(&output.stderr)
    );
    let unlabelled = fraudctl(folder.path(), &["policy", "fit", "tx.ndjson", "--factors", "draft.toml"]);
    assert!(text(&unlabelled.stderr).contains("points are fitted to labels: give --labels or --label-field"));
}
