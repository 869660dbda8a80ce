//! What a consumer's parts have in common: ports, settings, numbers, and how calls are made again.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_calls::fault::{CallFault, FaultKind};
use aws_calls::pauses::Pauses;
use exact_text::timestamp::Timestamp;
use tokio::time::sleep;

use super::checkpoints::{CheckpointFault, LostTo};
use super::error::ConsumerError;
use super::report::{Report, ShardReport, ShardState};
use super::settings::{From, Settings, Until};
use super::source::{ShardSource, SourceFault, StreamDescription};
use super::stop::Stop;

/// Who waits in [`Report::trouble`], if that is not a shard.
pub(super) const STREAM: &str = "the stream";
/// The same for the lease.
pub(super) const LEASE: &str = "the lease";

#[derive(Debug)]
pub(super) struct Shared<S, C, H> {
    pub(super) source: S,
    pub(super) checkpoints: C,
    pub(super) handler: H,
    pub(super) settings: Settings,
    pub(super) report: Mutex<Report>,
    /// Whether any call was ever answered: there were credentials and a region.
    pub(super) was_answered: AtomicBool,
}

impl<S: ShardSource, C, H> Shared<S, C, H> {
    /// Calls the stream for `who` until it answers; `None` if the consumer is to end first.
    ///
    /// # Errors
    /// [`ConsumerError::Source`] if it never will.
    pub(super) async fn read<T, F>(
        &self,
        who: &str,
        stop: &Stop,
        call: impl Fn() -> F + Send,
    ) -> Result<Option<T>, ConsumerError>
    where
        F: Future<Output = Result<T, SourceFault>> + Send,
    {
        let mut pauses = self.settings.backoff.pauses();
        while !stop.is_set() {
            match call().await {
                Ok(answer) => {
                    self.succeeded(who);
                    return Ok(Some(answer));
                }
                Err(fault) => {
                    let pause = self.read_failed(who, fault, &mut pauses)?;
                    stop.pause(pause).await;
                }
            }
        }
        Ok(None)
    }

    /// Makes sure that the stream still has the whole span of time that is to be read, if that has a begin and an end.
    ///
    /// # Errors
    /// [`ConsumerError::BeforeRetention`]
    pub(super) fn has_span(&self, stream: &StreamDescription) -> Result<(), ConsumerError> {
        let Settings { from: From::Time(from), until: Until::Time(_), .. } = self.settings else {
            return Ok(());
        };
        match stream.horizon(now()) {
            Some(horizon) if from < horizon => Err(ConsumerError::BeforeRetention {
                stream: self.stream(),
                retention_hours: stream.retention.as_secs() / 3600,
                from,
                horizon,
            }),
            _ => Ok(()),
        }
    }

    /// Notes that the stream no longer has all that arrived since the consumer's begin, if that is so.
    pub(super) fn notes_what_is_gone(&self, stream: &StreamDescription) {
        if let From::Time(from) = self.settings.from {
            self.report().kept_since = stream.horizon(now()).filter(|&horizon| from < horizon);
        }
    }

    /// Counts a failed call of `who`, and says how long to wait before the next.
    ///
    /// # Errors
    /// [`ConsumerError::Source`] if another call would not help.
    pub(super) fn read_failed(
        &self,
        who: &str,
        fault: SourceFault,
        pauses: &mut Pauses,
    ) -> Result<Duration, ConsumerError> {
        let mut report = self.report();
        match &fault {
            SourceFault::Call(fault) if fault.kind == FaultKind::Throttled => report.throttled += 1,
            SourceFault::Call(fault) if self.may_pass(fault) => report.read_failures += 1,
            _ => return Err(ConsumerError::Source { stream: self.stream(), fault }),
        }
        report.trouble.insert(who.to_owned(), format!("no records: {fault}"));
        Ok(pauses.draw())
    }

    /// Whether another call may succeed. A request that could not be sent lasts, unless calls were answered before: then
    /// whoever gives the credentials did not answer, and will.
    fn may_pass(&self, fault: &CallFault) -> bool {
        fault.is_transient() || (fault.kind == FaultKind::NotSent && self.was_answered())
    }

    /// Calls the checkpoints for `who` until they answer. Once the consumer is to end, only for so long as its patience is.
    ///
    /// # Errors
    /// [`ConsumerError::Checkpoints`] if they never will, or not in that time.
    pub(super) async fn keep<T, F>(
        &self,
        who: &str,
        stop: &Stop,
        call: impl Fn() -> F + Send,
    ) -> Result<T, ConsumerError>
    where
        F: Future<Output = Result<T, CheckpointFault>> + Send,
    {
        let failed = |fault| ConsumerError::Checkpoints { consumer: self.settings.name.clone(), fault };
        let mut pauses = self.settings.backoff.pauses();
        let patience = async {
            stop.wait().await;
            sleep(self.settings.stop_patience).await;
        };
        tokio::pin!(patience);
        loop {
            let fault = match call().await {
                Ok(answer) => {
                    self.succeeded(who);
                    return Ok(answer);
                }
                Err(CheckpointFault::Call(fault)) if self.may_pass(&fault) => fault.into(),
                Err(fault @ CheckpointFault::Raced) => fault,
                Err(fault) => return Err(failed(fault)),
            };
            {
                let mut report = self.report();
                report.checkpoint_failures += 1;
                report.trouble.insert(who.to_owned(), format!("no checkpoint: {fault}"));
            }
            tokio::select! {
                () = &mut patience => return Err(failed(fault)),
                () = sleep(pauses.draw()) => {}
            }
        }
    }

    /// Another process has what was ours.
    pub(super) fn lost(&self, what: &str, to: LostTo) -> ConsumerError {
        ConsumerError::Lost {
            stream: self.stream(),
            consumer: self.settings.name.clone(),
            what: what.to_owned(),
            to,
        }
    }

    pub(super) fn stream(&self) -> String {
        self.source.stream().to_owned()
    }

    /// Changes a shard's numbers.
    pub(super) fn report_shard(&self, shard_id: &str, change: impl FnOnce(&mut ShardReport)) {
        let mut report = self.report();
        let new = ShardReport { state: ShardState::Reading, records: 0, behind: None };
        change(report.shards.entry(shard_id.to_owned()).or_insert(new));
    }
}

impl<S, C, H> Shared<S, C, H> {
    /// A call of `who` was answered.
    pub(super) fn succeeded(&self, who: &str) {
        self.was_answered.store(true, Ordering::Relaxed);
        self.report().trouble.remove(who);
    }

    fn was_answered(&self) -> bool {
        self.was_answered.load(Ordering::Relaxed)
    }

    pub(super) fn report(&self) -> MutexGuard<'_, Report> {
        // Nothing panics while it holds the lock.
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of day.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::saturating_from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
