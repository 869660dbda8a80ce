//! Checkpoints in this process's memory: for a replay, which begins anew each time, and for tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use exact_text::timestamp::Timestamp;

use super::{
    Checkpoint, CheckpointFault, Checkpoints, Claimed, Holder, Kept, Lease, LeaseAnswer, LeaseClaim, LostTo,
    Standing, Start,
};

/// One consumer's checkpoints.
#[derive(Debug, Default)]
pub struct MemoryCheckpoints(Mutex<CheckpointRows>);

#[derive(Debug, Default)]
struct CheckpointRows {
    lease: Option<LeaseRow>,
    shards: BTreeMap<String, ShardRow>,
}

#[derive(Debug)]
struct LeaseRow {
    owner: Option<String>,
    counter: u64,
    length: Duration,
    stream_created_at: Timestamp,
    start: Start,
}

#[derive(Debug)]
struct ShardRow {
    holder: Holder,
    checkpoint: Option<Checkpoint>,
}

impl MemoryCheckpoints {
    /// How far a shard was handled.
    pub fn checkpoint(&self, shard_id: &str) -> Option<Checkpoint> {
        self.state().shards.get(shard_id)?.checkpoint.clone()
    }

    fn state(&self) -> MutexGuard<'_, CheckpointRows> {
        // Every change under the lock is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpoints for MemoryCheckpoints {
    async fn take_lease(
        &self,
        claim: &LeaseClaim,
        expired: Option<&Standing>,
    ) -> Result<LeaseAnswer, CheckpointFault> {
        let mut state = self.state();
        let row = state.lease.get_or_insert(LeaseRow {
            owner: None,
            counter: 0,
            length: claim.length,
            stream_created_at: claim.stream_created_at,
            start: claim.start,
        });
        if row.stream_created_at != claim.stream_created_at {
            return Ok(LeaseAnswer::OtherStream { created_at: row.stream_created_at });
        }
        if let Some(owner) = row.owner.as_ref().filter(|owner| **owner != claim.owner) {
            let standing = Standing { owner: owner.clone(), counter: row.counter, length: row.length };
            if expired != Some(&standing) {
                return Ok(LeaseAnswer::Held(standing));
            }
        }
        if row.owner.as_ref() != Some(&claim.owner) {
            row.owner = Some(claim.owner.clone());
            row.counter += 1;
            row.length = claim.length;
        }
        Ok(LeaseAnswer::Taken(Lease { term: row.counter, start: row.start }))
    }

    async fn renew_lease(&self, owner: &str) -> Result<Kept, CheckpointFault> {
        let mut state = self.state();
        let held = state.lease.as_mut();
        let holder = held.as_ref().and_then(|row| row.owner.clone());
        Ok(match held {
            Some(row) if holder.as_deref() == Some(owner) => {
                row.counter += 1;
                Kept::Ours
            }
            _ => Kept::Lost(LostTo(holder)),
        })
    }

    async fn release_lease(&self, owner: &str) -> Result<(), CheckpointFault> {
        let mut state = self.state();
        if let Some(row) = state.lease.as_mut().filter(|row| row.owner.as_deref() == Some(owner)) {
            row.owner = None;
        }
        Ok(())
    }

    async fn claim_shard(&self, shard_id: &str, holder: &Holder) -> Result<Claimed, CheckpointFault> {
        let mut state = self.state();
        let row = state
            .shards
            .entry(shard_id.to_owned())
            .or_insert_with(|| ShardRow { holder: holder.clone(), checkpoint: None });
        if row.holder.term > holder.term {
            return Ok(Claimed::Lost(LostTo(Some(row.holder.owner.clone()))));
        }
        row.holder = holder.clone();
        Ok(Claimed::At(row.checkpoint.clone()))
    }

    async fn advance(
        &self,
        shard_id: &str,
        holder: &Holder,
        to: &Checkpoint,
    ) -> Result<Kept, CheckpointFault> {
        let mut state = self.state();
        let Some(row) = state.shards.get_mut(shard_id) else { return Ok(Kept::Lost(LostTo(None))) };
        if row.holder.term != holder.term {
            return Ok(Kept::Lost(LostTo(Some(row.holder.owner.clone()))));
        }
        if row.checkpoint.as_ref().is_none_or(|at| at < to) {
            row.checkpoint = Some(to.clone());
        }
        Ok(Kept::Ours)
    }
}
