//! What happened in an invocation, in numbers.

use std::collections::BTreeMap;

use fraud_aws::aggregates::ShareOutcome;
use fraud_aws::telemetry::MetricLine;
use fraud_core::event_time::EventTimeFaults;
use fraud_core::reason::FailureReason;
use fraud_core::window::Taken;
use kinesis_batch::{Batch, Burial, Progress, RetryReason};

use crate::FUNCTION;

/// The numbers of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchMetrics {
    /// Records of the stream.
    pub stream_records: usize,
    /// Records once aggregates are taken apart.
    pub records: usize,
    /// Records without a customer.
    pub without_customer: usize,
    /// Records whose amount is not above zero.
    pub not_positive: usize,
    /// Records whose amount is too large to be added up: counted, and dead-lettered.
    pub too_large: usize,
    /// What is wrong with the records' event times.
    pub event_times: EventTimeFaults,
    /// Records that are the same transaction as one before them in the batch.
    pub repeated: usize,
    /// Of these, those with another amount than the one before.
    pub amounts_differing: usize,
    /// Customers' windows that the batch adds to.
    pub windows: usize,
    /// Transactions that the table added.
    pub counted: usize,
    /// Transactions that the table had counted before.
    pub counted_before: usize,
    /// Writes to the table, refused ones too.
    pub writes: usize,
    /// Windows that have more transactions than they can remember.
    pub dedup_incomplete: usize,
    /// Windows whose totals the sink accepted.
    pub totals_sent: usize,
    /// Records that went to the dead letters, by reason.
    pub dead_lettered: BTreeMap<FailureReason, usize>,
    /// Records that come again, and why the first of them does.
    pub retried: Option<(RetryReason, usize)>,
}

impl BatchMetrics {
    /// The numbers of a batch before anything is done with it.
    pub fn new(batch: &Batch<'_>) -> Self {
        BatchMetrics {
            stream_records: batch.stream_records().len(),
            records: batch.len(),
            ..BatchMetrics::default()
        }
    }

    pub(crate) fn taken(&mut self, taken: Taken) {
        self.too_large += usize::from(taken.is_too_large());
        match taken {
            Taken::Counted { .. } => {}
            Taken::Repeated { amount_differs, .. } => {
                self.repeated += 1;
                self.amounts_differing += usize::from(amount_differs);
            }
            Taken::NoCustomer => self.without_customer += 1,
            Taken::NotPositive => self.not_positive += 1,
        }
    }

    pub(crate) fn written(&mut self, outcome: &ShareOutcome) {
        self.windows += 1;
        self.counted += outcome.added;
        self.counted_before += outcome.known;
        self.writes += outcome.writes;
        let incomplete = outcome.totals.as_ref().is_some_and(|totals| !totals.dedup_complete);
        self.dedup_incomplete += usize::from(incomplete);
    }

    pub(crate) fn buried(&mut self, burial: Burial) {
        self.dead_lettered = burial.buried.counts().clone();
    }

    pub(crate) fn ended(&mut self, batch: &Batch<'_>, progress: &Progress) {
        self.retried = progress.retry_reason().map(|reason| (reason, progress.items_to_retry(batch)));
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count("StreamRecordsIn", self.stream_records)
            .count("RecordsIn", self.records)
            .count("RecordsWithoutCustomer", self.without_customer)
            .count("RecordsNotPositive", self.not_positive)
            .count("RecordsNotAddedUp", self.too_large)
            .count("RecordsRepeated", self.repeated)
            .count("AmountsDiffering", self.amounts_differing)
            .count("RecordsCounted", self.counted)
            .count("RecordsCountedBefore", self.counted_before)
            .count("Windows", self.windows)
            .count("WindowWrites", self.writes)
            .count("WindowsDedupIncomplete", self.dedup_incomplete)
            .count("TotalsSent", self.totals_sent)
            .count("RecordsDeadLettered", self.dead_lettered.values().sum())
            .count("RecordsToRetry", self.retried.map_or(0, |(_, count)| count));
        line.event_times(&self.event_times);
        for (reason, &count) in &self.dead_lettered {
            line.count(format!("RecordsDeadLettered.{reason}"), count);
        }
        if let Some((reason, count)) = self.retried {
            line.count(format!("RecordsToRetry.{reason}"), count);
        }
        line
    }
}
