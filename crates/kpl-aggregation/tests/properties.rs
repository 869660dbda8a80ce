//! What holds for any aggregate, and for any bytes at all.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests; clippy.toml exempts only the tests themselves"
)]

use bytes::Bytes;
use kpl_aggregation::{Entry, Payload, encode, split};
use md5::{Digest, Md5};
use proptest::{collection::vec, option, prelude::*};

const MAGIC: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// Partition key, explicit hash key and data.
type Fields = (String, Option<u128>, Vec<u8>);

/// Any unicode, and often the same few keys.
fn partition_key() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]", "\\PC{0,20}", any::<String>()]
}

fn fields(records: usize) -> impl Strategy<Value = Vec<Fields>> {
    vec((partition_key(), option::of(any::<u128>()), vec(any::<u8>(), 0..200)), 1..=records)
}

fn aggregate(fields: &[Fields]) -> Bytes {
    let entries: Vec<Entry<'_>> = fields
        .iter()
        .map(|(partition_key, explicit_hash_key, data)| Entry {
            partition_key,
            explicit_hash_key: *explicit_hash_key,
            data,
        })
        .collect();
    encode(&entries).unwrap()
}

/// The body between the magic and a trailer that matches it.
fn seal(body: &[u8]) -> Bytes {
    [&MAGIC[..], body, &Md5::digest(body)].concat().into()
}

fn assert_ordinary(data: Bytes) {
    assert_eq!(split(data.clone()), Payload::Plain(data));
}

/// Either nothing was changed, or there are records, numbered from 0, whose data lie inside the input.
fn assert_whole_or_split(data: Bytes) {
    let input = data.as_ptr_range();
    match split(data.clone()) {
        Payload::Plain(same) => assert_eq!(same, data),
        Payload::Aggregate(records) => {
            assert!(!records.is_empty());
            for (position, record) in records.iter().enumerate() {
                assert_eq!(record.sub_sequence_number, position as u64);
                let payload = record.data.as_ptr_range();
                assert!(payload.is_empty() || (input.start <= payload.start && payload.end <= input.end));
            }
        }
    }
}

fn assert_splits_into(data: Bytes, fields: &[Fields]) {
    let Payload::Aggregate(records) = split(data) else { panic!("ordinary data") };
    assert_eq!(records.len(), fields.len());
    for (position, (record, (partition_key, _, data))) in records.iter().zip(fields).enumerate() {
        assert_eq!(record.partition_key.as_deref(), Some(partition_key.as_str()));
        assert_eq!(record.data, data);
        assert_eq!(record.sub_sequence_number, position as u64);
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_what_split_gives_back(fields in fields(40)) {
        assert_splits_into(aggregate(&fields), &fields);
    }

    #[test]
    fn any_bytes_are_ordinary_data(data in vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        assert_ordinary(if magic { [&MAGIC[..], &data].concat().into() } else { data.into() });
    }

    #[test]
    fn any_message_under_a_trailer_that_matches_is_kept_whole_or_split(body in vec(any::<u8>(), 0..300)) {
        assert_whole_or_split(seal(&body));
    }

    #[test]
    fn a_damaged_message_under_a_trailer_that_matches_is_kept_whole_or_split(
        fields in fields(5),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let intact = aggregate(&fields);
        let mut body = intact[MAGIC.len()..intact.len() - 16].to_vec();
        for (position, byte) in damage {
            let position = position.index(body.len());
            body[position] = byte;
        }
        assert_whole_or_split(seal(&body));
    }

    #[test]
    fn an_aggregate_with_one_bit_flipped_is_ordinary_data(
        fields in fields(10),
        position in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let mut data = aggregate(&fields).to_vec();
        let position = position.index(data.len());
        data[position] ^= 1_u8 << bit;
        assert_ordinary(data.into());
    }

    #[test]
    fn an_aggregate_cut_off_anywhere_is_ordinary_data(fields in fields(3)) {
        let data = aggregate(&fields);
        for length in 0..data.len() {
            assert_ordinary(data.slice(..length));
        }
    }

    #[test]
    fn an_aggregate_with_bytes_behind_it_is_ordinary_data(
        fields in fields(3),
        more in vec(any::<u8>(), 1..20),
    ) {
        assert_ordinary([&aggregate(&fields)[..], &more].concat().into());
    }
}

#[test]
fn any_one_bit_of_an_aggregate_decides() {
    let data = aggregate(&[("a".into(), Some(7), b"{}".to_vec()), ("b".into(), None, b"[]".to_vec())]);
    for bit in 0..data.len() * 8 {
        let mut flipped = data.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_ordinary(flipped.into());
    }
}

#[test]
fn a_large_aggregate_is_split_whole() {
    let fields: Vec<Fields> = (0..20_000_u32)
        .map(|n| (format!("customer-{}", n % 7_000), Some(u128::from(n)), n.to_le_bytes().repeat(90)))
        .collect();
    assert_splits_into(aggregate(&fields), &fields);
}

#[test]
fn records_without_data_are_records() {
    let fields: Vec<Fields> = vec![(String::new(), None, Vec::new()); 3];
    assert_splits_into(aggregate(&fields), &fields);
}
