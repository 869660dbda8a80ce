//! What becomes of batches that Lambda gives up on.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::source::Record;

/// Why a batch was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// It failed once more than [`Settings::maximum_retry_attempts`](super::Settings::maximum_retry_attempts).
    RetryAttemptsExhausted,
    /// Its records were older than [`Settings::maximum_record_age`](super::Settings::maximum_record_age).
    RecordAgeExceeded,
}

impl Condition {
    /// The word that is in Lambda's invocation record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RetryAttemptsExhausted => "RetryAttemptsExhausted",
            Self::RecordAgeExceeded => "RecordAgeExceeded",
        }
    }
}

/// A batch, or what was left of one, that was given up: the shard moves on after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscardedBatch {
    /// The id of the last invocation, or one of its own if the function was never invoked.
    pub request_id: String,
    /// The function's ARN.
    pub function_arn: String,
    /// Why it was given up.
    pub condition: Condition,
    /// How often the function was invoked with these records.
    pub approximate_invoke_count: u32,
    /// Whether the last invocation failed; `false` if the function reported its records as failed.
    pub function_error: bool,
    /// When it was given up.
    pub discarded_at: SystemTime,
    /// The shard that the records are in.
    pub shard_id: String,
    /// The stream's ARN.
    pub stream_arn: String,
    /// The records, at least one.
    pub records: Vec<Record>,
    /// The event of these records.
    pub event: String,
}

impl DiscardedBatch {
    /// The invocation record that Lambda sends to SQS and SNS: it says where the records are and does not hold them.
    /// Source: Lambda developer guide, "Retain discarded batch records for a Kinesis Data Streams event source".
    #[must_use]
    pub fn invocation_record(&self) -> String {
        self.json().to_string()
    }

    /// The invocation record that Lambda writes to S3: it also holds the event, as text.
    #[must_use]
    pub fn invocation_record_with_payload(&self) -> String {
        let mut record = self.json();
        record["payload"] = self.event.clone().into();
        record.to_string()
    }

    fn json(&self) -> Value {
        let (first, last) = (self.records.first(), self.records.last());
        let sequence_number = |record: Option<&Record>| record.map(|record| record.sequence_number.clone());
        let arrival = |record: Option<&Record>| record.map(|record| iso_8601(record.approximate_arrival));
        let mut record = json!({
            "requestContext": {
                "requestId": self.request_id,
                "functionArn": self.function_arn,
                "condition": self.condition.name(),
                "approximateInvokeCount": self.approximate_invoke_count,
            },
            "version": "1.0",
            "timestamp": iso_8601(self.discarded_at),
            "KinesisBatchInfo": {
                "shardId": self.shard_id,
                "startSequenceNumber": sequence_number(first),
                "endSequenceNumber": sequence_number(last),
                "approximateArrivalOfFirstRecord": arrival(first),
                "approximateArrivalOfLastRecord": arrival(last),
                "batchSize": self.records.len(),
                "streamArn": self.stream_arn,
            },
        });
        if self.approximate_invoke_count > 0 {
            record["responseContext"] = json!({ "statusCode": 200, "executedVersion": "$LATEST" });
            if self.function_error {
                record["responseContext"]["functionError"] = "Unhandled".into();
            }
        }
        record
    }
}

fn iso_8601(time: SystemTime) -> String {
    let milliseconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let time = i64::try_from(milliseconds).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    time.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An on-failure destination: async code that takes discarded batches. The shard waits for it.
#[derive(Clone)]
pub struct OnFailure(Arc<dyn Fn(DiscardedBatch) -> Taking + Send + Sync>);

type Taking = Pin<Box<dyn Future<Output = ()> + Send>>;

impl OnFailure {
    /// A destination from an async closure. It cannot fail: Lambda, too, drops what its destination refuses.
    pub fn new<F, Fut>(take: F) -> Self
    where
        F: Fn(DiscardedBatch) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |batch| Box::pin(take(batch))))
    }

    pub(super) async fn take(&self, batch: DiscardedBatch) {
        (self.0)(batch).await;
    }
}

impl fmt::Debug for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnFailure")
    }
}

/// A destination that keeps what it takes, for a test to look at. A cloneable handle.
#[derive(Debug, Clone, Default)]
pub struct Discarded(Arc<Mutex<Vec<DiscardedBatch>>>);

impl Discarded {
    /// The destination itself.
    #[must_use]
    pub fn destination(&self) -> OnFailure {
        let discarded = self.clone();
        OnFailure::new(move |batch| {
            discarded.0.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
            std::future::ready(())
        })
    }

    /// The batches that were discarded so far, in order.
    #[must_use]
    pub fn batches(&self) -> Vec<DiscardedBatch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Their records, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.batches().into_iter().flat_map(|batch| batch.records).collect()
    }
}
