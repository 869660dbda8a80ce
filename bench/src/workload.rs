//! What the contenders are given: events of made-up transactions, and the profiles of their customers.

use serde_json::{Map, Value, json};

/// So many customers make the transactions.
const CUSTOMERS: usize = 300;
/// At so many merchants.
const MERCHANTS: u32 = 200;
/// A transaction's size in bytes, to within a few.
pub const TRANSACTION_BYTES: usize = 350;
/// 2026-01-15T00:00:00Z, in milliseconds since the epoch.
const ARRIVAL: u64 = 1_768_435_200_000;

/// Which event a contender takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A Firehose transformation event whose source is a stream.
    Firehose,
    /// An event source mapping's Kinesis event in which no score is high.
    Kinesis,
}

impl EventKind {
    /// An event of this many records, always the same for the same number.
    pub fn event(self, records: usize) -> String {
        let mut random = fastrand::Rng::with_seed(8);
        let records = (0..records).map(|number| match self {
            EventKind::Firehose => firehose_record(number, &transaction(number, 12_000.0, &mut random)),
            EventKind::Kinesis => kinesis_record(number, &transaction(number, 5_000.0, &mut random)),
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
            EventKind::Kinesis => json!({ "Records": records }),
        };
        event.to_string()
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
            (customer(number), profile)
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
        .map(|number| (format!("customer/{}", customer(number)), json!({ "list_trusted": 0 })));
    Value::Object(merchants.chain(customers).collect()).to_string()
}

fn merchant_id(number: u32) -> String {
    format!("M{number:05}")
}

fn customer(number: usize) -> String {
    format!("C{number:06}")
}

/// One made-up transaction.
fn transaction(number: usize, highest: f64, random: &mut fastrand::Rng) -> String {
    let second = number % 86_400;
    let mut transaction = format!(
        "{{\"transaction_id\":\"T{number:08}\",\"customer_id\":\"{}\",\"amount\":{:.2},\"currency\":\"USD\",\
         \"merchant_id\":\"{}\",\"merchant_category\":\"{}\",\"channel\":\"{}\",\"card_present\":{},\
         \"country\":\"US\",\"device_id\":\"{:016x}\",\"event_time\":\"2026-01-15T{:02}:{:02}:{:02}.{:03}Z\",\"memo\":\"\"}}",
        customer(random.usize(0..CUSTOMERS)),
        random.f64() * highest,
        merchant_id(random.u32(0..MERCHANTS)),
        ["grocery", "electronics", "travel", "fuel"][random.usize(0..4)],
        ["pos", "web", "app"][random.usize(0..3)],
        random.bool(),
        random.u64(..),
        second / 3_600,
        second / 60 % 60,
        second % 60,
        number % 1_000,
    );
    let memo = "x".repeat(TRANSACTION_BYTES.saturating_sub(transaction.len()));
    transaction.insert_str(transaction.len() - 2, &memo);
    transaction
}

fn firehose_record(number: usize, transaction: &str) -> Value {
    json!({
        "recordId": format!("{}000000", sequence_number(number)),
        "approximateArrivalTimestamp": arrival(number),
        "data": base64(transaction),
        "kinesisRecordMetadata": {
            "sequenceNumber": sequence_number(number),
            "subsequenceNumber": 0,
            "partitionKey": "C000001",
            "shardId": "shardId-000000000000",
            "approximateArrivalTimestamp": arrival(number),
        },
    })
}

fn kinesis_record(number: usize, transaction: &str) -> Value {
    json!({
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "C000001",
            "sequenceNumber": sequence_number(number),
            "data": base64(transaction),
            "approximateArrivalTimestamp": arrival(number) as f64 / 1000.0,
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

fn arrival(number: usize) -> u64 {
    ARRIVAL + number as u64
}

fn base64(data: &str) -> String {
    base64_simd::STANDARD.encode_to_string(data)
}
