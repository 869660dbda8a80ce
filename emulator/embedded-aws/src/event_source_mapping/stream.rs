//! A stream in memory.

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use md5::{Digest, Md5};

use super::clock::Clock;
use super::source::{Page, Record, RecordSource, Shard};
use crate::arrivals::Arrivals;
use crate::service::{ACCOUNT_ID, REGION};

/// The largest record, in bytes of data and partition key.
/// Source: Kinesis API reference, PutRecord: 1 MiB, unless the stream's `MaxRecordSizeInKiB` was raised.
const MAX_RECORD: usize = 1_048_576;

/// The longest partition key, in characters. Source: Kinesis API reference, PutRecord.
const MAX_PARTITION_KEY: usize = 256;

/// Why a stream did not take a record, or could not be resharded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Data and partition key have more than 1 MiB.
    #[error("a record of {0} bytes: at most {MAX_RECORD} are possible")]
    TooLarge(usize),
    /// The partition key is empty or has more than 256 characters.
    #[error("a partition key of {0} characters: it must have 1 to {MAX_PARTITION_KEY}")]
    PartitionKey(usize),
    /// There is no such shard, or it takes no more records.
    #[error("no open shard {0:?}")]
    NoSuchShard(String),
    /// Two shards that do not lie side by side cannot be merged.
    #[error("the shards {0:?} and {1:?} do not lie side by side")]
    NotAdjacent(String, String),
}

/// A Kinesis stream in memory, which keeps all its records.
#[derive(Debug)]
pub struct MemoryStream {
    name: String,
    clock: Clock,
    arrivals: Arrivals,
    state: Mutex<StoredStream>,
}

#[derive(Debug)]
struct StoredStream {
    shards: Vec<StoredShard>,
    next_number: u64,
}

#[derive(Debug)]
struct StoredShard {
    shard: Shard,
    /// The partition keys with hashes from here to `last_hash` belong here.
    first_hash: u128,
    last_hash: u128,
    closed: bool,
    records: Vec<Record>,
}

impl MemoryStream {
    /// An empty stream with so many shards (at least one), whose records arrive by this clock.
    #[must_use]
    pub fn new(name: impl Into<String>, shards: u32, clock: Clock) -> Self {
        let count = u128::from(shards.max(1));
        let width = u128::MAX / count;
        let mut state = StoredStream { shards: Vec::new(), next_number: 0 };
        for n in 0..count {
            let last_hash = if n + 1 == count { u128::MAX } else { width * (n + 1) - 1 };
            state.add_shard(Vec::new(), width * n, last_hash);
        }
        Self { name: name.into(), clock, arrivals: Arrivals::Real, state: Mutex::new(state) }
    }

    /// The same stream, whose records arrive otherwise than by its clock.
    #[must_use]
    pub fn with_arrivals(self, arrivals: Arrivals) -> Self {
        Self { arrivals, ..self }
    }

    /// Adds a record to the shard that its partition key's MD5 belongs to, as Kinesis does, and gives its sequence
    /// number: 56 digits, growing over the whole stream.
    ///
    /// # Errors
    /// [`StreamError`]; the stream is unchanged then.
    pub fn put(&self, partition_key: &str, data: impl Into<Bytes>) -> Result<String, StreamError> {
        self.put_when(partition_key, data.into(), |data, last| {
            self.arrivals.arrival(data, last, self.clock.now())
        })
    }

    /// As [`put`](Self::put), with an arrival time of the caller's own.
    ///
    /// # Errors
    /// [`StreamError`]; the stream is unchanged then.
    pub fn put_at(
        &self,
        partition_key: &str,
        data: impl Into<Bytes>,
        arrival: SystemTime,
    ) -> Result<String, StreamError> {
        self.put_when(partition_key, data.into(), |_, _| arrival)
    }

    fn put_when(
        &self,
        partition_key: &str,
        data: Bytes,
        arrival: impl FnOnce(&[u8], Option<SystemTime>) -> SystemTime,
    ) -> Result<String, StreamError> {
        let characters = partition_key.chars().count();
        if !(1..=MAX_PARTITION_KEY).contains(&characters) {
            return Err(StreamError::PartitionKey(characters));
        }
        let size = data.len() + partition_key.len();
        if size > MAX_RECORD {
            return Err(StreamError::TooLarge(size));
        }
        let hash = hash(partition_key);
        let mut state = self.state();
        let number = state.next_number;
        let open =
            |shard: &&mut StoredShard| !shard.closed && (shard.first_hash..=shard.last_hash).contains(&hash);
        let Some(shard) = state.shards.iter_mut().find(open) else {
            return Err(StreamError::NoSuchShard(self.name.clone()));
        };
        let sequence_number = format!("4965{number:052}");
        let last = shard.records.last().map(|record| record.approximate_arrival);
        let arrival = arrival(&data, last);
        shard.records.push(Record {
            partition_key: partition_key.to_owned(),
            data,
            sequence_number: sequence_number.clone(),
            approximate_arrival: whole_milliseconds(arrival),
        });
        state.next_number += 1;
        Ok(sequence_number)
    }

    /// Splits a shard into two halves, which take its partition keys from now on.
    ///
    /// # Errors
    /// [`StreamError::NoSuchShard`] if it is not there or is already closed.
    pub fn split(&self, shard_id: &str) -> Result<(), StreamError> {
        let mut state = self.state();
        let (first, last) = state.close(shard_id)?;
        let middle = first + (last - first) / 2;
        state.add_shard(vec![shard_id.to_owned()], first, middle);
        state.add_shard(vec![shard_id.to_owned()], middle + 1, last);
        Ok(())
    }

    /// Merges two shards that lie side by side into one, which takes the partition keys of both from now on.
    ///
    /// # Errors
    /// [`StreamError::NoSuchShard`] if one is not there or is already closed, [`StreamError::NotAdjacent`] if `upper`
    /// does not begin where `lower` ends. The stream is unchanged then.
    pub fn merge(&self, lower: &str, upper: &str) -> Result<(), StreamError> {
        let mut state = self.state();
        let begin = state.open(upper)?.first_hash;
        if state.open(lower)?.last_hash.checked_add(1) != Some(begin) {
            return Err(StreamError::NotAdjacent(lower.to_owned(), upper.to_owned()));
        }
        let (first, _) = state.close(lower)?;
        let (_, last) = state.close(upper)?;
        state.add_shard(vec![lower.to_owned(), upper.to_owned()], first, last);
        Ok(())
    }

    /// All records, shard by shard, in the order of the shards' creation.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.state().shards.iter().flat_map(|shard| shard.records.iter().cloned()).collect()
    }

    fn state(&self) -> MutexGuard<'_, StoredStream> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StoredStream {
    fn add_shard(&mut self, parents: Vec<String>, first_hash: u128, last_hash: u128) {
        let shard = Shard { id: format!("shardId-{:012}", self.shards.len()), parents };
        self.shards.push(StoredShard { shard, first_hash, last_hash, closed: false, records: Vec::new() });
    }

    fn open(&mut self, id: &str) -> Result<&mut StoredShard, StreamError> {
        let found = self.shards.iter_mut().find(|shard| shard.shard.id == id && !shard.closed);
        found.ok_or_else(|| StreamError::NoSuchShard(id.to_owned()))
    }

    /// Closes a shard and gives its range of hashes.
    fn close(&mut self, id: &str) -> Result<(u128, u128), StreamError> {
        let shard = self.open(id)?;
        shard.closed = true;
        Ok((shard.first_hash, shard.last_hash))
    }
}

impl RecordSource for MemoryStream {
    type Error = Infallible;

    fn stream_arn(&self) -> String {
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/{}", self.name)
    }

    async fn shards(&self) -> Result<Vec<Shard>, Infallible> {
        Ok(self.state().shards.iter().map(|shard| shard.shard.clone()).collect())
    }

    async fn read(&self, shard_id: &str, after: Option<&str>, limit: usize) -> Result<Page, Infallible> {
        let state = self.state();
        let Some(shard) = state.shards.iter().find(|shard| shard.shard.id == shard_id) else {
            return Ok(Page { closed: true, caught_up: true, ..Page::default() });
        };
        // All sequence numbers have the same length, so that their texts are in their order.
        let begin = after.map_or(0, |after| {
            shard.records.partition_point(|record| record.sequence_number.as_str() <= after)
        });
        let records: Vec<_> = shard.records[begin..].iter().take(limit).cloned().collect();
        let caught_up = begin + records.len() == shard.records.len();
        Ok(Page { records, caught_up, closed: caught_up && shard.closed })
    }
}

/// The number by which Kinesis places a record. Source: Kinesis API reference, PutRecord: the MD5 of the partition
/// key, as an integer of 128 bits.
pub(super) fn hash(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}

fn whole_milliseconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + (since - Duration::from_nanos(u64::from(since.subsec_nanos() % 1_000_000)))
}
