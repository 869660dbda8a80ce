use super::*;
use aws_lambda_events::firehose::KinesisFirehoseEvent;
use exact_text::base64::Payloads;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

fn invalid(event: &str) -> String {
    FirehoseEvent::parse(event).expect_err(event).to_string()
}

#[test]
fn an_event_that_is_none_is_told_with_what_is_missing() {
    for (event, message) in [
        ("{}", "not a Firehose transformation event: `records` is missing"),
        (r#"{"Records":[{"kinesis":{}}]}"#, "not a Firehose transformation event: `records` is missing"),
        (r#"{"records":{}}"#, "not a Firehose transformation event: `records` is not an array"),
        (r#"{"records":[7]}"#, "not a Firehose transformation event: `records[0]` is not an object"),
        (
            r#"{"records":[{"recordId":"a"},{"data":""}]}"#,
            "not a Firehose transformation event: `records[1].recordId` is missing",
        ),
        (
            r#"{"records":[{"recordId":7}]}"#,
            "not a Firehose transformation event: `records[0].recordId` is missing",
        ),
        ("[]", "not a Firehose transformation event: it is not a JSON object"),
        ("7", "not a Firehose transformation event: it is not a JSON object"),
        (r#"{"records":[}"#, "the event is not JSON: not JSON at byte 12"),
    ] {
        assert_eq!(invalid(event), message);
    }
    assert!(FirehoseEvent::parse(r#"{"records":[]}"#).unwrap().records.is_empty());
}

/// A position with the name of its stream.
fn with_stream(position: Position<'_>) -> String {
    format!("@{}/{position}", position.stream)
}

fn record(members: &str) -> (Option<i64>, Option<String>) {
    let json = format!(
        r#"{{"sourceKinesisStreamArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/tx","records":[{{"recordId":"r",{members}}}]}}"#
    );
    let event = FirehoseEvent::parse(&json).unwrap();
    let record = &event.records[0];
    (record.arrival().map(Timestamp::millis), event.position(record).map(with_stream))
}

#[test]
fn the_streams_arrival_time_comes_before_the_records_own() {
    let own = r#""approximateArrivalTimestamp":1495072949453"#;
    assert_eq!(record(own).0, Some(1_495_072_949_453));
    for (metadata, millis) in [
        ("1520280173123", 1_520_280_173_123),
        ("1520280173.5", 1_520_280_173_500),
        ("\"2012-04-23T18:25:43.511Z\"", 1_335_205_543_511),
        ("null", 1_495_072_949_453),
    ] {
        let members =
            format!(r#"{own},"kinesisRecordMetadata":{{"approximateArrivalTimestamp":{metadata}}}"#);
        assert_eq!(record(&members).0, Some(millis), "{metadata}");
    }
    assert_eq!(record(r#""data":"""#).0, None);
}

#[test]
fn a_position_is_the_streams_name_the_shard_and_the_sequence_number() {
    let metadata = |sub: &str| {
        record(&format!(r#""kinesisRecordMetadata":{{"shardId":"shardId-000000000001","sequenceNumber":"495","x":[{{}}]{sub}}}"#)).1
    };
    let plain = Some("@tx/shardId-000000000001/495".to_owned());
    for sub in ["", r#","subsequenceNumber":0"#, r#","subsequenceNumber":"""#, r#","subsequenceNumber":null"#]
    {
        assert_eq!(metadata(sub), plain, "{sub}");
    }
    for sub in [r#","subsequenceNumber":7"#, r#","subsequenceNumber":"7""#] {
        assert_eq!(metadata(sub), Some("@tx/shardId-000000000001/495/7".to_owned()), "{sub}");
    }
    for metadata in ["null", "[]", "{}", r#"{"shardId":"","sequenceNumber":"1"}"#, r#"{"shardId":"s"}"#] {
        assert_eq!(record(&format!(r#""kinesisRecordMetadata":{metadata}"#)).1, None, "{metadata}");
    }
}

#[test]
fn the_published_type_reads_the_same_records_where_it_can() {
    for event in [
        include_str!("../../../../events/firehose-direct-put.json"),
        include_str!("../../../../events/firehose-500.json"),
    ] {
        let ours = FirehoseEvent::parse(event).unwrap();
        let oracle: KinesisFirehoseEvent = serde_json::from_str(event).unwrap();
        assert_eq!(ours.records.len(), oracle.records.len());
        let payloads = Payloads::decode(ours.records.iter().map(|record| record.data));
        for (index, (ours, oracle)) in ours.records.iter().zip(&oracle.records).enumerate() {
            assert_eq!(Some(ours.id.raw()), oracle.record_id.as_deref());
            assert_eq!(payloads.get(index), Ok(&oracle.data.0[..]));
            // The published type gets the milliseconds wrong, and the seconds right.
            let seconds = oracle.approximate_arrival_timestamp.0.timestamp();
            assert_eq!(
                Timestamp::from_arrival(ours.own_arrival).map(|arrival| arrival.millis() / 1000),
                Some(seconds)
            );
        }
    }
}

/// Members of a record, as they and their like may come.
const MEMBERS: [&str; 14] = [
    r#""recordId":"49""#,
    r#""recordId":"4\u0039/""#,
    r#""recordId":49"#,
    r#""record\u0049d" : "50""#,
    r#""data":"SGVs\/bG8=""#,
    r#""data":null"#,
    r#" "data":"""#,
    r#""approximateArrivalTimestamp":1495072949453"#,
    r#""approximateArrivalTimestamp":"x""#,
    r#""kinesisRecordMetadata":{"shardId":"s","sequenceNumber":"49","approximateArrivalTimestamp":1495072949454,"subsequenceNumber":0}"#,
    r#""kinesisRecordMetadata":{"shardId":"s","sequenceNumber":49,"subsequenceNumber":"7"}"#,
    r#""kinesisRecordMetadata":{"sequenceNumber":"","shardId":"\u0073", "partitionKey":["x"],"subsequenceNumber":"x"}"#,
    r#""kinesisRecordMetadata":7"#,
    r#""other":{"recordId":"51","data":[[]]}"#,
];

type Members = BTreeMap<String, Box<RawValue>>;

/// What is read of a record: id, data, arrival, position with its stream.
type Read = (String, Option<String>, Option<i64>, Option<String>);

/// The slow way: serde_json's own reading of the members.
fn by_the_book(record: &str) -> Option<Read> {
    let members: Members = serde_json::from_str(record).unwrap();
    let text = |members: &Members, name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    let digits = |members: &Members, name: &str| {
        let digits = text(members, name).or_else(|| Some(members.get(name)?.get().to_owned()));
        digits.filter(|digits| !digits.is_empty())
    };
    let arrival = |members: &Members| members.get("approximateArrivalTimestamp")?.get().parse::<i64>().ok();
    let metadata = members.get("kinesisRecordMetadata");
    let metadata: Members = metadata.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let shard = text(&metadata, "shardId").filter(|shard| !shard.is_empty());
    let sub = digits(&metadata, "subsequenceNumber").and_then(|sub| sub.parse::<u64>().ok()).unwrap_or(0);
    let position = shard.zip(digits(&metadata, "sequenceNumber")).map(|(shard, number)| match sub {
        0 => format!("@tx/{shard}/{number}"),
        sub => format!("@tx/{shard}/{number}/{sub}"),
    });
    Some((
        text(&members, "recordId")?,
        text(&members, "data"),
        arrival(&metadata).or_else(|| arrival(&members)),
        position,
    ))
}

fn read(event: &str) -> Option<Vec<Read>> {
    let event = FirehoseEvent::parse(event).ok()?;
    let read = |record: &FirehoseRecord<'_>| {
        Some((
            record.id.decode()?.into_owned(),
            record.data.and_then(Text::decode).map(Cow::into_owned),
            record.arrival().map(Timestamp::millis),
            event.position(record).map(with_stream),
        ))
    };
    event.records.iter().map(read).collect()
}

proptest! {
    #[test]
    fn records_are_read_one_after_the_other_as_serde_json_reads_each(
        records in prop::collection::vec(prop::collection::vec(prop::sample::select(MEMBERS.to_vec()), 1..6), 0..5),
        first in any::<bool>(),
    ) {
        // Behind usual members, so that many records can be answered and most keys have been met.
        let usual = [MEMBERS[0], MEMBERS[7], MEMBERS[4], MEMBERS[9]];
        let object = |members: &Vec<&str>| match first {
            true => format!("{{{},{}}}", usual.join(","), members.join(",")),
            false => format!("{{{}}}", members.join(",")),
        };
        let records: Vec<String> = records.iter().map(object).collect();
        let expected: Option<Vec<Read>> = records.iter().map(|record| by_the_book(record)).collect();
        let event = format!(
            r#"{{"sourceKinesisStreamArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/tx","records":[{}]}}"#,
            records.join(",")
        );
        prop_assert_eq!(read(&event), expected);
    }
}
