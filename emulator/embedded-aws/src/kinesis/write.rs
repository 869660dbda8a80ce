//! PutRecord and PutRecords.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use base64_simd::STANDARD;
use bytes::Bytes;
use ferrokinesis::sequence::partition_key_to_hash_key;
use serde::{Deserialize, Serialize};

use super::log::LoggedRecord;
use super::streams::{Logged, Streams, milliseconds};
use super::{malformed, refused, violated};
use crate::faults::BatchEntry;
use crate::front::Extent;
use crate::service::{ACCOUNT_ID, Service, ServiceError};

/// The most records of one request. Source: Kinesis API reference, PutRecords.
const MAX_RECORDS: usize = 500;

/// The largest request, in bytes of data and partition keys. Source: Kinesis API reference, PutRecords.
const MAX_REQUEST_BYTES: usize = 10 * 1024 * 1024;

/// The longest partition key, in characters. Source: Kinesis API reference, PutRecord.
const MAX_PARTITION_KEY: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecords<'a> {
    #[serde(borrow)]
    stream_name: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    records: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecord<'a> {
    #[serde(borrow)]
    stream_name: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "StreamARN")]
    stream_arn: Option<Cow<'a, str>>,
    #[serde(borrow, flatten)]
    entry: Entry<'a>,
}

/// A record as a request holds it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    /// In base64.
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    partition_key: Cow<'a, str>,
    #[serde(borrow)]
    explicit_hash_key: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRecordsAnswer {
    failed_record_count: usize,
    records: Vec<EntryAnswer>,
}

/// What became of a record, in the request's order.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum EntryAnswer {
    #[serde(rename_all = "PascalCase")]
    Put { sequence_number: String, shard_id: String },
    #[serde(rename_all = "PascalCase")]
    Failed { error_code: String, error_message: String },
}

impl Streams {
    pub(super) async fn put_records(
        &self,
        body: &Bytes,
        extent: &Extent,
    ) -> Result<PutRecordsAnswer, ServiceError> {
        let request: PutRecords = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        if !(1..=MAX_RECORDS).contains(&request.records.len()) {
            return Err(violated("records", &format!("Member must have length from 1 to {MAX_RECORDS}")));
        }
        let stream = Self::named(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
        let records = self.put(stream, &request.records, extent).await?;
        let failed = |record: &&EntryAnswer| matches!(record, EntryAnswer::Failed { .. });
        Ok(PutRecordsAnswer { failed_record_count: records.iter().filter(failed).count(), records })
    }

    pub(super) async fn put_record(&self, body: &Bytes) -> Result<EntryAnswer, ServiceError> {
        let request: PutRecord = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        let stream = Self::named(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
        match self.put(stream, &[request.entry], &Extent::Whole).await?.pop() {
            Some(EntryAnswer::Failed { error_code, error_message }) => {
                Err(ServiceError::new(400, error_code, error_message))
            }
            Some(put) => Ok(put),
            None => Err(Service::Kinesis.internal_error()),
        }
    }

    async fn put(
        &self,
        stream: &str,
        entries: &[Entry<'_>],
        extent: &Extent,
    ) -> Result<Vec<EntryAnswer>, ServiceError> {
        let max_record = self.stream(stream).await?.max_record_size_kib as usize * 1024;
        let data = checked(entries, max_record)?;
        let hash_keys = entries.iter().map(hash_key).collect::<Result<Vec<_>, _>>()?;
        let mut logged = self.logged.lock().await;
        let Logged { log, last } = &mut *logged;
        // The numbers of records that fail remain gaps, as on AWS.
        let numbers = self.store.allocate_sequences_batch(stream, &hash_keys).await.map_err(refused)?;
        let put_at = SystemTime::now();
        let now = milliseconds(put_at);
        let mut answers = Vec::with_capacity(entries.len());
        let mut accepted: BTreeMap<String, Vec<LoggedRecord>> = BTreeMap::new();
        for (index, ((entry, data), number)) in entries.iter().zip(data).zip(numbers).enumerate() {
            let candidate = BatchEntry { index, key: &entry.partition_key, content: &data };
            let has_room = !extent.leaves_out(entries.len(), candidate)
                && self
                    .store
                    .try_reserve_shard_throughput(stream, &number.shard_id, data.len() as u64, now)
                    .await
                    .is_ok();
            if !has_room {
                answers.push(EntryAnswer::Failed {
                    error_code: Service::Kinesis.throttling_error().code,
                    error_message: format!(
                        "Rate exceeded for shard {} in stream {stream} under account {ACCOUNT_ID}.",
                        number.shard_id
                    ),
                });
                continue;
            }
            let arrival = milliseconds(self.arrival(&data, (stream, &number.shard_id), put_at, last));
            accepted.entry(number.shard_id.clone()).or_default().push(LoggedRecord {
                sequence_number: number.seq_num.clone(),
                partition_key: entry.partition_key.clone().into_owned(),
                arrival,
                data,
            });
            answers.push(EntryAnswer::Put { sequence_number: number.seq_num, shard_id: number.shard_id });
        }
        for (shard, records) in &accepted {
            log.append(stream, shard, records).map_err(|_| Service::Kinesis.internal_error())?;
            self.took(stream, records.len());
        }
        Ok(answers)
    }
}

/// Holds records to their limits; gives their data, not in base64. One record that breaks a rule refuses them all.
fn checked(entries: &[Entry<'_>], max_record: usize) -> Result<Vec<Vec<u8>>, ServiceError> {
    let mut total = 0;
    let mut decoded = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let member = |name: &str| format!("records.{}.member.{name}", index + 1);
        let characters = entry.partition_key.chars().count();
        if !(1..=MAX_PARTITION_KEY).contains(&characters) {
            return Err(violated(
                &member("partitionKey"),
                &format!("Member must have length from 1 to {MAX_PARTITION_KEY}"),
            ));
        }
        let data = STANDARD.decode_to_vec(entry.data.as_bytes()).map_err(|_| {
            ServiceError::new(400, "SerializationException", format!("{} is not base64", member("data")))
        })?;
        let size = data.len() + entry.partition_key.len();
        if size > max_record {
            return Err(violated(
                &member("data"),
                &format!("Data and partition key must have at most {max_record} bytes"),
            ));
        }
        total += size;
        decoded.push(data);
    }
    if total > MAX_REQUEST_BYTES {
        return Err(Service::Kinesis.validation_error(format!(
            "Records' total data and partition keys have {total} bytes: at most {MAX_REQUEST_BYTES} are possible"
        )));
    }
    Ok(decoded)
}

fn hash_key(entry: &Entry<'_>) -> Result<u128, ServiceError> {
    match entry.explicit_hash_key.as_deref() {
        None => Ok(partition_key_to_hash_key(&entry.partition_key)),
        Some(key) => key.parse().map_err(|_| {
            Service::Kinesis.validation_error(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value \
                 was {key}"
            ))
        }),
    }
}
