//! The services, and how each one names its operations and writes its errors.

use hyper::header::HeaderMap;

use crate::http::{self, HttpResponse};

/// The region that every ARN and every signature names.
pub const REGION: &str = "us-east-1";

/// The account that every ARN names: the one that AWS uses in its documentation.
pub const ACCOUNT_ID: &str = "123456789012";

/// A service that [`EmbeddedAws`](crate::EmbeddedAws) runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Service {
    /// Amazon DynamoDB: AWS JSON 1.0.
    DynamoDb,
    /// Amazon Data Firehose: AWS JSON 1.1.
    Firehose,
    /// Amazon Kinesis Data Streams: AWS JSON 1.1.
    Kinesis,
    /// Amazon SNS: AWS Query, answers in XML.
    Sns,
    /// Amazon SQS: AWS JSON 1.0, with error codes in the Query protocol's words beside those of JSON.
    Sqs,
}

impl Service {
    /// All services.
    pub const ALL: [Self; 5] = [Self::DynamoDb, Self::Firehose, Self::Kinesis, Self::Sns, Self::Sqs];

    /// The name that AWS's tools use, such as `dynamodb`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::Firehose => "firehose",
            Self::Kinesis => "kinesis",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
        }
    }

    /// The variable through which SDKs and the AWS CLI learn of the service's endpoint.
    #[must_use]
    pub fn endpoint_variable(self) -> &'static str {
        match self {
            Self::DynamoDb => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Firehose => "AWS_ENDPOINT_URL_FIREHOSE",
            Self::Kinesis => "AWS_ENDPOINT_URL_KINESIS",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
            Self::Sqs => "AWS_ENDPOINT_URL_SQS",
        }
    }

    /// Operations that can be done for half of a request's entries, see [`Fault::Half`](crate::Fault::Half).
    #[must_use]
    pub fn operations_with_half(self) -> &'static [&'static str] {
        match self {
            Self::DynamoDb => &["BatchGetItem", "BatchWriteItem"],
            Self::Firehose => &["PutRecordBatch"],
            Self::Kinesis => &["PutRecords"],
            Self::Sns => &["PublishBatch"],
            Self::Sqs => &["SendMessageBatch"],
        }
    }

    /// Operations whose entries fail each for itself, see [`Fault::FailEntries`](crate::Fault::FailEntries).
    #[must_use]
    pub fn operations_with_entries(self) -> &'static [&'static str] {
        match self {
            // The keys of a batch are a set: they have no order that a rule could speak of.
            Self::DynamoDb => &[],
            Self::Firehose => &["PutRecordBatch"],
            Self::Kinesis => &["PutRecords"],
            Self::Sns => &["PublishBatch"],
            Self::Sqs => &["SendMessageBatch"],
        }
    }

    /// What the service answers to a caller that is too fast.
    #[must_use]
    pub fn throttling_error(self) -> ServiceError {
        match self {
            Self::DynamoDb => ServiceError::new(
                400,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded. \
                 Consider increasing your provisioning level with the UpdateTable API.",
            ),
            Self::Firehose => ServiceError::new(503, "ServiceUnavailableException", "Slow down."),
            Self::Kinesis => {
                ServiceError::new(400, "ProvisionedThroughputExceededException", "Rate exceeded")
            }
            Self::Sns => ServiceError::new(429, "Throttled", "Rate exceeded"),
            Self::Sqs => ServiceError::new(403, "RequestThrottled", "Request is throttled."),
        }
    }

    /// What the service answers when the fault is its own.
    #[must_use]
    pub fn internal_error(self) -> ServiceError {
        match self {
            Self::DynamoDb => ServiceError::new(500, "InternalServerError", "Internal server error"),
            Self::Firehose | Self::Kinesis => {
                ServiceError::new(500, "InternalFailure", "Internal service failure.")
            }
            Self::Sns => ServiceError::new(500, "InternalError", "Internal error"),
            Self::Sqs => ServiceError::new(500, "InternalFailure", "Internal failure"),
        }
    }

    /// What the service answers to a request whose content it refuses.
    #[must_use]
    pub fn validation_error(self, message: impl Into<String>) -> ServiceError {
        match self {
            Self::DynamoDb => ServiceError::new(400, "ValidationException", message),
            Self::Firehose | Self::Kinesis => ServiceError::new(400, "InvalidArgumentException", message),
            Self::Sns => ServiceError::new(400, "InvalidParameter", message),
            Self::Sqs => ServiceError::new(400, "InvalidParameterValue", message),
        }
    }

    /// The operation that a request names; `None` if it names none of this service's.
    pub(crate) fn operation(self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        match self {
            Self::Sns => http::query_parameter(body, "Action"),
            Self::DynamoDb => target(headers, "DynamoDB_20120810."),
            Self::Firehose => target(headers, "Firehose_20150804."),
            Self::Kinesis => target(headers, "Kinesis_20131202."),
            Self::Sqs => target(headers, "AmazonSQS."),
        }
    }

    /// A success that says nothing, in the service's protocol.
    pub(crate) fn empty_answer(self, operation: &str) -> HttpResponse {
        match self {
            Self::Sns => http::empty_query_answer(operation),
            Self::DynamoDb | Self::Sqs => http::answer(200, http::AMZ_JSON_1_0, "{}"),
            Self::Firehose | Self::Kinesis => http::answer(200, http::AMZ_JSON_1_1, "{}"),
        }
    }

    /// Writes an error in the service's protocol.
    pub(crate) fn error_answer(self, error: &ServiceError) -> HttpResponse {
        match self {
            Self::Sns => http::query_error(error),
            Self::DynamoDb if error.code == "ValidationException" => {
                http::json_error(error, "com.amazon.coral.validate")
            }
            Self::DynamoDb => http::json_error(error, "com.amazonaws.dynamodb.v20120810"),
            Self::Firehose | Self::Kinesis => http::json_1_1_error(error),
            Self::Sqs => http::query_compatible_json_error(error, "com.amazonaws.sqs"),
        }
    }
}

fn target(headers: &HeaderMap, prefix: &str) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    Some(target.strip_prefix(prefix)?.to_owned())
}

/// An error as a service answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct ServiceError {
    /// HTTP status: 4xx if the caller is at fault, 5xx if the service is.
    pub status: u16,
    /// The error code without a namespace, such as `ValidationException`. For SQS the Query protocol's code, such
    /// as `AWS.SimpleQueueService.EmptyBatchRequest`.
    pub code: String,
    /// For people.
    pub message: String,
}

impl ServiceError {
    /// An error of a service's own: `status` as HTTP knows it, `code` as the service's API reference does.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// Whose fault the error is, in the words of the Query protocol.
    pub(crate) fn fault(&self) -> &'static str {
        if self.status < 500 { "Sender" } else { "Receiver" }
    }
}
