//! A Firehose transformation event (Amazon Data Firehose developer guide,
//! <https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html>).

use std::borrow::Cow;

use exact_text::json::{JsonError, RepeatedKeys, Scanner, Text, Value};
use exact_text::timestamp::Timestamp;
use stream_position::Position;

use crate::event::{InvalidEvent, Kind, stream_name};

const KIND: Kind = Kind { name: "Firehose transformation", list: "records" };

/// One event, borrowed from its JSON.
#[derive(Debug)]
pub struct FirehoseEvent<'a> {
    /// The records, in the event's order.
    pub records: Vec<FirehoseRecord<'a>>,
    /// The name of the Kinesis stream that the delivery stream reads, where it reads one.
    stream: Option<String>,
}

/// One record of an event.
#[derive(Debug)]
pub struct FirehoseRecord<'a> {
    /// The id under which the record must be answered.
    pub id: Text<'a>,
    /// The base64 data as it came; `None` if it is missing or not text.
    pub data: Option<Text<'a>>,
    /// When it arrived at Firehose, as the event writes it.
    own_arrival: Value<'a>,
    metadata: Metadata<'a>,
}

/// What Firehose says of a record that it read from a Kinesis stream.
#[derive(Debug, Default)]
struct Metadata<'a> {
    arrival: Option<Timestamp>,
    shard: Option<Cow<'a, str>>,
    sequence_number: Option<Cow<'a, str>>,
    sub_sequence_number: u64,
}

impl<'a> FirehoseEvent<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// [`InvalidEvent`] if it is not a Firehose transformation event.
    pub fn parse(event: &'a str) -> Result<Self, InvalidEvent> {
        let mut reader = RecordReader::default();
        let mut stream = None;
        let records = KIND.read(
            event,
            |scanner, index| reader.record(scanner, index),
            |key, scanner| {
                let value = scanner.value()?;
                if key.decode().as_deref() == Some("sourceKinesisStreamArn") {
                    stream = value.as_str().and_then(|arn| stream_name(&arn).map(str::to_owned));
                }
                Ok(())
            },
        )?;
        Ok(FirehoseEvent { records, stream })
    }

    /// A record's place in the source stream, if it came from one.
    pub fn position(&'a self, record: &'a FirehoseRecord<'a>) -> Option<Position<'a>> {
        let metadata = &record.metadata;
        Some(Position {
            stream: self.stream.as_deref()?,
            shard: metadata.shard.as_deref()?,
            sequence_number: metadata.sequence_number.as_deref()?,
            sub_sequence_number: metadata.sub_sequence_number,
        })
    }
}

impl FirehoseRecord<'_> {
    /// When the record arrived: at the stream where it came from one, else at Firehose.
    pub fn arrival(&self) -> Option<Timestamp> {
        self.metadata.arrival.or_else(|| Timestamp::from_arrival(self.own_arrival))
    }
}

/// Reads the records of an event.
#[derive(Debug, Default)]
struct RecordReader<'a> {
    record_keys: RepeatedKeys<'a, RecordMember>,
    metadata_keys: RepeatedKeys<'a, MetadataMember>,
}

/// A record's member.
#[derive(Debug, Clone, Copy)]
enum RecordMember {
    Id,
    Data,
    Arrival,
    Metadata,
    Other,
}

impl RecordMember {
    fn of(key: Option<&str>) -> Self {
        match key {
            Some("recordId") => RecordMember::Id,
            Some("data") => RecordMember::Data,
            Some("approximateArrivalTimestamp") => RecordMember::Arrival,
            Some("kinesisRecordMetadata") => RecordMember::Metadata,
            _ => RecordMember::Other,
        }
    }
}

/// A member of a record's `kinesisRecordMetadata`.
#[derive(Debug, Clone, Copy)]
enum MetadataMember {
    Arrival,
    Shard,
    SequenceNumber,
    SubSequenceNumber,
    Other,
}

impl MetadataMember {
    fn of(key: Option<&str>) -> Self {
        match key {
            Some("approximateArrivalTimestamp") => MetadataMember::Arrival,
            Some("shardId") => MetadataMember::Shard,
            Some("sequenceNumber") => MetadataMember::SequenceNumber,
            Some("subsequenceNumber") => MetadataMember::SubSequenceNumber,
            _ => MetadataMember::Other,
        }
    }
}

impl<'a> RecordReader<'a> {
    fn record(
        &mut self,
        scanner: &mut Scanner<'a>,
        index: usize,
    ) -> Result<FirehoseRecord<'a>, InvalidEvent> {
        let (mut id, mut data, mut own_arrival) = (None, None, Value::Null);
        let mut metadata = Metadata::default();
        let RecordReader { record_keys, metadata_keys } = self;
        scanner.members(record_keys, RecordMember::of, |member, scanner| {
            match member {
                RecordMember::Id => id = scanner.value()?.as_text(),
                RecordMember::Data => data = scanner.value()?.as_text(),
                RecordMember::Arrival => own_arrival = scanner.value()?,
                RecordMember::Metadata => metadata = read_metadata(scanner, metadata_keys)?,
                RecordMember::Other => drop(scanner.value()?),
            }
            Ok::<_, JsonError>(())
        })?;
        let id = id.ok_or_else(|| KIND.invalid_record(index, ".recordId` is missing"))?;
        Ok(FirehoseRecord { id, data, own_arrival, metadata })
    }
}

fn read_metadata<'a>(
    scanner: &mut Scanner<'a>,
    keys: &mut RepeatedKeys<'a, MetadataMember>,
) -> Result<Metadata<'a>, JsonError> {
    let mut metadata = Metadata::default();
    if scanner.peek() != Some(b'{') {
        scanner.value()?;
        return Ok(metadata);
    }
    scanner.members(keys, MetadataMember::of, |member, scanner| {
        let value = scanner.value()?;
        match member {
            MetadataMember::Arrival => metadata.arrival = Timestamp::from_arrival(value),
            MetadataMember::Shard => metadata.shard = value.as_str().filter(|shard| !shard.is_empty()),
            MetadataMember::SequenceNumber => metadata.sequence_number = value.as_digits(),
            MetadataMember::SubSequenceNumber => {
                // Published samples have an empty text here, some tools a number as text.
                metadata.sub_sequence_number =
                    value.as_digits().and_then(|digits| digits.parse().ok()).unwrap_or(0);
            }
            MetadataMember::Other => {}
        }
        Ok::<_, JsonError>(())
    })?;
    Ok(metadata)
}

#[cfg(test)]
mod tests;
