use super::*;
use proptest::prelude::*;

const RECORD: &str = r#"{
  "kinesis": {
    "kinesisSchemaVersion": "1.0",
    "partitionKey": "1",
    "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
    "data": "SGVsbG8=",
    "approximateArrivalTimestamp": 1545084650.98
  },
  "eventSource": "aws:kinesis",
  "eventVersion": "1.0",
  "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
  "eventName": "aws:kinesis:record",
  "invokeIdentityArn": "arn:aws:iam::123456789012:role/alerts",
  "awsRegion": "us-east-2",
  "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/transactions/consumer/alerts:1764000000"
}"#;

fn invalid(event: &str) -> String {
    KinesisEvent::parse(event).expect_err(event).to_string()
}

#[test]
fn a_record_is_read_with_its_position_and_its_arrival_to_the_millisecond() {
    let json = format!("{{\"Records\":[{RECORD}],\"window\":{{}}}}");
    let event = KinesisEvent::parse(&json).unwrap();
    let record = &event.records[0];
    assert_eq!(record.arrival.unwrap().millis(), 1_545_084_650_980);
    assert_eq!(record.data.unwrap().raw(), "SGVsbG8=");
    let sequence_number = "49590338271490256608559692538361571095921575989136588898";
    let position = |sub_sequence_number| Position {
        stream: "transactions",
        shard: "shardId-000000000006",
        sequence_number,
        sub_sequence_number,
    };
    assert_eq!(record.position(0), position(0));
    assert_eq!(record.position(3), position(3));
}

#[test]
fn an_event_that_is_none_is_told_with_what_is_missing() {
    let record = |from: &str, to: &str| {
        assert!(RECORD.contains(from));
        invalid(&format!("{{\"Records\":[{RECORD},{}]}}", RECORD.replace(from, to)))
    };
    for (message, expected) in [
        (invalid("{}"), "`Records` is missing"),
        (invalid(r#"{"records":[]}"#), "`Records` is missing"),
        (invalid(r#"{"Records":{}}"#), "`Records` is no array"),
        (invalid(r#"{"Records":[7]}"#), "`Records[0]` is no object"),
        (invalid("[]"), "it is no JSON object"),
        (record("\"sequenceNumber\"", "\"number\""), "`Records[1].kinesis.sequenceNumber` is missing"),
        (record("\"kinesis\"", "\"kinetic\""), "`Records[1].kinesis.sequenceNumber` is missing"),
        (record(":stream/", ":table/"), "`Records[1].eventSourceARN` names no stream"),
        (record("\"eventSourceARN\"", "\"arn\""), "`Records[1].eventSourceARN` names no stream"),
        (record("shardId-000000000006:", ""), "`Records[1].eventID` names no shard"),
        (record("\"eventID\"", "\"id\""), "`Records[1].eventID` names no shard"),
    ] {
        assert_eq!(message, format!("not a Kinesis event: {expected}"));
    }
    assert!(invalid("{\"Records\":[").starts_with("the event is not JSON: "));
}

#[test]
fn a_records_own_faults_do_not_fail_the_event() {
    for (from, to) in [
        ("\"SGVsbG8=\"", "\"*\""),
        ("\"SGVsbG8=\"", "null"),
        ("1545084650.98", "\"\""),
        ("1545084650.98", "{}"),
        ("\"1.0\"", "[[]]"),
    ] {
        let json = format!("{{\"Records\":[{}]}}", RECORD.replacen(from, to, 1));
        assert_eq!(KinesisEvent::parse(&json).unwrap().records.len(), 1, "{to}");
    }
}

#[test]
fn the_published_type_reads_the_same_records_where_it_can() {
    let json = format!("{{\"Records\":[{}]}}", RECORD.replace("1545084650.98", "1545084650.987"));
    let oracle: aws_lambda_events::kinesis::KinesisEvent = serde_json::from_str(&json).unwrap();
    let event = KinesisEvent::parse(&json).unwrap();
    let (ours, oracle) = (&event.records[0], &oracle.records[0]);
    assert_eq!(ours.sequence_number, oracle.kinesis.sequence_number);
    let arrival = oracle.kinesis.approximate_arrival_timestamp.0.timestamp_millis();
    assert_eq!(ours.arrival.unwrap().millis(), arrival);
}

proptest! {
    #[test]
    fn no_event_panics(text in any::<String>(), near in r#"\{"Records":\[(\{"kinesis":\{"data":"[A-Z]{0,4}",?"?[a-z:{}]{0,9}\}?,?\},?){0,3}\]?\}?"#) {
        let _ = KinesisEvent::parse(&text);
        let _ = KinesisEvent::parse(&near);
    }
}
