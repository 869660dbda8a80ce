//! A delivery stream's settings, held to the ranges of Firehose's own.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::prefix::{Prefix, PrefixError, Use};
use crate::event_source_mapping::{Backoff, Clock};
use crate::service::{ACCOUNT_ID, REGION};

const MIB: usize = 1024 * 1024;

/// How much the function's buffer may hold. Source: Firehose developer guide, "Transform source data in Amazon Data
/// Firehose": 0.2 to 3 MB.
const TRANSFORM_SIZES: RangeInclusive<usize> = MIB / 5..=3 * MIB;

/// How large an object may be. Source: Firehose API reference, BufferingHints.
const OBJECT_SIZES: RangeInclusive<usize> = MIB..=128 * MIB;

/// How long a buffer may wait. Source: as of the sizes.
const MAX_INTERVAL: Duration = Duration::from_secs(900);

/// How many partitions may be active. Source: Firehose developer guide, "Buffer data for dynamic partitioning": 500,
/// and up to 5,000 on request.
const ACTIVE_PARTITIONS: RangeInclusive<usize> = 1..=5000;

/// When a buffer is full: by size or by time, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffering {
    /// How many bytes of data it holds before it is passed on; the record that goes over is still in it.
    pub size: usize,
    /// How long the first record in it waits; zero is not at all.
    pub interval: Duration,
}

/// Taking a record of a stream apart: the data of an aggregate (the Kinesis Producer Library's) to the sub-records
/// with their sub-sequence numbers, and any other data to itself with the number 0.
///
/// Firehose does so before it invokes the function. (Firehose developer guide, "Understand data delivery in Amazon
/// Data Firehose".) It is not known to this crate how.
#[derive(Clone)]
pub struct Deaggregate(Arc<dyn Fn(Bytes) -> Vec<(u64, Bytes)> + Send + Sync>);

impl Deaggregate {
    /// With a function of one's own.
    pub fn new(deaggregate: impl Fn(Bytes) -> Vec<(u64, Bytes)> + Send + Sync + 'static) -> Self {
        Self(Arc::new(deaggregate))
    }

    pub(super) fn apply(&self, data: Bytes) -> Vec<(u64, Bytes)> {
        (self.0)(data)
    }
}

impl fmt::Debug for Deaggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deaggregate")
    }
}

/// The backup of all records as they came (`S3BackupMode: Enabled`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBackup {
    /// What the keys begin with, see [`Settings::prefix`]; without partition keys.
    pub prefix: String,
    /// When an object is written, 1 to 128 MiB and 0 to 900 seconds.
    pub buffering: Buffering,
    /// How its objects are written.
    pub compression: Compression,
}

/// How objects are written (`CompressionFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As they are.
    #[default]
    Uncompressed,
    /// By gzip; keys end with `.gz`.
    Gzip,
}

/// The settings of a delivery stream to S3 whose records a function transforms. Those that Firehose has bear its
/// names and have its defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The delivery stream's name, for its ARN and the objects' names.
    pub name: String,
    /// The function's ARN, for error output.
    pub function_arn: String,
    /// When a batch is handed to the function, 0.2 to 3 MiB of data and 0 to 900 seconds. A batch's event also has
    /// at most 6 MB of JSON.
    pub transform_buffering: Buffering,
    /// How long the function may take, 1 second to 5 minutes; then it is aborted where it is.
    /// Source: Firehose developer guide, "Transform source data in Amazon Data Firehose".
    pub function_timeout: Duration,
    /// How often a failed invocation is tried again (`NumberOfRetries`).
    pub retries: u32,
    /// How long a failed invocation waits before it is tried again. Firehose does not say how long it waits.
    pub backoff: Backoff,
    /// How many invocations are under way at once, at least 1. Firehose has up to 5 for each shard.
    pub concurrency: usize,
    /// When an object is written, 1 to 128 MiB and 0 to 900 seconds, for each partition and for each kind of error.
    /// Firehose wants at least 64 MiB and 60 seconds if it partitions; here less is possible, for a developer who
    /// waits for the objects.
    pub buffering: Buffering,
    /// What the keys begin with, with `!{timestamp:..}`, `!{firehose:random-string}` and
    /// `!{partitionKeyFromLambda:..}`. Without a timestamp or a partition key `!{timestamp:yyyy/MM/dd/HH/}` is
    /// appended, as Firehose does it. Times are UTC, of the oldest record of the object.
    pub prefix: String,
    /// What the keys of error output begin with; with `!{firehose:error-output-type}`, without partition keys.
    pub error_output_prefix: String,
    /// What the keys of objects end with, error output's too, but not the backup's: `.ndjson` (`FileExtension`).
    pub file_extension: String,
    /// How many partitions may have data that was not written yet, 1 to 5,000. A record that would be of another
    /// one fails.
    pub active_partitions: usize,
    /// The backup of the records as they came; `None` for no backup.
    pub raw_backup: Option<RawBackup>,
    /// How aggregates out of a stream are taken apart; `None`: they are not.
    pub deaggregate: Option<Deaggregate>,
    /// How long a delivery stream that follows its source waits before it looks for new records. Firehose looks once
    /// a second.
    pub polling_interval: Duration,
    /// The seed of all decisions by chance: objects' names, the length of a backoff.
    pub seed: u64,
    /// The time of day that names and error output tell.
    pub clock: Clock,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "delivery-stream".to_owned(),
            function_arn: format!("arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:function"),
            transform_buffering: Buffering { size: MIB, interval: Duration::from_secs(60) },
            function_timeout: Duration::from_secs(60),
            retries: 3,
            backoff: Backoff::default(),
            concurrency: 5,
            buffering: Buffering { size: 5 * MIB, interval: Duration::from_secs(300) },
            prefix: String::new(),
            error_output_prefix: "!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/".to_owned(),
            file_extension: String::new(),
            active_partitions: 500,
            raw_backup: None,
            deaggregate: None,
            polling_interval: Duration::from_secs(1),
            seed: 0,
            clock: Clock::default(),
        }
    }
}

/// A setting beyond its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// See [`Settings::transform_buffering`].
    #[error("the function's buffer is {0:?}: it must be from 0.2 to 3 MiB and from 0 to 900 seconds")]
    TransformBuffering(Buffering),
    /// See [`Settings::function_timeout`].
    #[error("the function's timeout is {} seconds: it must be from 1 to 300", .0.as_secs_f64())]
    FunctionTimeout(Duration),
    /// See [`Settings::concurrency`].
    #[error("at least one invocation must be allowed at a time")]
    Concurrency,
    /// See [`Settings::buffering`] and [`RawBackup::buffering`].
    #[error("an object's buffer is {0:?}: it must be from 1 to 128 MiB and from 0 to 900 seconds")]
    Buffering(Buffering),
    /// See [`Settings::active_partitions`].
    #[error("{0} active partitions: there must be from 1 to 5000")]
    ActivePartitions(usize),
    /// See [`Settings::prefix`].
    #[error("Prefix: {0}")]
    Prefix(#[source] PrefixError),
    /// See [`Settings::error_output_prefix`].
    #[error("ErrorOutputPrefix: {0}")]
    ErrorOutputPrefix(#[source] PrefixError),
    /// See [`RawBackup::prefix`].
    #[error("the backup's Prefix: {0}")]
    RawBackupPrefix(#[source] PrefixError),
}

/// The prefixes of settings that were checked.
#[derive(Debug)]
pub(super) struct Prefixes {
    pub(super) delivery: Prefix,
    pub(super) errors: Prefix,
    pub(super) raw_backup: Option<Prefix>,
}

impl Settings {
    pub(super) fn check(&self) -> Result<Prefixes, SettingsError> {
        let seconds = Duration::from_secs;
        let fits = |buffering: Buffering, sizes: &RangeInclusive<usize>| {
            sizes.contains(&buffering.size) && buffering.interval <= MAX_INTERVAL
        };
        if !fits(self.transform_buffering, &TRANSFORM_SIZES) {
            return Err(SettingsError::TransformBuffering(self.transform_buffering));
        }
        if !(seconds(1)..=seconds(300)).contains(&self.function_timeout) {
            return Err(SettingsError::FunctionTimeout(self.function_timeout));
        }
        if self.concurrency == 0 {
            return Err(SettingsError::Concurrency);
        }
        let backup = self.raw_backup.as_ref();
        for buffering in backup.map(|backup| backup.buffering).into_iter().chain([self.buffering]) {
            if !fits(buffering, &OBJECT_SIZES) {
                return Err(SettingsError::Buffering(buffering));
            }
        }
        if !ACTIVE_PARTITIONS.contains(&self.active_partitions) {
            return Err(SettingsError::ActivePartitions(self.active_partitions));
        }
        let errors = Prefix::parse(&self.error_output_prefix, Use::Errors);
        let backup = backup.map(|backup| Prefix::parse(&backup.prefix, Use::RawBackup)).transpose();
        Ok(Prefixes {
            delivery: Prefix::parse(&self.prefix, Use::Delivery).map_err(SettingsError::Prefix)?,
            errors: errors.map_err(SettingsError::ErrorOutputPrefix)?,
            raw_backup: backup.map_err(SettingsError::RawBackupPrefix)?,
        })
    }
}
