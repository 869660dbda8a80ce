//! A stream, checkpoints and handlers in memory that fail by chance, and processes that can be frozen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_calls::fault::{CANNOT_REACH, CANNOT_SEND, CallFault, FaultKind};
use embedded_aws::event_source_mapping::{Clock, MemoryStream, RecordSource};
use exact_text::timestamp::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::consumer::checkpoints::{
    Checkpoint, CheckpointFault, Checkpoints, Claimed, Holder, Kept, LeaseAnswer, LeaseClaim,
    MemoryCheckpoints, Standing,
};
use crate::consumer::{
    Batch, Handled, Handler, HandlerError, Page, ReadFrom, Record, SequenceNumber, Shard, ShardSource,
    SourceFault, StreamDescription,
};

/// How often things fail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chances {
    pub(super) source: f64,
    pub(super) checkpoints: f64,
    pub(super) handler: f64,
}

/// What all processes share.
pub(super) struct World {
    pub(super) stream: MemoryStream,
    pub(super) checkpoints: MemoryCheckpoints,
    pub(super) chances: Chances,
    pub(super) log: Mutex<Log>,
    /// Whether nobody gives credentials at the moment.
    pub(super) without_credentials: AtomicBool,
    random: Mutex<fastrand::Rng>,
}

#[derive(Default)]
pub(super) struct Log {
    /// Records as they were done: key and number.
    pub(super) done: Vec<(String, usize)>,
    /// The numbers of a shard's records that were done.
    done_in: BTreeMap<String, BTreeSet<SequenceNumber>>,
    /// Every checkpoint that was written, by shard: the term and the position.
    pub(super) written: BTreeMap<String, Vec<(u64, Checkpoint)>>,
    /// What went wrong while it ran.
    pub(super) wrongs: Vec<String>,
}

impl World {
    pub(super) fn new(shards: u32, chances: Chances, seed: u64) -> Self {
        World {
            stream: MemoryStream::new(
                "transactions",
                shards,
                Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_705_287_600)),
            ),
            checkpoints: MemoryCheckpoints::default(),
            chances,
            log: Mutex::default(),
            without_credentials: AtomicBool::default(),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
        }
    }

    pub(super) fn chance(&self, probability: f64) -> bool {
        self.random.lock().unwrap().f64() < probability
    }

    pub(super) fn below(&self, limit: usize) -> usize {
        self.random.lock().unwrap().usize(..limit)
    }

    async fn latency(&self) {
        let millis = self.random.lock().unwrap().u64(1..30);
        sleep(Duration::from_millis(millis)).await;
    }

    /// What a request comes to that cannot be signed.
    fn unsigned(&self) -> Option<String> {
        self.without_credentials.load(Ordering::Relaxed).then(|| "no credentials".to_owned())
    }

    /// All records of a shard.
    async fn records(&self, shard_id: &str) -> Vec<SequenceNumber> {
        let page = self.stream.read(shard_id, None, usize::MAX).await.unwrap();
        page.records.iter().map(|record| SequenceNumber::parse(&record.sequence_number).unwrap()).collect()
    }
}

/// A process's way to the world: while it is frozen, nothing of it moves.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) world: Arc<World>,
    frozen: Arc<watch::Sender<bool>>,
    was_frozen: Arc<AtomicBool>,
}

impl Process {
    pub(super) fn new(world: &Arc<World>) -> Self {
        Process {
            world: Arc::clone(world),
            frozen: Arc::new(watch::Sender::new(false)),
            was_frozen: Arc::default(),
        }
    }

    pub(super) fn freeze(&self, frozen: bool) {
        self.was_frozen.fetch_or(frozen, Ordering::Relaxed);
        self.frozen.send_replace(frozen);
    }

    /// Whether nothing ever kept it from renewing its lease, but for a failure now and then.
    pub(super) fn was_well(&self) -> bool {
        !self.was_frozen.load(Ordering::Relaxed) && self.world.chances.checkpoints < 0.05
    }

    async fn moves(&self) {
        self.frozen.subscribe().wait_for(|frozen| !frozen).await.unwrap();
        self.world.latency().await;
        self.frozen.subscribe().wait_for(|frozen| !frozen).await.unwrap();
    }

    async fn asks_the_stream(&self) -> Result<(), SourceFault> {
        self.moves().await;
        if let Some(message) = self.world.unsigned() {
            return Err(unsent(message).into());
        }
        let fails = self.world.chance(self.world.chances.source);
        let throttled = CallFault::new(FaultKind::Throttled, "ProvisionedThroughputExceededException").into();
        let failed = CallFault::new(FaultKind::NoAnswer, CANNOT_REACH).into();
        match fails {
            true => Err(if self.world.chance(0.5) { throttled } else { failed }),
            false => Ok(()),
        }
    }

    /// Makes a call to the checkpoints that may be refused, or done without an answer.
    async fn keeps<T>(
        &self,
        call: impl Future<Output = Result<T, CheckpointFault>>,
    ) -> Result<T, CheckpointFault> {
        self.moves().await;
        if let Some(message) = self.world.unsigned() {
            return Err(unsent(message).into());
        }
        let fault = || CallFault::new(FaultKind::Failed, "InternalServerError").into();
        let fails = self.world.chance(self.world.chances.checkpoints);
        if fails && self.world.chance(0.5) {
            return Err(fault());
        }
        let answer = call.await;
        self.moves().await;
        if fails { Err(fault()) } else { answer }
    }
}

impl ShardSource for Process {
    fn stream(&self) -> &str {
        "transactions"
    }

    async fn describe(&self) -> Result<StreamDescription, SourceFault> {
        self.asks_the_stream().await?;
        Ok(StreamDescription {
            arn: self.world.stream.stream_arn(),
            created_at: Timestamp::from_millis(0).unwrap(),
            retention: Duration::from_secs(24 * 3600),
        })
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceFault> {
        self.asks_the_stream().await?;
        let shards = self.world.stream.shards().await.unwrap();
        let is_closed = |id: &String| shards.iter().any(|child| child.parents.contains(id));
        let shard = |shard: &embedded_aws::event_source_mapping::Shard| Shard {
            id: shard.id.clone(),
            parents: shard.parents.clone(),
            is_closed: is_closed(&shard.id),
        };
        Ok(shards.iter().map(shard).collect())
    }

    async fn iterator(&self, shard_id: &str, from: &ReadFrom) -> Result<String, SourceFault> {
        self.asks_the_stream().await?;
        Ok(match from {
            ReadFrom::After(number) => format!("{shard_id}/{number}"),
            _ => format!("{shard_id}/"),
        })
    }

    async fn read(&self, iterator: &str, limit: usize) -> Result<Page, SourceFault> {
        self.asks_the_stream().await?;
        if self.world.chance(self.world.chances.source / 4.0) {
            return Err(SourceFault::ExpiredIterator);
        }
        let (shard_id, after) = iterator.split_once('/').unwrap();
        let after = Some(after).filter(|after| !after.is_empty());
        // A read may give less than there is, or nothing.
        let limit = if self.world.chance(0.3) { self.world.below(limit + 1) } else { limit };
        let page = self.world.stream.read(shard_id, after, limit).await.unwrap();
        let record = |record: embedded_aws::event_source_mapping::Record| Record {
            sequence_number: SequenceNumber::parse(&record.sequence_number).unwrap(),
            partition_key: record.partition_key,
            data: record.data,
            approximate_arrival: Timestamp::from_millis(0).unwrap(),
        };
        let records: Vec<Record> = page.records.into_iter().map(record).collect();
        let last = records.last().map(|record| record.sequence_number.as_str()).or(after).unwrap_or_default();
        // A closed shard's end is reported with its last records or some reads later.
        let is_end = page.closed && self.world.chance(0.5);
        Ok(Page {
            next: (!is_end).then(|| format!("{shard_id}/{last}")),
            behind: if page.caught_up { Duration::ZERO } else { Duration::from_secs(1) },
            records,
        })
    }
}

impl Checkpoints for Process {
    async fn take_lease(
        &self,
        claim: &LeaseClaim,
        expired: Option<&Standing>,
    ) -> Result<LeaseAnswer, CheckpointFault> {
        self.keeps(self.world.checkpoints.take_lease(claim, expired)).await
    }

    async fn renew_lease(&self, owner: &str) -> Result<Kept, CheckpointFault> {
        self.keeps(self.world.checkpoints.renew_lease(owner)).await
    }

    async fn release_lease(&self, owner: &str) -> Result<(), CheckpointFault> {
        self.keeps(self.world.checkpoints.release_lease(owner)).await
    }

    async fn claim_shard(&self, shard_id: &str, holder: &Holder) -> Result<Claimed, CheckpointFault> {
        self.keeps(self.world.checkpoints.claim_shard(shard_id, holder)).await
    }

    async fn advance(
        &self,
        shard_id: &str,
        holder: &Holder,
        to: &Checkpoint,
    ) -> Result<Kept, CheckpointFault> {
        let write = async {
            let before = self.world.checkpoints.checkpoint(shard_id);
            let records = self.world.records(shard_id).await;
            let kept = self.world.checkpoints.advance(shard_id, holder, to).await?;
            let now = self.world.checkpoints.checkpoint(shard_id);
            if now != before {
                let log = &mut *self.world.log.lock().unwrap();
                let written = log.written.entry(shard_id.to_owned()).or_default();
                written.push((holder.term, to.clone()));
                // Nothing before a checkpoint may be left to do.
                let covered = |number: &&SequenceNumber| Checkpoint::After((*number).clone()) <= *to;
                let done = log.done_in.entry(shard_id.to_owned()).or_default();
                let skipped: Vec<_> =
                    records.iter().filter(covered).filter(|number| !done.contains(number)).collect();
                if !skipped.is_empty() {
                    log.wrongs.push(format!(
                        "{shard_id}: a checkpoint {to:?} behind {skipped:?}, which is not done"
                    ));
                }
            }
            Ok(kept)
        };
        self.keeps(write).await
    }
}

impl Handler for Process {
    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, HandlerError> {
        self.moves().await;
        let fails = self.world.chance(self.world.chances.handler);
        let done = if fails { self.world.below(batch.records.len()) } else { batch.records.len() };
        {
            let log = &mut *self.world.log.lock().unwrap();
            for record in &batch.records[..done] {
                let number = std::str::from_utf8(&record.data).unwrap().parse().unwrap();
                log.done.push((record.partition_key.clone(), number));
                log.done_in
                    .entry(batch.shard_id.to_owned())
                    .or_default()
                    .insert(record.sequence_number.clone());
            }
        }
        self.moves().await;
        Ok(batch
            .records
            .get(done)
            .map_or(Handled::All, |record| Handled::AgainFrom(record.sequence_number.clone())))
    }
}

/// A request for which there were no credentials.
fn unsent(message: String) -> CallFault {
    CallFault { message, ..CallFault::new(FaultKind::NotSent, CANNOT_SEND) }
}
