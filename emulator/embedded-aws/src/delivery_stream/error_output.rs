//! Records that failed, as Firehose writes them.

use std::time::SystemTime;

use serde::Serialize;

use super::event::milliseconds;
use super::response::ProcessingError;

/// What `!{firehose:error-output-type}` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ErrorOutputType {
    /// The function failed, or failed the record.
    ProcessingFailed,
    /// A partition key is missing.
    MetadataExtractionFailed,
    /// There are too many partitions. Source: Firehose developer guide, "Buffer data for dynamic partitioning".
    ActivePartitionExceeded,
}

impl ErrorOutputType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ProcessingFailed => "processing-failed",
            Self::MetadataExtractionFailed => "metadata-extraction-failed",
            Self::ActivePartitionExceeded => "activePartitionExceeded",
        }
    }
}

pub(super) const NO_PARTITION_KEY: ProcessingError = ProcessingError {
    code: "DynamicPartitioning.MetadataExtractionFailed",
    message: "partitionKeys values must not be null or empty",
};

pub(super) const TOO_MANY_PARTITIONS: ProcessingError = ProcessingError {
    code: "DynamicPartitioning.ActivePartitionsLimitExceeded",
    message: "The number of active partitions has reached the limit of the Firehose stream.",
};

/// One line of error output.
///
/// The fields are those of the Firehose developer guide, "Handle failure in data transformation", in the order and
/// spelling in which Firehose has been seen to write them: the guide says `lambdaArn`. Times are in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    raw_data: String,
    error_code: &'a str,
    error_message: &'a str,
    attempts_made: u32,
    arrival_timestamp: u64,
    attempt_ending_timestamp: u64,
    #[serde(rename = "lambdaARN")]
    lambda_arn: &'a str,
}

/// The attempts that a failed record had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempts {
    pub(super) made: u32,
    /// When the last one ended.
    pub(super) ended: SystemTime,
}

/// A failed record's line, with the record as it came.
pub(super) fn line(
    data: &[u8],
    arrival: SystemTime,
    error: ProcessingError,
    attempts: Attempts,
    function_arn: &str,
) -> String {
    let line = Line {
        raw_data: base64_simd::STANDARD.encode_to_string(data),
        error_code: error.code,
        error_message: error.message,
        attempts_made: attempts.made,
        arrival_timestamp: milliseconds(arrival),
        attempt_ending_timestamp: milliseconds(attempts.ended),
        lambda_arn: function_arn,
    };
    // Texts and integers always have a JSON form.
    let mut line = serde_json::to_string(&line).unwrap_or_default();
    line.push('\n');
    line
}
