//! A Kinesis event as an event source mapping sends it (AWS Lambda developer guide,
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>).

use std::borrow::Cow;

use exact_text::json::{JsonError, RepeatedKeys, Scanner, Text, Value};
use exact_text::timestamp::Timestamp;
use stream_position::Position;

use crate::event::{InvalidEvent, Kind, stream_name};
use crate::kinesis_json::SUB_SEQUENCE_NUMBER;

const KIND: Kind = Kind { name: "Kinesis", list: "Records" };

/// One event, borrowed from its JSON.
#[derive(Debug)]
pub struct KinesisEvent<'a> {
    /// The records, in the event's order: that of one shard.
    pub records: Vec<StreamRecord<'a>>,
}

/// One record of an event: what a producer put on the stream, be it one transaction or an aggregate of many.
#[derive(Debug)]
pub struct StreamRecord<'a> {
    /// The base64 data as it came; `None` if it is missing or not text.
    pub data: Option<Text<'a>>,
    /// When the record arrived at the stream.
    pub arrival: Option<Timestamp>,
    /// The sequence number: what Lambda knows the record by.
    pub sequence_number: Cow<'a, str>,
    /// The key that the record was put on the stream with; `None` if it is missing or not text.
    pub partition_key: Option<Text<'a>>,
    /// The place inside its aggregate, if the data is a user record that was taken out of one before.
    pub sub_sequence_number: Option<u64>,
    stream: Cow<'a, str>,
    shard: Cow<'a, str>,
}

impl<'a> KinesisEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`InvalidEvent`] if it is not a Kinesis event.
    pub fn parse(event: &'a str) -> Result<Self, InvalidEvent> {
        let mut reader = RecordReader::default();
        let records = KIND.read(
            event,
            |scanner, index| reader.record(scanner, index),
            |_key, scanner| scanner.value().map(drop),
        )?;
        Ok(KinesisEvent { records })
    }
}

impl StreamRecord<'_> {
    /// The position of the record, or of the user record at this place inside it.
    pub fn position(&self, sub_sequence_number: u64) -> Position<'_> {
        Position {
            stream: &self.stream,
            shard: &self.shard,
            sequence_number: &self.sequence_number,
            sub_sequence_number,
        }
    }
}

/// `shardId-000000000006` of `shardId-000000000006:4954511523324316634...`.
fn shard_id(event_id: &str) -> Option<&str> {
    event_id.split_once(':').map(|(shard, _)| shard).filter(|shard| !shard.is_empty())
}

/// The part of a text that `part` finds.
fn part<'a>(text: Cow<'a, str>, part: impl Fn(&str) -> Option<&str>) -> Option<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => part(text).map(Cow::Borrowed),
        Cow::Owned(text) => part(&text).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// Reads the records of an event.
#[derive(Debug, Default)]
struct RecordReader<'a> {
    record_keys: RepeatedKeys<'a, RecordMember>,
    kinesis_keys: RepeatedKeys<'a, KinesisMember>,
    /// The ARN of the record before, and the stream's name in it: mostly all records of an event come from one stream.
    last_stream: Option<(Text<'a>, Cow<'a, str>)>,
}

/// A record's member.
#[derive(Debug, Clone, Copy)]
enum RecordMember {
    EventId,
    StreamArn,
    Kinesis,
    Other,
}

impl RecordMember {
    fn of(key: Option<&str>) -> Self {
        match key {
            Some("eventID") => RecordMember::EventId,
            Some("eventSourceARN") => RecordMember::StreamArn,
            Some("kinesis") => RecordMember::Kinesis,
            _ => RecordMember::Other,
        }
    }
}

/// A member of a record's `kinesis`.
#[derive(Debug, Clone, Copy)]
enum KinesisMember {
    Data,
    Arrival,
    SequenceNumber,
    PartitionKey,
    SubSequenceNumber,
    Other,
}

impl KinesisMember {
    fn of(key: Option<&str>) -> Self {
        match key {
            Some("data") => KinesisMember::Data,
            Some("approximateArrivalTimestamp") => KinesisMember::Arrival,
            Some("sequenceNumber") => KinesisMember::SequenceNumber,
            Some("partitionKey") => KinesisMember::PartitionKey,
            Some(SUB_SEQUENCE_NUMBER) => KinesisMember::SubSequenceNumber,
            _ => KinesisMember::Other,
        }
    }
}

impl<'a> RecordReader<'a> {
    fn record(&mut self, scanner: &mut Scanner<'a>, index: usize) -> Result<StreamRecord<'a>, InvalidEvent> {
        let missing = |what: &str| KIND.invalid_record(index, what);
        let (mut shard, mut stream) = (None, None);
        let mut kinesis = Kinesis::default();
        let RecordReader { record_keys, kinesis_keys, last_stream } = self;
        scanner.members(record_keys, RecordMember::of, |member, scanner| {
            match member {
                RecordMember::EventId => shard = scanner.value()?.as_str().and_then(|id| part(id, shard_id)),
                RecordMember::StreamArn => {
                    stream = scanner.value()?.as_text().and_then(|arn| stream_of(arn, last_stream));
                }
                RecordMember::Kinesis => kinesis = read_kinesis(scanner, kinesis_keys)?,
                RecordMember::Other => drop(scanner.value()?),
            }
            Ok::<_, JsonError>(())
        })?;
        let sub_sequence_number = kinesis.sub_sequence_number.map(|place| {
            let place = if let Value::Number(digits) = place { digits.parse().ok() } else { None };
            place.ok_or_else(|| {
                missing(&format!(".kinesis.{SUB_SEQUENCE_NUMBER}` is not a place in an aggregate"))
            })
        });
        Ok(StreamRecord {
            data: kinesis.data,
            arrival: kinesis.arrival,
            sequence_number: kinesis
                .sequence_number
                .ok_or_else(|| missing(".kinesis.sequenceNumber` is missing"))?,
            partition_key: kinesis.partition_key,
            sub_sequence_number: sub_sequence_number.transpose()?,
            stream: stream.ok_or_else(|| missing(".eventSourceARN` names no stream"))?,
            shard: shard.ok_or_else(|| missing(".eventID` names no shard"))?,
        })
    }
}

/// The name of the stream of this ARN, which is looked for only where it is not the one before.
fn stream_of<'a>(arn: Text<'a>, last: &mut Option<(Text<'a>, Cow<'a, str>)>) -> Option<Cow<'a, str>> {
    if let Some((_, name)) = last.as_ref().filter(|(last, _)| *last == arn) {
        return Some(name.clone());
    }
    let name = part(arn.decode()?, stream_name)?;
    *last = Some((arn, name.clone()));
    Some(name)
}

/// A record's member `kinesis`.
#[derive(Default)]
struct Kinesis<'a> {
    data: Option<Text<'a>>,
    arrival: Option<Timestamp>,
    sequence_number: Option<Cow<'a, str>>,
    partition_key: Option<Text<'a>>,
    sub_sequence_number: Option<Value<'a>>,
}

fn read_kinesis<'a>(
    scanner: &mut Scanner<'a>,
    keys: &mut RepeatedKeys<'a, KinesisMember>,
) -> Result<Kinesis<'a>, JsonError> {
    let mut kinesis = Kinesis::default();
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(kinesis);
    }
    scanner.members(keys, KinesisMember::of, |member, scanner| {
        let value = scanner.value()?;
        match member {
            KinesisMember::Data => kinesis.data = value.as_text(),
            KinesisMember::Arrival => kinesis.arrival = Timestamp::from_arrival(value),
            KinesisMember::SequenceNumber => kinesis.sequence_number = value.as_digits(),
            KinesisMember::PartitionKey => kinesis.partition_key = value.as_text(),
            KinesisMember::SubSequenceNumber => kinesis.sub_sequence_number = Some(value),
            KinesisMember::Other => {}
        }
        Ok::<_, JsonError>(())
    })?;
    Ok(kinesis)
}

#[cfg(test)]
mod tests;
