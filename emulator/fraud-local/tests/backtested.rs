//! A back-test of what the functions were given decides as they did: every score, every input, every reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use embedded_aws::{EmbeddedStream, Fault, Service, When};
use fraud_aws::profiles::{FileProfiles, rows};
use fraud_core::label;
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_local::backtested::{BacktestReport, Backtested, RunPast};
use fraud_local::reconcile::LandedLine;
use fraud_local::{
    ComingLabels, FinishedRun, Input, LabelsCome, Pipeline, landed, simulated_arrivals, start_services_with,
};
use fraudctl::entities::LoadedEntities;
use fraudctl::generate::{Label, Months, MonthsSettings};
use fraudctl::interrupt::Interrupt;
use fraudctl::profiles;
use serde_json::Value;

const CARD: &str = include_str!("../../../policies/examples/card-simulated.toml");
/// So long that there are merchants of every age of compromise.
const DAYS: u32 = 50;
const DELAY_DAYS: u8 = 7;
const SHARDS: u32 = 4;
/// `make backtest-live` asks for more.
const CUSTOMERS: u32 = 80;

/// A run that has ended, and what it was given.
struct Run {
    finished: FinishedRun,
    stream: EmbeddedStream,
    /// What the lake's lines say of themselves.
    landed: Vec<LandedLine>,
    profiles: FileProfiles,
    coming: ComingLabels,
}

impl Run {
    /// Months through the functions, whose calls fail, lose their answers and are half done.
    async fn of(settings: MonthsSettings) -> Self {
        let out = tempfile::tempdir().unwrap();
        let aws = start_services_with(
            simulated_arrivals(&Schema::builtin_default(), std::time::UNIX_EPOCH),
            SHARDS,
            None,
        )
        .await
        .unwrap();
        let faults = aws.faults();
        for (operation, seed) in [("BatchGetItem", 1), ("PutItem", 2), ("TransactWriteItems", 3)] {
            let calls = When::calls(Service::DynamoDb, operation).with_probability(0.01, seed);
            faults.add(calls, Fault::InternalError).unwrap();
            let calls = When::calls(Service::DynamoDb, operation).with_probability(0.01, seed + 10);
            faults.add(calls, Fault::LoseAnswer).unwrap();
        }
        faults.add(When::calls(Service::Sns, "PublishBatch").with_probability(0.2, 2), Fault::Half).unwrap();

        let months = Months::new(settings);
        let mut written = Vec::new();
        months.write_profiles(&mut written).unwrap();
        let rows = rows::read(&written).unwrap();
        let profiles = FileProfiles::of_rows(&rows).unwrap();
        let made = Months::new(settings).filter_map(|transaction| Label::of(&transaction, settings.seed));
        let labels = made.map(|made| label::read(made.to_json().as_bytes()).unwrap().label).collect();
        let coming = || {
            ComingLabels::new(
                Clone::clone(&labels),
                LabelsCome::After(LabelDelay::of_days(DELAY_DAYS).unwrap()),
            )
        };
        let pipeline = Pipeline {
            aws: &aws,
            policies: Policy::parse(CARD).unwrap().into(),
            schema: Schema::builtin_default(),
            profiles: profiles.clone(),
            entities: LoadedEntities::default(),
            labels: None,
            coming: Some(coming()),
            out: out.path().to_path_buf(),
            analytics: false,
            at_once: 1_000,
            faults: Vec::new(),
            rate: None,
            interrupt: Interrupt::never(),
        };
        let input = Input::Months(Box::new(months.peekable()));
        let finished = pipeline.run(profiles::items(&rows), input).await.unwrap();
        let stream = aws.record_source("transactions");
        Run { finished, stream, landed: landed(out.path()).unwrap(), profiles, coming: coming() }
    }

    /// The back-test of the run under a policy.
    async fn backtested(&self, policy: &str) -> Backtested {
        let past = RunPast {
            profiles: &self.profiles,
            timeline: &self.finished.timeline,
            labels: self.coming.known(),
            delay: LabelDelay::of_days(DELAY_DAYS).unwrap(),
            schema: &Schema::builtin_default(),
        };
        Backtested::of(&self.stream, past, &Policy::parse(policy).unwrap().into()).await.unwrap()
    }

    async fn compare(&self, policy: &str) -> BacktestReport {
        self.backtested(policy).await.compare(&self.landed, &self.finished.alerts)
    }
}

/// A band's factor and points, as the policy's canonical form names them; which no other band of the factor has.
fn bands(policy: &Policy) -> BTreeSet<(String, String)> {
    let band = |line: &str| {
        let (factor, points) = line.strip_prefix("factor ")?.rsplit_once(" points ")?;
        Some((factor.split(' ').next()?.trim_matches('"').to_owned(), points.to_owned()))
    };
    policy.canonical().lines().filter_map(band).collect()
}

/// The bands that gave points in a back-test.
fn fired(backtested: &Backtested) -> BTreeSet<(String, String)> {
    let mut fired = BTreeSet::new();
    for reasons in backtested.reasons() {
        let reasons: Vec<Value> = serde_json::from_str(reasons).unwrap();
        fired.extend(reasons.iter().map(|reason| {
            (reason["name"].as_str().unwrap().to_owned(), format!("{:?}", reason["points"].as_f64().unwrap()))
        }));
    }
    fired
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_decides_as_the_functions_did_and_one_changed_value_or_band_is_seen() {
    let customers = std::env::var("CUSTOMERS").map_or(CUSTOMERS, |customers| customers.parse().unwrap());
    let mut run = Run::of(MonthsSettings {
        days: DAYS,
        customers,
        merchants: customers * 3 / 4,
        from: "2026-01-01".parse().unwrap(),
        seed: 8,
    })
    .await;
    let report = &run.finished.report;
    assert!(report.balanced, "{:?}", report.discrepancies);
    assert_eq!(report.backtest.differences, 0);
    assert_eq!(report.backtest.lines, report.history["used"]);
    assert!(report.backtest.lines * 100 >= report.landed * 99, "{:?} of {}", report.history, report.landed);
    assert_eq!(report.backtest.alerts, report.alerts);
    let (used, alerts) = (report.backtest.lines, report.alerts);
    assert!(alerts > 50, "{alerts}");
    let fired = fired(&run.backtested(CARD).await);
    let silent: Vec<_> = bands(&Policy::parse(CARD).unwrap()).difference(&fired).cloned().collect();
    assert_eq!(silent, [], "of {} transactions none met these bands", run.landed.len());

    // The bound and the points of a band.
    for (band, other) in [("{ from = 1.6,", "{ from = 1.601,"), ("points = 7 }", "points = 8 }")] {
        let policy = CARD.replacen(band, other, 1);
        assert_ne!(policy, CARD);
        let compared = run.compare(&policy).await;
        assert!(compared.differences > 0, "{band}");
    }
    // One input, one score, one reason, one alert's input, one alert less.
    let line = run.landed.iter().position(|line| line.history.as_deref() == Some("used")).unwrap();
    let whole = run.landed[line].clone();
    let digits = whole.inputs.clone().unwrap();
    let other = digits.replacen("amount_ratio\":", "amount_ratio\":1", 1);
    assert_ne!(other, digits);
    run.landed[line].inputs = Some(other);
    assert_eq!(run.compare(CARD).await, BacktestReport { lines: used, alerts, differences: 1 });
    run.landed[line] = whole.clone();
    run.landed[line].fraud_score = whole.fraud_score.next_up();
    assert_eq!(run.compare(CARD).await.differences, 1);
    run.landed[line] = whole.clone();
    run.landed[line].reasons.push("more".to_owned());
    assert_eq!(run.compare(CARD).await.differences, 1);
    run.landed[line] = whole;
    let alert = run.finished.alerts[0].clone();
    run.finished.alerts[0] = alert.replacen("history.outliers_8d\\\":", "history.outliers_8d\\\":1", 1);
    assert_ne!(run.finished.alerts[0], alert);
    assert_eq!(run.compare(CARD).await, BacktestReport { lines: used, alerts, differences: 1 });
    run.finished.alerts[0] = alert;
    run.finished.alerts.pop();
    assert_eq!(run.compare(CARD).await, BacktestReport { lines: used, alerts: alerts - 1, differences: 1 });
}
