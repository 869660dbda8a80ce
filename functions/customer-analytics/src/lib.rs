//! The analytics function: how many transactions each customer makes in five minutes, and what they come to.
//!
//! One row for each customer and window, in a DynamoDB table that a service reads with one key lookup: `event_count`,
//! `total_amount` (exact, never a binary float) and the window's bounds; the average is worked out where a row is read.
//! Transactions above zero count; those without a customer are skipped.
//!
//! # What is promised
//! - A record that is delivered again changes nothing: in the same batch, in a retry, in a bisected half, from another worker,
//!   in another shard after resharding, or in a replay, in any order. The table is what a plain fold over the distinct
//!   transactions gives, to the last digit.
//! - A transaction that a producer sent twice counts once in its window. That is certain if its event time is present
//!   and within the bounds; otherwise the arrival decides the window, and two copies may arrive in two windows.
//! - A transaction under the id of another with another [content](fraud_core::fingerprint::Fingerprint) counts by itself, in
//!   the same batch or a week later. So does a correction under the id of what it corrects: hidden transactions would be
//!   worse. `TransactionIdsReused` tells of those that come in one batch.
//! - Where the totals are also sent to a stream, each change is sent at least once. A reader keeps, for each customer and
//!   window, the line with the highest count.
//!
//! # What limits it
//! - A row remembers `AGGREGATE_REMEMBERED` transactions, [3,000](fraud_aws::aggregates::REMEMBERED) by default. Beyond that
//!   it goes on counting, its `dedup_complete` is false for good and the metric `WindowsDedupIncomplete` above zero; those
//!   that it has not remembered count again if they are delivered again.
//! - A row that an older release began recognises transactions by their [identity
//!   alone](fraud_aws::aggregates::CountedBy::Identity), so that what was counted before a deployment and is delivered again
//!   after it counts once. In such a row a reuse of an id does not count.
//! - A row expires some time after it was last added to (`AGGREGATE_DAYS`). What comes later begins a new row.
//! - Transactions are recognised by [eight bytes](fraud_core::window::TransactionHash): once in 90 billion rows of 20,000
//!   two of them are taken for one.
//! - A table remembers the rule that its windows are kept under: their length, the time that decides, the bounds of event
//!   times. Under another rule nothing is counted, and records are retried until the settings are as they were.
//! - A table holds windows of one length. Records of a window that is there with another length are dead-lettered.
//!
//! # What becomes of the rest
//! A record that is not a valid transaction goes to the dead letters. So does one with an amount of 1e18 or more, which
//! is counted and not added up: its window's `sum_complete` is false from then on. Amounts are rounded half to even to 12
//! decimals. When the table or a sink is not to be had the lowest record that must come
//! again is reported, and nothing behind it is begun.

use std::time::Duration;

use fraud_aws::aggregate_sink::AggregateSink;
use fraud_aws::aggregates::AggregateStore;
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::DeadLetterSink;
use fraud_aws::reason::FailureReason;
use fraud_batch::{Batch, Progress, Received, TimeLimits, dead_letter, transactions};
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, PLAIN, Reading};
use fraud_core::window::{Accumulator, Share, WindowRule};
use lambda_events::InvalidEvent;

pub mod config;
mod connect;
pub mod metrics;
mod send;
mod write;

pub use connect::ConnectedAnalytics;
use metrics::BatchMetrics;
use write::Written;

/// The function's name in metrics and dead letters.
pub const FUNCTION: &str = "customer-analytics";

/// What the function reaches the world through.
#[derive(Debug)]
pub struct Ports<Aggregates, Sink, Letters, Now> {
    /// Where customers' windows are kept.
    pub aggregates: Aggregates,
    /// Where windows' totals are sent when they change, if anywhere.
    pub sink: Option<Sink>,
    /// Where records go that can never succeed.
    pub dead_letters: Letters,
    /// The time of day.
    pub clock: Now,
}

/// The function.
#[derive(Debug)]
pub struct Analytics<Aggregates, Sink, Letters, Now> {
    ports: Ports<Aggregates, Sink, Letters, Now>,
    rule: WindowRule,
    reading: Reading,
}

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The response: JSON.
    pub response: String,
    /// What happened, in numbers.
    pub metrics: BatchMetrics,
}

/// A record's place in the batch, and why it can never succeed.
type Undeliverable = Vec<(usize, FailureReason)>;

impl<Aggregates: AggregateStore, Sink: AggregateSink, Letters: DeadLetterSink, Now: Clock>
    Analytics<Aggregates, Sink, Letters, Now>
{
    /// A function whose windows are those of `rule`.
    pub fn new(ports: Ports<Aggregates, Sink, Letters, Now>, rule: WindowRule) -> Self {
        Analytics { ports, rule, reading: PLAIN.clone() }
    }

    /// The id of the schema that transactions are read by; `None` for the default.
    pub fn schema(&self) -> Option<&str> {
        self.reading.schema()
    }

    /// The same function for transactions that their producer writes by `schema`.
    #[must_use]
    pub fn with_schema(mut self, schema: &Schema) -> Self {
        self.reading = Reading::new(schema, &Asked::default());
        self
    }

    /// Handles one batch. `remaining` is the time until the invocation is killed.
    ///
    /// # Errors
    /// [`InvalidEvent`] if the event is not a Kinesis event.
    pub async fn handle(&self, event: &str, remaining: Duration) -> Result<Handled, InvalidEvent> {
        let limits = TimeLimits::starting_now(remaining);
        let Ports { aggregates, sink, dead_letters, clock } = &self.ports;
        let batch = Batch::read(event)?;
        let received = transactions(&batch, &self.reading);
        let mut metrics = BatchMetrics::new(&batch);
        let mut progress = Progress::default();

        let (shares, mut undeliverable) = self.take(&received, &mut metrics);
        write::hold_to_rule(aggregates, &self.rule, &batch, &shares, limits.work, &mut progress).await;
        let now = clock.now();
        let Written { totals, refused } =
            write::shares(aggregates, &batch, &shares, now, limits.work, &mut progress, &mut metrics).await;
        if let Some(sink) = sink {
            send::totals(sink, &batch, &totals, limits.settle, &mut progress, &mut metrics).await;
        }
        undeliverable.extend(refused);
        let dead_lettered =
            dead_letter(FUNCTION, &batch, &undeliverable, dead_letters, limits.settle, &mut progress).await;
        metrics.dead_lettered(dead_lettered);
        metrics.ended(&batch, &progress);
        Ok(Handled { response: progress.response(&batch), metrics })
    }

    /// Takes a batch's records apart: what counts, and what can never.
    fn take<'r>(
        &self,
        received: &'r [Result<Received<'_>, FailureReason>],
        metrics: &mut BatchMetrics,
    ) -> (Vec<Share<'r>>, Undeliverable) {
        let mut accumulator = Accumulator::new(self.rule);
        let mut undeliverable = Undeliverable::new();
        for (index, received) in received.iter().enumerate() {
            let taken = received.as_ref().map(|received| {
                let Received { transaction, arrival, position } = received;
                let time = self.rule.bounds.counted(&transaction.event_time, *arrival);
                metrics.event_times.count(time.fault);
                accumulator.add(index, transaction, transaction.identity_at(*position), *arrival)
            });
            match taken {
                Ok(taken) => {
                    metrics.taken(taken);
                    if taken.is_too_large() {
                        undeliverable.push((index, FailureReason::AmountOutOfRange));
                    }
                }
                Err(reason) => undeliverable.push((index, *reason)),
            }
        }
        (accumulator.into_shares(), undeliverable)
    }
}

#[cfg(test)]
mod tests;
