//! Amazon Data Firehose as a target: PutRecordBatch.

use aws_calls::fault::CallFault;
use aws_sdk_firehose::Client;
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record as FirehoseRecord;

use crate::producer::{EntryError, Limits, Record, Target, entry_results};

/// What one PutRecordBatch takes (Firehose API reference, PutRecordBatch: 500 records, 4 MiB; 1,000 KiB a record).
const LIMITS: Limits = Limits { records: 500, bytes: 4 * 1024 * 1024, record_bytes: 1000 * 1024 };

/// A delivery stream. It has no keys and keeps no order.
#[derive(Debug, Clone)]
pub struct DeliveryStream {
    client: Client,
    name: String,
}

impl DeliveryStream {
    /// The delivery stream of this name.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        DeliveryStream { client, name: name.into() }
    }
}

impl Target for DeliveryStream {
    fn limits(&self) -> Limits {
        LIMITS
    }

    fn size(&self, record: &Record) -> usize {
        record.data.len()
    }

    async fn put(&self, batch: &[&Record]) -> Result<Vec<Result<(), EntryError>>, CallFault> {
        let record =
            |record: &&Record| FirehoseRecord::builder().data(Blob::new(record.data.clone())).build();
        let records: Result<Vec<_>, _> = batch.iter().map(record).collect();
        let records = records.map_err(|error| CallFault::unusable(&error))?;
        let request =
            self.client.put_record_batch().delivery_stream_name(&self.name).set_records(Some(records));
        let answer = request.send().await.map_err(|error| CallFault::of(&error))?;
        let entries = answer.request_responses.into_iter();
        entry_results(batch.len(), entries.map(|entry| (entry.error_code, entry.record_id)))
    }
}
