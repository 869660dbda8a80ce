//! Runs over all shards: reading, lanes, stopping.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::{join_all, try_join};
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::Instant;

use super::EventSourceMapping;
use super::buffer::{Buffer, Item, Limits};
use super::function::{FunctionError, Invocation};
use super::progress::Progress;
use super::report::Report;
use super::source::RecordSource;
use super::stream::hash;

/// The most records of one read. Source: Kinesis API reference, GetRecords.
const MAX_READ: usize = 10_000;

/// When a run ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Nothing is left.
    Drained,
    /// Never.
    Stopped,
}

/// Whether the run shall end.
#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn wait(&self) {
        // The sender outlives the run.
        if self.0.clone().wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// One shard while it is processed.
#[derive(Debug)]
pub(super) struct ShardRun {
    pub(super) id: String,
    pub(super) progress: Arc<Progress>,
    buffer: Buffer,
}

/// How a shard's processing ended.
struct ShardEnd {
    id: String,
    records: usize,
    closed: bool,
}

impl<S, F, Fut> EventSourceMapping<S, F>
where
    S: RecordSource,
    F: Fn(Invocation) -> Fut,
    Fut: Future<Output = Result<String, FunctionError>>,
{
    /// Processes the stream until every record that is in it is taken or given up, and reports what the mapping has
    /// done so far. A batch that is not full does not wait for the batching window: nothing else comes.
    ///
    /// With retries without bound and a record that always fails this does not return, as on Lambda. Another run of
    /// the same mapping waits for this one. What is under way when this is dropped is delivered again in the next run.
    ///
    /// # Errors
    /// The source's, at once; what was under way is delivered again in the next run.
    pub async fn run_until_drained(&self) -> Result<Report, S::Error> {
        let _running = self.running.lock().await;
        let (_stop, stopped) = watch::channel(false);
        while self.pass(Until::Drained, &Stop(stopped.clone())).await? {}
        Ok(self.report())
    }

    /// Follows the stream until `stop` is ready, and reports what the mapping has done so far. Invocations that are
    /// under way then are finished; nothing is retried any more. What is not done is delivered again in the next run.
    ///
    /// # Errors
    /// The source's, at once; what was under way is delivered again in the next run.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<Report, S::Error> {
        let _running = self.running.lock().await;
        let (stopper, stopped) = watch::channel(false);
        let stopped = Stop(stopped);
        let work = async {
            while !stopped.is_set() {
                self.pass(Until::Stopped, &stopped).await?;
                // Only a stream whose shards are all closed comes here before it is stopped.
                self.pause(&stopped).await;
            }
            Ok(())
        };
        let watch = async {
            stop.await;
            stopper.send_replace(true);
            Ok(())
        };
        try_join(work, watch).await?;
        Ok(self.report())
    }

    /// Processes every shard, parents before their children, until each ends. Returns whether anything was there.
    async fn pass(&self, until: Until, stop: &Stop) -> Result<bool, S::Error> {
        let mut running = FuturesUnordered::new();
        let mut started = std::collections::BTreeSet::new();
        let mut found = false;
        loop {
            let shards = self.source.shards().await?;
            for shard in &shards {
                // A parent that is not listed has expired with all its records.
                let is_left = |parent: &String| {
                    !self.is_finished(parent) && shards.iter().any(|shard| shard.id == *parent)
                };
                if !self.is_finished(&shard.id)
                    && !shard.parents.iter().any(is_left)
                    && started.insert(shard.id.clone())
                {
                    running.push(self.process(shard.id.clone(), until, stop));
                }
            }
            // The end of a shard is where its children begin.
            loop {
                let Some(end) = running.next().await else { return Ok(found) };
                let end = end?;
                found |= end.records > 0 || end.closed;
                if end.closed {
                    self.finish(end.id);
                    break;
                }
            }
        }
    }

    /// Processes one shard: reads it, and delivers from its lanes meanwhile.
    async fn process(&self, id: String, until: Until, stop: &Stop) -> Result<ShardEnd, S::Error> {
        let settings = &self.settings;
        let progress = self.progress(&id);
        progress.rewind();
        let lanes = settings.parallelization_factor;
        // One batch for each lane while another is under way.
        let buffer = Buffer::new(lanes, 2 * lanes * settings.batch_size);
        let shard = ShardRun { id, progress, buffer };
        let deliveries = async {
            join_all((0..lanes).map(|lane| self.deliver_lane(&shard, lane, stop))).await;
            Ok(())
        };
        let ((records, closed), ()) = try_join(self.read(&shard, until, stop), deliveries).await?;
        // A shard is not at its end if what was read of it is not done.
        let closed = closed && !stop.is_set();
        Ok(ShardEnd { id: shard.id, records, closed })
    }

    /// Reads a shard until its end, or until there is nothing more to read. Gives the number of records, and
    /// whether it is at its end.
    async fn read(&self, shard: &ShardRun, until: Until, stop: &Stop) -> Result<(usize, bool), S::Error> {
        let settings = &self.settings;
        let limit = (settings.batch_size * settings.parallelization_factor).min(MAX_READ);
        let mut records = 0;
        let mut closed = false;
        while !closed && !stop.is_set() {
            tokio::select! {
                biased;
                () = stop.wait() => break,
                () = shard.buffer.room() => {}
            }
            let page = self.source.read(&shard.id, shard.progress.last_read().as_deref(), limit).await?;
            let empty = page.records.is_empty();
            records += page.records.len();
            closed = page.closed;
            self.count(|report| report.records_read += page.records.len() as u64);
            let read_at = Instant::now();
            shard.buffer.add(page.records.into_iter().map(|record| {
                let number = shard.progress.read(&record.sequence_number);
                let json = self.fields.record(&shard.id, &record);
                (self.lane(&record.partition_key), Item { number, record, json, read_at })
            }));
            if empty && page.caught_up && !closed {
                if until == Until::Drained {
                    break;
                }
                self.pause(stop).await;
            }
        }
        shard.buffer.end();
        Ok((records, closed))
    }

    async fn deliver_lane(&self, shard: &ShardRun, lane: usize, stop: &Stop) {
        let limits = Limits { records: self.settings.batch_size, window: self.settings.batching_window };
        while !stop.is_set() {
            let batch = tokio::select! {
                biased;
                () = stop.wait() => return,
                batch = shard.buffer.next_batch(lane, limits) => batch,
            };
            match batch {
                Some(batch) => self.deliver(shard, batch, stop).await,
                None => return,
            }
        }
    }

    /// The lane of a partition key: always the same, so that its records stay in order. Lambda, too, keeps order
    /// for each partition key only. (Lambda developer guide, "Using Lambda to process records from Amazon Kinesis
    /// Data Streams", "ParallelizationFactor".)
    fn lane(&self, partition_key: &str) -> usize {
        // The low digits: the high ones say which shard the record is in.
        let lanes = self.settings.parallelization_factor as u128;
        usize::try_from(hash(partition_key) % lanes).unwrap_or_default()
    }

    async fn pause(&self, stop: &Stop) {
        tokio::select! {
            biased;
            () = stop.wait() => {}
            () = tokio::time::sleep(self.settings.polling_interval) => {}
        }
    }
}
