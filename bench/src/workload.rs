//! What the contenders are given: events of made-up transactions, and the profiles of their customers.

use axum::body::Bytes;
use exact_text::timestamp::Timestamp;
use serde_json::{Map, Value, json};

/// So many customers make the transactions.
const CUSTOMERS: usize = 300;
/// At so many merchants.
const MERCHANTS: usize = 200;
/// How many of them a customer with a history goes to.
const OWN_MERCHANTS: usize = 40;
/// A transaction's size in bytes, to within a few.
pub const TRANSACTION_BYTES: usize = 350;
/// 2026-01-15T00:00:00Z, in milliseconds since the epoch.
const ARRIVAL: i64 = 1_768_435_200_000;
/// Milliseconds between two transactions if each customer makes five a day.
const FIVE_A_DAY: i64 = 86_400_000 / 5 / CUSTOMERS as i64;

/// Which event a contender takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A Firehose transformation event whose source is a stream.
    Firehose,
    /// An event source mapping's Kinesis event in which no score is high.
    Kinesis,
    /// The same of customers with five transactions a day: each event goes on where the one before ended.
    Days,
}

impl EventKind {
    /// The first event of this many records.
    pub fn event(self, records: usize) -> String {
        self.nth_event(records, 0)
    }

    /// The first `count` events of this many records.
    pub fn events(self, records: usize, count: usize) -> Vec<Bytes> {
        if !self.goes_on() {
            return vec![Bytes::from(self.event(records)); count];
        }
        (0..count).map(|nth| Bytes::from(self.nth_event(records, nth))).collect()
    }

    /// Whether an event goes on where the one before ended. Else all are the same.
    fn goes_on(self) -> bool {
        self == EventKind::Days
    }

    /// An event of this many records, always the same for the same numbers.
    fn nth_event(self, records: usize, nth: usize) -> String {
        let mut random = fastrand::Rng::with_seed(8 + nth as u64);
        let first = if self.goes_on() { nth * records } else { 0 };
        let records = (first..first + records).map(|number| {
            let (arrival, event_time) = self.times(number);
            let transaction = self.transaction(number, event_time, &mut random);
            match self {
                EventKind::Firehose => firehose_record(number, arrival, &transaction),
                EventKind::Kinesis | EventKind::Days => kinesis_record(number, arrival, &transaction),
            }
        });
        let records: Vec<Value> = records.collect();
        let event = match self {
            EventKind::Firehose => json!({
                "invocationId": "e3b7a5d2-1f6c-4e0a-9b55-6a1c2f9d8e41",
                "sourceKinesisStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
                "deliveryStreamArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/transactions-to-lake",
                "region": "us-east-1",
                "records": records,
            }),
            EventKind::Kinesis | EventKind::Days => json!({ "Records": records }),
        };
        event.to_string()
    }

    /// When a transaction arrives and when it was made, in milliseconds since the epoch.
    fn times(self, number: usize) -> (i64, i64) {
        let number = i64::try_from(number).unwrap_or_default();
        if self.goes_on() {
            let arrival = ARRIVAL + number * FIVE_A_DAY;
            return (arrival, arrival);
        }
        (ARRIVAL + number, ARRIVAL + number % 86_400 * 1_000 + number % 1_000)
    }

    fn transaction(self, number: usize, event_time: i64, random: &mut fastrand::Rng) -> String {
        let customer = random.usize(0..CUSTOMERS);
        let highest = match self {
            EventKind::Firehose => 12_000.0,
            EventKind::Kinesis => 5_000.0,
            EventKind::Days => 120.0,
        };
        let amount = random.f64() * highest;
        let merchant = match self {
            EventKind::Firehose | EventKind::Kinesis => random.usize(0..MERCHANTS),
            EventKind::Days => (customer * 7 + random.usize(0..OWN_MERCHANTS)) % MERCHANTS,
        };
        transaction(number, event_time, customer, amount, merchant, random)
    }
}

/// The profiles, as `PROFILE_SOURCE=file:` reads them.
pub fn profiles() -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let profiles: Map<String, Value> = (0..CUSTOMERS)
        .map(|number| {
            let segment = ["gold", "silver", "standard"][number % 3];
            let profile = json!({
                "segment": segment,
                "lifetime_value": f64::from(random.u32(0..5_000_000)) / 100.0,
                "risk_score": f64::from(random.u32(0..100)) / 100.0,
            });
            (customer_id(number), profile)
        })
        .collect();
    Value::Object(profiles).to_string()
}

/// What is known of every merchant and of some customers, as `ENTITY_SOURCE=file:` reads it.
pub fn entities() -> String {
    let mut random = fastrand::Rng::with_seed(9);
    let merchants = (0..MERCHANTS).map(|number| {
        let risk = f64::from(random.u32(0..100)) / 100.0;
        let merchant = match number % 50 {
            0 => json!({ "risk": risk, "list_compromised": 0 }),
            _ => json!({ "risk": risk }),
        };
        (format!("merchant/{}", merchant_id(number)), merchant)
    });
    let customers = (0..CUSTOMERS)
        .step_by(10)
        .map(|number| (format!("customer/{}", customer_id(number)), json!({ "list_trusted": 0 })));
    Value::Object(merchants.chain(customers).collect()).to_string()
}

fn merchant_id(number: usize) -> String {
    format!("M{number:05}")
}

fn customer_id(number: usize) -> String {
    format!("C{number:06}")
}

/// One made-up transaction; its event time in milliseconds since the epoch.
fn transaction(
    number: usize,
    event_time: i64,
    customer: usize,
    amount: f64,
    merchant: usize,
    random: &mut fastrand::Rng,
) -> String {
    let event_time = Timestamp::saturating_from_millis(event_time).to_rfc3339();
    let mut transaction = format!(
        "{{\"transaction_id\":\"T{number:08}\",\"customer_id\":\"{}\",\"amount\":{:.2},\"currency\":\"USD\",\
         \"merchant_id\":\"{}\",\"merchant_category\":\"{}\",\"channel\":\"{}\",\"card_present\":{},\
         \"country\":\"US\",\"device_id\":\"{:016x}\",\"event_time\":\"{}\",\"memo\":\"\"}}",
        customer_id(customer),
        amount,
        merchant_id(merchant),
        ["grocery", "electronics", "travel", "fuel"][random.usize(0..4)],
        ["pos", "web", "app"][random.usize(0..3)],
        random.bool(),
        random.u64(..),
        String::from_utf8_lossy(&event_time),
    );
    let memo = "x".repeat(TRANSACTION_BYTES.saturating_sub(transaction.len()));
    transaction.insert_str(transaction.len() - 2, &memo);
    transaction
}

fn firehose_record(number: usize, arrival: i64, transaction: &str) -> Value {
    json!({
        "recordId": format!("{}000000", sequence_number(number)),
        "approximateArrivalTimestamp": arrival,
        "data": base64(transaction),
        "kinesisRecordMetadata": {
            "sequenceNumber": sequence_number(number),
            "subsequenceNumber": 0,
            "partitionKey": "C000001",
            "shardId": "shardId-000000000000",
            "approximateArrivalTimestamp": arrival,
        },
    })
}

fn kinesis_record(number: usize, arrival: i64, transaction: &str) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "C000001",
            "sequenceNumber": sequence_number(number),
            "data": base64(transaction),
            "approximateArrivalTimestamp": arrival as f64 / 1000.0,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("shardId-000000000000:{}", sequence_number(number)),
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/alerts",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
    })
}

fn sequence_number(number: usize) -> String {
    format!("49590338271490256608559692538361571095921575989{number:09}")
}

fn base64(data: &str) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}
