//! A function behind the consumer, as Lambda's event source mapping has it: the same event, the same reading of the answer.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use embedded_aws::event_source_mapping::Record as EventRecord;
use embedded_aws::event_source_mapping::event::{EventFields, event};
use embedded_aws::event_source_mapping::response::{Verdict, verdict};
use fraud_stream::consumer::{self, Batch, HandlerError, Record};
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
