//! Shows on standard error how far a consumer is, and what it waits for.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;
use stream_client::consumer::checkpoints::Checkpoints;
use stream_client::consumer::{self, Consumer, ConsumerError, Report, ShardSource, ShardState};
use tokio::time::Instant;

use crate::display::{counted, note, progress, thousands};

/// How often the line is refreshed.
const INTERVAL: Duration = Duration::from_millis(200);
/// A failure that is over sooner is not reported.
const WORTH_TELLING: Duration = Duration::from_secs(3);
/// The same text is not reported again sooner.
const TOLD_AGAIN: Duration = Duration::from_secs(30);

/// A line that says how far a consumer is, on a terminal; and lines that say what goes wrong, everywhere. A cloneable
/// handle.
#[derive(Debug, Clone)]
pub struct ReadingStatus {
    bar: ProgressBar,
    /// What was reported a short time ago, and when.
    told: Arc<Mutex<BTreeMap<String, Instant>>>,
    told_what_is_gone: Arc<AtomicBool>,
}

impl ReadingStatus {
    /// A line that shows nothing yet.
    pub fn new() -> Self {
        ReadingStatus { bar: progress(None), told: Arc::default(), told_what_is_gone: Arc::default() }
    }

    /// Runs a consumer until its end, or until the batches under way at `stop` are done, and shows how far it is.
    ///
    /// # Errors
    /// Those of [`Consumer::run`].
    pub async fn during<S, C, H>(
        &self,
        consumer: &Consumer<S, C, H>,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), ConsumerError>
    where
        S: ShardSource,
        C: Checkpoints,
        H: consumer::Handler,
    {
        self.bar.enable_steady_tick(INTERVAL);
        let result = tokio::select! {
            result = consumer.run(stop) => result,
            () = self.show(|| consumer.report()) => Ok(()),
        };
        self.tell_what_is_gone(&consumer.report());
        self.bar.finish_and_clear();
        result
    }

    /// Reports something, unless it was reported a short time ago.
    pub fn tell(&self, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, at| at.elapsed() < TOLD_AGAIN);
        if !told.contains_key(text) {
            self.bar.suspend(|| note!("{text}"));
            told.insert(text.to_owned(), Instant::now());
        }
    }

    /// Reports once that the stream no longer has all that was asked for.
    fn tell_what_is_gone(&self, report: &Report) {
        let Some(horizon) = report.kept_since else { return };
        if !self.told_what_is_gone.swap(true, Ordering::Relaxed) {
            self.tell(&format!(
                "the stream has all that arrived since {horizon}: what is older is in the raw backup (docs/operations.md, \
                 Replay from the raw backup)"
            ));
        }
    }

    /// Shows the line until this is dropped.
    async fn show(&self, report: impl Fn() -> Report) {
        let mut since: BTreeMap<String, Instant> = BTreeMap::new();
        loop {
            let report = report();
            self.tell_what_is_gone(&report);
            self.bar.set_message(line(&report));
            since.retain(|who, _| report.trouble.contains_key(who));
            for (who, trouble) in &report.trouble {
                let since = since.entry(who.clone()).or_insert_with(Instant::now);
                if since.elapsed() >= WORTH_TELLING {
                    self.tell(&format!("{who} waits: {trouble}"));
                }
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

impl Default for ReadingStatus {
    fn default() -> Self {
        Self::new()
    }
}

fn line(report: &Report) -> String {
    let reading = report.shards_in(ShardState::Reading) as u64;
    let behind =
        report.behind().map_or_else(String::new, |behind| format!(", {} s behind", behind.as_secs()));
    let again = match report.incomplete_batches {
        0 => String::new(),
        times => format!(", {} brought back", counted(times, "batch part")),
    };
    format!("{} handled, {} being read{behind}{again}", thousands(report.records), counted(reading, "shard"))
}
