use super::*;
use aws_lambda_events::firehose::KinesisFirehoseEvent;
use fraud_core::payload::Payloads;

fn invalid(event: &str) -> String {
    FirehoseEvent::parse(event).expect_err(event).to_string()
}

#[test]
fn an_event_that_is_none_is_told_with_what_is_missing() {
    for (event, message) in [
        ("{}", "not a Firehose transformation event: `records` is missing"),
        (r#"{"Records":[{"kinesis":{}}]}"#, "not a Firehose transformation event: `records` is missing"),
        (r#"{"records":{}}"#, "not a Firehose transformation event: `records` is no array"),
        (r#"{"records":[7]}"#, "not a Firehose transformation event: `records[0]` is no object"),
        (
            r#"{"records":[{"recordId":"a"},{"data":""}]}"#,
            "not a Firehose transformation event: `records[1].recordId` is missing",
        ),
        (
            r#"{"records":[{"recordId":7}]}"#,
            "not a Firehose transformation event: `records[0].recordId` is missing",
        ),
        ("[]", "not a Firehose transformation event: it is no JSON object"),
        ("7", "not a Firehose transformation event: it is no JSON object"),
        (r#"{"records":[}"#, "the event is not JSON: not JSON at byte 12"),
    ] {
        assert_eq!(invalid(event), message);
    }
    assert!(FirehoseEvent::parse(r#"{"records":[]}"#).unwrap().records.is_empty());
}

fn record(members: &str) -> (Option<i64>, Option<String>) {
    let json = format!(
        r#"{{"sourceKinesisStreamArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/tx","records":[{{"recordId":"r",{members}}}]}}"#
    );
    let event = FirehoseEvent::parse(&json).unwrap();
    let record = &event.records[0];
    let identity = fraud_core::identity::Identity::of(None, None, event.position(record));
    (record.arrival().map(Timestamp::millis), identity.map(|identity| identity.to_string()))
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
            assert_eq!(ours.own_arrival.map(|arrival| arrival.millis() / 1000), Some(seconds));
        }
    }
}
