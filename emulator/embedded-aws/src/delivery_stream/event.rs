//! The event that a function receives: Firehose's JSON for a batch of records.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::Serialize;
use tokio::time::Instant;

use crate::event_source_mapping::Record;
use crate::service::REGION;

/// The largest event and the largest answer, in bytes of JSON. Source: Firehose developer guide, "Transform source
/// data in Amazon Data Firehose": Lambda's synchronous invocation takes 6 MB for the request and the response each.
pub(super) const MAX_PAYLOAD: usize = 6 * 1024 * 1024;

/// A record between its source and the function.
#[derive(Debug)]
pub(super) struct Incoming {
    /// Names the record in events and answers.
    pub(super) id: String,
    /// The record as it came.
    pub(super) data: Bytes,
    pub(super) arrival: SystemTime,
    /// The record as it is in an event.
    pub(super) json: String,
    /// When it was read.
    pub(super) read_at: Instant,
}

/// What is the same in all events of a delivery stream.
#[derive(Debug)]
pub(super) struct EventFields {
    delivery_stream_arn: String,
    /// Set if the source is a stream.
    source_stream_arn: Option<String>,
}

impl EventFields {
    pub(super) fn new(delivery_stream_arn: String, source_stream_arn: Option<String>) -> Self {
        Self { delivery_stream_arn, source_stream_arn }
    }

    /// A record of the source, or one out of an aggregate, under the next number.
    pub(super) fn incoming(
        &self,
        number: u64,
        (shard_id, record): (&str, &Record),
        (sub_sequence_number, data): (u64, Bytes),
    ) -> Incoming {
        let id = format!("4965{number:052}000000");
        let arrival = milliseconds(record.approximate_arrival);
        let metadata = self.source_stream_arn.as_ref().map(|_| Metadata {
            sequence_number: &record.sequence_number,
            subsequence_number: sub_sequence_number,
            partition_key: &record.partition_key,
            shard_id,
            approximate_arrival_timestamp: arrival,
        });
        let json = RecordJson {
            record_id: &id,
            approximate_arrival_timestamp: arrival,
            data: base64_simd::STANDARD.encode_to_string(&data),
            kinesis_record_metadata: metadata,
        };
        // Texts and integers always have a JSON form.
        let json = serde_json::to_string(&json).unwrap_or_default();
        Incoming { id, data, arrival: record.approximate_arrival, json, read_at: Instant::now() }
    }

    /// The event of records.
    pub(super) fn event(&self, invocation_id: &str, records: &[Incoming]) -> String {
        let mut event = self.head(invocation_id);
        event.reserve(records.iter().map(|record| record.json.len() + 1).sum::<usize>() + 2);
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                event.push(',');
            }
            event.push_str(&record.json);
        }
        event.push_str("]}");
        event
    }

    /// How much of an event is not records, at most.
    pub(super) fn overhead(&self) -> usize {
        self.head(&"0".repeat(36)).len() + 2
    }

    fn head(&self, invocation_id: &str) -> String {
        let head = Head {
            invocation_id,
            source_kinesis_stream_arn: self.source_stream_arn.as_deref(),
            delivery_stream_arn: &self.delivery_stream_arn,
            region: REGION,
            records: [],
        };
        let mut head = serde_json::to_string(&head).unwrap_or_default();
        // The records' end, written for now.
        head.truncate(head.len().saturating_sub(2));
        head
    }
}

/// Whole milliseconds since 1970.
pub(super) fn milliseconds(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    invocation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_kinesis_stream_arn: Option<&'a str>,
    delivery_stream_arn: &'a str,
    region: &'a str,
    records: [(); 0],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson<'a> {
    record_id: &'a str,
    approximate_arrival_timestamp: u64,
    data: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kinesis_record_metadata: Option<Metadata<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    sequence_number: &'a str,
    subsequence_number: u64,
    partition_key: &'a str,
    shard_id: &'a str,
    approximate_arrival_timestamp: u64,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record() -> Record {
        Record {
            partition_key: "4d1ad2b9".to_owned(),
            data: Bytes::new(),
            sequence_number: "49546986683135544286507457936321625675700192471156785154".to_owned(),
            approximate_arrival: UNIX_EPOCH + Duration::from_millis(1_510_772_160_123),
        }
    }

    /// After the examples of the Lambda developer guide, "Process Amazon Data Firehose records with Lambda".
    #[test]
    fn a_record_of_a_stream_is_written_with_its_position_and_whole_milliseconds() {
        let stream = "arn:aws:kinesis:us-east-1:123456789012:stream/s".to_owned();
        let fields = EventFields::new("arn:of:delivery-stream".to_owned(), Some(stream));

        let incoming = fields.incoming(7, ("shardId-000000000001", &record()), (3, "Hello World".into()));

        let event: serde_json::Value =
            serde_json::from_str(&fields.event("invocation", &[incoming])).unwrap();
        assert_eq!(
            event,
            serde_json::json!({
                "invocationId": "invocation",
                "sourceKinesisStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
                "deliveryStreamArn": "arn:of:delivery-stream",
                "region": "us-east-1",
                "records": [{
                    "recordId": "49650000000000000000000000000000000000000000000000000007000000",
                    "approximateArrivalTimestamp": 1_510_772_160_123_u64,
                    "data": "SGVsbG8gV29ybGQ=",
                    "kinesisRecordMetadata": {
                        "sequenceNumber": "49546986683135544286507457936321625675700192471156785154",
                        "subsequenceNumber": 3,
                        "partitionKey": "4d1ad2b9",
                        "shardId": "shardId-000000000001",
                        "approximateArrivalTimestamp": 1_510_772_160_123_u64,
                    },
                }],
            })
        );
    }

    #[test]
    fn a_record_that_was_put_directly_has_no_metadata() {
        let fields = EventFields::new("arn".to_owned(), None);
        let records = [0, 1].map(|n| fields.incoming(n, ("direct-put", &record()), (0, Bytes::new())));

        let event = fields.event("invocation", &records);

        assert!(!event.contains("inesis"), "{event}");
        let parsed: serde_json::Value = serde_json::from_str(&event).unwrap();
        assert_eq!(parsed["records"][1]["data"], "");
        let written = records.iter().map(|record| record.json.len() + 1).sum::<usize>();
        assert!(event.len() <= fields.overhead() + written);
    }
}
