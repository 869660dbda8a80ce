//! A stream read in process, without HTTP.

use std::sync::Arc;

use ferrokinesis::sequence;

use super::read::after;
use super::streams::{Streams, stream_arn, time};
use crate::event_source_mapping::{Page, Record, RecordSource, Shard};
use crate::service::ServiceError;

/// A stream of [`EmbeddedAws`](crate::EmbeddedAws), to be read in process: what a client puts through HTTP comes out
/// here, without HTTP, faults or recorded calls. A cloneable handle; it reads on after the services were shut down.
///
/// The stream goes by the machine's clock, also where tokio's is paused.
#[derive(Debug, Clone)]
pub struct EmbeddedStream {
    streams: Option<Arc<Streams>>,
    name: String,
}

/// Why a stream could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Kinesis is not one of the [services](crate::Builder::services) that were wanted.
    #[error("Kinesis does not run")]
    NotRunning,
    /// The service's own error: the stream or the shard is not there.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A position that no record of a stream has.
    #[error("{0:?} is not a sequence number")]
    SequenceNumber(String),
}

impl EmbeddedStream {
    pub(crate) fn new(streams: Option<Arc<Streams>>, name: impl Into<String>) -> Self {
        Self { streams, name: name.into() }
    }

    /// How many records the stream has taken so far, each as often as it was put.
    #[must_use]
    pub fn records_taken(&self) -> u64 {
        self.streams.as_ref().map_or(0, |streams| streams.taken(&self.name))
    }

    fn streams(&self) -> Result<&Streams, SourceError> {
        self.streams.as_deref().ok_or(SourceError::NotRunning)
    }
}

impl RecordSource for EmbeddedStream {
    type Error = SourceError;

    fn stream_arn(&self) -> String {
        stream_arn(&self.name)
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceError> {
        let stream = self.streams()?.stream(&self.name).await?;
        let shards = stream.shards.into_iter().map(|shard| Shard {
            id: shard.shard_id,
            parents: shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect(),
        });
        Ok(shards.collect())
    }

    async fn read(&self, shard_id: &str, last: Option<&str>, limit: usize) -> Result<Page, SourceError> {
        let no_number = |text: &str| SourceError::SequenceNumber(text.to_owned());
        let (_, shard) = sequence::resolve_shard_id(shard_id).map_err(|_| no_number(shard_id))?;
        let shard = usize::try_from(shard).map_err(|_| no_number(shard_id))?;
        // Every sequence number begins with a digit above zero.
        let from = last.map_or(Ok("0".to_owned()), |last| after(last).ok_or_else(|| no_number(last)))?;
        let (_, slice) = self.streams()?.read(&self.name, shard, &from, (limit, usize::MAX)).await?;
        let records = slice.records.into_iter().map(|record| Record {
            partition_key: record.partition_key,
            data: record.data.into(),
            sequence_number: record.sequence_number,
            approximate_arrival: time(record.arrival),
        });
        Ok(Page { records: records.collect(), caught_up: slice.caught_up, closed: slice.closed })
    }
}
