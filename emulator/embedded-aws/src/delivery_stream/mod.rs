//! How Firehose calls a function, over any function, and what it writes to S3.
//!
//! A [`DeliveryStream`] reads records that were put on it or that are in a stream, gathers batches, invokes a function
//! with Firehose's own event JSON, and does with its answer what Firehose does: partitions and gathers objects, writes
//! what failed as error output, keeps a backup of what came. It waits by tokio's clock and calls nothing but the
//! source, the function and the store: where these are in memory, a test can pause the clock.
//!
//! ```
//! # use embedded_aws::delivery_stream::{DeliveryStream, DirectPut, MemoryObjects, Settings};
//! # use embedded_aws::event_source_mapping::{Clock, Invocation};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = DirectPut::new("lake", Clock::default());
//! source.put("a record")?;
//! let unchanged = async |invocation: Invocation| {
//!     let mut event: serde_json::Value = serde_json::from_str(&invocation.event).unwrap();
//!     event["records"][0]["result"] = "Ok".into();
//!     Ok(event.to_string())
//! };
//! let objects = MemoryObjects::default();
//! let settings = Settings { prefix: "scored/".to_owned(), ..Settings::default() };
//! let delivery = DeliveryStream::of_direct_put(source, unchanged, objects.clone(), settings)?;
//! let report = delivery.run_until_drained().await?;
//! assert_eq!((report.ok, report.objects), (1, 1));
//! assert_eq!(objects.concatenated("scored/"), b"a record");
//! # Ok(())
//! # }
//! ```
//!
//! What it does not do: convert to Parquet or compress, add or look for line breaks, partition by queries (`jq`),
//! write anywhere but to objects, begin at a stream's latest record as Firehose does: it begins at the oldest, like a
//! delivery stream that was there first.

mod buffer;
mod delivery;
mod direct_put;
mod error_output;
mod event;
mod objects;
mod prefix;
mod report;
mod response;
mod run;
mod settings;
mod transform;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use direct_put::{DirectPut, RecordTooLarge};
pub(crate) use direct_put::{MAX_RECORD, delivery_stream_arn};
pub use objects::{DirectoryError, DirectoryObjects, MemoryObjects, ObjectStore};
pub use prefix::PrefixError;
pub use report::{Report, Written};
pub use run::RunError;
pub use settings::{Buffering, Compression, Deaggregate, RawBackup, Settings, SettingsError};

use crate::event_source_mapping::RecordSource;
use event::EventFields;
use run::Positions;
use settings::Prefixes;

/// A delivery stream to an object store, whose records go through a function: an async closure that takes an
/// [`Invocation`](crate::event_source_mapping::Invocation) and gives its answer or a
/// [`FunctionError`](crate::event_source_mapping::FunctionError).
#[derive(Debug)]
pub struct DeliveryStream<S, F, O> {
    source: S,
    function: F,
    store: O,
    settings: Settings,
    prefixes: Prefixes,
    fields: EventFields,
    state: Mutex<DeliveryState>,
    /// Held by a run.
    positions: tokio::sync::Mutex<Positions>,
}

#[derive(Debug)]
struct DeliveryState {
    report: Report,
    random: fastrand::Rng,
}

impl<F, O> DeliveryStream<DirectPut, F, O> {
    /// A delivery stream of what producers put on it.
    ///
    /// # Errors
    /// [`SettingsError`] if a setting is beyond its range.
    pub fn of_direct_put(
        source: DirectPut,
        function: F,
        store: O,
        settings: Settings,
    ) -> Result<Self, SettingsError> {
        Self::new(source, function, store, settings, None)
    }
}

impl<S: RecordSource, F, O> DeliveryStream<S, F, O> {
    /// A delivery stream of a Kinesis stream's records, from the oldest on. Its events tell the records' positions.
    ///
    /// # Errors
    /// [`SettingsError`] if a setting is beyond its range.
    pub fn of_stream(source: S, function: F, store: O, settings: Settings) -> Result<Self, SettingsError> {
        let stream_arn = source.stream_arn();
        Self::new(source, function, store, settings, Some(stream_arn))
    }

    fn new(
        source: S,
        function: F,
        store: O,
        settings: Settings,
        stream_arn: Option<String>,
    ) -> Result<Self, SettingsError> {
        let prefixes = settings.check()?;
        let fields = EventFields::new(delivery_stream_arn(&settings.name), stream_arn);
        let state =
            DeliveryState { report: Report::default(), random: fastrand::Rng::with_seed(settings.seed) };
        Ok(Self {
            source,
            function,
            store,
            settings,
            prefixes,
            fields,
            state: Mutex::new(state),
            positions: tokio::sync::Mutex::default(),
        })
    }

    /// What the delivery stream has done so far, also while it runs.
    #[must_use]
    pub fn report(&self) -> Report {
        self.state().report.clone()
    }
}

impl<S, F, O> DeliveryStream<S, F, O> {
    fn count(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.state().report);
    }

    fn with_random<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        draw(&mut self.state().random)
    }

    fn state(&self) -> MutexGuard<'_, DeliveryState> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
