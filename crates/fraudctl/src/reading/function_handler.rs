//! Invokes a function with the consumer's batches as Lambda does: the same event, the same reading of the response.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fraud_batch::BatchResult;
use lambda_events::kinesis_json::{EventRecord, event_json};
use stream_client::consumer::{self, Batch, HandlerError, Record};
use tokio::time::timeout;

use super::ReadingStatus;
use crate::function::{Invocation, InvocationTotals, Invoke, where_to_look};

/// A function that gets the records of a stream.
#[derive(Debug)]
pub struct FunctionHandler<F> {
    function: F,
    /// How long an invocation may take.
    limit: Duration,
    status: ReadingStatus,
    tally: Mutex<InvocationTotals>,
}

impl<F> FunctionHandler<F> {
    /// The function; `status` reports its failures.
    pub fn new(function: F, limit: Duration, status: ReadingStatus) -> Self {
        FunctionHandler { function, limit, status, tally: Mutex::default() }
    }

    /// The function itself.
    pub fn inner(&self) -> &F {
        &self.function
    }

    /// The numbers of its invocations.
    pub fn tally(&self) -> InvocationTotals {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, InvocationTotals> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Invoke> FunctionHandler<F> {
    async fn invoke(&self, batch: &Batch<'_>) -> BatchResult {
        let records = batch.records.iter().map(|record| event_record(batch.shard_id, record));
        let event = event_json(batch.stream_arn, records);
        let answer = match timeout(self.limit, self.function.invoke(&event, self.limit)).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                self.report_retry(batch, format_args!("no answer in {} s", self.limit.as_secs()));
                return BatchResult::Failed;
            }
        };
        match answer {
            Ok(Invocation { response, metrics }) => {
                if let Some(reason) = metrics.retry_reason() {
                    self.report_retry(batch, format_args!("{reason}: {}", where_to_look(reason)));
                }
                self.locked().add(&metrics);
                BatchResult::of_response(
                    &response,
                    batch.records.iter().map(|record| record.sequence_number.as_str()),
                )
            }
            Err(error) => {
                self.report_retry(batch, format_args!("{error:#}"));
                BatchResult::Failed
            }
        }
    }

    fn report_retry(&self, batch: &Batch<'_>, reason: impl fmt::Display) {
        self.status.tell(&format!("{}: records are retried: {reason}", batch.shard_id));
    }
}

impl<F: Invoke + 'static> consumer::Handler for FunctionHandler<F> {
    async fn handle(&self, batch: &Batch<'_>) -> Result<consumer::Handled, HandlerError> {
        let first_again = match self.invoke(batch).await {
            BatchResult::Done => None,
            BatchResult::DoneBefore(index) => batch.records.get(index),
            BatchResult::Failed => batch.records.first(),
        };
        Ok(first_again.map_or(consumer::Handled::All, |record| {
            consumer::Handled::AgainFrom(record.sequence_number.clone())
        }))
    }
}

fn event_record<'a>(shard: &'a str, record: &'a Record) -> EventRecord<'a> {
    let arrival = record.approximate_arrival;
    EventRecord {
        partition_key: Some(&record.partition_key),
        ..EventRecord::of_bytes(shard, record.sequence_number.as_str(), &record.data, arrival)
    }
}

#[cfg(test)]
mod tests {
    use fraud_core::refusal::Refusal;
    use std::collections::BTreeMap;

    use exact_text::timestamp::Timestamp;
    use fraud_aws::reason::FailureReason;
    use serde_json::Value;
    use stream_client::consumer::{Handled as Outcome, Handler as _, SequenceNumber};

    use super::*;
    use crate::function::InvocationMetrics;

    /// Answers every event so.
    struct Answers(&'static str);

    impl Invoke for Answers {
        async fn invoke(&self, event: &str, remaining: Duration) -> anyhow::Result<Invocation> {
            let event: Value = serde_json::from_str(event)?;
            let of = |n: usize| event["Records"][n].clone();
            assert_eq!(of(1)["eventID"], "shardId-000000000006:4966");
            assert_eq!(of(0)["eventSourceARN"], "arn:aws:kinesis:us-east-1:123456789012:stream/transactions");
            assert_eq!(of(0)["kinesis"]["approximateArrivalTimestamp"], 1_705_287_600.007);
            match self.0 {
                "error" => anyhow::bail!("not a Kinesis event"),
                "slow" => tokio::time::sleep(remaining * 2).await,
                _ => {}
            }
            let metrics = kinesis_alerts::metrics::BatchMetrics {
                records: 3,
                high_scores: 2,
                alerts_sent: 1,
                alerts_suppressed: 1,
                dead_lettered: BTreeMap::from([(FailureReason::Refused(Refusal::NotJson), 1)]),
                ..Default::default()
            };
            Ok(Invocation {
                response: self.0.to_owned(),
                metrics: InvocationMetrics::Alerts(Box::new(metrics)),
            })
        }
    }

    fn records() -> Vec<Record> {
        let record = |n: u32| Record {
            sequence_number: SequenceNumber::parse(&n.to_string()).unwrap(),
            partition_key: "C1".to_owned(),
            data: "{}".into(),
            approximate_arrival: Timestamp::from_millis(1_705_287_600_007).unwrap(),
        };
        (4965..4968).map(record).collect()
    }

    async fn outcome(function: &FunctionHandler<Answers>) -> Outcome {
        let batch = Batch {
            stream_arn: "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
            shard_id: "shardId-000000000006",
            records: &records(),
            attempt: 1,
        };
        function.handle(&batch).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_is_read_as_lambda_reads_it_and_a_failure_or_no_answer_brings_all_again() {
        let again = |n: u32| Outcome::AgainFrom(SequenceNumber::parse(&n.to_string()).unwrap());
        for (answer, expected) in [
            ("", Outcome::All),
            (r#"{"batchItemFailures":[]}"#, Outcome::All),
            (r#"{"batchItemFailures":[{"itemIdentifier":"4967"},{"itemIdentifier":"4966"}]}"#, again(4966)),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, again(4965)),
            ("no JSON", again(4965)),
            ("error", again(4965)),
            ("slow", again(4965)),
        ] {
            let function =
                FunctionHandler::new(Answers(answer), Duration::from_secs(60), ReadingStatus::new());
            assert_eq!(outcome(&function).await, expected, "{answer}");
        }
    }

    #[tokio::test]
    async fn invocations_are_added_up() {
        let function = FunctionHandler::new(Answers(""), Duration::from_secs(60), ReadingStatus::new());
        outcome(&function).await;
        outcome(&function).await;
        let tally = function.tally();
        let alerts = tally.alerts.unwrap();
        assert_eq!((tally.invocations, tally.transactions, tally.dead_letters["not_json"]), (2, 6, 2));
        assert_eq!((alerts.high_scores, alerts.sent, alerts.suppressed), (4, 2, 2));
        assert_eq!(tally.analytics, None);
    }
}
