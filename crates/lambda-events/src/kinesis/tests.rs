use super::*;
use exact_text::json::Value;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

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
        (invalid(r#"{"Records":{}}"#), "`Records` is not an array"),
        (invalid(r#"{"Records":[7]}"#), "`Records[0]` is not an object"),
        (invalid("[]"), "it is not a JSON object"),
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

/// Members of a record, as they and their like may come.
const MEMBERS: [&str; 14] = [
    r#""eventID":"shardId-000000000006:49""#,
    r#""eventID":"shardId-\u0030:49""#,
    r#""eventID" : ":49""#,
    r#""eventID":7"#,
    r#""event\u0049D":"s:1""#,
    r#""eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/transactions""#,
    r#""eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/o\u0074her/consumer/a:1""#,
    r#" "eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:table/transactions""#,
    r#""awsRegion":["us-east-2",{"kinesis":{}}]"#,
    r#""kinesis":null"#,
    r#""kinesis":{"sequenceNumber":"49","data":"SGVs\/bG8=","approximateArrivalTimestamp":1545084650.98}"#,
    r#""kinesis":{"sequenceNumber":50,"data":null}"#,
    r#""kinesis":{"data":7,"sequenceNumber":"51", "approximateArrivalTimestamp":"x"}"#,
    r#""kinesis":{"partitionKey":"1","sequenceNumber":"","data":""}"#,
];

type Members = BTreeMap<String, Box<RawValue>>;

/// What is read of a record: data, arrival, sequence number, stream, shard.
type Read = (Option<String>, Option<Timestamp>, String, String, String);

/// The slow way: serde_json's own reading of the members.
fn by_the_book(record: &str) -> Option<Read> {
    let members: Members = serde_json::from_str(record).unwrap();
    let text = |members: &Members, name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    let kinesis: Members = serde_json::from_str(members.get("kinesis")?.get()).unwrap_or_default();
    let arrival = kinesis.get("approximateArrivalTimestamp");
    let arrival: Option<serde_json::Value> = arrival.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let arrival = arrival.and_then(|arrival| match arrival {
        serde_json::Value::Number(digits) => Timestamp::from_arrival(Value::Number(&digits.to_string())),
        _ => None,
    });
    let digits = kinesis.get("sequenceNumber")?.get();
    let sequence_number = text(&kinesis, "sequenceNumber").unwrap_or_else(|| digits.to_owned());
    let event_id = text(&members, "eventID")?;
    Some((
        text(&kinesis, "data"),
        arrival,
        Some(sequence_number).filter(|digits| !digits.is_empty())?,
        stream_name(&text(&members, "eventSourceARN")?)?.to_owned(),
        shard_id(&event_id)?.to_owned(),
    ))
}

fn read(event: &str) -> Option<Vec<Read>> {
    let event = KinesisEvent::parse(event).ok()?;
    let read = |record: &StreamRecord<'_>| {
        let data = record.data.and_then(Text::decode).map(Cow::into_owned);
        let position = record.position(0);
        let [sequence_number, stream, shard] =
            [position.sequence_number, position.stream, position.shard].map(str::to_owned);
        (data, record.arrival, sequence_number, stream, shard)
    };
    Some(event.records.iter().map(read).collect())
}

proptest! {
    #[test]
    fn records_are_read_one_after_the_other_as_serde_json_reads_each(
        records in prop::collection::vec(prop::collection::vec(prop::sample::select(MEMBERS.to_vec()), 2..6), 0..5),
        first in any::<bool>(),
    ) {
        let usual = [MEMBERS[0], MEMBERS[5], MEMBERS[10]];
        // Behind usual members, so that many records can be answered and most keys have been met.
        let object = |members: &Vec<&str>| match first {
            true => format!("{{{},{}}}", usual.join(","), members.join(",")),
            false => format!("{{{}}}", members.join(",")),
        };
        let records: Vec<String> = records.iter().map(object).collect();
        let expected: Option<Vec<Read>> = records.iter().map(|record| by_the_book(record)).collect();
        prop_assert_eq!(read(&format!("{{\"Records\":[{}]}}", records.join(","))), expected);
    }

    #[test]
    fn no_event_panics(text in any::<String>(), near in r#"\{"Records":\[(\{"kinesis":\{"data":"[A-Z]{0,4}",?"?[a-z:{}]{0,9}\}?,?\},?){0,3}\]?\}?"#) {
        let _ = KinesisEvent::parse(&text);
        let _ = KinesisEvent::parse(&near);
    }
}
