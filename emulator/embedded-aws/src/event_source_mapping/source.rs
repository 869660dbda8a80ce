//! Where a mapping reads: a stream of shards, whatever keeps it.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

/// A record of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The partition key that the producer gave, 1 to 256 characters.
    pub partition_key: String,
    /// The data, not in base64.
    pub data: Bytes,
    /// The position in the shard, a decimal number as text. It grows along the shard.
    pub sequence_number: String,
    /// When the stream received it; milliseconds are kept.
    pub approximate_arrival: SystemTime,
}

/// A shard of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Such as `shardId-000000000000`.
    pub id: String,
    /// The shards that this one was split or merged from; they are read to their end before it.
    pub parents: Vec<String>,
}

/// What one read of a shard gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records in their order.
    pub records: Vec<Record>,
    /// There is nothing after these records at the moment.
    pub caught_up: bool,
    /// There will never be anything after these records: the shard was split or merged.
    pub closed: bool,
}

/// A stream that can be read shard by shard.
///
/// An error ends the mapping's run: an implementation retries what can be retried, such as throttled reads.
pub trait RecordSource {
    /// Why a stream could not be read.
    type Error;

    /// The stream's ARN, `arn:aws:kinesis:<region>:<account>:stream/<name>`.
    fn stream_arn(&self) -> String;

    /// The shards that there are, closed ones too while their records are kept.
    fn shards(&self) -> impl Future<Output = Result<Vec<Shard>, Self::Error>> + Send;

    /// Up to `limit` records of a shard after a sequence number, or from the oldest (TRIM_HORIZON) without one.
    /// It does not wait for records to come.
    fn read(
        &self,
        shard_id: &str,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, Self::Error>> + Send;
}

impl<S: RecordSource + Send + Sync> RecordSource for Arc<S> {
    type Error = S::Error;

    fn stream_arn(&self) -> String {
        S::stream_arn(self)
    }

    async fn shards(&self) -> Result<Vec<Shard>, Self::Error> {
        S::shards(self).await
    }

    async fn read(&self, shard_id: &str, after: Option<&str>, limit: usize) -> Result<Page, Self::Error> {
        S::read(self, shard_id, after, limit).await
    }
}
