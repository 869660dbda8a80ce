//! Months through the pipeline in a moment: arrivals follow the event times, the same for everyone and after every fault.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use embedded_aws::event_source_mapping::RecordSource;
use embedded_aws::{EmbeddedAws, Fault, Service, When};
use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_aws::profiles::{FileProfiles, rows};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::label;
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_core::shadow::{Policies, ShadowCounts};
use fraud_core::transaction::Transaction;
use fraud_local::{
    ArrivalMode, ComingLabels, FinishedRun, Input, Labels, LabelsCome, Pipeline, SHARDS, simulated_arrivals,
    start_services_with,
};
use fraudctl::entities::LoadedEntities;
use fraudctl::generate::{Label, Months, MonthsSettings};
use fraudctl::interrupt::Interrupt;
use fraudctl::profiles;
use serde_json::Value;

const DAYS: u32 = 60;
/// What the functions have by default in production.
const BOUNDS: EventTimeBounds = EventTimeBounds {
    max_age: Some(Duration::from_secs(168 * 3600)),
    max_ahead: Some(Duration::from_secs(24 * 3600)),
};
const POLICY: &str = "name = \"months\"\ncap = 100\nthreshold = 18\ndefault_risk = 0.5\n\n[[factors]]\nname = \"amount\"\n\
                      input = \"amount\"\nbands = [{ from = 220, points = 42 }]\n";

const CARD: &str = include_str!("../../../policies/examples/card-simulated.toml");

/// The scored lines, each with the folder that it is in.
fn scored(folder: &Path, found: &mut Vec<(PathBuf, Value)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scored(&path, found);
            continue;
        }
        let lines = fs::read_to_string(&path).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        found.extend(lines.map(|line| (path.parent().unwrap().to_path_buf(), line)));
    }
}

/// When each transaction's records arrived, by what the stream says.
async fn arrivals(aws: &EmbeddedAws) -> BTreeMap<String, BTreeSet<i64>> {
    let source = aws.record_source("transactions");
    let mut arrivals: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
    for shard in source.shards().await.unwrap() {
        let page = source.read(&shard.id, None, 1_000_000).await.unwrap();
        let times = page.records.iter().map(|record| record.approximate_arrival);
        assert!(times.is_sorted(), "a record arrived before the one before it in {}", shard.id);
        for record in page.records {
            let arrival = record.approximate_arrival.duration_since(std::time::UNIX_EPOCH).unwrap();
            let arrival = i64::try_from(arrival.as_millis()).unwrap();
            let transaction = Transaction::parse(&record.data).unwrap();
            let time = Timestamp::from_millis(arrival).unwrap();
            let counted = BOUNDS.counted(&transaction.event_time, time);
            assert!(counted.fault.is_none() && counted.at < time, "{:?}", transaction.transaction_id);
            arrivals.entry(transaction.transaction_id.unwrap().into_owned()).or_default().insert(arrival);
        }
    }
    arrivals
}

/// The services, on which records arrive by their event times.
async fn started() -> EmbeddedAws {
    let arrivals = simulated_arrivals(&Schema::builtin_default(), std::time::UNIX_EPOCH);
    start_services_with(arrivals, SHARDS, None).await.unwrap()
}

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap()
}

/// Generated months through the pipeline over these services.
async fn run(
    aws: &EmbeddedAws,
    settings: MonthsSettings,
    policies: Policies,
    labels_come: Option<LabelsCome>,
    out: &Path,
) -> FinishedRun {
    let made = || Months::new(settings).filter_map(|transaction| Label::of(&transaction, settings.seed));
    let read = |made: Label| label::read(made.to_json().as_bytes()).unwrap().label;
    let months = Months::new(settings);
    let mut written = Vec::new();
    months.write_profiles(&mut written).unwrap();
    let rows = rows::read(&written).unwrap();
    let pipeline = Pipeline {
        aws,
        policies,
        schema: Schema::builtin_default(),
        profiles: FileProfiles::of_rows(&rows).unwrap(),
        entities: LoadedEntities::default(),
        labels: Some(Labels::of_generated(made())),
        coming: labels_come.map(|come| ComingLabels::new(made().map(read).collect(), come)),
        out: out.to_path_buf(),
        // Windows are no part of what is known of merchants.
        analytics: labels_come.is_none(),
        at_once: 1_000,
        faults: Vec::new(),
        rate: None,
        interrupt: Interrupt::never(),
    };
    pipeline.run(profiles::items(&rows), Input::Months(Box::new(months.peekable()))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_days_are_in_the_lake_by_event_date_and_arrived_when_the_stream_says_in_spite_of_faults() {
    let out = tempfile::tempdir().unwrap();
    let settings = MonthsSettings {
        days: DAYS,
        customers: 40,
        merchants: 100,
        from: "2026-01-20".parse().unwrap(),
        seed: 5,
    };
    let aws = started().await;
    // Batches are redelivered, and the SDK sends some records twice.
    let faults = aws.faults();
    faults
        .add(When::calls(Service::DynamoDb, "BatchGetItem").with_probability(0.2, 1), Fault::InternalError)
        .unwrap();
    faults.add(When::calls(Service::Sns, "PublishBatch").with_probability(0.4, 2), Fault::Half).unwrap();
    faults.add(When::calls(Service::Kinesis, "PutRecords").nth(2), Fault::LoseAnswer).unwrap();
    let finished = run(&aws, settings, policy(POLICY).into(), None, out.path()).await;
    let report = finished.report;
    assert!(report.balanced, "{:?}", report.discrepancies);
    assert_eq!((report.arrivals, report.detection_latency_ms), (ArrivalMode::Simulated, None));
    assert!(report.alerts > 5, "{} alerts", report.alerts);

    let arrivals = arrivals(&aws).await;
    let mut lines = Vec::new();
    scored(&out.path().join("scored"), &mut lines);
    assert_eq!(lines.len() as u64, report.produced);
    assert!(lines.len() > arrivals.len(), "nothing was sent twice: the test shows too little");
    let mut days = BTreeSet::new();
    for (folder, line) in &lines {
        let millis = |name: &str| written_time::parse(line[name].as_str().unwrap()).unwrap().instant.millis();
        let arrived = &arrivals[line["transaction_id"].as_str().unwrap()];
        assert!(arrived.contains(&millis("ingested_at")), "{line}: {arrived:?}");
        // `2026-01-20T07:..` is in `year=2026/month=01/day=20/hour=07`.
        let text = line["event_time"].as_str().unwrap();
        let [year, month, day, hour] = [&text[..4], &text[5..7], &text[8..10], &text[11..13]];
        assert!(folder.ends_with(format!("year={year}/month={month}/day={day}/hour={hour}")), "{line}");
        days.insert(text[..10].to_owned());
    }
    assert_eq!(days.len(), DAYS as usize);
    let delays: Vec<i64> = lines
        .iter()
        .map(|(_, line)| {
            let event = written_time::parse(line["event_time"].as_str().unwrap()).unwrap().instant.millis();
            arrivals[line["transaction_id"].as_str().unwrap()].first().unwrap() - event
        })
        .collect();
    // Nothing was made late by what overtook it.
    let late = delays.iter().filter(|delay| !(200..6_000).contains(*delay)).count();
    assert_eq!(late, 0, "of {}", delays.len());
    for alert in &finished.alerts {
        let alert: Value = serde_json::from_str(alert).unwrap();
        assert_eq!(alert["event_time_fault"], Value::Null, "{alert}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lake_and_alerts_have_the_inputs_of_a_plain_fold_over_each_customers_months_in_spite_of_faults() {
    let out = tempfile::tempdir().unwrap();
    let settings = MonthsSettings {
        days: 30,
        customers: 60,
        merchants: 60,
        from: "2026-01-20".parse().unwrap(),
        seed: 7,
    };
    let aws = started().await;
    let faults = aws.faults();
    for (operation, seed) in [("BatchGetItem", 1), ("PutItem", 2), ("TransactWriteItems", 3)] {
        let calls = When::calls(Service::DynamoDb, operation).with_probability(0.05, seed);
        faults.add(calls, Fault::InternalError).unwrap();
        let calls = When::calls(Service::DynamoDb, operation).with_probability(0.02, seed + 10);
        faults.add(calls, Fault::LoseAnswer).unwrap();
    }
    faults.add(When::calls(Service::Sns, "PublishBatch").with_probability(0.3, 2), Fault::Half).unwrap();
    let report = run(&aws, settings, policy(CARD).into(), None, out.path()).await.report;
    assert!(report.balanced, "{:?}", report.discrepancies);
    assert!(report.alerts > 5, "{} alerts", report.alerts);
    let used = report.history.get("used").copied().unwrap_or_default();
    assert!(used * 100 >= report.landed * 99, "{:?} of {}", report.history, report.landed);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_that_come_while_transactions_stream_are_seen_by_both_functions_as_a_plain_fold_sees_them() {
    let settings = MonthsSettings {
        days: 30,
        customers: 100,
        merchants: 60,
        from: "2026-01-01".parse().unwrap(),
        seed: 1,
    };
    let mut recalls = Vec::new();
    for days in [1, 7] {
        let out = tempfile::tempdir().unwrap();
        let aws = started().await;
        let faults = aws.faults();
        // Labels that are applied and do not know it, and alerts whose claims do not.
        let calls = When::calls(Service::DynamoDb, "TransactWriteItems").with_probability(0.05, 3);
        faults.add(calls, Fault::LoseAnswer).unwrap();
        let come = LabelsCome::After(LabelDelay::of_days(days).unwrap());
        let finished = run(&aws, settings, policy(CARD).into(), Some(come), out.path()).await;
        let report = finished.report;
        assert!(report.balanced, "{days}: {:?}", report.discrepancies);
        assert!(report.labels_applied > Some(20), "{days}: {:?}", report.labels_applied);
        assert!(finished.alerts.iter().any(|alert| alert.contains("merchants_known_frauds")), "{days}");
        recalls.push(report.caught.unwrap().policies[0].recall.unwrap());
    }
    assert!(recalls.is_sorted_by(|sooner, later| sooner > later), "{recalls:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_in_the_shadow_is_scored_by_both_functions_as_by_a_plain_fold_and_by_a_back_test() {
    let settings = MonthsSettings {
        days: 25,
        customers: 60,
        merchants: 60,
        from: "2026-01-20".parse().unwrap(),
        seed: 7,
    };
    // The first has no past, and the other needs one; then the other way round.
    for (active, shadow) in [(POLICY, CARD), (CARD, POLICY)] {
        let out = tempfile::tempdir().unwrap();
        let aws = started().await;
        let policies = Policies::with_shadow(policy(active), policy(shadow)).unwrap();
        let finished = run(&aws, settings, policies, None, out.path()).await;
        let report = finished.report;
        assert!(report.balanced, "{:?}", report.discrepancies);
        assert_eq!(report.backtest.lines, report.landed);
        let told = report.shadow.unwrap();
        assert_eq!(told.policy, policy(shadow).id());
        assert!(told.shadow_only + told.active_only > 5, "the policies hardly differ: {told:?}");
        let counted = |counts: ShadowCounts| [counts.high, counts.shadow_only, counts.active_only];
        let here = [told.high_scores, told.shadow_only, told.active_only].map(|count| count as usize);
        assert_eq!(finished.shadow_counted.map(counted), [here, here]);
        let mut lines = Vec::new();
        scored(&out.path().join("scored"), &mut lines);
        for (_, line) in lines {
            assert_eq!(line["shadow_policy"], told.policy.as_str());
            assert_eq!(line["history"], "used");
            assert_eq!(line["fraud_policy"], policy(active).id());
        }
    }
}
