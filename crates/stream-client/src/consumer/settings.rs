//! How a consumer works.

use std::time::Duration;

use aws_calls::pauses::Pauses;
use exact_text::timestamp::Timestamp;

/// What a consumer is, and how it works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The consumer's name: the next start under it continues where this one ended.
    pub name: String,
    /// What tells this process from others, for people: its host and process id.
    pub owner: String,
    /// Where the consumer begins at its first start.
    pub from: From,
    /// When it ends by itself.
    pub until: Until,
    /// Records handed over at once, at most 10,000; also the limit of a read.
    pub batch_size: usize,
    /// The time between two reads of a shard.
    pub read_interval: Duration,
    /// The time between two reads of a shard that has nothing new.
    pub poll_interval: Duration,
    /// The time between two listings of the shards; they are also listed whenever one ends.
    pub list_interval: Duration,
    /// How long the lease holds without being renewed, which is how long the next process waits for one that was killed.
    /// It is renewed three times as often.
    pub lease: Duration,
    /// The pauses after failures, and before records are handed over again.
    pub backoff: Backoff,
    /// How long a checkpoint is tried to be written once the consumer is to stop.
    pub stop_patience: Duration,
}

impl Settings {
    /// The settings of a consumer that never ends by itself. A shard can be read five times a second, by all its consumers
    /// together (Kinesis API reference, GetRecords), which is the pace kept here.
    pub fn new(name: impl Into<String>, owner: impl Into<String>) -> Self {
        Settings {
            name: name.into(),
            owner: owner.into(),
            from: From::TrimHorizon,
            until: Until::Stopped,
            batch_size: 1000,
            read_interval: Duration::from_millis(200),
            poll_interval: Duration::from_secs(1),
            list_interval: Duration::from_secs(60),
            lease: Duration::from_secs(10),
            backoff: Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(20) },
            stop_patience: Duration::from_secs(10),
        }
    }
}

/// Where a consumer begins that was never started before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// At the oldest record that the stream still has (`TRIM_HORIZON`).
    TrimHorizon,
    /// With what arrives from now on (`LATEST`). If the process dies before its first checkpoint, the next goes on some
    /// seconds before this one's start: nothing is skipped.
    Latest,
    /// At the first record that arrived then or later (`AT_TIMESTAMP`), or at the oldest that the stream still has. With
    /// [`Until::Time`] the run is of a whole span, and is refused if the stream no longer has its begin
    /// ([`ConsumerError::BeforeRetention`](super::ConsumerError::BeforeRetention)).
    Time(Timestamp),
}

/// When a consumer ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Never by itself: only when the run is stopped.
    Stopped,
    /// When every shard was read up to its tip.
    CaughtUp,
    /// When what arrived before this time was handled. Records of a shard arrive in order, but for milliseconds: one at or
    /// after the time ends the shard, and so does a tip that is past it by this machine's clock.
    Time(Timestamp),
}

/// Pauses between attempts: each is drawn at random up to a limit that doubles from one to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first limit.
    pub first: Duration,
    /// The largest limit.
    pub longest: Duration,
}

impl Backoff {
    /// The pauses of one row of failures.
    pub(super) fn pauses(self) -> Pauses {
        Pauses::new(self.first, self.longest)
    }
}
