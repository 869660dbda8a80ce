//! The tool against the services as a run of the whole pipeline leaves them, configured by the lines that
//! `fraud-local --keep` prints.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use embedded_aws::EmbeddedAws;
use fraud_aws::profiles::{FileProfiles, rows};
use fraud_core::label;
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::Policy;
use fraud_core::shadow::Policies;
use fraud_local::report::RunReport;
use fraud_local::{
    AT_ONCE, ComingLabels, Configured, Input, Labels, LabelsCome, Pipeline, SHARDS, exports, landed,
    simulated_arrivals, start_services, start_services_with,
};
use fraudctl::entities::LoadedEntities;
use fraudctl::generate::{Dataset, Label, Months, MonthsSettings};
use fraudctl::interrupt::Interrupt;
use fraudctl::profiles;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// A run that is over, and the services that it leaves up.
struct Ran {
    _aws: EmbeddedAws,
    report: RunReport,
    /// What was exported, as a shell reads it.
    variables: BTreeMap<String, String>,
    folder: TempDir,
}

impl Ran {
    /// Runs `count` generated transactions under a policy of one's own, in a folder that a shell would split.
    async fn of(count: usize, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let policies = folder.path().join("my policies");
        fs::create_dir(&policies).unwrap();
        let policy = policies.join("mine.toml");
        fs::write(&policy, include_str!("../../fraud-core/policies/default.toml")).unwrap();
        let dataset = Dataset::generate(count, seed);
        let mut written = Vec::new();
        dataset.write_profiles(&mut written).unwrap();
        let rows = rows::read(&written).unwrap();
        let profiles = profiles::items(&rows);
        Ran::with(folder, &rows, profiles, &policy, Input::Generated(dataset.transactions)).await
    }

    async fn with(
        folder: TempDir,
        rows: &rows::Rows,
        profiles: Vec<profiles::ProfileItem>,
        policy: &Path,
        input: Input,
    ) -> Self {
        let aws = start_services().await.unwrap();
        let pipeline = Pipeline {
            aws: &aws,
            policies: Policy::parse(&fs::read_to_string(policy).unwrap()).unwrap().into(),
            schema: fraud_core::schema::Schema::builtin_default(),
            profiles: FileProfiles::of_rows(rows).unwrap(),
            entities: LoadedEntities::default(),
            labels: None,
            coming: None,
            out: folder.path().join("out"),
            analytics: true,
            at_once: AT_ONCE,
            faults: Vec::new(),
            rate: None,
            interrupt: Interrupt::never(),
        };
        let report = pipeline.run(profiles, input).await.unwrap().report;
        let exports = exports(&aws, Configured { policy: Some(policy), ..Configured::default() }).unwrap();
        let variable = |line: &str| {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), unquoted(value))
        };
        let variables = exports.lines().map(variable).collect();
        Ran { _aws: aws, report, variables, folder }
    }
}

fn fraudctl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The value as a shell reads it.
fn unquoted(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        Some(quoted) => quoted.replace(r"'\''", "'"),
        None => value.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_after_a_run_alerts_and_counts_nothing_again() {
    let ran = Ran::of(400, 3).await;
    assert!(ran.variables["FRAUD_POLICY"].starts_with("file:/"), "{:?}", ran.variables);
    assert!(ran.variables["FRAUD_POLICY"].ends_with("/my policies/mine.toml"), "{:?}", ran.variables);

    let now = chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now());
    let to = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let replay = async |handler: &str| {
        let arguments =
            ["replay", "--stream", "transactions", "--from", "2020-01-01T00:00:00Z", "--to", &to, "--json"];
        let mut command = fraudctl(&[&arguments[..], &["--handler", handler]].concat());
        command.env_clear().envs(&ran.variables).output().await.unwrap()
    };
    let summary = async |handler: &str| {
        let output = replay(handler).await;
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let counted = summary("analytics").await;
    assert_eq!(counted["records"], 400);
    assert_eq!(counted["analytics"]["counted"], 0);
    assert!(counted["analytics"]["counted_before"].as_u64() > Some(300), "{counted}");
    let alerted = summary("alerts").await;
    assert_eq!(
        (&alerted["alerts"]["sent"], &alerted["alerts"]["suppressed"]),
        (&0.into(), &ran.report.alerts.into())
    );

    // With the bounds that are the default the transactions lie in other windows, and would count again.
    for (variable, value) in
        [("EVENT_TIME_MAX_AGE_HOURS", "168"), ("WINDOW_TIME", "arrival"), ("WINDOW_SECONDS", "60")]
    {
        for dry_run in [false, true] {
            let arguments =
                ["replay", "--stream", "transactions", "--from", "2020-01-01T00:00:00Z", "--to", &to];
            let mut command = fraudctl(&[&arguments[..], &["--handler", "analytics"]].concat());
            command.env_clear().envs(&ran.variables).env(variable, value);
            if dry_run {
                command.arg("--dry-run");
            }
            let output = command.output().await.unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{stderr}");
            assert!(
                stderr.contains(
                    "the table's windows were written with WINDOW_SECONDS=300 WINDOW_TIME=event EVENT_TIME_MAX_AGE_HOURS=0"
                ),
                "{stderr}"
            );
        }
    }
}

/// What `fraudctl verify` says of files in a folder.
async fn verified(folder: &Path, arguments: &[&str]) -> Value {
    let output =
        fraudctl(&[&["verify"], arguments, &["--json"]].concat()).current_dir(folder).output().await.unwrap();
    let result = serde_json::from_slice::<Value>(&output.stdout);
    assert!(result.is_ok(), "{}", String::from_utf8_lossy(&output.stderr));
    result.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_of_a_run_is_verified_from_its_line() {
    let ran = Ran::of(2000, 3).await;
    let lines = verified(ran.folder.path(), &["out/scored"]).await;
    assert_eq!(
        (&lines["lines"], &lines["verified"]),
        (&ran.report.landed.into(), &ran.report.landed.into()),
        "{lines}"
    );
    let alerts = verified(ran.folder.path(), &["out/alerts.ndjson"]).await;
    assert_eq!((&alerts["lines"], &alerts["different"]), (&ran.report.alerts.into(), &0.into()), "{alerts}");
    // Under this policy an alert tells the profile's risk in its reasons only, from which nothing is taken.
    let sum =
        [&alerts["verified"], &alerts["no_inputs"]].map(|count| count.as_u64().unwrap()).iter().sum::<u64>();
    assert_eq!(sum, ran.report.alerts);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_leaves_passes_the_doctor() {
    let ran = Ran::of(20, 1).await;
    let output = fraudctl(&["doctor", "--stream", "transactions"])
        .env_clear()
        .envs(&ran.variables)
        .output()
        .await
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("alert sink      sns:arn:aws:sns:"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_windows_are_read_from_the_table_as_the_run_wrote_them_the_newest_first() {
    let ran = Ran::of(2000, 3).await;
    let customer = ran.report.top_customers[0].customer_id.clone();
    let written = fs::read_to_string(ran.folder.path().join("out/aggregates.ndjson")).unwrap();
    let of_customer = format!("{{\"customer_id\":\"{customer}\",");
    let mut expected: Vec<&str> = written.lines().filter(|line| line.starts_with(&of_customer)).collect();
    expected.reverse();
    let output = fraudctl(&["aggregates", &customer, "--table", "dynamodb:customer_aggregates", "--json"])
        .envs(&ran.variables)
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!expected.is_empty() && expected.len() <= 12);
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_generate_writes_the_pipeline_and_score_read() {
    let folder = tempfile::tempdir().unwrap();
    let run = async |arguments: &[&str]| {
        let output = fraudctl(arguments).current_dir(folder.path()).output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let files = ["--transactions", "tx.ndjson", "--profiles", "profiles.json", "--labels", "labels.ndjson"];
    run(&[&["generate", "--count", "300", "--seed", "9"][..], &files].concat()).await;
    let scored = run(&["score", "tx.ndjson", "--profiles", "profiles.json", "--json"]).await;
    let alerting = scored.lines().filter(|line| line.contains("\"alert\":true")).count();
    assert_eq!(scored.lines().count(), 300);
    // One in a hundred is fraud; the others have no label.
    assert_eq!(fs::read_to_string(folder.path().join("labels.ndjson")).unwrap().lines().count(), 3);
    let labels =
        Labels::read(&folder.path().join("labels.ndjson").to_str().unwrap().parse().unwrap()).unwrap();
    assert_eq!(labels.count(), 3);

    let transactions = folder.path().join("tx.ndjson").to_str().unwrap().parse().unwrap();
    let input = Input::Given(Box::new(fraudctl::input::Input::open(&[transactions]).unwrap()));
    let rows = rows::read(&fs::read(folder.path().join("profiles.json")).unwrap()).unwrap();
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, include_str!("../../fraud-core/policies/default.toml")).unwrap();
    let report = Ran::with(folder, &rows, profiles::items(&rows), &policy, input).await.report;
    assert_eq!((report.landed, report.high_scores), (300, alerting as u64));
    assert!(report.balanced);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_scored_by_history_is_verified_and_its_back_test_counts_the_same_alerts_and_reasons() {
    const CARD: &str = include_str!("../../../policies/examples/card-simulated.toml");
    let folder = tempfile::tempdir().unwrap();
    let settings = MonthsSettings {
        days: 40,
        customers: 80,
        merchants: 60,
        from: "2026-01-01".parse().unwrap(),
        seed: 8,
    };
    let months = Months::new(settings);
    let mut written = Vec::new();
    months.write_profiles(&mut written).unwrap();
    let rows = rows::read(&written).unwrap();
    let made = Months::new(settings).filter_map(|made| Label::of(&made, settings.seed));
    let labels: Vec<String> = made.map(|label| label.to_json()).collect();
    fs::write(folder.path().join("labels.ndjson"), labels.join("\n")).unwrap();
    fs::write(folder.path().join("card.toml"), CARD).unwrap();
    let read = labels.iter().map(|json| label::read(json.as_bytes()).unwrap().label).collect();
    let schema = fraud_core::schema::Schema::builtin_default();
    let aws =
        start_services_with(simulated_arrivals(&schema, std::time::UNIX_EPOCH), SHARDS, None).await.unwrap();
    let default = Policy::builtin_default().unwrap();
    let pipeline = Pipeline {
        aws: &aws,
        policies: Policies::with_shadow(Policy::parse(CARD).unwrap(), default).unwrap(),
        schema,
        profiles: FileProfiles::of_rows(&rows).unwrap(),
        entities: LoadedEntities::default(),
        labels: None,
        coming: Some(ComingLabels::new(read, LabelsCome::After(LabelDelay::of_days(7).unwrap()))),
        out: folder.path().join("out"),
        analytics: false,
        at_once: AT_ONCE,
        faults: Vec::new(),
        rate: None,
        interrupt: Interrupt::never(),
    };
    let input = Input::Months(Box::new(months.peekable()));
    let finished = pipeline.run(profiles::items(&rows), input).await.unwrap();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    let lines = landed(&folder.path().join("out")).unwrap();
    for line in &lines {
        assert_eq!(line.history.as_deref(), Some("used"));
        line.reasons.iter().for_each(|reason| *reasons.entry(reason.as_str()).or_default() += 1);
    }
    assert!(finished.report.alerts > 20 && reasons.contains_key("merchants_known_frauds"), "{reasons:?}");

    let total = finished.report.landed + finished.report.alerts;
    let arguments = ["out/scored", "out/alerts.ndjson", "--policies", "card.toml"];
    let verified = verified(folder.path(), &arguments).await;
    assert_eq!((&verified["lines"], &verified["verified"]), (&total.into(), &total.into()), "{verified}");
    assert_eq!(verified["with_shadow"], finished.report.landed);

    let known = ["--labels", "labels.ndjson", "--label-delay", "7d", "--policy", "card.toml"];
    let more = ["--order", "arrival", "--warm-up", "0d", "--json"];
    let output = fraudctl(&[&["backtest", "out/scored"][..], &known, &more].concat())
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["transactions"], finished.report.landed);
    assert_eq!(result["alerts"], finished.report.alerts);
    for factor in result["factors"].as_array().unwrap() {
        let fired = factor["frauds"].as_u64().unwrap() + factor["others"].as_u64().unwrap();
        assert_eq!(fired, reasons[factor["name"].as_str().unwrap()], "{factor}");
    }
}
