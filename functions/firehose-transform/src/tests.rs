use std::collections::BTreeMap;
use std::sync::Mutex;

use fraud_aws::entities::Entities;
use fraud_aws::lookup::Store;
use fraud_aws::profiles::{FileProfiles, Lookup, ProfileAnswer};
use fraud_core::profile::Profile;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use fraud_core::policy::Policy;

mod buffer;
mod entities;
mod history;

const PROFILES: &str = include_str!("../../../events/profiles.json");
const WEEK: Duration = Duration::from_secs(168 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

fn transform<S: ProfileStore>(profiles: S) -> Transform<S, Entities> {
    let bounds = EventTimeBounds { max_age: Some(WEEK), max_ahead: Some(HOUR) };
    Transform::new(profiles, Entities::Unasked, Policy::builtin_default().unwrap(), bounds)
}

fn from_file() -> Transform<FileProfiles, Entities> {
    transform(FileProfiles::parse(PROFILES).unwrap())
}

fn event(payloads: &[Vec<u8>]) -> String {
    let records: Vec<Value> = payloads
        .iter()
        .enumerate()
        .map(|(index, payload)| {
            let data = base64_simd::STANDARD.encode_to_string(payload);
            json!({ "recordId": index.to_string(), "approximateArrivalTimestamp": 1_705_291_200_000u64, "data": data })
        })
        .collect();
    json!({ "records": records }).to_string()
}

#[tokio::main(flavor = "current_thread")]
async fn handle<S: ProfileStore>(
    transform: &Transform<S, Entities>,
    event: &str,
    limit: usize,
) -> Transformed {
    transform.handle_within(event, Duration::from_secs(60), limit).await.unwrap()
}

fn records(transformed: &Transformed) -> Vec<Value> {
    serde_json::from_str::<Value>(&transformed.response).unwrap()["records"].as_array().unwrap().clone()
}

fn line(record: &Value) -> Value {
    let line = base64_simd::STANDARD.decode_to_vec(record["data"].as_str().unwrap()).unwrap();
    assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
    assert_eq!(line.last(), Some(&b'\n'));
    serde_json::from_slice(&line).unwrap()
}

#[test]
fn the_partition_is_the_event_times_hour_in_utc_or_the_arrivals() {
    for (time, partition) in [
        (json!("2024-01-15T03:59:59Z"), ["2024", "01", "15", "03"]),
        (json!("2024-01-15T01:00:00+09:00"), ["2024", "01", "14", "16"]),
        (json!("2024-01-08T04:00:00Z"), ["2024", "01", "08", "04"]),
        (json!("2024-01-08T03:59:59.999Z"), ["2024", "01", "15", "04"]),
        (json!("2024-01-15T05:00:00Z"), ["2024", "01", "15", "05"]),
        (json!("2024-01-15T05:00:00.001Z"), ["2024", "01", "15", "04"]),
        (json!("9999-12-31T23:59:59Z"), ["2024", "01", "15", "04"]),
        (json!("today"), ["2024", "01", "15", "04"]),
        (json!(null), ["2024", "01", "15", "04"]),
    ] {
        let payload = json!({ "amount": 1, "event_time": time }).to_string().into_bytes();
        let transformed = handle(&from_file(), &event(&[payload]), MAX_RESPONSE_BYTES);
        let keys = &records(&transformed)[0]["metadata"]["partitionKeys"];
        let [year, month, day, hour] = partition;
        assert_eq!(*keys, json!({ "year": year, "month": month, "day": day, "hour": hour }), "{time}");
    }
}

#[test]
fn what_no_longer_fits_is_echoed_and_counted() {
    let payloads: Vec<Vec<u8>> =
        (0..20).map(|n| json!({ "transaction_id": n }).to_string().into_bytes()).collect();
    let event = event(&payloads);
    let full = handle(&from_file(), &event, MAX_RESPONSE_BYTES).response.len();
    let limited = handle(&from_file(), &event, full - 1);
    assert!(limited.response.len() < full);
    assert_eq!(limited.metrics.ok, 19);
    assert_eq!(*limited.metrics.failed.counts(), BTreeMap::from([(FailureReason::ResponseTooLarge, 1)]));
    let last = records(&limited).pop().unwrap();
    let data = base64_simd::STANDARD.encode_to_string(&payloads[19]);
    assert_eq!(last, json!({ "recordId": "19", "result": "ProcessingFailed", "data": data }));
}

#[test]
fn six_megabytes_of_records_are_all_answered_within_the_limit() {
    // Payloads that nearly triple: each small object becomes a scored record.
    let payloads = vec![b"{\"amount\":1}".to_vec(); 60_000];
    let transformed = handle(&from_file(), &event(&payloads), MAX_RESPONSE_BYTES);
    assert!(transformed.response.len() <= MAX_RESPONSE_BYTES);
    assert_eq!(records(&transformed).len(), 60_000);
    let failed: usize = transformed.metrics.failed.counts().values().sum();
    assert_eq!(transformed.metrics.ok + failed, 60_000);
    assert!(transformed.metrics.ok > 5_000 && failed > 0);
}

/// A store that says nothing of some customers.
struct Silent {
    about: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Store for Silent {
    type Known = Profile;

    async fn lookup(&self, customers: &[&str], _deadline: Instant) -> ProfileAnswer {
        self.asked.lock().unwrap().extend(customers.iter().map(|&id| id.to_owned()));
        let lookup = |&&id: &&&str| if id == self.about { Lookup::Unavailable } else { Lookup::Absent };
        ProfileAnswer {
            found: customers.iter().collect::<Vec<_>>().iter().map(lookup).collect(),
            ..ProfileAnswer::default()
        }
    }
}

#[test]
fn a_store_that_does_not_say_degrades_the_record_and_is_counted() {
    let store = Silent { about: "A", asked: Mutex::default() };
    let transform = transform(store);
    let payload = |id: &str| json!({ "customer_id": id, "amount": 12000 }).to_string().into_bytes();
    let transformed =
        handle(&transform, &event(&[payload("A"), payload("B"), payload("A")]), MAX_RESPONSE_BYTES);
    let words: Vec<Value> =
        records(&transformed).iter().map(|record| line(record)["enrichment"].clone()).collect();
    assert_eq!(words, ["unavailable", "no_profile", "unavailable"]);
    // Amount 0.3, default risk 0.5 times 0.4, arrival at four in the morning.
    assert_eq!(line(&records(&transformed)[0])["fraud_score"], 0.7);
    assert_eq!(transformed.metrics.enrichment.unavailable, 2);
    assert_eq!(transformed.metrics.distinct_customers, 2);
    assert_eq!(*transform.profiles.asked.lock().unwrap(), ["A", "B"]);
}

#[test]
fn the_same_record_gets_the_same_bytes_whatever_stands_beside_it() {
    let payload =
        |n: usize| json!({ "transaction_id": n, "customer_id": format!("C{}", 1001 + n % 5) }).to_string();
    let payloads: Vec<Vec<u8>> = (0..50).map(|n| payload(n).into_bytes()).collect();
    let together = records(&handle(&from_file(), &event(&payloads), MAX_RESPONSE_BYTES));
    for (n, payload) in payloads.iter().enumerate() {
        let alone =
            records(&handle(&from_file(), &event(&[b"junk".to_vec(), payload.clone()]), MAX_RESPONSE_BYTES));
        assert_eq!(alone[1]["data"], together[n]["data"]);
    }
}

proptest! {
    #[test]
    fn whatever_the_bytes_every_record_is_answered_once_and_none_fails_another(
        junk in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
        data in prop::collection::vec("[A-Za-z0-9+/=*\\\\\"é]{0,12}", 0..4),
    ) {
        let good = json!({ "transaction_id": "good", "customer_id": "C1001" }).to_string().into_bytes();
        let mut all: Vec<Value> = serde_json::from_str::<Value>(&event(&junk)).unwrap()["records"].as_array().unwrap().clone();
        all.extend(data.iter().map(|data| json!({ "recordId": "raw", "approximateArrivalTimestamp": 1, "data": data })));
        all.extend(serde_json::from_str::<Value>(&event(&[good])).unwrap()["records"].as_array().unwrap().clone());
        let answered = records(&handle(&from_file(), &json!({ "records": all }).to_string(), MAX_RESPONSE_BYTES));
        prop_assert_eq!(answered.len(), all.len());
        for (record, answer) in all.iter().zip(&answered) {
            prop_assert_eq!(&record["recordId"], &answer["recordId"]);
            if answer["result"] == "ProcessingFailed" {
                prop_assert_eq!(&record["data"], &answer["data"]);
            }
        }
        prop_assert_eq!(&answered.last().unwrap()["result"], "Ok");
    }

    #[test]
    fn no_event_panics(text in any::<String>(), near in r#"\{"records":\[(\{"recordId":"[a-z]","data":"[A-Z]{0,4}",?"?[a-z:{}]{0,9}\},?){0,3}\]?\}?"#) {
        let _ = FirehoseEvent::parse(&text);
        let _ = FirehoseEvent::parse(&near);
    }
}
