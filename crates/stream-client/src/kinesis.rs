//! Kinesis Data Streams as a target: PutRecords.

use aws_calls::fault::CallFault;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;

use crate::producer::{EntryError, Limits, Record, Target, entry_results, payload_key};

/// What one PutRecords takes (Kinesis API reference, PutRecords: 500 records, 10 MiB with partition keys; a record has
/// at most 1 MiB unless its stream was set to take more).
const LIMITS: Limits = Limits { records: 500, bytes: 10 * 1024 * 1024, record_bytes: 1024 * 1024 };

/// A stream.
#[derive(Debug, Clone)]
pub struct KinesisStream {
    client: Client,
    name: String,
}

impl KinesisStream {
    /// The stream of this name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        KinesisStream { client, name: name.into() }
    }
}

impl Target for KinesisStream {
    fn limits(&self) -> Limits {
        LIMITS
    }

    fn size(&self, record: &Record) -> usize {
        record.data.len() + record.key.as_deref().map_or(0, str::len)
    }

    async fn put(&self, batch: &[&Record]) -> Result<Vec<Result<(), EntryError>>, CallFault> {
        let entry = |record: &&Record| {
            let key = record.key.clone().unwrap_or_else(|| payload_key(&record.data));
            PutRecordsRequestEntry::builder().data(Blob::new(record.data.clone())).partition_key(key).build()
        };
        let entries: Result<Vec<_>, _> = batch.iter().map(entry).collect();
        let entries = entries.map_err(|error| CallFault::unusable(&error))?;
        let request = self.client.put_records().stream_name(&self.name).set_records(Some(entries));
        let answer = request.send().await.map_err(|error| CallFault::of(&error))?;
        entry_results(
            batch.len(),
            answer.records.into_iter().map(|entry| (entry.error_code, entry.sequence_number)),
        )
    }
}
