//! What a delivery stream may gather for one invocation, so that the answer fits whatever the records.

use super::*;
use crate::response::{SMALLEST_RECORD_BYTES, SMALLEST_RECORDS_ANSWER_BYTES};

/// A stream's name as CloudFormation makes it, and a sequence number's digits.
const STREAM: &str = "fraud-stream-TransactionsStream-1A2B3C4D5E6F";
const SEQUENCE_NUMBER: u128 = 1_000_000_000_000_000_000_000_000_000_000_000_000;

/// Customers with all that a profile ordinarily holds: a segment of 32 bytes, and numbers with many digits.
fn profiles() -> FileProfiles {
    let profile = format!(
        r#"{{"segment":"{}","lifetime_value":12345678901234567.89,"risk_score":0.12345678901234567}}"#,
        "s".repeat(32)
    );
    FileProfiles::parse(format!(r#"{{"C123456":{profile},"1234567":{profile}}}"#)).unwrap()
}

/// An event of this many equal records, read from a stream or not. Arrivals are at night.
fn event_of(payload: &str, count: usize, from_stream: bool) -> String {
    let data = base64_simd::STANDARD.encode_to_string(payload);
    let record = |index: usize| {
        // 56 digits, and 62 with Firehose's own.
        let sequence_number = format!("49546986683135544286{}", SEQUENCE_NUMBER - 1 - index as u128);
        let mut record = json!({
            "recordId": format!("{sequence_number}000000"),
            "approximateArrivalTimestamp": 1_705_291_200_000u64,
            "data": data,
        });
        if from_stream {
            record["kinesisRecordMetadata"] = json!({
                "sequenceNumber": sequence_number, "subsequenceNumber": 999, "shardId": "shardId-000000000000",
            });
        }
        record
    };
    let mut event = json!({ "records": (0..count).map(record).collect::<Vec<_>>() });
    if from_stream {
        event["sourceKinesisStreamArn"] =
            json!(format!("arn:aws:kinesis:us-east-1:123456789012:stream/{STREAM}"));
    }
    event.to_string()
}

#[test]
fn a_buffer_full_of_the_smallest_records_is_answered_whole() {
    // All reasons apply; a fault of the event time is named.
    let smallest =
        [r#"{"customer_id":"C123456","amount":99999}"#, r#"{"customer_id":1234567,"event_time": 0}"#];
    let count = MAX_RESPONSE_BYTES / SMALLEST_RECORDS_ANSWER_BYTES;
    let mut largest = 0;
    for payload in smallest {
        assert!(payload.len() <= SMALLEST_RECORD_BYTES, "{}", payload.len());
        for from_stream in [false, true] {
            let event = event_of(payload, count, from_stream);
            let transformed = handle(&transform(profiles()), &event, MAX_RESPONSE_BYTES);
            assert_eq!((transformed.metrics.ok, transformed.metrics.enrichment.with_profile), (count, count));
            largest = largest.max(transformed.response.len().div_ceil(count));
        }
    }
    assert_eq!(largest, SMALLEST_RECORDS_ANSWER_BYTES, "the constant is what the largest answer takes");
}

#[test]
fn larger_records_take_less_of_an_answer_for_each_byte() {
    let buffer = MAX_RESPONSE_BYTES / SMALLEST_RECORDS_ANSWER_BYTES * SMALLEST_RECORD_BYTES;
    for padding in [0, 20, 62, 300, 2_000, 100_000] {
        let payload = format!(
            r#"{{"customer_id":"C123456","amount":99999{}}}"#,
            match padding {
                0 => String::new(),
                padding => format!(r#","note":"{}""#, "x".repeat(padding)),
            }
        );
        for from_stream in [false, true] {
            let count = buffer / payload.len();
            let event = event_of(&payload, count, from_stream);
            let transformed = handle(&transform(profiles()), &event, MAX_RESPONSE_BYTES);
            assert_eq!(transformed.metrics.ok, count, "{} bytes", payload.len());
        }
    }
}

#[test]
fn no_profile_makes_another_customers_record_fail() {
    let greedy = format!(r#"{{"A":{{"segment":"{}"}}}}"#, "s".repeat(300_000));
    let transform = transform(FileProfiles::parse(&greedy).unwrap());
    let payload = |id: &str| json!({ "customer_id": id, "amount": 1 }).to_string().into_bytes();
    let mut payloads = vec![payload("A"); 1_000];
    payloads.extend(vec![payload("B"); 1_000]);
    let transformed = handle(&transform, &event(&payloads), MAX_RESPONSE_BYTES);
    assert_eq!((transformed.metrics.ok, transformed.metrics.enrichment.invalid_profile), (2_000, 1_000));
    assert_eq!(line(&records(&transformed)[0])["customer_segment"], "unknown");
}
