//! Aggregated records made by an independent implementation (`fixtures/make.py`), against the listing of what went
//! into each.

#![allow(clippy::unwrap_used, reason = "helpers of tests; clippy.toml exempts only the tests themselves")]

use bytes::Bytes;
use kpl_aggregation::{Entry, Payload, UserRecord, encode, split};
use serde::Deserialize;

/// One line of a listing.
#[derive(Deserialize)]
struct Listed {
    partition_key: String,
    explicit_hash_key: Option<String>,
    data_hex: String,
}

impl Listed {
    fn data(&self) -> Vec<u8> {
        let digits: Vec<u32> = self.data_hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }
}

fn assert_holds_what_is_listed(aggregate: &'static [u8], listing: &str) {
    let listed: Vec<Listed> = serde_json::from_str(listing).unwrap();
    let expected: Vec<UserRecord> = (0..)
        .zip(&listed)
        .map(|(sub_sequence_number, listed)| UserRecord {
            partition_key: Some(listed.partition_key.as_str().into()),
            data: listed.data().into(),
            sub_sequence_number,
        })
        .collect();
    assert_eq!(split(Bytes::from_static(aggregate)), Payload::Aggregate(expected));
}

fn assert_encodes_to_the_same_bytes(aggregate: &'static [u8], listing: &str) {
    let listed: Vec<Listed> = serde_json::from_str(listing).unwrap();
    let data: Vec<Vec<u8>> = listed.iter().map(Listed::data).collect();
    let entries: Vec<Entry<'_>> = listed
        .iter()
        .zip(&data)
        .map(|(listed, data)| Entry {
            partition_key: &listed.partition_key,
            explicit_hash_key: listed.explicit_hash_key.as_ref().map(|key| key.parse().unwrap()),
            data,
        })
        .collect();
    assert_eq!(encode(&entries).unwrap(), aggregate);
}

macro_rules! fixtures {
    ($($name:ident)*) => {$(
        mod $name {
            const AGGREGATE: &[u8] = include_bytes!(concat!("fixtures/", stringify!($name), ".bin"));
            const LISTING: &str = include_str!(concat!("fixtures/", stringify!($name), ".json"));

            #[test]
            fn splits_into_what_went_in() {
                super::assert_holds_what_is_listed(AGGREGATE, LISTING);
            }

            #[test]
            fn is_what_encode_writes_for_what_went_in() {
                super::assert_encodes_to_the_same_bytes(AGGREGATE, LISTING);
            }
        }
    )*};
}

fixtures! { one_record transactions explicit_hash_keys unicode_keys empty_data every_byte many_keys nested }
