//! Firehose's transformation event as JSON, for whoever invokes the transform without Firehose: replay, tests.
//!
//! Source of the form: <https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html>.

use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;

/// One record of an event, read from a Kinesis stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRecord<'a> {
    /// Names the record in the response.
    pub id: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The sequence number's digits.
    pub sequence_number: &'a str,
    /// The place in its KPL aggregate, which Firehose takes apart; 0 for a record that is alone.
    pub sub_sequence_number: u64,
    /// The partition key; the transform does not read it.
    pub partition_key: &'a str,
    /// The data, not in base64.
    pub data: &'a [u8],
    /// When the record arrived at the stream.
    pub arrival: Timestamp,
}

/// The event of these records of the stream with this ARN.
pub fn event_json<'a>(stream_arn: &str, records: impl IntoIterator<Item = EventRecord<'a>>) -> String {
    let records: Vec<String> = records.into_iter().map(record_json).collect();
    let mut event = ObjectWriter::new();
    event
        .text("invocationId", "replay")
        .text("sourceKinesisStreamArn", stream_arn)
        .text("region", stream_arn.split(':').nth(3).unwrap_or_default())
        .json("records", &format!("[{}]", records.join(",")));
    event.finish()
}

fn record_json(record: EventRecord<'_>) -> String {
    let arrival = record.arrival.millis().to_string();
    let mut metadata = ObjectWriter::new();
    metadata
        .text("sequenceNumber", record.sequence_number)
        .json("subsequenceNumber", &record.sub_sequence_number.to_string())
        .text("partitionKey", record.partition_key)
        .text("shardId", record.shard)
        .json("approximateArrivalTimestamp", &arrival);
    let mut object = ObjectWriter::new();
    object
        .text("recordId", record.id)
        .json("approximateArrivalTimestamp", &arrival)
        .text("data", &base64_simd::STANDARD.encode_to_string(record.data))
        .json("kinesisRecordMetadata", &metadata.finish());
    object.finish()
}

#[cfg(test)]
mod tests {
    use stream_position::Position;

    use super::*;
    use crate::firehose::FirehoseEvent;

    #[test]
    fn an_event_is_read_as_the_records_it_was_written_from() {
        let arrival = Timestamp::from_millis(1_510_772_160_123).unwrap();
        let record = EventRecord {
            id: "7",
            shard: "shardId-000000000001",
            sequence_number: "49546986683135544286507457936321625675700192471156785154",
            sub_sequence_number: 3,
            partition_key: "\"k\"",
            data: b"Hello World",
            arrival,
        };
        let alone = EventRecord { id: "8", sub_sequence_number: 0, data: b"", ..record };
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
        let json = event_json(arn, [record, alone]);
        let event = FirehoseEvent::parse(&json).unwrap();
        let ids: Vec<_> = event.records.iter().map(|record| record.id.raw()).collect();
        assert_eq!(ids, ["7", "8"]);
        let [first, second] = &event.records[..] else { unreachable!() };
        assert_eq!(first.data.map(|data| data.raw()), Some("SGVsbG8gV29ybGQ="));
        assert_eq!((first.arrival(), second.arrival()), (Some(arrival), Some(arrival)));
        let position = Position {
            stream: "s",
            shard: record.shard,
            sequence_number: record.sequence_number,
            sub_sequence_number: 3,
        };
        assert_eq!(event.position(first), Some(position));
        assert_eq!(event.position(second), Some(Position { sub_sequence_number: 0, ..position }));
    }
}
