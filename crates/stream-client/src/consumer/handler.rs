//! What records are handed to.

use std::error::Error;
use std::future::Future;

use super::record::{Record, SequenceNumber};

/// Works on batches of records.
///
/// A batch may be handed over again, whole or in part: after a failure, a stop, or a take-over by another process. So what a handler
/// does with a record must be safe to do twice.
pub trait Handler: Send + Sync + 'static {
    /// Handles one shard's next records, in order. A shard's batches come one after the other, those of different shards
    /// at the same time.
    ///
    /// # Errors
    /// If the handler can never go on; that ends the whole run, and the batch counts as not handled. What passes is no
    /// error but a reason to want records [again](Handled::AgainFrom).
    fn handle(&self, batch: &Batch<'_>) -> impl Future<Output = Result<Handled, HandlerError>> + Send;
}

/// Why a handler cannot go on.
pub type HandlerError = Box<dyn Error + Send + Sync>;

/// Records of one shard.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The stream's ARN.
    pub stream_arn: &'a str,
    /// The shard's id, such as `shardId-000000000000`.
    pub shard_id: &'a str,
    /// The records in the shard's order, at least one.
    pub records: &'a [Record],
    /// How often the first of the records has been handed over, with this time.
    pub attempt: u32,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// All its records are done.
    All,
    /// The records before this one are done; it and all after it are handed over again after a pause, also those that
    /// succeeded.
    /// A number that is not in the batch brings all of it again.
    AgainFrom(SequenceNumber),
}

impl Handled {
    /// How many records at the front of `records` are done.
    pub(super) fn done(&self, records: &[Record]) -> usize {
        match self {
            Handled::All => records.len(),
            Handled::AgainFrom(first) => {
                records.iter().position(|record| record.sequence_number == *first).unwrap_or(0)
            }
        }
    }
}
