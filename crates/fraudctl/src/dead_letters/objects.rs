//! Batches that an event source mapping gave up, as its S3 on-failure destination holds them.
//!
//! Reading S3 needs its SDK, which would be this tool's largest dependency by far: `aws s3 cp` fetches the objects
//! first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use serde::Deserialize;

use super::selection::Selection;
use crate::Failure;
use crate::function::FunctionName;

pub(super) mod list;
pub(super) mod show;

/// What the name of an object ends in that was accepted.
const DONE: &str = ".done";

/// An object, and the batch that it holds, if it holds one.
#[derive(Debug)]
pub(super) struct GivenUpObject {
    pub(super) path: PathBuf,
    /// The batch, or what is wrong with it.
    pub(super) batch: Result<GivenUpBatch, String>,
}

/// A batch that was given up: Lambda's invocation record. Source: Lambda developer guide, "Retain discarded batch
/// records for a Kinesis Data Streams event source".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GivenUpBatch {
    pub(super) request_context: RequestContext,
    pub(super) timestamp: String,
    #[serde(rename = "KinesisBatchInfo")]
    pub(super) info: BatchInfo,
    /// The event of its records; destinations other than S3 get none.
    pub(super) payload: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestContext {
    pub(super) function_arn: String,
    /// Why it was given up: `RetryAttemptsExhausted` or `RecordAgeExceeded`.
    pub(super) condition: String,
    pub(super) approximate_invoke_count: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchInfo {
    pub(super) shard_id: String,
    pub(super) start_sequence_number: String,
    pub(super) end_sequence_number: String,
    pub(super) approximate_arrival_of_first_record: Option<String>,
    pub(super) batch_size: u64,
    pub(super) stream_arn: String,
}

impl GivenUpBatch {
    /// The deployed function's name.
    pub(super) fn function(&self) -> &str {
        let arn = &self.request_context.function_arn;
        arn.split_once(":function:").map_or(arn.as_str(), |(_, name)| name)
    }

    /// Which function that is: the deployed name contains its name, as in `fraud-stream-KinesisAlerts-1F2E3D`. One that
    /// contains both does not say so: a stack can be named after a function.
    pub(super) fn handler(&self) -> Option<FunctionName> {
        let letters = |name: &str| -> String {
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.map(|letter| letter.to_ascii_lowercase()).collect()
        };
        let deployed = letters(self.function());
        match [kinesis_alerts::FUNCTION, customer_analytics::FUNCTION]
            .map(|name| deployed.contains(&letters(name)))
        {
            [true, false] => Some(FunctionName::Alerts),
            [false, true] => Some(FunctionName::Analytics),
            [true, true] | [false, false] => None,
        }
    }
}

impl GivenUpObject {
    /// Reads the object at `path`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read(path)?;
        let batch = serde_json::from_slice(&text).map_err(|error| error.to_string());
        Ok(GivenUpObject { path: path.to_path_buf(), batch })
    }

    /// When the first of its batch's records arrived, or else when it was given up, if it says so.
    pub(super) fn arrival(&self) -> Option<Timestamp> {
        let batch = self.batch.as_ref().ok()?;
        let first = batch.info.approximate_arrival_of_first_record.as_deref();
        let text = first.unwrap_or(&batch.timestamp);
        written_time::parse(text).map(|time| time.instant)
    }

    /// What it is called.
    pub(super) fn id(&self) -> String {
        self.path.display().to_string()
    }

    /// Whether a command is about it. A function that is asked for takes also what does not name just one: it is said to
    /// be of it.
    pub(super) fn is_chosen(&self, selection: &Selection) -> bool {
        let Ok(batch) = &self.batch else { return selection.is_all() };
        let asked = selection.function.as_deref().and_then(FunctionName::of_function);
        let is_of = selection.function.is_none() || batch.handler().is_none_or(|found| Some(found) == asked);
        is_of && selection.reason.as_ref().is_none_or(|reason| *reason == batch.request_context.condition)
    }

    /// The function that its batch goes to.
    pub(super) fn handler(&self, selection: &Selection) -> Option<FunctionName> {
        let said = selection.function.as_deref().and_then(FunctionName::of_function);
        said.or_else(|| self.batch.as_ref().ok()?.handler())
    }
}

/// The paths of all objects in a folder and the folders in it, or of the one file, by name. S3's names are
/// `aws/lambda/<mapping uuid>/<shard>/<date>/<time>-<uuid>`: those of a shard come in the order in which they were given up.
/// Those that were done are left out.
///
/// # Errors
/// [`Failure::Input`] if a folder cannot be read.
pub(super) fn paths(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    let read = || format!("cannot read {}", path.display());
    collect(path, &mut paths).with_context(read).map_err(Failure::Input)?;
    paths.sort();
    Ok(paths)
}

fn collect(path: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        paths.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?.path();
        if entry.to_string_lossy().ends_with(DONE) {
            continue;
        }
        // What is neither a folder nor a file is reported when it is read.
        if entry.is_dir() { collect(&entry, paths)? } else { paths.push(entry) }
    }
    Ok(())
}

/// Marks an accepted object as done, or deletes it.
///
/// # Errors
/// If that cannot be done; it is then as it was.
pub(super) fn finish(path: &Path, delete: bool) -> anyhow::Result<()> {
    if delete {
        return fs::remove_file(path).map_err(|error| anyhow!(error));
    }
    let mut done = path.as_os_str().to_owned();
    done.push(DONE);
    fs::rename(path, done).map_err(|error| anyhow!(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployed_functions_name_says_which_it_is() {
        let of = |arn: &str| {
            let record = serde_json::json!({
                "requestContext": { "functionArn": arn, "condition": "RecordAgeExceeded", "approximateInvokeCount": 1 },
                "timestamp": "2024-01-15T03:00:00.000Z",
                "KinesisBatchInfo": {
                    "shardId": "shardId-000000000000", "startSequenceNumber": "1", "endSequenceNumber": "2",
                    "batchSize": 2, "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
                },
            });
            let batch: GivenUpBatch = serde_json::from_value(record).unwrap();
            (batch.function().to_owned(), batch.handler())
        };
        let arn = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
        assert_eq!(of(&arn("fraud-KinesisAlerts-1A:live")).1, Some(FunctionName::Alerts));
        assert_eq!(of(&arn("customer-analytics")).1, Some(FunctionName::Analytics));
        assert_eq!(of(&arn("my_function")), ("my_function".to_owned(), None));
        assert_eq!(of(&arn("kinesis-alerts-KinesisAlerts-1A")).1, Some(FunctionName::Alerts));
        assert_eq!(of(&arn("kinesis-alerts-CustomerAnalytics-1A")).1, None);
        assert_eq!(of("no arn"), ("no arn".to_owned(), None));
    }
}
