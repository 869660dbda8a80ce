//! What happened in an invocation, in numbers.

use std::collections::BTreeMap;

use fraud_aws::aggregates::ShareOutcome;
use fraud_aws::reason::FailureReason;
use fraud_aws::telemetry::{Metric, MetricLine, metric};
use fraud_batch::{Batch, DeadLettered, Progress, RetryReason};
use fraud_core::event_time::EventTimeFaults;
use fraud_core::window::Taken;

use crate::FUNCTION;

const RECORDS_NOT_POSITIVE: Metric =
    Metric::count("RecordsNotPositive", "Records whose amount is not above zero: they are not counted");
const RECORDS_NOT_ADDED_UP: Metric = Metric::count(
    "RecordsNotAddedUp",
    "Records whose amount is 1e18 or more: counted, not added up, and dead-lettered",
);
const RECORDS_REPEATED: Metric =
    Metric::count("RecordsRepeated", "Records of a transaction that was in the batch before");
const RECORDS_COUNTED: Metric =
    Metric::count("RecordsCounted", "Transactions that were added to their window");
const RECORDS_COUNTED_BEFORE: Metric = Metric::count(
    "RecordsCountedBefore",
    "Transactions that their window had counted before, in another batch",
);
const WINDOWS: Metric = Metric::count("Windows", "Customers' windows that the batch adds to");
const WINDOW_WRITES: Metric =
    Metric::count("WindowWrites", "Writes to the table, also those that it refused");
const WINDOWS_DEDUP_INCOMPLETE: Metric =
    Metric::count("WindowsDedupIncomplete", "Windows that have more transactions than they can remember");
const TOTALS_SENT: Metric = Metric::count("TotalsSent", "Windows' totals that the aggregate sink accepted");

/// What the function writes.
pub const METRICS: &[&[Metric]] = &[
    &[
        metric::DURATION,
        metric::STREAM_RECORDS_IN,
        metric::RECORDS_IN,
        metric::RECORDS_WITHOUT_CUSTOMER,
        RECORDS_NOT_POSITIVE,
        RECORDS_NOT_ADDED_UP,
        RECORDS_REPEATED,
        metric::TRANSACTION_IDS_REUSED,
        RECORDS_COUNTED,
        RECORDS_COUNTED_BEFORE,
        WINDOWS,
        WINDOW_WRITES,
        WINDOWS_DEDUP_INCOMPLETE,
        TOTALS_SENT,
        metric::RECORDS_DEAD_LETTERED,
        metric::RECORDS_TO_RETRY,
    ],
    &metric::EVENT_TIMES,
];

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
    /// Transactions with the id of one before them in the batch and another content.
    pub ids_reused: usize,
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
    /// Records that are retried, and why the first of them does.
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
            Taken::Counted { reuses_id, .. } => self.ids_reused += usize::from(reuses_id),
            Taken::Repeated { .. } => self.repeated += 1,
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

    pub(crate) fn dead_lettered(&mut self, dead_lettered: DeadLettered) {
        self.dead_lettered = dead_lettered.counts.counts().clone();
    }

    pub(crate) fn ended(&mut self, batch: &Batch<'_>, progress: &Progress) {
        self.retried = progress.retry_reason().map(|reason| (reason, progress.items_to_retry(batch)));
    }

    /// The invocation's line of metrics, but for its duration.
    pub fn line(&self, namespace: &str) -> MetricLine {
        let mut line = MetricLine::new(namespace, FUNCTION);
        line.count(metric::STREAM_RECORDS_IN, self.stream_records)
            .count(metric::RECORDS_IN, self.records)
            .count(metric::RECORDS_WITHOUT_CUSTOMER, self.without_customer)
            .count(RECORDS_NOT_POSITIVE, self.not_positive)
            .count(RECORDS_NOT_ADDED_UP, self.too_large)
            .count(RECORDS_REPEATED, self.repeated)
            .count(metric::TRANSACTION_IDS_REUSED, self.ids_reused)
            .count(RECORDS_COUNTED, self.counted)
            .count(RECORDS_COUNTED_BEFORE, self.counted_before)
            .count(WINDOWS, self.windows)
            .count(WINDOW_WRITES, self.writes)
            .count(WINDOWS_DEDUP_INCOMPLETE, self.dedup_incomplete)
            .count(TOTALS_SENT, self.totals_sent)
            .count(metric::RECORDS_DEAD_LETTERED, self.dead_lettered.values().sum())
            .count(metric::RECORDS_TO_RETRY, self.retried.map_or(0, |(_, count)| count));
        line.event_times(&self.event_times);
        line.by_reason(
            metric::RECORDS_DEAD_LETTERED,
            self.dead_lettered.iter().map(|(reason, &count)| (reason, count)),
        );
        line.by_reason(metric::RECORDS_TO_RETRY, self.retried);
        line
    }
}
