//! The transactions of an event, in order, each with the position that it came from.

use std::ops::Range;

use bytes::Bytes;
use exact_text::base64::{DataFault, Payloads};
use exact_text::timestamp::Timestamp;
use fraud_aws::reason::FailureReason;
use fraud_core::identity::Position;
use fraud_core::transaction::{Reading, Transaction, TransactionReader};
use kpl_aggregation::{Payload, split};
use lambda_events::InvalidEvent;
use lambda_events::kinesis::{KinesisEvent, StreamRecord};

/// An event taken apart: every user record of it in the order of the shard. A KPL aggregate is as many items as it
/// holds records, anything else is one.
#[derive(Debug)]
pub struct Batch<'a> {
    event: KinesisEvent<'a>,
    items: Vec<Item>,
}

/// One user record.
#[derive(Debug)]
struct Item {
    /// The place of its stream record in the event.
    record: usize,
    sub_sequence_number: u64,
    payload: Result<Bytes, FailureReason>,
    aggregated: bool,
}

/// A valid transaction of a batch.
#[derive(Debug)]
pub struct Received<'b> {
    /// The transaction.
    pub transaction: Transaction<'b>,
    /// When it arrived at the stream.
    pub arrival: Timestamp,
    /// Its position in the stream.
    pub position: Position<'b>,
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
                    let payload = range.map(|range| arena.slice(range)).map_err(FailureReason::from);
                    items.push(Item { record, sub_sequence_number, payload, aggregated: false });
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

    /// Every user record in order: a transaction, read by `reading`, or why it is none.
    pub fn transactions<'b>(&'b self, reading: &'b Reading) -> Vec<Result<Received<'b>, FailureReason>> {
        let mut reader = TransactionReader::new(reading);
        self.items.iter().map(|item| self.received(item, &mut reader)).collect()
    }

    fn received<'b>(
        &'b self,
        item: &'b Item,
        reader: &mut TransactionReader<'b>,
    ) -> Result<Received<'b>, FailureReason> {
        let payload = item.payload.as_ref().map_err(|reason| *reason)?;
        let transaction = reader.read(payload)?;
        let record = self.event.records.get(item.record).ok_or(FailureReason::MissingData)?;
        Ok(Received {
            transaction,
            arrival: record.arrival.ok_or(FailureReason::MissingArrivalTime)?,
            position: record.position(item.sub_sequence_number),
        })
    }
}

fn take_apart(arena: &Bytes, record: usize, range: Result<Range<usize>, DataFault>, items: &mut Vec<Item>) {
    match range.map(|range| split(arena.slice(range))) {
        Ok(Payload::Plain(data)) => {
            items.push(Item { record, sub_sequence_number: 0, payload: Ok(data), aggregated: false });
        }
        Ok(Payload::Aggregate(users)) => items.extend(users.into_iter().map(|user| Item {
            record,
            sub_sequence_number: user.sub_sequence_number,
            payload: Ok(user.data),
            aggregated: true,
        })),
        Err(reason) => {
            items.push(Item {
                record,
                sub_sequence_number: 0,
                payload: Err(reason.into()),
                aggregated: false,
            });
        }
    }
}

#[cfg(test)]
mod tests;
