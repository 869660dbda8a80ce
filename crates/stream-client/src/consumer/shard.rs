//! One shard: read, hand over, note.

use std::sync::Arc;

use tokio::time::Instant;

use super::checkpoints::{Checkpoint, Checkpoints, Holder, Kept};
use super::error::ConsumerError;
use super::handler::{Batch, Handler};
use super::record::Record;
use super::report::ShardState;
use super::settings::Until;
use super::shared::{Shared, now};
use super::source::{Page, ReadFrom, ShardSource, SourceFault};
use super::stop::Stop;

/// How much later than its arrival a record may be there to be read, and how far this machine's clock may be ahead of the
/// stream's, in milliseconds: before so much time has passed a tip says nothing about what arrived until then.
const TIP_ALLOWANCE: i64 = 2_000;

/// How reading of a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is closed and was handled to its end.
    Finished,
    /// The run has come as far as it should, or is to end.
    Left,
}

/// A shard that is being read.
pub(super) struct ShardReader<S, C, H> {
    pub(super) shared: Arc<Shared<S, C, H>>,
    pub(super) stream_arn: Arc<str>,
    pub(super) holder: Arc<Holder>,
    pub(super) shard_id: String,
    /// Where the next iterator would begin: where the current one began, or after the last record that was handled.
    pub(super) from: ReadFrom,
    /// Where one begins that replaces an iterator from the latest on: "from now on" may be said only once.
    pub(super) from_then_on: ReadFrom,
    pub(super) stop: Stop,
}

impl<S: ShardSource, C: Checkpoints, H: Handler> ShardReader<S, C, H> {
    /// Reads until the shard's end, or until the run is to end.
    pub(super) async fn run(mut self) -> Result<Ended, ConsumerError> {
        self.shared.report_shard(&self.shard_id, |shard| shard.state = ShardState::Reading);
        let ended = self.read().await;
        let state =
            if matches!(ended, Ok(Ended::Finished)) { ShardState::Finished } else { ShardState::Left };
        self.shared.report_shard(&self.shard_id, |shard| shard.state = state);
        self.shared.report().trouble.remove(&self.shard_id);
        ended
    }

    async fn read(&mut self) -> Result<Ended, ConsumerError> {
        let shared = Arc::clone(&self.shared);
        let settings = &shared.settings;
        let mut pauses = settings.backoff.pauses();
        let mut iterator = None;
        while !self.stop.is_set() {
            let started = Instant::now();
            // A tip says nothing about what arrives while its records are handled.
            let asked_at = now();
            let page = match self.page(&mut iterator).await {
                Ok(page) => page,
                Err(SourceFault::ExpiredIterator) => {
                    shared.report().iterators_expired += 1;
                    iterator = None;
                    if self.from == ReadFrom::Latest {
                        self.from = self.from_then_on.clone();
                    }
                    self.stop.pause(settings.read_interval).await;
                    continue;
                }
                Err(SourceFault::PositionRefused { message }) => return Err(self.refused(message)),
                Err(fault) => {
                    let pause = shared.read_failed(&self.shard_id, fault, &mut pauses)?;
                    self.stop.pause(pause.max(settings.read_interval)).await;
                    continue;
                }
            };
            pauses.reset();
            shared.succeeded(&self.shard_id);
            let Page { mut records, next, behind } = page;
            shared.report_shard(&self.shard_id, |shard| shard.behind = Some(behind));
            self.cut_before_start(&mut records);
            let is_past_end = self.cut_from_end(&mut records);
            let found_none = records.is_empty();
            if !self.deliver(&records).await? {
                return Ok(Ended::Left);
            }
            if is_past_end {
                return Ok(Ended::Left);
            }
            let at_tip = behind.is_zero();
            if next.is_none() {
                self.advance(&Checkpoint::ShardEnd).await?;
                return Ok(Ended::Finished);
            }
            iterator = next;
            let tip_is_end = match settings.until {
                Until::Stopped => false,
                Until::CaughtUp => at_tip,
                Until::Time(end) => at_tip && asked_at.millis() >= end.millis().saturating_add(TIP_ALLOWANCE),
            };
            if tip_is_end && !self.is_closed().await? {
                return Ok(Ended::Left);
            }
            let interval = if at_tip && found_none { settings.poll_interval } else { settings.read_interval };
            self.stop.pause(interval.saturating_sub(started.elapsed())).await;
        }
        Ok(Ended::Left)
    }

    /// Reads once, with an iterator that is made if there is none.
    async fn page(&mut self, iterator: &mut Option<String>) -> Result<Page, SourceFault> {
        let Shared { source, settings, .. } = &*self.shared;
        let at = match iterator {
            Some(iterator) => iterator,
            None => iterator.insert(source.iterator(&self.shard_id, &self.from).await?),
        };
        source.read(at, settings.batch_size).await
    }

    /// Whether the stream says that the shard is closed. Kinesis may give a closed shard's last records with an iterator
    /// behind them: its end is reported only by a later read, and its children begin no earlier.
    async fn is_closed(&self) -> Result<bool, ConsumerError> {
        let shards = self.shared.read(&self.shard_id, &self.stop, || self.shared.source.shards()).await?;
        Ok(shards
            .is_some_and(|shards| shards.iter().any(|shard| shard.id == self.shard_id && shard.is_closed)))
    }

    /// Takes off what arrived before the time at which the consumer begins, as long as nothing was handled yet. Kinesis
    /// gives no such records; an emulator gives all if none is late enough. From the latest on there is no time to go by:
    /// this machine's clock may be far ahead of the stream's.
    fn cut_before_start(&self, records: &mut Vec<Record>) {
        if let ReadFrom::Time(start) = self.from {
            let early = records.iter().take_while(|record| record.approximate_arrival < start).count();
            records.drain(..early);
        }
    }

    /// Takes off what arrived at the end time or later, and says whether there was such a record.
    fn cut_from_end(&self, records: &mut Vec<Record>) -> bool {
        let Until::Time(end) = self.shared.settings.until else { return false };
        let first_beyond = records.iter().position(|record| record.approximate_arrival >= end);
        records.truncate(first_beyond.unwrap_or(records.len()));
        first_beyond.is_some()
    }

    /// Hands records over until all are done; `false` if the run is to end before.
    async fn deliver(&mut self, records: &[Record]) -> Result<bool, ConsumerError> {
        let shared = Arc::clone(&self.shared);
        let mut pauses = shared.settings.backoff.pauses();
        let mut left = records;
        let mut attempt = 1;
        while !left.is_empty() {
            let batch =
                Batch { stream_arn: &self.stream_arn, shard_id: &self.shard_id, records: left, attempt };
            let handled = shared
                .handler
                .handle(&batch)
                .await
                .map_err(|error| ConsumerError::Handler { shard: self.shard_id.clone(), error })?;
            let (done, again) = left.split_at(handled.done(left));
            if let Some(last) = done.last() {
                self.advance(&Checkpoint::After(last.sequence_number.clone())).await?;
                self.from = ReadFrom::After(last.sequence_number.clone());
                pauses.reset();
                attempt = 0;
            }
            {
                let mut report = shared.report();
                report.records += done.len() as u64;
                report.batches += 1;
                report.incomplete_batches += u64::from(!again.is_empty());
            }
            shared.report_shard(&self.shard_id, |shard| shard.records += done.len() as u64);
            left = again;
            attempt += 1;
            if !left.is_empty() {
                self.stop.pause(pauses.draw()).await;
                if self.stop.is_set() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Notes how far the shard was handled.
    async fn advance(&self, to: &Checkpoint) -> Result<(), ConsumerError> {
        let Shared { checkpoints, .. } = &*self.shared;
        let advance = || checkpoints.advance(&self.shard_id, &self.holder, to);
        match self.shared.keep(&self.shard_id, &self.stop, advance).await? {
            Kept::Ours => Ok(()),
            Kept::Lost(owner) => Err(self.shared.lost(&self.shard_id, owner)),
        }
    }

    fn refused(&self, message: String) -> ConsumerError {
        ConsumerError::PositionRefused {
            stream: self.shared.stream(),
            consumer: self.shared.settings.name.clone(),
            shard: self.shard_id.clone(),
            position: match &self.from {
                ReadFrom::TrimHorizon => "the oldest record".to_owned(),
                ReadFrom::Latest => "the latest record".to_owned(),
                ReadFrom::Time(time) => time.to_string(),
                ReadFrom::After(number) => format!("after {number}"),
            },
            message,
        }
    }
}
