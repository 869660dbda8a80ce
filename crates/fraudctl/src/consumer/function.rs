//! A function behind the consumer, as Lambda's event source mapping has it: the same event, the same reading of the answer.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use embedded_aws::event_source_mapping::Record as EventRecord;
use embedded_aws::event_source_mapping::event::{EventFields, event};
use embedded_aws::event_source_mapping::response::{Verdict, verdict};
use stream_client::consumer::{self, Batch, HandlerError, Record};
use tokio::time::timeout;

use super::Status;
use crate::handler::{Handled, Invoke, Tally};

/// A function that gets the records of a stream.
#[derive(Debug)]
pub struct Function<F> {
    function: F,
    /// How long an invocation may take.
    limit: Duration,
    status: Status,
    tally: Mutex<Tally>,
}

impl<F> Function<F> {
    /// The function, whose troubles are told by `status`.
    pub fn new(function: F, limit: Duration, status: Status) -> Self {
        Function { function, limit, status, tally: Mutex::default() }
    }

    /// The function itself.
    pub fn inner(&self) -> &F {
        &self.function
    }

    /// What its invocations came to.
    pub fn tally(&self) -> Tally {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Invoke> Function<F> {
    async fn invoke(&self, batch: &Batch<'_>) -> Verdict {
        let fields = EventFields::new(batch.stream_arn);
        let records: Vec<String> =
            batch.records.iter().map(|record| fields.record(batch.shard_id, &event_record(record))).collect();
        let event = event(records.iter().map(String::as_str));
        let answer = match timeout(self.limit, self.function.invoke(&event, self.limit)).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                self.comes_again(batch, format_args!("no answer in {} s", self.limit.as_secs()));
                return Verdict::Failed;
            }
        };
        match answer {
            Ok(Handled { response, metrics }) => {
                if let Some(reason) = metrics.retry_reason() {
                    self.comes_again(batch, reason);
                }
                self.locked().add(&metrics);
                verdict(&response, batch.records.iter().map(|record| record.sequence_number.as_str()))
            }
            Err(error) => {
                self.comes_again(batch, format_args!("{error:#}"));
                Verdict::Failed
            }
        }
    }

    fn comes_again(&self, batch: &Batch<'_>, reason: impl fmt::Display) {
        self.status.tell(&format!("{}: records come again: {reason}", batch.shard_id));
    }
}

impl<F: Invoke + 'static> consumer::Handler for Function<F> {
    async fn handle(&self, batch: &Batch<'_>) -> Result<consumer::Handled, HandlerError> {
        let first_again = match self.invoke(batch).await {
            Verdict::Done => None,
            Verdict::DoneBefore(index) => batch.records.get(index),
            Verdict::Failed => batch.records.first(),
        };
        Ok(first_again.map_or(consumer::Handled::All, |record| {
            consumer::Handled::AgainFrom(record.sequence_number.clone())
        }))
    }
}

fn event_record(record: &Record) -> EventRecord {
    let arrival = u64::try_from(record.approximate_arrival.millis()).unwrap_or_default();
    EventRecord {
        partition_key: record.partition_key.clone(),
        data: record.data.clone(),
        sequence_number: record.sequence_number.to_string(),
        approximate_arrival: UNIX_EPOCH + Duration::from_millis(arrival),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use exact_text::timestamp::Timestamp;
    use fraud_core::reason::FailureReason;
    use serde_json::Value;
    use stream_client::consumer::{Handled as Outcome, Handler as _, SequenceNumber};

    use super::*;
    use crate::handler::Metrics;

    /// Answers every event so.
    struct Answers(&'static str);

    impl Invoke for Answers {
        async fn invoke(&self, event: &str, remaining: Duration) -> anyhow::Result<Handled> {
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
                dead_lettered: BTreeMap::from([(FailureReason::NotJson, 1)]),
                ..Default::default()
            };
            Ok(Handled { response: self.0.to_owned(), metrics: Metrics::Alerts(Box::new(metrics)) })
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

    async fn outcome(function: &Function<Answers>) -> Outcome {
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
            let function = Function::new(Answers(answer), Duration::from_secs(60), Status::new());
            assert_eq!(outcome(&function).await, expected, "{answer}");
        }
    }

    #[tokio::test]
    async fn invocations_are_added_up() {
        let function = Function::new(Answers(""), Duration::from_secs(60), Status::new());
        outcome(&function).await;
        outcome(&function).await;
        let tally = function.tally();
        let alerts = tally.alerts.unwrap();
        assert_eq!((tally.invocations, tally.transactions, tally.dead_letters["not_json"]), (2, 6, 2));
        assert_eq!((alerts.high_scores, alerts.sent, alerts.suppressed), (4, 2, 2));
        assert_eq!(tally.analytics, None);
    }
}
