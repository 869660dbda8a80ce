//! Streams themselves: what one is, and how it becomes what it shall be.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::http::HttpResponse;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{MetricsName, StreamMode, StreamModeDetails, StreamStatus};
use tokio::time::{Instant, sleep};

mod description;
mod plan;

pub use description::{Consumer, Description, OpenShard, describe};
pub use plan::{Asked, Capacity, Plan, Refusal, Step, plan};

/// The metrics by shard that the deployed stream has: what its alarms and dashboard read.
pub const SHARD_METRICS: [&str; 5] = [
    "IncomingBytes",
    "IncomingRecords",
    "IteratorAgeMilliseconds",
    "ReadProvisionedThroughputExceeded",
    "WriteProvisionedThroughputExceeded",
];

/// Between two looks at a stream that is not active yet. DescribeStreamSummary may be called 20 times a second for an
/// account (Kinesis API reference).
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A stream in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The name.
    pub name: String,
    /// The ARN.
    pub arn: String,
    /// `ACTIVE`, `CREATING`, `UPDATING` or `DELETING`.
    pub status: String,
    /// Who decides how many shards there are.
    pub is_on_demand: bool,
    /// Shards that take records.
    pub open_shards: u32,
    /// How long records are kept, in hours.
    pub retention_hours: u32,
    /// The largest record that it takes, in KiB, if the service says so.
    pub max_record_kib: Option<u32>,
    /// `NONE` or `KMS`.
    pub encryption: String,
    /// The key that encrypts it, if one does.
    pub key_id: Option<String>,
    /// The metrics that it sends for each shard.
    pub shard_metrics: BTreeSet<String>,
}

impl Summary {
    /// Whether it takes records and changes.
    pub fn is_active(&self) -> bool {
        self.status == StreamStatus::Active.as_str()
    }
}

/// Why a stream is not what it shall be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// There is no stream of this name.
    #[error("there is no stream {0}")]
    NoSuchStream(String),
    /// The service failed or refused.
    #[error("{action}: {}", error.explained())]
    Call {
        /// What was asked of it.
        action: &'static str,
        /// Its answer.
        error: CallFault,
    },
    /// It was not active within the time.
    #[error("the stream is still {status}")]
    NotActive {
        /// What it is instead.
        status: String,
    },
}

/// Looks at a stream.
///
/// # Errors
/// [`StreamError`]
pub async fn summary(client: &Client, name: &str) -> Result<Summary, StreamError> {
    let action = "DescribeStreamSummary";
    let answer = client.describe_stream_summary().stream_name(name).send().await;
    let answer = answer.map_err(|error| named(action, name, &error))?;
    let missing = || about(action, name, CallFault::unreadable("the answer has no description"));
    // The SDK fills in what the answer lacks.
    let found = answer.stream_description_summary.filter(|found| !found.stream_arn.is_empty());
    let found = found.ok_or_else(missing)?;
    let mode = found.stream_mode_details.as_ref().map(|details| &details.stream_mode);
    let metrics = found.enhanced_monitoring.iter().flat_map(|metrics| metrics.shard_level_metrics());
    Ok(Summary {
        is_on_demand: mode == Some(&StreamMode::OnDemand),
        open_shards: u32::try_from(found.open_shard_count).unwrap_or_default(),
        retention_hours: u32::try_from(found.retention_period_hours).unwrap_or_default(),
        max_record_kib: found.max_record_size_in_kib.and_then(|kib| u32::try_from(kib).ok()),
        encryption: found.encryption_type.map_or_else(|| "NONE".to_owned(), |kind| kind.as_str().to_owned()),
        key_id: found.key_id,
        shard_metrics: metrics.map(|metric| metric.as_str().to_owned()).collect(),
        status: found.stream_status.as_str().to_owned(),
        name: found.stream_name,
        arn: found.stream_arn,
    })
}

/// Creates a stream. One that is there already stays as it is.
///
/// # Errors
/// [`StreamError`]
pub async fn create(client: &Client, name: &str, capacity: Capacity) -> Result<(), StreamError> {
    let create = client.create_stream().stream_name(name);
    let create = match capacity {
        Capacity::Shards(shards) => create.shard_count(i32::try_from(shards).unwrap_or(i32::MAX)),
        Capacity::OnDemand => {
            let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build();
            let mode = mode.map_err(|error| StreamError::Call {
                action: "CreateStream",
                error: CallFault::unusable(&error),
            })?;
            create.stream_mode_details(mode)
        }
    };
    match create.send().await {
        Err(error) if !error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            Err(named("CreateStream", name, &error))
        }
        _ => Ok(()),
    }
}

/// Waits until a stream is active, at most for `patience`. Calls `look` with its status at each look.
///
/// # Errors
/// [`StreamError`]; [`StreamError::NotActive`] if the time ran out.
pub async fn wait_until_active(
    client: &Client,
    name: &str,
    patience: Duration,
    mut look: impl FnMut(&str),
) -> Result<Summary, StreamError> {
    let end = Instant::now() + patience;
    loop {
        let found = summary(client, name).await?;
        look(&found.status);
        if found.is_active() {
            return Ok(found);
        }
        if Instant::now() + LOOK_EVERY > end {
            return Err(StreamError::NotActive { status: found.status });
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Does one step. The stream may then be `UPDATING` for a while.
///
/// # Errors
/// [`StreamError`]
pub async fn take(client: &Client, name: &str, step: &Step) -> Result<(), StreamError> {
    let hours = |hours: u32| i32::try_from(hours).unwrap_or(i32::MAX);
    match step {
        Step::RaiseRetention { to, .. } => {
            let call = client.increase_stream_retention_period().stream_name(name);
            let answer = call.retention_period_hours(hours(*to)).send().await;
            answer.map(drop).map_err(|error| named("IncreaseStreamRetentionPeriod", name, &error))
        }
        Step::LowerRetention { to, .. } => {
            let call = client.decrease_stream_retention_period().stream_name(name);
            let answer = call.retention_period_hours(hours(*to)).send().await;
            answer.map(drop).map_err(|error| named("DecreaseStreamRetentionPeriod", name, &error))
        }
        Step::EnableShardMetrics { missing } => {
            let metrics = missing.iter().map(|metric| MetricsName::from(metric.as_str())).collect();
            let call = client.enable_enhanced_monitoring().stream_name(name);
            let answer = call.set_shard_level_metrics(Some(metrics)).send().await;
            answer.map(drop).map_err(|error| named("EnableEnhancedMonitoring", name, &error))
        }
    }
}

/// What a failed call about the stream `name` says.
fn named<E: ProvideErrorMetadata>(
    action: &'static str,
    name: &str,
    error: &SdkError<E, HttpResponse>,
) -> StreamError {
    about(action, name, CallFault::of(error))
}

/// What a call about the stream `name` came to.
fn about(action: &'static str, name: &str, fault: CallFault) -> StreamError {
    match fault {
        fault if fault.code == "ResourceNotFoundException" => StreamError::NoSuchStream(name.to_owned()),
        error => StreamError::Call { action, error },
    }
}
