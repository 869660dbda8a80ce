//! Reading records, and GetRecords.

use std::time::SystemTime;

use base64_simd::STANDARD;
use ferrokinesis::types::{EpochSeconds, HashKeyRange, ResponseRecord, Shard, Stream};
use ferrokinesis::{sequence, shard_iterator};
use serde::{Deserialize, Serialize};

use super::log::LoggedRecord;
use super::streams::{Streams, milliseconds, told};
use super::violated;
use crate::service::{Service, ServiceError};

/// The most records of one read. Source: Kinesis API reference, GetRecords.
const MAX_RECORDS: usize = 10_000;

/// The most that one GetRecords returns, in bytes. Source: Kinesis API reference, GetRecords: 10 MiB.
const MAX_BYTES: usize = 10 * 1024 * 1024;

/// How long an iterator is good for, in milliseconds. Source: Kinesis API reference, GetShardIterator: 5 minutes.
const ITERATOR_LIFE: u64 = 300_000;

/// A part of a shard.
pub(super) struct Slice {
    pub(super) records: Vec<LoggedRecord>,
    /// There is nothing after them at the moment.
    pub(super) caught_up: bool,
    /// There will never be anything after them.
    pub(super) closed: bool,
}

impl Slice {
    pub(super) fn last_number(&self) -> Option<&str> {
        self.records.last().map(|record| record.sequence_number.as_str())
    }
}

impl Streams {
    /// Up to `limit` records of a shard from a sequence number on, of at most `bytes` unless the first alone has more.
    pub(super) async fn read(
        &self,
        stream_name: &str,
        shard: usize,
        from: &str,
        (limit, bytes): (usize, usize),
    ) -> Result<(Stream, Slice), ServiceError> {
        let logged = self.logged.lock().await;
        let stream = self.stream(stream_name).await?;
        let index = i64::try_from(shard).unwrap_or(i64::MAX - 1);
        let closed = stream
            .shards
            .get(shard)
            .ok_or_else(|| no_such_shard(&sequence::shard_id_name(index), stream_name))?
            .sequence_number_range
            .ending_sequence_number
            .is_some();
        let of = (stream_name, &*sequence::shard_id_name(index));
        let read = logged.log.read(of, from, limit, bytes);
        let (records, more) = read.map_err(|_| Service::Kinesis.internal_error())?;
        Ok((stream, Slice { records, caught_up: !more, closed: closed && !more }))
    }

    pub(super) async fn get_records(&self, request: &GetRecords) -> Result<GetRecordsAnswer, ServiceError> {
        let limit = request.limit.unwrap_or(MAX_RECORDS);
        if !(1..=MAX_RECORDS).contains(&limit) {
            return Err(violated("limit", &format!("Member must have value from 1 to {MAX_RECORDS}")));
        }
        let invalid = || Service::Kinesis.validation_error("Invalid ShardIterator.");
        let (created, stream_name, shard_id, from) =
            shard_iterator::decode_shard_iterator(&request.shard_iterator).map_err(|_| invalid())?;
        let now = milliseconds(SystemTime::now());
        if now.saturating_sub(created) > ITERATOR_LIFE {
            return Err(ServiceError::new(
                400,
                "ExpiredIteratorException",
                format!("Iterator expired. It was created {} ms ago.", now.saturating_sub(created)),
            ));
        }
        let (_, shard) = sequence::resolve_shard_id(&shard_id).map_err(|_| invalid())?;
        let shard = usize::try_from(shard).map_err(|_| invalid())?;
        let (stream, slice) = self.read(&stream_name, shard, &from, (limit, MAX_BYTES)).await?;
        let behind = match slice.records.last() {
            Some(last) if !slice.caught_up => now.saturating_sub(last.arrival),
            _ => 0,
        };
        let next = match slice.last_number() {
            _ if slice.closed => None,
            None => Some(from),
            Some(last) => Some(after(last).ok_or_else(invalid)?),
        };
        let next =
            next.map(|from| shard_iterator::create_shard_iterator(&stream_name, &shard_id, &from, now));
        let children = if slice.closed { children(&stream.shards, &shard_id) } else { Vec::new() };
        Ok(GetRecordsAnswer { slice, next, behind, children })
    }
}

/// The smallest number after a record's; `None` if that was not a record's number.
pub(super) fn after(number: &str) -> Option<String> {
    let number = sequence::parse_sequence(number).ok()?;
    Some(sequence::increment_sequence(&number, None))
}

fn no_such_shard(shard_id: &str, stream: &str) -> ServiceError {
    ServiceError::new(
        400,
        "ResourceNotFoundException",
        format!("Shard {shard_id} in stream {stream} does not exist"),
    )
}

/// The shards in which a shard's records go on. Each is named by each of its parents.
fn children(shards: &[Shard], parent: &str) -> Vec<ChildShard> {
    let parents = |shard: &Shard| -> Vec<String> {
        shard.parent_shard_id.iter().chain(&shard.adjacent_parent_shard_id).cloned().collect()
    };
    shards
        .iter()
        .map(|shard| (shard, parents(shard)))
        .filter(|(_, parents)| parents.iter().any(|id| id == parent))
        .map(|(shard, parents)| ChildShard {
            shard_id: shard.shard_id.clone(),
            parent_shards: parents,
            hash_key_range: shard.hash_key_range.clone(),
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRecords {
    shard_iterator: String,
    limit: Option<usize>,
}

/// An answer of GetRecords. At a closed shard's end it has no next iterator, but the children.
pub(super) struct GetRecordsAnswer {
    slice: Slice,
    next: Option<String>,
    behind: u64,
    children: Vec<ChildShard>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildShard {
    shard_id: String,
    parent_shards: Vec<String>,
    hash_key_range: HashKeyRange,
}

impl Serialize for GetRecordsAnswer {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct RecordsResponse<'a> {
            records: Vec<ResponseRecord<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            next_shard_iterator: Option<&'a str>,
            millis_behind_latest: u64,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            child_shards: &'a [ChildShard],
        }
        let records = &self.slice.records;
        let data: Vec<_> = records.iter().map(|record| STANDARD.encode_to_string(&record.data)).collect();
        let records = records.iter().zip(&data).map(|(record, data)| ResponseRecord {
            partition_key: &record.partition_key,
            data,
            approximate_arrival_timestamp: EpochSeconds(told(record.arrival)),
            sequence_number: &record.sequence_number,
        });
        let answer = RecordsResponse {
            records: records.collect(),
            next_shard_iterator: self.next.as_deref(),
            millis_behind_latest: self.behind,
            child_shards: &self.children,
        };
        answer.serialize(serializer)
    }
}
