//! Telling aggregated records from ordinary ones, and taking them apart.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::{
    envelope::{self, MAGIC},
    message::AggregatedRecord,
};

/// What the data of one Kinesis record are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Ordinary data: one record, byte for byte what was given.
    ///
    /// Data that begin with the magic but are not an aggregate count as ordinary, as in the KCL: cut off, a trailer
    /// that is not the message's MD5, a message that is not valid protobuf, or one of whose records lacks a
    /// required field (partition key index or data).
    ///
    /// So does an aggregate without records, which no sound producer writes. The KCL skips it; here its bytes stay,
    /// for whoever handles data that are of no use.
    Plain(Bytes),
    /// The user records of an aggregate, in their order; at least one.
    Aggregate(Vec<UserRecord>),
}

/// One user record out of an aggregate.
///
/// Explicit hash keys are not read. The KCL uses them, and the partition keys, to drop an aggregate that reached a
/// shard it does not belong to after a reshard; here every record counts, wherever it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The user record's own partition key, shared with the aggregate's other records of that key. Bytes that are
    /// not UTF-8 become U+FFFD, as in the KCL.
    ///
    /// `None` if the record's index points outside the aggregate's table, which no sound producer writes. The KCL
    /// (like `aws-kinesis-agg` for Python) logs such a record and drops it with all that follow it; here none
    /// is dropped. The key of the whole Kinesis record is the nearest thing to the missing one.
    pub partition_key: Option<Arc<str>>,
    /// The payload, a slice of the Kinesis record's data: it keeps their memory alive.
    pub data: Bytes,
    /// The position inside the aggregate, from 0. All user records of an aggregate share one sequence number; this
    /// tells them apart.
    pub sub_sequence_number: u64,
}

/// Splits the data of one Kinesis record into user records, if they are a KPL aggregate.
///
/// `data` are the record's bytes, after base64 decoding if the event carries base64. No payload is copied:
/// what comes back are slices of `data`, or `data` itself. Ordinary data cost the comparison of four bytes; an
/// aggregate costs an MD5 over all its bytes, which outweighs the rest. Memory beyond the input is a few dozen bytes
/// for each record; for a message made of nothing but empty records, about thirty times its size.
///
/// Never fails and never panics: whatever is not an aggregate is [`Payload::Plain`]. A payload that is itself an
/// aggregate is not split again, as in the KCL.
#[inline]
#[must_use]
pub fn split(data: Bytes) -> Payload {
    if !data.starts_with(&MAGIC) {
        return Payload::Plain(data);
    }
    match user_records(&data) {
        Some(records) => Payload::Aggregate(records),
        None => Payload::Plain(data),
    }
}

/// The records of an aggregate; `None` if `data` are ordinary.
fn user_records(data: &Bytes) -> Option<Vec<UserRecord>> {
    let aggregate = AggregatedRecord::decode(envelope::open(data)?).ok()?;
    if aggregate.records.is_empty() {
        return None;
    }
    let partition_keys: Vec<Arc<str>> =
        aggregate.partition_key_table.iter().map(|key| String::from_utf8_lossy(key).into()).collect();
    (0..)
        .zip(aggregate.records)
        .map(|(sub_sequence_number, record)| {
            let key_index = record.partition_key_index?;
            let partition_key = usize::try_from(key_index).ok().and_then(|index| partition_keys.get(index));
            Some(UserRecord {
                partition_key: partition_key.cloned(),
                data: record.data?,
                sub_sequence_number,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Record;

    fn record(partition_key_index: u64, data: &'static str) -> Record {
        Record {
            partition_key_index: Some(partition_key_index),
            explicit_hash_key_index: None,
            data: Some(data.into()),
        }
    }

    fn aggregate(partition_keys: &[&'static [u8]], records: Vec<Record>) -> AggregatedRecord {
        AggregatedRecord {
            partition_key_table: partition_keys.iter().map(|key| Bytes::from_static(key)).collect(),
            explicit_hash_key_table: Vec::new(),
            records,
        }
    }

    /// Key and data of each record of an aggregate.
    fn split_aggregate(data: Bytes) -> Vec<(Option<String>, Bytes)> {
        match split(data) {
            Payload::Aggregate(records) => {
                records.into_iter().map(|r| (r.partition_key.map(|key| key.to_string()), r.data)).collect()
            }
            Payload::Plain(data) => panic!("ordinary data: {data:?}"),
        }
    }

    fn assert_ordinary(data: Bytes) {
        assert_eq!(split(data.clone()), Payload::Plain(data));
    }

    /// Raw protobuf, for messages that the types of this crate cannot express.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Raw {
        #[prost(string, repeated, tag = "1")]
        partition_key_table: Vec<String>,
        #[prost(bytes = "bytes", repeated, tag = "3")]
        records: Vec<Bytes>,
        #[prost(string, optional, tag = "9")]
        unknown: Option<String>,
    }

    fn raw(record: &'static [u8]) -> Bytes {
        envelope::seal(&Raw {
            partition_key_table: vec!["k".into()],
            records: vec![Bytes::from_static(record)],
            unknown: Some("later version".into()),
        })
    }

    #[test]
    fn payloads_are_slices_of_the_input() {
        let data = envelope::seal(&aggregate(&[b"k"], vec![record(0, "first"), record(0, "second")]));
        let input = data.as_ptr_range();
        for (_, payload) in split_aggregate(data) {
            assert!(input.contains(&payload.as_ptr()));
        }
    }

    #[test]
    fn a_partition_key_index_outside_the_table_loses_the_key_and_no_record() {
        let records =
            vec![record(0, "a"), record(1, "b"), record(u64::MAX, "c"), record(1 << 32, "d"), record(0, "e")];
        let split = split_aggregate(envelope::seal(&aggregate(&[b"k"], records)));
        let key = || Some("k".to_owned());
        assert_eq!(
            split,
            [
                (key(), "a".into()),
                (None, "b".into()),
                (None, "c".into()),
                (None, "d".into()),
                (key(), "e".into())
            ]
        );
    }

    #[test]
    fn an_explicit_hash_key_index_outside_the_table_changes_nothing() {
        let mut stray = record(0, "a");
        stray.explicit_hash_key_index = Some(7);
        let split = split_aggregate(envelope::seal(&aggregate(&[b"k"], vec![stray])));
        assert_eq!(split, [(Some("k".to_owned()), "a".into())]);
    }

    #[test]
    fn a_partition_key_that_is_not_utf8_costs_no_record() {
        let split = split_aggregate(envelope::seal(&aggregate(&[b"k\xFF"], vec![record(0, "a")])));
        assert_eq!(split, [(Some("k\u{FFFD}".to_owned()), "a".into())]);
    }

    #[test]
    fn tags_and_unknown_fields_are_skipped() {
        let with_tags = raw(b"\x08\x00\x1A\x01a\x22\x06\x0A\x01t\x12\x01v\x52\x02zz");
        assert_eq!(split_aggregate(with_tags), [(Some("k".to_owned()), "a".into())]);
    }

    #[test]
    fn fields_in_another_order_are_read() {
        assert_eq!(split_aggregate(raw(b"\x1A\x01a\x08\x00")), [(Some("k".to_owned()), "a".into())]);
    }

    #[test]
    fn a_record_without_a_partition_key_index_makes_ordinary_data() {
        assert_ordinary(raw(b"\x1A\x01a"));
    }

    #[test]
    fn a_record_without_data_makes_ordinary_data() {
        assert_ordinary(raw(b"\x08\x00"));
    }

    #[test]
    fn a_message_that_is_not_protobuf_is_ordinary_data() {
        assert_ordinary(raw(b"\x1A\x7Fcut off"));
        assert_ordinary(raw(b"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
        assert_ordinary(raw(b"\x0Bgroup never closed"));
    }

    #[test]
    fn an_aggregate_without_records_is_ordinary_data() {
        assert_ordinary(envelope::seal(&aggregate(&[], vec![])));
        assert_ordinary(envelope::seal(&aggregate(&[b"k"], vec![])));
    }

    #[test]
    fn data_that_only_begin_like_an_aggregate_are_ordinary() {
        assert_ordinary(Bytes::new());
        assert_ordinary(Bytes::from_static(&MAGIC));
        assert_ordinary(Bytes::from_static(b"\xF3\x89\x9A\xC2 and then some text, longer than a digest"));
    }

    #[test]
    fn ordinary_data_come_back_as_the_same_memory() {
        let data = Bytes::from_static(b"{\"amount\": 12.5}");
        let Payload::Plain(same) = split(data.clone()) else { panic!("an aggregate") };
        assert_eq!(same.as_ptr(), data.as_ptr());
    }
}
