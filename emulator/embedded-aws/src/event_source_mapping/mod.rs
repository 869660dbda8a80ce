//! Lambda's event source mapping for Kinesis, over any function.
//!
//! An [`EventSourceMapping`] reads a stream shard by shard, makes batches, invokes a function with Lambda's own event
//! JSON, and does with its answer what Lambda does: retries, bisects, checkpoints, discards. It waits by tokio's
//! clock and calls nothing but the source and the function: where both are in memory, a test can pause the clock.
//!
//! ```
//! # use std::sync::Arc;
//! # use embedded_aws::event_source_mapping::{Clock, EventSourceMapping, MemoryStream, Settings};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stream = Arc::new(MemoryStream::new("transactions", 1, Clock::default()));
//! stream.put("customer", "a record")?;
//! let function = async |invocation: embedded_aws::event_source_mapping::Invocation| {
//!     assert!(invocation.event.contains("\"partitionKey\":\"customer\""));
//!     Ok(String::new())
//! };
//! let mapping = EventSourceMapping::new(stream, function, Settings::default())?;
//! let report = mapping.run_until_drained().await?;
//! assert_eq!((report.invocations, report.records_delivered), (1, 1));
//! # Ok(())
//! # }
//! ```
//!
//! What it does not do: tumbling windows, filters, starting positions other than TRIM_HORIZON, records that expire
//! from the stream, throttled invocations, destinations that fail.

mod buffer;
mod clock;
mod delivery;
pub mod event;
mod function;
mod on_failure;
mod progress;
mod report;
pub mod response;
mod run;
mod settings;
mod source;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

pub use clock::Clock;
pub(crate) use function::{Failure, answer};
pub use function::{FunctionError, Invocation};
pub use on_failure::{Condition, Discarded, DiscardedBatch, OnFailure};
pub use report::Report;
pub use settings::{Backoff, Settings, SettingsError};
pub use source::{Page, Record, RecordSource, Shard};
pub use stream::{MemoryStream, StreamError};

use event::EventFields;
use progress::Progress;

/// A mapping of a stream to a function: an async closure that takes an [`Invocation`] and gives its answer or a
/// [`FunctionError`].
#[derive(Debug)]
pub struct EventSourceMapping<S, F> {
    source: S,
    function: F,
    settings: Settings,
    fields: EventFields,
    state: Mutex<MappingState>,
    running: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct MappingState {
    report: Report,
    random: fastrand::Rng,
    /// By shard.
    progress: BTreeMap<String, Arc<Progress>>,
    /// Shards that were processed to their end.
    finished: BTreeSet<String>,
}

impl<S: RecordSource, F> EventSourceMapping<S, F> {
    /// A mapping that starts at the oldest record of every shard (TRIM_HORIZON). A replay is a new mapping.
    ///
    /// # Errors
    /// [`SettingsError`] if a setting is beyond its range.
    pub fn new(source: S, function: F, settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let stream_arn = source.stream_arn();
        let event_source_arn = match &settings.consumer {
            None => stream_arn,
            Some(consumer) => {
                let created = settings.clock.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                format!("{stream_arn}/consumer/{consumer}:{created}")
            }
        };
        let state = MappingState {
            report: Report::default(),
            random: fastrand::Rng::with_seed(settings.seed),
            progress: BTreeMap::new(),
            finished: BTreeSet::new(),
        };
        Ok(Self {
            source,
            function,
            settings,
            fields: EventFields::new(event_source_arn),
            state: Mutex::new(state),
            running: tokio::sync::Mutex::default(),
        })
    }

    /// The same mapping, starting after another's [`Report::checkpoints`]: what a poller does that takes over.
    #[must_use]
    pub fn starting_behind(self, checkpoints: BTreeMap<String, String>) -> Self {
        self.state().progress = checkpoints
            .into_iter()
            .map(|(shard, checkpoint)| (shard, Arc::new(Progress::after(Some(checkpoint)))))
            .collect();
        self
    }

    /// What the mapping has done so far, also while it runs.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.state();
        let checkpoints = state
            .progress
            .iter()
            .filter_map(|(shard, progress)| Some((shard.clone(), progress.checkpoint()?)))
            .collect();
        let records_done = state.progress.values().map(|progress| progress.records_done()).sum();
        Report { checkpoints, records_done, ..state.report.clone() }
    }

    fn count(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.state().report);
    }

    fn with_random<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.state().random)
    }

    fn progress(&self, shard_id: &str) -> Arc<Progress> {
        self.state().progress.entry(shard_id.to_owned()).or_default().clone()
    }

    fn is_finished(&self, shard_id: &str) -> bool {
        self.state().finished.contains(shard_id)
    }

    fn finish(&self, shard_id: String) {
        self.state().finished.insert(shard_id);
    }

    fn state(&self) -> MutexGuard<'_, MappingState> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
