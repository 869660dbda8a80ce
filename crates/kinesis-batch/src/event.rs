//! A Kinesis event as an event source mapping sends it, decoded record by record.
//!
//! The published request types read arrival times wrong and fail the whole event for one record's bad base64. Here a
//! record's fault stays its own: only what no record can be answered without fails the event. (AWS Lambda developer
//! guide, "Using Lambda with Kinesis".)

use std::borrow::Cow;

use fraud_core::identity::{Position, stream_name};
use fraud_core::json::{JsonError, Scanner, Text, Value};
use fraud_core::timestamp::Timestamp;

use crate::redelivery::SUB_SEQUENCE_NUMBER;

/// Deeper than any event; a record's own payload is text here.
const MAX_DEPTH: usize = 64;

/// One event, borrowed from its JSON.
#[derive(Debug)]
pub struct KinesisEvent<'a> {
    /// The records, in the event's order: that of one shard.
    pub records: Vec<StreamRecord<'a>>,
}

/// One record of an event: what a producer put on the stream, be it one transaction or an aggregate of many.
#[derive(Debug)]
pub struct StreamRecord<'a> {
    /// The base64 data as it came; `None` where it is missing or no text.
    pub data: Option<Text<'a>>,
    /// When the record arrived at the stream.
    pub arrival: Option<Timestamp>,
    /// The sequence number: what Lambda knows the record by.
    pub sequence_number: Cow<'a, str>,
    /// The place inside its aggregate, where the data is a user record that was taken out of one before: see
    /// [`Redelivery`](crate::Redelivery). Lambda's own events never say so.
    pub sub_sequence_number: Option<u64>,
    stream_arn: Cow<'a, str>,
    event_id: Cow<'a, str>,
}

/// An event that is no Kinesis event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEvent {
    /// Not JSON at all.
    #[error("the event is not JSON: {0}")]
    Json(#[from] JsonError),
    /// Something that every Kinesis event has is not there.
    #[error("not a Kinesis event: {0}")]
    Missing(String),
}

impl From<InvalidEvent> for lambda_runtime::Diagnostic {
    fn from(error: InvalidEvent) -> Self {
        lambda_runtime::Diagnostic { error_type: "InvalidEvent".to_owned(), error_message: error.to_string() }
    }
}

impl<'a> KinesisEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`InvalidEvent`] where it is no Kinesis event.
    pub fn parse(event: &'a str) -> Result<Self, InvalidEvent> {
        let mut scanner = Scanner::new(event, MAX_DEPTH);
        if scanner.peek() != Some(b'{') {
            scanner.value()?;
            return Err(InvalidEvent::Missing("it is no JSON object".to_owned()));
        }
        let mut records = None;
        scanner.object(|key, scanner| {
            match key.decode().as_deref() {
                Some("Records") => records = Some(read_records(scanner)?),
                _ => drop(scanner.value()?),
            }
            Ok::<_, InvalidEvent>(())
        })?;
        scanner.end()?;
        let records = records.ok_or_else(|| InvalidEvent::Missing("`Records` is missing".to_owned()))?;
        Ok(KinesisEvent { records })
    }
}

impl StreamRecord<'_> {
    /// Where the record stands, or the user record at this place inside it.
    pub fn position(&self, sub_sequence_number: u64) -> Position<'_> {
        Position {
            // Both were found when the event was read.
            stream: stream_name(&self.stream_arn).unwrap_or_default(),
            shard: shard_id(&self.event_id).unwrap_or_default(),
            sequence_number: &self.sequence_number,
            sub_sequence_number,
        }
    }
}

/// `shardId-000000000006` of `shardId-000000000006:4954511523324316634...`.
fn shard_id(event_id: &str) -> Option<&str> {
    event_id.split_once(':').map(|(shard, _)| shard).filter(|shard| !shard.is_empty())
}

fn read_records<'a>(scanner: &mut Scanner<'a>) -> Result<Vec<StreamRecord<'a>>, InvalidEvent> {
    if scanner.peek() != Some(b'[') {
        scanner.value()?;
        return Err(InvalidEvent::Missing("`Records` is no array".to_owned()));
    }
    let mut records = Vec::new();
    scanner.array(|scanner| {
        records.push(read_record(scanner, records.len())?);
        Ok::<_, InvalidEvent>(())
    })?;
    Ok(records)
}

fn read_record<'a>(scanner: &mut Scanner<'a>, index: usize) -> Result<StreamRecord<'a>, InvalidEvent> {
    let missing = |what: &str| InvalidEvent::Missing(format!("`Records[{index}]{what}"));
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Err(missing("` is no object"));
    }
    let (mut event_id, mut stream_arn) = (None, None);
    let mut kinesis = KinesisMember::default();
    scanner.object(|key, scanner| {
        match key.decode().as_deref() {
            Some("eventID") => event_id = scanner.value()?.as_str(),
            Some("eventSourceARN") => stream_arn = scanner.value()?.as_str(),
            Some("kinesis") => kinesis = read_kinesis(scanner)?,
            _ => drop(scanner.value()?),
        }
        Ok::<_, JsonError>(())
    })?;
    let sub_sequence_number = kinesis.sub_sequence_number.map(|place| {
        let place = if let Value::Number(digits) = place { digits.parse().ok() } else { None };
        place.ok_or_else(|| missing(&format!(".kinesis.{SUB_SEQUENCE_NUMBER}` is no place in an aggregate")))
    });
    Ok(StreamRecord {
        data: kinesis.data,
        arrival: kinesis.arrival,
        sequence_number: kinesis
            .sequence_number
            .ok_or_else(|| missing(".kinesis.sequenceNumber` is missing"))?,
        sub_sequence_number: sub_sequence_number.transpose()?,
        stream_arn: stream_arn
            .filter(|arn| stream_name(arn).is_some())
            .ok_or_else(|| missing(".eventSourceARN` names no stream"))?,
        event_id: event_id
            .filter(|id| shard_id(id).is_some())
            .ok_or_else(|| missing(".eventID` names no shard"))?,
    })
}

/// A record's member `kinesis`.
#[derive(Default)]
struct KinesisMember<'a> {
    data: Option<Text<'a>>,
    arrival: Option<Timestamp>,
    sequence_number: Option<Cow<'a, str>>,
    sub_sequence_number: Option<Value<'a>>,
}

fn read_kinesis<'a>(scanner: &mut Scanner<'a>) -> Result<KinesisMember<'a>, JsonError> {
    let mut kinesis = KinesisMember::default();
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(kinesis);
    }
    scanner.object(|key, scanner| {
        let value = scanner.value()?;
        match key.decode().as_deref() {
            Some("data") => kinesis.data = value.as_text(),
            Some("approximateArrivalTimestamp") => kinesis.arrival = Timestamp::from_arrival(value),
            Some("sequenceNumber") => kinesis.sequence_number = value.as_digits(),
            Some(SUB_SEQUENCE_NUMBER) => kinesis.sub_sequence_number = Some(value),
            _ => {}
        }
        Ok::<_, JsonError>(())
    })?;
    Ok(kinesis)
}

#[cfg(test)]
mod tests;
