//! Under a policy that looks at the customers' history.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_calls::fault::{CallFault, FaultKind};
use fraud_aws::history::{HistoryFault, MemoryHistory, RowWrite, StoredHistory, Written};
use fraud_core::history::{Answer, History, Known};
use fraud_core::identity::Position;
use fraud_core::policy::HistorySettings;
use fraud_core::policy::Policy;
use fraud_core::profile::Attribute;
use fraud_core::transaction::Transaction;

use super::*;

const POLICY: &str = r#"
name = "velocity"
cap = 100
threshold = 50
default_risk = 0.5

[history]
prior_mean_amount = 50
outlier_ratio = 2

[[factors]]
name = "ratio"
input = "history.amount_ratio"
bands = [{ from = 2, points = 30 }]

[[factors]]
name = "burst"
input = "history.count_1h"
bands = [{ from = 1, points = 40 }]

[[factors]]
name = "risk"
input = "customer.risk"
weight = 10
"#;

const SETTINGS: HistorySettings =
    HistorySettings { prior_mean_amount: 50.0, outlier_ratio: 2.0, ordinary_below: 200.0 };
const ARRIVAL: i64 = 1_705_291_200_000;
const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/transactions";

fn payload(customer: &str, number: usize) -> Value {
    json!({ "customer_id": customer, "transaction_id": format!("T{number}"), "amount": 120 })
}

/// An event of a stream's records, the first of which has this number.
fn stream_event(payloads: &[Value], first: usize) -> String {
    let record = |(index, payload): (usize, &Value)| {
        let data = base64_simd::STANDARD.encode_to_string(payload.to_string());
        json!({
            "recordId": index.to_string(), "approximateArrivalTimestamp": ARRIVAL, "data": data,
            "kinesisRecordMetadata": {
                "sequenceNumber": (first + index).to_string(), "subsequenceNumber": 0, "partitionKey": "c",
                "shardId": "shardId-000000000000", "approximateArrivalTimestamp": ARRIVAL,
            },
        })
    };
    let records: Vec<Value> = payloads.iter().enumerate().map(record).collect();
    json!({ "sourceKinesisStreamArn": STREAM, "records": records }).to_string()
}

/// The row of a customer of whom the transactions up to this number were taken in, each with a profile of this risk.
fn row(customer: &str, numbers: std::ops::Range<usize>, risk: &str) -> History {
    let mut history = History::default();
    history.begin();
    for number in numbers {
        let text = payload(customer, number).to_string();
        let transaction = Transaction::parse(text.as_bytes()).unwrap();
        let digits = number.to_string();
        let position = Position {
            stream: "transactions",
            shard: "shardId-000000000000",
            sequence_number: &digits,
            sub_sequence_number: 0,
        };
        let record = Incoming::of(&transaction, Timestamp::from_millis(ARRIVAL).unwrap(), position);
        let Answer::New(inputs) = history.ask(&record) else { panic!("{number} is new") };
        let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number(risk));
        let known = Known { profile: Some(profile), entities: Vec::new() };
        history.take_in(&record, inputs, SETTINGS, known, false);
    }
    history.end();
    history
}

fn over<P: ProfileStore, R: HistoryStore>(profiles: P, rows: R) -> Transform<P, Entities, R> {
    let policy = Policy::parse(POLICY).unwrap();
    Transform::new(profiles, Entities::Unasked, policy, EventTimeBounds::UNBOUNDED).with_history(rows)
}

fn nobody() -> FileProfiles {
    FileProfiles::parse("{}").unwrap()
}

async fn lines<P: ProfileStore, R: HistoryStore>(
    transform: &Transform<P, Entities, R>,
    event: &str,
) -> (Vec<Value>, BatchMetrics) {
    let transformed = transform.handle(event, Duration::from_secs(60)).await.unwrap();
    (records(&transformed).iter().map(line).collect(), transformed.metrics)
}

/// Rows that are there from the n-th read on, or never; counts how often it was asked.
#[derive(Default)]
struct Late {
    rows: MemoryHistory,
    there_at: usize,
    reads: AtomicUsize,
}

impl HistoryStore for &Late {
    type Ledger = MemoryLedger;

    async fn read(&self, customers: &[&str], deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        let read = 1 + self.reads.fetch_add(1, Ordering::Relaxed);
        if read >= self.there_at {
            return self.rows.read(customers, deadline).await;
        }
        vec![Ok(StoredHistory { version: 0, history: Ok(History::default()) }); customers.len()]
    }

    async fn write(&self, _: RowWrite<'_>, _: &MemoryLedger, _: Instant) -> Result<Written, HistoryFault> {
        panic!("the transform writes no row")
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_taken_in_is_scored_with_what_was_known_then_and_nothing_is_looked_up() {
    let rows = MemoryHistory::default();
    rows.put("C1", 1, row("C1", 1..3, "0.9").encode());
    let transform = over(Silent { about: "nobody", asked: Mutex::default() }, rows);
    let (lines, metrics) = lines(&transform, &stream_event(&[payload("C1", 1), payload("C1", 2)], 1)).await;
    assert_eq!((&lines[0]["fraud_score"], &lines[1]["fraud_score"]), (&json!(39.0), &json!(49.0)));
    assert_eq!(lines[1]["history"], "used");
    assert_eq!((&lines[1]["enrichment"], &lines[1]["customer_segment"]), (&json!("profile"), &json!("gold")));
    let inputs: Value = serde_json::from_str(lines[1]["fraud_inputs"].as_str().unwrap()).unwrap();
    assert_eq!(
        inputs,
        json!({ "amount": 120, "customer_risk": 0.9, "hour": 4, "history.amount_ratio": 1.636, "history.count_1h": 1 })
    );
    assert_eq!(*transform.profiles.asked.lock().unwrap(), Vec::<String>::new());
    assert_eq!((metrics.history.unwrap().expired, metrics.history_lagging), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_taken_in_yet_is_waited_for() {
    let late = Late { there_at: 3, ..Late::default() };
    late.rows.put("C1", 1, row("C1", 1..2, "0.9").encode());
    let transform = over(nobody(), &late);
    let (lines, _) = lines(&transform, &stream_event(&[payload("C1", 1)], 1)).await;
    assert_eq!(lines[0]["history"], "used");
    assert_eq!(late.reads.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn what_never_comes_is_waited_for_two_seconds_once_and_then_not_until_it_comes_again() {
    let late = Late { there_at: usize::MAX, ..Late::default() };
    let transform = over(nobody(), &late);
    let event = stream_event(&[payload("C1", 1), payload("C2", 2)], 1);
    let start = Instant::now();
    let (first, metrics) = lines(&transform, &event).await;
    assert_eq!((&first[0]["history"], &first[1]["history"]), (&json!("lagging"), &json!("lagging")));
    assert_eq!(metrics.history_lagging, 2);
    let waited = start.elapsed();
    assert!((Duration::from_millis(1_000)..Duration::from_secs(2)).contains(&waited), "{waited:?}");
    let reads = late.reads.load(Ordering::Relaxed);
    lines(&transform, &event).await;
    assert_eq!((late.reads.load(Ordering::Relaxed) - reads, start.elapsed()), (1, waited));
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_cannot_be_read_or_has_no_history_is_scored_without_and_says_so() {
    let rows = MemoryHistory::default();
    let mut forgotten = row("C1", 1..2, "0.9");
    forgotten.forget_until(Timestamp::from_millis(ARRIVAL).unwrap());
    rows.put("C1", 1, forgotten.encode());
    rows.put("C2", 1, vec![7]);
    let transform = over(nobody(), rows);
    let anonymous = json!({ "transaction_id": "T9", "amount": 1 });
    let event = stream_event(&[payload("C1", 5), payload("C2", 6), anonymous, payload("C1", 1)], 5);
    let (lines, metrics) = lines(&transform, &event).await;
    let words: Vec<_> = lines.iter().map(|line| line["history"].as_str().unwrap()).collect();
    assert_eq!(words, ["expired", "invalid", "none", "used"]);
    let counts = metrics.history.unwrap();
    assert_eq!((counts.expired, counts.invalid), (1, 1));
    let (direct, _) =
        super::history::lines(&transform, &super::event(&[payload("C1", 1).to_string().into()])).await;
    assert_eq!(direct[0]["history"], "none");
}

struct Down;

impl HistoryStore for Down {
    type Ledger = MemoryLedger;

    async fn read(&self, customers: &[&str], _: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        vec![Err(CallFault::new(FaultKind::Failed, "InternalServerError")); customers.len()]
    }

    async fn write(&self, _: RowWrite<'_>, _: &MemoryLedger, _: Instant) -> Result<Written, HistoryFault> {
        panic!("the transform writes no row")
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_keeps_no_record_from_the_lake() {
    let transform = over(nobody(), Down);
    let start = Instant::now();
    let (lines, metrics) = lines(&transform, &stream_event(&[payload("C1", 1)], 1)).await;
    assert_eq!(lines[0]["history"], "unavailable");
    assert_eq!(metrics.history_unavailable, 1);
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits for what cannot be read");
}
