//! One batch from its first invocation until nothing of it is left: retries, bisection, discarding.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::buffer::Item;
use super::function::{self, Failure, FunctionError, Invocation};
use super::on_failure::{Condition, DiscardedBatch};
use super::response::{Verdict, verdict};
use super::run::{ShardRun, Stop};
use super::source::RecordSource;
use super::{EventSourceMapping, event};
use crate::http;

/// Records that still have to come, and what has happened to them.
#[derive(Debug, Clone)]
struct Work {
    items: Vec<Arc<Item>>,
    /// Retry attempts that were used up.
    retries: u32,
    /// How often the function was invoked with these records.
    invocations: u32,
    /// How long to wait first.
    wait: Duration,
    /// The last invocation's id, and whether it failed.
    last: Option<(String, bool)>,
    /// They have succeeded before.
    redelivery: bool,
}

impl Work {
    /// Takes the records from an index on away, with the same past.
    fn split_off(&mut self, index: usize) -> Self {
        let items = self.items.split_off(index);
        Self { items, wait: Duration::ZERO, ..self.clone_past() }
    }

    fn clone_past(&self) -> Self {
        Self { items: Vec::new(), last: self.last.clone(), ..*self }
    }
}

impl<S, F, Fut> EventSourceMapping<S, F>
where
    S: RecordSource,
    F: Fn(Invocation) -> Fut,
    Fut: Future<Output = Result<String, FunctionError>>,
{
    /// Delivers a batch. Returns early when the mapping stops, with records left that are not done.
    pub(super) async fn deliver(&self, shard: &ShardRun, items: Vec<Item>, stop: &Stop) {
        let items = items.into_iter().map(Arc::new).collect();
        let work =
            Work { items, retries: 0, invocations: 0, wait: Duration::ZERO, last: None, redelivery: false };
        // The next to come is the last: the halves of a split stay in the shard's order.
        let mut todo = vec![work];
        while let Some(mut work) = todo.pop() {
            if !work.wait.is_zero() {
                tokio::select! {
                    biased;
                    () = stop.wait() => {}
                    () = tokio::time::sleep(work.wait) => {}
                }
            }
            if stop.is_set() {
                return;
            }
            self.discard_expired(shard, &mut work).await;
            if work.items.is_empty() {
                continue;
            }
            match self.invoke(&mut work).await {
                Verdict::Done => {
                    self.done(shard, &work.items);
                    todo.extend(self.redelivery(work));
                }
                Verdict::DoneBefore(index) => {
                    let rest = work.split_off(index);
                    self.count(|report| report.partial_successes += 1);
                    self.done(shard, &work.items);
                    // With both options on, the batch is bisected at the returned sequence number, and only the
                    // records from there on are delivered again. (Lambda developer guide, "Configuring partial batch response
                    // with Kinesis Data Streams and Lambda", "Bisecting a batch".) A checkpoint at the first record
                    // splits nothing off.
                    if self.settings.bisect_batch_on_function_error && index > 0 {
                        self.count(|report| report.bisections += 1);
                        todo.push(self.later(rest));
                    } else {
                        todo.extend(self.retry(shard, rest).await);
                    }
                }
                Verdict::Failed => {
                    self.count(|report| report.failed_invocations += 1);
                    // A split does not use up a retry attempt. (Lambda developer guide, "Retain discarded batch
                    // records for a Kinesis Data Streams event source": "Splitting batches doesn't consume the retry
                    // quota".)
                    if self.settings.bisect_batch_on_function_error && work.items.len() > 1 {
                        let second = work.split_off(work.items.len() / 2);
                        self.count(|report| report.bisections += 1);
                        todo.push(second);
                        todo.push(self.later(work));
                    } else {
                        todo.extend(self.retry(shard, work).await);
                    }
                }
            }
        }
    }

    async fn invoke(&self, work: &mut Work) -> Verdict {
        let timeout = self.settings.function_timeout;
        let invocation = Invocation {
            request_id: http::new_id(),
            event: event::event(work.items.iter().map(|item| item.json.as_str())),
            deadline: Instant::now() + timeout,
            deadline_at: self.settings.clock.now() + timeout,
        };
        let request_id = invocation.request_id.clone();
        self.count(|report| report.invocations += 1);
        let answer = function::answer(async { (self.function)(invocation).await }, timeout).await;
        work.invocations += 1;
        work.last = Some((request_id, answer.is_err()));
        match answer {
            Ok(answer) if self.settings.report_batch_item_failures => {
                verdict(&answer, work.items.iter().map(|item| item.record.sequence_number.as_str()))
            }
            Ok(_) => Verdict::Done,
            Err(failure) => {
                self.count(|report| report.timeouts += u64::from(failure == Failure::Timeout));
                Verdict::Failed
            }
        }
    }

    /// Discards the records at the front that are too old. It is asked before each invocation, the first too: what
    /// was too old when it was read is never delivered.
    async fn discard_expired(&self, shard: &ShardRun, work: &mut Work) {
        let Some(limit) = self.settings.maximum_record_age else { return };
        let clock = self.settings.clock;
        let expired =
            work.items.iter().take_while(|item| clock.since(item.record.approximate_arrival) > limit).count();
        if expired > 0 {
            let rest = work.split_off(expired);
            let expired = std::mem::replace(work, rest);
            self.discard(shard, expired, Condition::RecordAgeExceeded).await;
        }
    }

    /// Uses up a retry attempt; discards the records if there is none left.
    async fn retry(&self, shard: &ShardRun, mut work: Work) -> Option<Work> {
        if self.settings.maximum_retry_attempts.is_some_and(|maximum| work.retries >= maximum) {
            self.discard(shard, work, Condition::RetryAttemptsExhausted).await;
            return None;
        }
        work.retries += 1;
        self.count(|report| report.retries += 1);
        Some(self.later(work))
    }

    fn later(&self, mut work: Work) -> Work {
        work.wait = self.with_random(|random| self.settings.backoff.after(work.invocations, random));
        work
    }

    async fn discard(&self, shard: &ShardRun, work: Work, condition: Condition) {
        let (request_id, function_error) = work.last.unwrap_or_else(|| (http::new_id(), false));
        if let Some(destination) = &self.settings.on_failure {
            let batch = DiscardedBatch {
                request_id,
                function_arn: self.settings.function_arn.clone(),
                condition,
                approximate_invoke_count: work.invocations,
                function_error,
                discarded_at: self.settings.clock.now(),
                shard_id: shard.id.clone(),
                stream_arn: self.source.stream_arn(),
                records: work.items.iter().map(|item| item.record.clone()).collect(),
                event: event::event(work.items.iter().map(|item| item.json.as_str())),
            };
            destination.take(batch).await;
        }
        // Not before the destination has them: a mapping that ends in between reads them again.
        work.items.iter().for_each(|item| shard.progress.done(item.number));
        self.count(|report| {
            report.discarded_batches += 1;
            report.discarded_records += work.items.len() as u64;
        });
    }

    fn done(&self, shard: &ShardRun, items: &[Arc<Item>]) {
        items.iter().for_each(|item| shard.progress.done(item.number));
        self.count(|report| report.records_delivered += items.len() as u64);
    }

    /// By chance, a tail of what succeeded once more.
    fn redelivery(&self, mut work: Work) -> Option<Work> {
        let probability = self.settings.redelivery_probability;
        if work.redelivery || probability == 0.0 {
            return None;
        }
        let begin = self.with_random(|random| {
            let begin = random.usize(..work.items.len());
            // Every other time the whole batch: it is the usual case on Lambda.
            (random.f64() < probability).then(|| if random.bool() { begin } else { 0 })
        })?;
        self.count(|report| report.redeliveries += 1);
        let items = work.items.split_off(begin);
        Some(Work { items, retries: 0, invocations: 0, wait: Duration::ZERO, last: None, redelivery: true })
    }
}
