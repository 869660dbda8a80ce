//! What a mapping did.

use std::collections::BTreeMap;

/// What a mapping has done since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that were read from the stream.
    pub records_read: u64,
    /// Records that were taken or given up with all before them in their shard, each once.
    pub records_done: u64,
    /// Invocations of the function.
    pub invocations: u64,
    /// Of these, invocations that failed as a whole: errors, panics, timeouts, and answers that mean as much.
    pub failed_invocations: u64,
    /// Of these, invocations that were aborted at their deadline.
    pub timeouts: u64,
    /// Invocations that reported a checkpoint: some records done, the rest to be delivered again.
    pub partial_successes: u64,
    /// Records that the function took, once more for each redelivery.
    pub records_delivered: u64,
    /// How often records came again at the cost of a retry attempt.
    pub retries: u64,
    /// How often a batch was split.
    pub bisections: u64,
    /// How often records that had succeeded came again, see
    /// [`Settings::redelivery_probability`](super::Settings::redelivery_probability).
    pub redeliveries: u64,
    /// Batches that were given up.
    pub discarded_batches: u64,
    /// Records that were given up.
    pub discarded_records: u64,
    /// By shard, the sequence number up to which every record was taken or given up.
    pub checkpoints: BTreeMap<String, String>,
}
