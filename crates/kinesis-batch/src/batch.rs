//! The user records of an event, in order, each with the position that it came from.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use exact_text::base64::{DataFault, Payloads};
use exact_text::timestamp::Timestamp;
use kpl_aggregation::{Payload, split};
use lambda_events::InvalidEvent;
use lambda_events::kinesis::{KinesisEvent, StreamRecord};
use stream_position::Position;

/// An event taken apart: every user record of it in the order of the shard. A KPL aggregate is as many items as it
/// holds records, anything else is one.
#[derive(Debug)]
pub struct Batch<'a> {
    event: KinesisEvent<'a>,
    items: Vec<Item>,
}

/// What is kept of a user record.
#[derive(Debug)]
struct Item {
    /// The place of its stream record in the event.
    record: usize,
    sub_sequence_number: u64,
    payload: Result<Bytes, DataFault>,
    /// Its own key, if it is out of an aggregate that tells it.
    partition_key: Option<Arc<str>>,
    aggregated: bool,
}

impl Item {
    /// What a stream record holds that is not an aggregate.
    fn alone(record: usize, sub_sequence_number: u64, payload: Result<Bytes, DataFault>) -> Self {
        Item { record, sub_sequence_number, payload, partition_key: None, aggregated: false }
    }
}

/// One user record of a batch.
#[derive(Debug, Clone, Copy)]
pub struct UserRecord<'b> {
    item: &'b Item,
    record: &'b StreamRecord<'b>,
}

impl<'b> UserRecord<'b> {
    /// Its bytes as the producer wrote them.
    ///
    /// # Errors
    /// [`DataFault`] if the event gives the stream record no data, or data that are not base64.
    pub fn payload(&self) -> Result<&'b Bytes, DataFault> {
        self.item.payload.as_ref().map_err(|fault| *fault)
    }

    /// When it arrived at the stream; `None` if the event does not say so.
    pub fn arrival(&self) -> Option<Timestamp> {
        self.record.arrival
    }

    /// Its position in the stream.
    pub fn position(&self) -> Position<'b> {
        self.record.position(self.item.sub_sequence_number)
    }

    /// Its own partition key, or the stream record's if the aggregate does not tell it. `None` if the event has none.
    pub fn partition_key(&self) -> Option<Cow<'b, str>> {
        match &self.item.partition_key {
            Some(key) => Some(Cow::Borrowed(key)),
            None => self.record.partition_key?.decode(),
        }
    }
}

impl<'a> Batch<'a> {
    /// Reads an event and takes its records apart.
    ///
    /// # Errors
    /// [`InvalidEvent`] if it is not a Kinesis event.
    pub fn read(event: &'a str) -> Result<Self, InvalidEvent> {
        let event = KinesisEvent::parse(event)?;
        let payloads = Payloads::decode(event.records.iter().map(|record| record.data));
        let (arena, ranges) = payloads.into_parts();
        let arena = Bytes::from(arena);
        let mut items = Vec::with_capacity(ranges.len());
        for (record, range) in ranges.into_iter().enumerate() {
            match event.records.get(record).and_then(|record| record.sub_sequence_number) {
                None => take_apart(&arena, record, range, &mut items),
                Some(sub_sequence_number) => {
                    let payload = range.map(|range| arena.slice(range));
                    items.push(Item::alone(record, sub_sequence_number, payload));
                }
            }
        }
        Ok(Batch { event, items })
    }

    /// The number of user records.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no record at all.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The stream records that the user records came in.
    pub fn stream_records(&self) -> &[StreamRecord<'a>] {
        &self.event.records
    }

    /// The position of the item at `index`, for log lines.
    pub fn position_text(&self, index: usize) -> Option<String> {
        let item = self.items.get(index)?;
        let record = self.event.records.get(item.record)?;
        Some(record.position(item.sub_sequence_number).to_string())
    }

    /// The place in [`stream_records`](Self::stream_records) that the item at `index` came from.
    pub(crate) fn stream_record(&self, index: usize) -> Option<&StreamRecord<'a>> {
        self.event.records.get(self.items.get(index)?.record)
    }

    /// Whether two items came in the same stream record.
    pub(crate) fn are_of_one_record(&self, one: usize, other: usize) -> bool {
        let record = |index: usize| self.items.get(index).map(|item| item.record);
        record(one) == record(other)
    }

    /// The place of the item at `index` inside its stream record, and its bytes where that record is an aggregate.
    pub(crate) fn place_in_aggregate(&self, index: usize) -> Option<(u64, Option<&Bytes>)> {
        let item = self.items.get(index)?;
        let inner = item.payload.as_ref().ok().filter(|_| item.aggregated);
        Some((item.sub_sequence_number, inner))
    }

    /// The first of the items that came in the same stream record as the one at `index`.
    pub(crate) fn first_item_beside(&self, index: usize) -> usize {
        let record = self.items.get(index).map(|item| item.record);
        let before =
            self.items.iter().take(index).rev().take_while(|item| Some(item.record) == record).count();
        index - before
    }

    /// Every user record with its index, in order.
    pub fn records(&self) -> impl Iterator<Item = (usize, UserRecord<'_>)> {
        // Each item is out of a record of the event, so that none is left out.
        self.items.iter().enumerate().filter_map(|(index, item)| {
            Some((index, UserRecord { item, record: self.event.records.get(item.record)? }))
        })
    }
}

fn take_apart(arena: &Bytes, record: usize, range: Result<Range<usize>, DataFault>, items: &mut Vec<Item>) {
    match range.map(|range| split(arena.slice(range))) {
        Ok(Payload::Plain(data)) => items.push(Item::alone(record, 0, Ok(data))),
        Ok(Payload::Aggregate(users)) => items.extend(users.into_iter().map(|user| Item {
            record,
            sub_sequence_number: user.sub_sequence_number,
            payload: Ok(user.data),
            partition_key: user.partition_key,
            aggregated: true,
        })),
        Err(fault) => items.push(Item::alone(record, 0, Err(fault))),
    }
}

#[cfg(test)]
mod tests;
