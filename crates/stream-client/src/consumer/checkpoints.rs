//! How far a consumer has come, and who may say so: the port, and what implements it.
//!
//! Two things are kept for each consumer of a stream:
//!
//! - **A lease**, so that one process works under a name at a time. Its holder renews it by counting up. Who finds it held
//!   watches the counter: once it has not moved for the lease's length, by the watcher's own monotonic clock, the holder
//!   is dead or stalled, and the lease may be taken under the condition that the counter has not changed. No two machines'
//!   clocks are ever compared. (The Kinesis Client Library's leases work so, one for each shard; here one process reads
//!   all shards, and one lease says at once which process was there first.)
//! - **A checkpoint for each shard.** Each holder of the lease has a higher term than all before it, and claims a shard
//!   before it reads it. A checkpoint is written only under the term that claimed the shard last, and only forward: one
//!   that was stalled and wakes up finds its writes refused.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;

use super::record::SequenceNumber;

mod dynamodb;
mod memory;
mod row;
mod table;

pub use dynamodb::{CreateError, DynamoDbCheckpoints};
pub use memory::MemoryCheckpoints;
pub use table::TABLE;

/// Keeps a consumer's lease and checkpoints. Every call may be made again after a fault, and then answers as if the first
/// had not been made.
pub trait Checkpoints: Send + Sync + 'static {
    /// Takes the lease if nobody holds it, or if it is still as `expired` was.
    ///
    /// # Errors
    /// [`CheckpointFault`]
    fn take_lease(
        &self,
        claim: &LeaseClaim,
        expired: Option<&Standing>,
    ) -> impl Future<Output = Result<LeaseAnswer, CheckpointFault>> + Send;

    /// Counts the lease up, if `owner` still holds it.
    ///
    /// # Errors
    /// [`CheckpointFault`]
    fn renew_lease(&self, owner: &str) -> impl Future<Output = Result<Kept, CheckpointFault>> + Send;

    /// Gives the lease up, so that the next need not wait. What `owner` does not hold it cannot give up.
    ///
    /// # Errors
    /// [`CheckpointFault`]; the lease then has to run out.
    fn release_lease(&self, owner: &str) -> impl Future<Output = Result<(), CheckpointFault>> + Send;

    /// Claims a shard under the holder's term, and gives its checkpoint if it has one.
    ///
    /// # Errors
    /// [`CheckpointFault`]
    fn claim_shard(
        &self,
        shard_id: &str,
        holder: &Holder,
    ) -> impl Future<Output = Result<Claimed, CheckpointFault>> + Send;

    /// Moves a shard's checkpoint forward, if the holder was the last to claim it. One that is there already, or further,
    /// stays.
    ///
    /// # Errors
    /// [`CheckpointFault`]
    fn advance(
        &self,
        shard_id: &str,
        holder: &Holder,
        to: &Checkpoint,
    ) -> impl Future<Output = Result<Kept, CheckpointFault>> + Send;
}

/// How far a shard was handled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checkpoint {
    /// This record and all before it.
    After(SequenceNumber),
    /// All of it: the shard is closed, and its children can begin.
    ShardEnd,
}

/// Where a consumer that has no checkpoint yet begins to read a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record that the stream still has.
    TrimHorizon,
    /// At the first record that arrived then or later.
    Time(Timestamp),
}

/// Who would take a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseClaim {
    /// Tells this process from every other.
    pub owner: String,
    /// How long the lease holds without being renewed.
    pub length: Duration,
    /// When the stream was created.
    pub stream_created_at: Timestamp,
    /// Where the consumer begins, if this is its first start; later ones keep to what the first said.
    pub start: Start,
}

/// What an attempt to take a lease came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It is ours.
    Taken(Lease),
    /// Somebody holds it.
    Held(Standing),
    /// The checkpoints are those of another stream of the same name, which was created then.
    OtherStream {
        /// That stream's creation.
        created_at: Timestamp,
    },
}

/// A lease that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Higher than that of every holder before; 1 for the consumer's first start.
    pub term: u64,
    /// Where the consumer began at its first start.
    pub start: Start,
}

/// A lease that another process holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who holds it.
    pub owner: String,
    /// Grows with each renewal, and with each new holder.
    pub counter: u64,
    /// How long it holds without being renewed.
    pub length: Duration,
}

/// Who writes checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub owner: String,
    /// Its lease's term.
    pub term: u64,
}

/// What claiming a shard came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// It is ours, and was handled so far.
    At(Option<Checkpoint>),
    /// A later holder of the lease has claimed it.
    Lost(LostTo),
}

/// Whether what was ours still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is, and the change was made.
    Ours,
    /// It is not, and nothing was changed.
    Lost(LostTo),
}

/// Who has what was ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostTo(
    /// The process that has it; `None` if nobody does: it was given up, or somebody deleted the row.
    pub Option<String>,
);

impl fmt::Display for LostTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("nobody"))
    }
}

/// Why checkpoints could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// The call failed.
    #[error("{}", .0.explained())]
    Call(#[from] CallFault),
    /// Another process changed the row between the write and the look at it. Another attempt may succeed.
    #[error("another process changed the row at the same time")]
    Raced,
    /// A row is not one that a consumer wrote.
    #[error("the row `{shard_id}` has an attribute `{attribute}` that cannot be read")]
    Unreadable {
        /// The row's `shard_id`.
        shard_id: String,
        /// The attribute that is missing or of another form.
        attribute: &'static str,
    },
}

impl<C: Checkpoints> Checkpoints for Arc<C> {
    async fn take_lease(
        &self,
        claim: &LeaseClaim,
        expired: Option<&Standing>,
    ) -> Result<LeaseAnswer, CheckpointFault> {
        C::take_lease(self, claim, expired).await
    }

    async fn renew_lease(&self, owner: &str) -> Result<Kept, CheckpointFault> {
        C::renew_lease(self, owner).await
    }

    async fn release_lease(&self, owner: &str) -> Result<(), CheckpointFault> {
        C::release_lease(self, owner).await
    }

    async fn claim_shard(&self, shard_id: &str, holder: &Holder) -> Result<Claimed, CheckpointFault> {
        C::claim_shard(self, shard_id, holder).await
    }

    async fn advance(
        &self,
        shard_id: &str,
        holder: &Holder,
        to: &Checkpoint,
    ) -> Result<Kept, CheckpointFault> {
        C::advance(self, shard_id, holder, to).await
    }
}

#[cfg(test)]
mod tests;
