//! Building an aggregated record.

use std::collections::HashMap;

use bytes::Bytes;

use crate::{
    envelope,
    message::{AggregatedRecord, Record},
};

/// One user record to put into an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry<'a> {
    /// The user record's own partition key. Its length is not checked: Kinesis checks only the key that the whole
    /// Kinesis record is put with.
    pub partition_key: &'a str,
    /// Where in the stream's hash key range the user record belongs, in place of the MD5 of its partition key.
    pub explicit_hash_key: Option<u128>,
    /// The payload; may be empty.
    pub data: &'a [u8],
}

/// Why no aggregated record could be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// There was no entry. An aggregate without records says nothing, and [`split`](crate::split) does not take
    /// it for one.
    #[error("an aggregated record holds at least one user record")]
    NoEntries,
}

/// The aggregated Kinesis record that holds `entries` in their order, each distinct key once as in the KPL.
///
/// The result's size is not checked: what a stream accepts in one record (1 MiB unless configured otherwise) is
/// the caller's to keep. The caller also chooses the partition key to put it with; all user records go to that
/// key's shard, and KCL consumers drop an aggregate with a user record that another shard should have.
///
/// # Errors
///
/// [`EncodeError::NoEntries`] if `entries` is empty.
pub fn encode(entries: &[Entry<'_>]) -> Result<Bytes, EncodeError> {
    if entries.is_empty() {
        return Err(EncodeError::NoEntries);
    }
    let mut partition_keys = KeyTable::default();
    let mut explicit_hash_keys = KeyTable::default();
    let records = entries
        .iter()
        .map(|entry| Record {
            partition_key_index: Some(partition_keys.index_of(entry.partition_key)),
            explicit_hash_key_index: entry
                .explicit_hash_key
                .map(|key| explicit_hash_keys.index_of(&key.to_string())),
            data: Some(Bytes::copy_from_slice(entry.data)),
        })
        .collect();
    Ok(envelope::seal(&AggregatedRecord {
        partition_key_table: partition_keys.keys,
        explicit_hash_key_table: explicit_hash_keys.keys,
        records,
    }))
}

/// Distinct keys in the order of their first use.
#[derive(Default)]
struct KeyTable {
    keys: Vec<Bytes>,
    indexes: HashMap<Bytes, u64>,
}

impl KeyTable {
    fn index_of(&mut self, key: &str) -> u64 {
        if let Some(index) = self.indexes.get(key.as_bytes()) {
            return *index;
        }
        let index = self.keys.len() as u64;
        let key = Bytes::copy_from_slice(key.as_bytes());
        self.keys.push(key.clone());
        self.indexes.insert(key, index);
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entries_are_refused() {
        assert_eq!(encode(&[]), Err(EncodeError::NoEntries));
    }

    #[test]
    fn a_key_used_again_is_written_once() {
        let key = "a-partition-key-that-is-easy-to-find";
        let entry = Entry { partition_key: key, explicit_hash_key: Some(u128::MAX), data: b"x" };
        let aggregate = encode(&[entry; 3]).unwrap();
        let occurrences = |needle: &[u8]| aggregate.windows(needle.len()).filter(|w| *w == needle).count();
        assert_eq!(occurrences(key.as_bytes()), 1);
        assert_eq!(occurrences(b"340282366920938463463374607431768211455"), 1);
    }
}
