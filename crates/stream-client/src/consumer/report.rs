//! What a consumer has done so far, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use exact_text::timestamp::Timestamp;

/// A consumer's numbers, since its run began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Records that are done. One that is handled again counts again.
    pub records: u64,
    /// How often a batch, or what was left of one, was handed over.
    pub batches: u64,
    /// Of these, those of which something had to be handed over again.
    pub incomplete_batches: u64,
    /// Reads that were refused because somebody asked too much.
    pub throttled: u64,
    /// Calls to the stream that failed otherwise and were made again.
    pub read_failures: u64,
    /// Iterators that expired and were made anew.
    pub iterators_expired: u64,
    /// Calls to the checkpoints that failed and were made again.
    pub checkpoint_failures: u64,
    /// What is being waited out, in a few words, by who waits: a shard's id, `the stream`, `the lease`. None of it is
    /// left once that one's next call has succeeded.
    pub trouble: BTreeMap<String, String>,
    /// By shard.
    pub shards: BTreeMap<String, ShardReport>,
    /// Since when the stream has kept all that arrived, if the consumer was to begin earlier at its first start: what
    /// arrived in between may be gone.
    pub kept_since: Option<Timestamp>,
}

impl Report {
    /// How far the shard that is furthest behind is behind its tip, as far as that is known.
    pub fn behind(&self) -> Option<Duration> {
        self.shards
            .values()
            .filter(|shard| shard.state == ShardState::Reading)
            .filter_map(|shard| shard.behind)
            .max()
    }

    /// How many shards are in this state.
    pub fn shards_in(&self, state: ShardState) -> usize {
        self.shards.values().filter(|shard| shard.state == state).count()
    }
}

/// One shard's numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardReport {
    /// What is being done with it.
    pub state: ShardState,
    /// Records that are done.
    pub records: u64,
    /// How far it was behind its tip when it was last read.
    pub behind: Option<Duration>,
}

/// What is being done with a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardState {
    /// It is read.
    Reading,
    /// It is no more read: the run has come as far as it should, or is over.
    Left,
    /// It was handled to its end.
    Finished,
}
