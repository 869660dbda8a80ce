//! A consumer that reads a whole stream in one process, and remembers how far it has come.
//!
//! Every record is handed to a [`Handler`] at least once, each partition key's records in their order, through splits and
//! merges of shards: each shard is a task of its own, and a shard begins when those that it came from are handled to their
//! end. Records that a handler reports as failed are handed over again, with all after them; nothing is skipped, however
//! long that takes.
//!
//! A checkpoint is written after the records before it were handled, never before, and never backward. One process at a
//! time works under a consumer's name: the later one notices and ends ([`ConsumerError::NameInUse`]), one that was killed
//! is succeeded once its lease has run out, one that was stalled and wakes up finds that it has lost it
//! ([`ConsumerError::Lost`]). How is said in [`checkpoints`].
//!
//! A KPL aggregate is one record here, at one position: its handler takes it apart, and wants all or none of it again.
//!
//! **If one process is not enough** (a shard brings up to 2 MB a second, and this one reads them all) the answer is not
//! more of these but Lambda's event source mapping, with the same handler in a function: it scales by shard and partition
//! key, and keeps checkpoints by itself.
//!
//! ```no_run
//! # use stream_client::consumer::{Batch, Consumer, ConsumerError, Handled, Handler, HandlerError, KinesisSource, Settings};
//! # use stream_client::consumer::checkpoints::DynamoDbCheckpoints;
//! struct Print;
//!
//! impl Handler for Print {
//!     async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, HandlerError> {
//!         println!("{} records of {}", batch.records.len(), batch.shard_id);
//!         Ok(Handled::All)
//!     }
//! }
//!
//! # async fn run(
//! #     kinesis: aws_sdk_kinesis::Client,
//! #     dynamodb: aws_sdk_dynamodb::Client,
//! #     signal: impl Future<Output = ()> + Send,
//! # ) -> Result<(), ConsumerError> {
//! let source = KinesisSource::new(&kinesis, "transactions");
//! let checkpoints = DynamoDbCheckpoints::new(dynamodb, "transactions-checkpoints", "transactions", "printer");
//! let consumer = Consumer::new(source, checkpoints, Print, Settings::new("printer", "host/4711"));
//! consumer.run(signal).await?;
//! println!("{} records", consumer.report().records);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

pub mod checkpoints;
mod error;
mod handler;
mod kinesis;
mod lease;
mod lineage;
mod record;
mod report;
mod settings;
mod shard;
mod shared;
mod source;
mod stop;

pub use error::ConsumerError;
pub use handler::{Batch, Handled, Handler, HandlerError};
pub use kinesis::KinesisSource;
pub use record::{Record, SEQUENCE_NUMBER_DIGITS, SequenceNumber};
pub use report::{Report, ShardReport, ShardState};
pub use settings::{Backoff, From, Settings, Until};
pub use source::{Page, ReadFrom, Shard, ShardSource, SourceFault, StreamDescription};

use checkpoints::{Checkpoint, Checkpoints, Claimed, Holder, Lease, Start};
use lineage::Lineage;
use shard::{Ended, ShardReader};
use shared::{STREAM, Shared};
use stop::Stop;

/// How soon, and how often, shards are listed again if one was closed and has no children yet.
const CHILDREN_EXPECTED: Duration = Duration::from_secs(1);
const CHILDREN_LISTINGS: u32 = 10;

/// A stream's consumer.
#[derive(Debug)]
pub struct Consumer<S, C, H> {
    shared: Arc<Shared<S, C, H>>,
}

/// What a run holds.
struct Run {
    stream_arn: Arc<str>,
    holder: Arc<Holder>,
    lease: Lease,
    stop: Stop,
}

type Tasks = JoinSet<(String, Result<Ended, ConsumerError>)>;

impl<S: ShardSource, C: Checkpoints, H: Handler> Consumer<S, C, H> {
    /// A consumer that does nothing yet.
    pub fn new(source: S, checkpoints: C, handler: H, settings: Settings) -> Self {
        let (report, was_answered) = (Mutex::default(), AtomicBool::default());
        Consumer { shared: Arc::new(Shared { source, checkpoints, handler, settings, report, was_answered }) }
    }

    /// What was done so far, also while it runs.
    pub fn report(&self) -> Report {
        self.shared.report().clone()
    }

    /// What records are handed to.
    pub fn handler(&self) -> &H {
        &self.shared.handler
    }

    /// Reads and hands over until [`Settings::until`], or until `stop` is done: then the batches that are under way are
    /// finished and noted, and the lease is given up. Dropped before its end it is as if the process were killed.
    ///
    /// # Errors
    /// [`ConsumerError`]; the other shards' batches were finished and noted as at a stop.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) -> Result<(), ConsumerError> {
        let stopped = Stop::new();
        let work = self.work(stopped.clone());
        tokio::pin!(work, stop);
        tokio::select! {
            result = &mut work => return result,
            () = &mut stop => stopped.set(),
        }
        work.await
    }

    async fn work(&self, stop: Stop) -> Result<(), ConsumerError> {
        let shared = &self.shared;
        let Some(stream) = shared.read(STREAM, &stop, || shared.source.describe()).await? else {
            return Ok(());
        };
        shared.has_span(&stream)?;
        // Two runs of one process are two as well.
        let owner = format!("{}/{:08x}", shared.settings.owner, fastrand::u32(..));
        let Some(lease) = shared.take_lease(&stream, &owner, &stop).await? else { return Ok(()) };
        if lease.term == 1 {
            shared.notes_what_is_gone(&stream);
        }
        let holder = Arc::new(Holder { owner, term: lease.term });
        let run = Run { stream_arn: stream.arn.into(), holder: Arc::clone(&holder), lease, stop };
        let result = {
            let reading = self.read_shards(&run);
            let keeping = shared.keep_lease(&holder);
            tokio::pin!(reading, keeping);
            tokio::select! {
                result = &mut reading => result,
                lost = &mut keeping => {
                    run.stop.set();
                    reading.await.and(Err(lost))
                }
            }
        };
        shared.release_lease(&holder).await;
        result
    }

    /// Begins shards as they can be begun, until all have ended.
    async fn read_shards(&self, run: &Run) -> Result<(), ConsumerError> {
        let Settings { until, list_interval, .. } = self.shared.settings;
        let Run { stop, .. } = run;
        let mut tasks = Tasks::new();
        let mut lineage = Lineage::default();
        let mut failure = None;
        let mut latest = None;
        let (mut listing_due, mut childless_listings) = (true, 0);
        loop {
            if listing_due && !stop.is_set() {
                match self.begin_shards(run, &mut lineage, &mut tasks, &mut latest).await {
                    Ok(()) => listing_due = false,
                    Err(error) => {
                        failure.get_or_insert(error);
                        stop.set();
                    }
                }
                childless_listings = if lineage.expects_children() { childless_listings + 1 } else { 0 };
            }
            let expects_children = (1..=CHILDREN_LISTINGS).contains(&childless_listings);
            if tasks.is_empty() && (stop.is_set() || until != Until::Stopped && !expects_children) {
                return failure.map_or(Ok(()), Err);
            }
            let next_listing =
                if expects_children { CHILDREN_EXPECTED.min(list_interval) } else { list_interval };
            tokio::select! {
                Some(ended) = tasks.join_next() => match flatten(ended) {
                    Ok((shard_id, Ended::Finished)) => {
                        lineage.finished(&shard_id);
                        listing_due = true;
                    }
                    Ok((_, Ended::Left)) => {}
                    Err(error) => {
                        failure.get_or_insert(error);
                        stop.set();
                    }
                },
                () = stop.wait(), if !stop.is_set() => {}
                () = tokio::time::sleep(next_listing), if !stop.is_set() => listing_due = true,
            }
        }
    }

    /// Lists the shards, and begins all that can be begun. `latest` are those that are read from their tip on: the first
    /// listing's, if the consumer begins there.
    async fn begin_shards(
        &self,
        run: &Run,
        lineage: &mut Lineage,
        tasks: &mut Tasks,
        latest: &mut Option<BTreeSet<String>>,
    ) -> Result<(), ConsumerError> {
        let shared = &self.shared;
        let Some(shards) = shared.read(STREAM, &run.stop, || shared.source.shards()).await? else {
            return Ok(());
        };
        let latest = latest.get_or_insert_with(|| {
            let begins_there = run.is_first_start() && shared.settings.from == From::Latest;
            shards.iter().filter(|_| begins_there).map(|shard| shard.id.clone()).collect()
        });
        lineage.listed(shards);
        while !run.stop.is_set() {
            let Some(shard_id) = lineage.next() else { break };
            let claim = || shared.checkpoints.claim_shard(&shard_id, &run.holder);
            let checkpoint = match shared.keep(&shard_id, &run.stop, claim).await? {
                Claimed::At(checkpoint) => checkpoint,
                Claimed::Lost(owner) => return Err(shared.lost(&shard_id, owner)),
            };
            let from_then_on = match run.lease.start {
                Start::TrimHorizon => ReadFrom::TrimHorizon,
                Start::Time(time) => ReadFrom::Time(time),
            };
            let from = match checkpoint {
                Some(Checkpoint::ShardEnd) => {
                    lineage.was_finished(&shard_id);
                    continue;
                }
                Some(Checkpoint::After(number)) => ReadFrom::After(number),
                None if latest.contains(&shard_id) => ReadFrom::Latest,
                None => from_then_on.clone(),
            };
            lineage.begun(&shard_id);
            let reader = ShardReader {
                shared: Arc::clone(shared),
                stream_arn: Arc::clone(&run.stream_arn),
                holder: Arc::clone(&run.holder),
                shard_id: shard_id.clone(),
                from,
                from_then_on,
                stop: run.stop.clone(),
            };
            tasks.spawn(async move { (shard_id, reader.run().await) });
        }
        Ok(())
    }
}

impl Run {
    /// Whether the consumer was never started before.
    fn is_first_start(&self) -> bool {
        self.lease.term == 1
    }
}

fn flatten(
    ended: Result<(String, Result<Ended, ConsumerError>), JoinError>,
) -> Result<(String, Ended), ConsumerError> {
    match ended {
        Ok((shard_id, ended)) => ended.map(|ended| (shard_id, ended)),
        Err(error) => {
            let message = error.try_into_panic().map_or_else(
                |error| error.to_string(),
                |panic| {
                    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
                },
            );
            Err(ConsumerError::Panicked { message })
        }
    }
}

#[cfg(test)]
mod tests;
