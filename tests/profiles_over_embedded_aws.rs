//! How often the transform asks the table of profiles, with the real SDK over DynamoDB in process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use aws_calls::sdk::Sdk;
use embedded_aws::{EmbeddedAws, Fault, REGION, Service, When};
use firehose_transform::Transform;
use fraud_aws::config::{CacheSettings, ProfileSource};
use fraud_aws::entities::Entities;
use fraud_aws::profiles::Profiles;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use serde_json::{Value, json};
use tokio::sync::Barrier;

const TABLE: &str = "customer_profiles";

/// A transformation event of 1,000 records of 300 customers.
fn event() -> String {
    let record = |number: usize| {
        let payload =
            json!({ "transaction_id": number, "customer_id": format!("C{}", number % 300), "amount": 12 });
        json!({
            "recordId": number.to_string(),
            "approximateArrivalTimestamp": 1_768_435_200_000u64,
            "data": base64_simd::STANDARD.encode_to_string(payload.to_string()),
        })
    };
    json!({ "records": (0..1_000).map(record).collect::<Vec<Value>>() }).to_string()
}

#[tokio::test]
async fn a_cold_batch_of_300_customers_takes_three_calls_in_parallel_and_a_warm_one_none() {
    let aws = EmbeddedAws::builder().table(TABLE, "customer_id").start().await.unwrap();
    // Held until all three are there: in sequence they would not come.
    let gate = Arc::new(Barrier::new(3));
    let hold = Fault::before(move |_| {
        let gate = Arc::clone(&gate);
        async move {
            gate.wait().await;
        }
    });
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), hold).unwrap();
    let sdk = Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
    let source = ProfileSource::DynamoDb { table: TABLE.to_owned() };
    let cache =
        CacheSettings { max_age: Duration::from_secs(3_600), max_entries: 1_000, max_bytes: usize::MAX };
    let profiles = Profiles::connect(&source, cache, &sdk).await.unwrap();
    let bounds = EventTimeBounds { max_age: None, max_ahead: None };
    let transform = Transform::new(profiles, Entities::Unasked, Policy::builtin_default().unwrap(), bounds);

    let cold = transform.handle(&event(), Duration::from_secs(60)).await.unwrap().metrics;
    assert_eq!((cold.ok, cold.profile_lookups, cold.enrichment.unavailable), (1_000, 300, 0));
    assert_eq!(aws.calls().count(Service::DynamoDb, "BatchGetItem"), 3);

    let warm = transform.handle(&event(), Duration::from_secs(60)).await.unwrap().metrics;
    assert_eq!((warm.ok, warm.cache_hits, warm.profile_lookups), (1_000, 300, 0));
    assert_eq!(aws.calls().count(Service::DynamoDb, "BatchGetItem"), 3);
}
