//! Lambda's Kinesis event as JSON, for whoever invokes a function without Lambda: redrive, replay, a consumer, tests.
//!
//! Source of the form: <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>.

use std::borrow::Cow;

use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;

/// The member of `kinesis` that Lambda's own events never have: the record's data is a user record that was already
/// taken out of its aggregate, at this place. It is not taken apart again, and keeps its identity.
pub(crate) const SUB_SEQUENCE_NUMBER: &str = "userRecordSubSequenceNumber";

/// Seconds since the epoch from which on [`Timestamp::from_arrival`] takes a number for milliseconds.
const FIRST_MILLISECONDS: i64 = 100_000_000_000;

/// One record of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord<'a> {
    /// The shard's id, which has no `:`.
    pub shard: &'a str,
    /// The sequence number's digits.
    pub sequence_number: &'a str,
    /// The partition key; functions do not read it.
    pub partition_key: Option<&'a str>,
    /// The data in base64.
    pub data: Cow<'a, str>,
    /// When the record arrived at the stream, if that is known.
    pub arrival: Option<Timestamp>,
    /// The place in its aggregate, if the data is a user record that was already taken out of one.
    pub sub_sequence_number: Option<u64>,
}

impl<'a> EventRecord<'a> {
    /// A stream's record whose data is not encoded yet.
    pub fn of_bytes(shard: &'a str, sequence_number: &'a str, data: &[u8], arrival: Timestamp) -> Self {
        EventRecord {
            shard,
            sequence_number,
            partition_key: None,
            data: Cow::Owned(base64_simd::STANDARD.encode_to_string(data)),
            arrival: Some(arrival),
            sub_sequence_number: None,
        }
    }
}

/// The event of these records. `stream_arn` is the ARN of their stream or of a consumer of it.
pub fn event_json<'a>(stream_arn: &str, records: impl IntoIterator<Item = EventRecord<'a>>) -> String {
    let mut event = String::from("{\"Records\":[");
    for (index, record) in records.into_iter().enumerate() {
        if index > 0 {
            event.push(',');
        }
        event.push_str(&record_json(stream_arn, &record));
    }
    event.push_str("]}");
    event
}

fn record_json(stream_arn: &str, record: &EventRecord<'_>) -> String {
    let mut kinesis = ObjectWriter::new();
    kinesis.text("kinesisSchemaVersion", "1.0");
    if let Some(key) = record.partition_key {
        kinesis.text("partitionKey", key);
    }
    kinesis.text("sequenceNumber", record.sequence_number).text("data", &record.data);
    if let Some(place) = record.sub_sequence_number {
        kinesis.json(SUB_SEQUENCE_NUMBER, &place.to_string());
    }
    if let Some(arrival) = record.arrival {
        kinesis.json("approximateArrivalTimestamp", &seconds(arrival));
    }
    let mut object = ObjectWriter::new();
    object
        .json("kinesis", &kinesis.finish())
        .text("eventSource", "aws:kinesis")
        .text("eventVersion", "1.0")
        .text("eventID", &format!("{}:{}", record.shard, record.sequence_number))
        .text("eventName", "aws:kinesis:record")
        .text("awsRegion", stream_arn.split(':').nth(3).unwrap_or_default())
        .text("eventSourceARN", stream_arn);
    object.finish()
}

/// An arrival as Lambda writes it, `1545084650.987`. A time that would not be read as seconds is written in RFC 3339.
fn seconds(arrival: Timestamp) -> String {
    let millis = arrival.millis();
    match (0..FIRST_MILLISECONDS * 1000).contains(&millis) {
        true => format!("{}.{:03}", millis / 1000, millis % 1000),
        false => format!("\"{arrival}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the guide, without `invokeIdentityArn`: no role invokes the function here.
    #[test]
    fn an_event_is_written_as_lambda_writes_it() {
        let sequence_number = "49590338271490256608559692538361571095921575989136588898";
        let record = EventRecord {
            partition_key: Some("1"),
            ..EventRecord::of_bytes(
                "shardId-000000000006",
                sequence_number,
                b"Hello, this is a test.",
                Timestamp::from_millis(1_545_084_650_987).unwrap(),
            )
        };
        let arn = "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream";
        let event: serde_json::Value =
            serde_json::from_str(&event_json(arn, [record.clone(), record])).unwrap();
        let expected = serde_json::json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "1",
                "sequenceNumber": sequence_number,
                "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                "approximateArrivalTimestamp": 1_545_084_650.987,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("shardId-000000000006:{sequence_number}"),
            "eventName": "aws:kinesis:record",
            "awsRegion": "us-east-2",
            "eventSourceARN": arn,
        });
        assert_eq!(event, serde_json::json!({ "Records": [expected, expected] }));
    }

    #[test]
    fn an_event_without_records_is_one() {
        assert_eq!(event_json("arn:aws:kinesis:::stream/transactions", []), r#"{"Records":[]}"#);
    }
}
