//! The local pipeline with faults at every service: slower, and as complete.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use embedded_aws::{EmbeddedAws, Entries, Fault, Service, When};
use fraud_aws::profiles::{FileProfiles, rows};
use fraud_core::policy::Policy;
use fraud_local::{FinishedRun, Input, Pipeline, start_services};
use fraudctl::entities::LoadedEntities;
use fraudctl::generate::Dataset;
use fraudctl::interrupt::Interrupt;
use fraudctl::profiles;

const SEED: u64 = 3;

async fn run(aws: &EmbeddedAws, count: usize) -> FinishedRun {
    let out = tempfile::tempdir().unwrap();
    let dataset = Dataset::generate(count, SEED);
    let mut written = Vec::new();
    dataset.write_profiles(&mut written).unwrap();
    let rows = rows::read(&written).unwrap();
    let pipeline = Pipeline {
        aws,
        policies: Policy::builtin_default().unwrap().into(),
        schema: fraud_core::schema::Schema::builtin_default(),
        profiles: FileProfiles::of_rows(&rows).unwrap(),
        entities: LoadedEntities::default(),
        labels: None,
        coming: None,
        out: out.path().to_path_buf(),
        analytics: true,
        at_once: 1_000,
        faults: Vec::new(),
        rate: None,
        interrupt: Interrupt::never(),
    };
    pipeline.run(profiles::items(&rows), Input::Generated(dataset.transactions)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_faults_everything_balances_and_nothing_comes_twice() {
    let aws = start_services().await.unwrap();
    let report = run(&aws, 5000).await.report;
    assert!(report.balanced, "{:?}", report.discrepancies);
    assert_eq!((report.produced, report.landed, report.failed), (5000, 5000, 0));
    assert!(report.alerts > 0 && report.alerts == report.high_scores);
    assert_eq!((report.duplicates_suppressed, report.dead_letters), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_faults_at_every_service_it_still_balances() {
    let aws = start_services().await.unwrap();
    let order = |service, operation: &str, fault: Fault, probability: f64, seed: u64| {
        let when = When::calls(service, operation).with_probability(probability, SEED + seed);
        aws.faults().add(when, fault).unwrap();
    };
    let entries = |seed| Fault::FailEntries(Entries::with_probability(0.05, SEED + seed));
    order(Service::Kinesis, "PutRecords", Fault::Throttle, 0.1, 1);
    // The SDK sends the batch again: its records are on the stream twice.
    order(Service::Kinesis, "PutRecords", Fault::LoseAnswer, 0.5, 2);
    // Of several faults the first that was ordered decides.
    order(Service::Kinesis, "PutRecords", entries(0), 1.0, 0);
    order(Service::DynamoDb, "BatchGetItem", Fault::Half, 0.2, 3);
    order(Service::DynamoDb, "BatchGetItem", Fault::InternalError, 0.1, 4);
    order(Service::DynamoDb, "PutItem", Fault::Throttle, 0.2, 5);
    order(Service::DynamoDb, "PutItem", Fault::LoseAnswer, 0.1, 6);
    order(Service::DynamoDb, "UpdateItem", Fault::InternalError, 0.01, 7);
    order(Service::Sns, "PublishBatch", Fault::Half, 0.3, 8);
    order(Service::Sns, "PublishBatch", Fault::Throttle, 0.2, 9);
    order(Service::Sqs, "SendMessage", Fault::InternalError, 0.3, 10);
    let report = run(&aws, 3000).await.report;
    assert!(report.balanced, "seed {SEED}: {:?}", report.discrepancies);
    assert!(report.produced > 3000, "no answer was lost: the test shows too little");
    assert_eq!(report.landed, report.produced);
    assert!(report.alerts > 0);
    assert!(report.high_scores > report.alerts, "no record with a high score is on the stream twice");
}
