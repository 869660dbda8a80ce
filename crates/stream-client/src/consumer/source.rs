//! Where a consumer reads: the port to a stream.

use std::future::Future;
use std::time::Duration;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;

use super::record::{Record, SequenceNumber};

/// A stream as the consumer needs it. Every call may be made again after a fault.
pub trait ShardSource: Send + Sync + 'static {
    /// The stream's name.
    fn stream(&self) -> &str;

    /// Which stream it is.
    ///
    /// # Errors
    /// [`SourceFault`]
    fn describe(&self) -> impl Future<Output = Result<StreamDescription, SourceFault>> + Send;

    /// All shards that still have records or can get some, closed ones too.
    ///
    /// # Errors
    /// [`SourceFault`]
    fn shards(&self) -> impl Future<Output = Result<Vec<Shard>, SourceFault>> + Send;

    /// An iterator: where a shard is to be read next. It is good for some minutes.
    ///
    /// # Errors
    /// [`SourceFault`]; [`SourceFault::PositionRefused`] if the stream knows no such position.
    fn iterator(
        &self,
        shard_id: &str,
        from: &ReadFrom,
    ) -> impl Future<Output = Result<String, SourceFault>> + Send;

    /// Reads at most `limit` records at an iterator. It does not wait for records to come.
    ///
    /// # Errors
    /// [`SourceFault`]; [`SourceFault::ExpiredIterator`] if the iterator has to be made anew.
    fn read(&self, iterator: &str, limit: usize) -> impl Future<Output = Result<Page, SourceFault>> + Send;
}

/// Which stream a source reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamDescription {
    /// `arn:aws:kinesis:<region>:<account>:stream/<name>`
    pub arn: String,
    /// When the stream was created: one that was deleted and created again under the same name is another stream.
    pub created_at: Timestamp,
    /// How long it keeps its records.
    pub retention: Duration,
}

impl StreamDescription {
    /// The time since which it has kept all that arrived, as of `now`; `None` if that is everything.
    pub(super) fn horizon(&self, now: Timestamp) -> Option<Timestamp> {
        let retention = i64::try_from(self.retention.as_millis()).unwrap_or(i64::MAX);
        let horizon = Timestamp::saturating_from_millis(now.millis().saturating_sub(retention));
        (self.created_at < horizon).then_some(horizon)
    }
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Such as `shardId-000000000000`.
    pub id: String,
    /// The shards that it was split or merged from, whether or not they are still there.
    pub parents: Vec<String>,
    /// Whether it was split or merged, and takes no more records.
    pub is_closed: bool,
}

/// Where reading of a shard begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFrom {
    /// At the oldest record that the stream still has.
    TrimHorizon,
    /// With what arrives from now on.
    Latest,
    /// At the first record that arrived then or later.
    Time(Timestamp),
    /// Behind this record.
    After(SequenceNumber),
}

/// What one read gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records in the shard's order; there may be none although there are more behind.
    pub records: Vec<Record>,
    /// Where to read next; `None` at a closed shard's end, with its last records or only with a later, empty page.
    pub next: Option<String>,
    /// How far the end of the page is behind the shard's tip; zero if there is nothing more at the moment.
    pub behind: Duration,
}

/// Why a stream did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// The call failed.
    #[error("{}", .0.explained())]
    Call(#[from] CallFault),
    /// The iterator is too old.
    #[error("the iterator has expired")]
    ExpiredIterator,
    /// The stream knows no such position.
    #[error("the position is refused: {message}")]
    PositionRefused {
        /// The service's explanation.
        message: String,
    },
}
