//! The event that a function receives: Lambda's JSON for a batch of Kinesis records.
//!
//! ```
//! # use std::time::SystemTime;
//! # use embedded_aws::event_source_mapping::Record;
//! # use embedded_aws::event_source_mapping::event::{EventFields, event};
//! let fields = EventFields::new("arn:aws:kinesis:us-east-1:123456789012:stream/transactions");
//! let record = Record {
//!     partition_key: "customer".to_owned(),
//!     data: "a record".into(),
//!     sequence_number: "4965".to_owned(),
//!     approximate_arrival: SystemTime::now(),
//! };
//! let records = [fields.record("shardId-000000000000", &record)];
//! assert!(event(records.iter().map(String::as_str)).contains("\"eventID\":\"shardId-000000000000:4965\""));
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::source::Record;
use crate::service::ACCOUNT_ID;

/// The largest event, in bytes of JSON. Source: Lambda developer guide, "Using Lambda to process records from
/// Amazon Kinesis Data Streams": a batch is gathered until its payload reaches 6 MB.
pub(super) const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;

const BEGIN: &str = "{\"Records\":[";
const END: &str = "]}";

/// What is the same in all records of a mapping: where they come from, and in whose name the function is invoked.
#[derive(Debug)]
pub struct EventFields {
    event_source_arn: String,
    region: String,
    invoke_identity_arn: String,
}

impl EventFields {
    /// For the ARN of a stream or of a stream's consumer.
    #[must_use]
    pub fn new(event_source_arn: impl Into<String>) -> Self {
        let event_source_arn = event_source_arn.into();
        let region = event_source_arn.split(':').nth(3).unwrap_or_default().to_owned();
        let invoke_identity_arn = format!("arn:aws:iam::{ACCOUNT_ID}:role/lambda-role");
        Self { event_source_arn, region, invoke_identity_arn }
    }

    /// One record of a shard as it is in an event: JSON.
    #[must_use]
    pub fn record(&self, shard_id: &str, record: &Record) -> String {
        let record = RecordJson {
            event_id: format!("{shard_id}:{}", record.sequence_number),
            event_name: "aws:kinesis:record",
            event_source: "aws:kinesis",
            event_source_arn: &self.event_source_arn,
            event_version: "1.0",
            aws_region: &self.region,
            invoke_identity_arn: &self.invoke_identity_arn,
            kinesis: Kinesis {
                kinesis_schema_version: "1.0",
                partition_key: &record.partition_key,
                sequence_number: &record.sequence_number,
                data: base64_simd::STANDARD.encode_to_string(&record.data),
                approximate_arrival_timestamp: seconds(record.approximate_arrival),
            },
        };
        // Texts and finite numbers always have a JSON form.
        serde_json::to_string(&record).unwrap_or_default()
    }
}

/// The event of records as [`EventFields::record`] wrote them: JSON. The records of an event are of one shard, in its
/// order, and Lambda keeps an event within 6 MB.
#[must_use]
pub fn event<'a>(records: impl Iterator<Item = &'a str> + Clone) -> String {
    let mut event = String::with_capacity(size(records.clone().map(str::len)));
    event.push_str(BEGIN);
    for (index, record) in records.enumerate() {
        if index > 0 {
            event.push(',');
        }
        event.push_str(record);
    }
    event.push_str(END);
    event
}

/// How large the event of records of these sizes is.
pub(super) fn size(records: impl Iterator<Item = usize>) -> usize {
    records.fold(BEGIN.len() + END.len(), |sum, record| sum + record + 1)
}

/// Seconds since 1970 with milliseconds after the point, as `1545084650.987`.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of this age stay below 2^53 for 285,000 years")]
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64 / 1000.0
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson<'a> {
    kinesis: Kinesis<'a>,
    event_source: &'static str,
    event_version: &'static str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'static str,
    invoke_identity_arn: &'a str,
    aws_region: &'a str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis<'a> {
    kinesis_schema_version: &'static str,
    partition_key: &'a str,
    sequence_number: &'a str,
    data: String,
    approximate_arrival_timestamp: f64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The example of the Lambda developer guide, "Using Lambda to process records from Amazon Kinesis Data Streams".
    #[test]
    fn a_record_is_written_as_lambda_writes_it() {
        let fields =
            EventFields::new("arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream".to_owned());
        let record = Record {
            partition_key: "1".to_owned(),
            data: "Hello, this is a test.".into(),
            sequence_number: "49590338271490256608559692538361571095921575989136588898".to_owned(),
            approximate_arrival: UNIX_EPOCH + Duration::from_millis(1_545_084_650_987),
        };

        let record = fields.record("shardId-000000000006", &record);

        assert!(record.contains("\"approximateArrivalTimestamp\":1545084650.987}"), "{record}");
        let parsed: serde_json::Value = serde_json::from_str(&event([&*record].into_iter())).unwrap();
        assert_eq!(
            parsed,
            serde_json::json!({ "Records": [{
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "1",
                    "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                    "data": "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
                    "approximateArrivalTimestamp": 1_545_084_650.987,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
                "awsRegion": "us-east-2",
                "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
            }] })
        );
    }

    #[test]
    fn the_size_is_never_less_than_what_is_written() {
        for records in [&["a"][..], &["ab", "c", "def"]] {
            let size = size(records.iter().map(|record| record.len()));
            let written = event(records.iter().copied()).len();
            assert!((written..=written + 1).contains(&size), "{size} {written}");
        }
    }
}
