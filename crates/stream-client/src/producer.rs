//! Sending records in batches, so that every record arrives or comes back with its error.
//!
//! A batch call of Kinesis or Firehose can fail for some of its entries. Only those are sent again, after a pause drawn
//! at random that grows with each attempt, and never beyond a number of attempts. A record waits until those before it
//! with the same key have arrived or been given up: a key has at most one record under way, so that no retry can
//! overtake.

use std::future::Future;
use std::time::Duration;

use aws_calls::fault::{CANNOT_SEND, CallFault, UNREADABLE_ANSWER};
use aws_calls::pauses::Pauses;
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, Stream, StreamExt, pin_mut};
use tokio::time::{Instant, sleep_until};

mod payload_key;
mod queue;

pub use payload_key::payload_key;
use queue::{Pending, Queue};

/// A record to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which records keep their order among themselves; `None` if order does not matter.
    pub key: Option<String>,
    /// The payload.
    pub data: Bytes,
    /// What the caller knows the record by, such as its line in a file.
    pub tag: u64,
}

/// Where batches go.
pub trait Target {
    /// What the service takes in one call.
    fn limits(&self) -> Limits;

    /// What a record counts of the limits, in bytes.
    fn size(&self, record: &Record) -> usize;

    /// Sends one batch. Inside `Ok` each entry has a result of its own, in the batch's order.
    ///
    /// # Errors
    /// [`CallFault`] if the call failed as a whole.
    fn put(&self, batch: &[&Record]) -> impl Future<Output = Result<Vec<Result<(), EntryError>>, CallFault>>;
}

/// What a service takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Records in one call.
    pub records: usize,
    /// Bytes in one call.
    pub bytes: usize,
    /// Bytes of one record.
    pub record_bytes: usize,
}

/// Why a service did not take one entry of a batch. Entries are refused for want of throughput or by an internal
/// failure: always for a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}")]
pub struct EntryError {
    /// The service's error code.
    pub code: String,
}

/// Why a record was given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It is larger than the service takes.
    #[error("the record has {size} bytes, {limit} are the most")]
    TooLarge {
        /// The record's size as the service counts it.
        size: usize,
        /// The service's limit.
        limit: usize,
    },
    /// Every attempt failed.
    #[error("given up after {attempts} attempts: {code}")]
    Exhausted {
        /// How often it was sent.
        attempts: u32,
        /// The error code of the last attempt.
        code: String,
    },
    /// The service refuses every call.
    #[error("{}", .0.explained())]
    Refused(CallFault),
}

/// The results of a batch's entries from an answer's: of each the error code, or else the number or id under which the
/// service took it.
///
/// # Errors
/// [`CallFault`] if the answer has another number of entries: places are all that tells them apart.
pub(crate) fn entry_results(
    sent: usize,
    answered: impl ExactSizeIterator<Item = (Option<String>, Option<String>)>,
) -> Result<Vec<Result<(), EntryError>>, CallFault> {
    if answered.len() != sent {
        return Err(CallFault::unreadable("the answer has another number of records"));
    }
    let result = |entry| match entry {
        (Some(code), _) => Err(EntryError { code }),
        (None, Some(_taken_as)) => Ok(()),
        (None, None) => Err(EntryError { code: UNREADABLE_ANSWER.to_owned() }),
    };
    Ok(answered.map(result).collect())
}

/// How often and how fast to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How often a record is sent before it is given up.
    pub attempts: u32,
    /// The limit of the first random pause; it doubles with each further attempt.
    pub first_pause: Duration,
    /// The longest that this limit grows.
    pub longest_pause: Duration,
    /// Calls under way at once.
    pub calls_at_once: usize,
    /// Records held in memory at most.
    pub buffer_records: usize,
    /// Bytes held in memory at most; one record more may be.
    pub buffer_bytes: usize,
}

impl Default for Settings {
    /// Ten attempts over about 30 seconds, which outlasts the scaling of an on-demand stream's hot shard; four calls at
    /// once.
    fn default() -> Self {
        Settings {
            attempts: 10,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
            calls_at_once: 4,
            buffer_records: 20_000,
            buffer_bytes: 64 * 1024 * 1024,
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendResult {
    /// The record.
    pub record: Record,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether it arrived.
    pub result: Result<(), Failure>,
}

/// Sends every record of `input`, and tells `outcome` what became of each, once. Ends when the last is reported.
pub async fn send<T: Target>(
    target: &T,
    settings: &Settings,
    input: impl Stream<Item = Record>,
    mut outcome: impl FnMut(SendResult),
) {
    pin_mut!(input);
    let limits = target.limits();
    let mut queue = Queue::new(limits);
    let mut calls = FuturesUnordered::new();
    let mut input_open = true;
    loop {
        // What is there already first: full batches cost fewer calls.
        while input_open && settings.room_in(&queue) {
            match input.next().now_or_never() {
                Some(Some(record)) => admit(target, &mut queue, record, &mut outcome),
                Some(None) => input_open = false,
                None => break,
            }
        }
        while calls.len() < settings.calls_at_once {
            let batch = queue.take_batch(Instant::now());
            if batch.is_empty() {
                break;
            }
            calls.push(call(target, batch));
        }
        if !input_open && calls.is_empty() && queue.is_empty() {
            return;
        }
        // With all calls under way a due retry waits for one of them to end.
        let wake = queue.next_retry().filter(|_| calls.len() < settings.calls_at_once);
        tokio::select! {
            Some((batch, answer)) = calls.next() => settle(&mut queue, settings, batch, answer, &mut outcome),
            record = input.next(), if input_open && settings.room_in(&queue) => match record {
                Some(record) => admit(target, &mut queue, record, &mut outcome),
                None => input_open = false,
            },
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
        }
    }
}

/// Queues a record, or tells at once that no call can hold it.
fn admit<T: Target>(target: &T, queue: &mut Queue, record: Record, outcome: &mut impl FnMut(SendResult)) {
    let (size, limit) = (target.size(&record), target.limits().record_bytes);
    if size > limit {
        outcome(SendResult { record, attempts: 0, result: Err(Failure::TooLarge { size, limit }) });
    } else {
        queue.push(Pending { record, size, attempts: 0 });
    }
}

type PutResult = Result<Vec<Result<(), EntryError>>, CallFault>;

async fn call<T: Target>(target: &T, batch: Vec<Pending>) -> (Vec<Pending>, PutResult) {
    let records: Vec<&Record> = batch.iter().map(|pending| &pending.record).collect();
    let answer = target.put(&records).await;
    (batch, answer)
}

/// Tells what has been decided of a batch, and queues the rest again.
fn settle(
    queue: &mut Queue,
    settings: &Settings,
    batch: Vec<Pending>,
    answer: PutResult,
    outcome: &mut impl FnMut(SendResult),
) {
    let mut results = match answer {
        Ok(results) => {
            results.into_iter().map(|result| result.map_err(|error| Trouble::Passing(error.code))).collect()
        }
        Err(fault) if may_pass(&fault) => vec![Err(Trouble::Passing(fault.code.into_owned())); batch.len()],
        Err(fault) => vec![Err(Trouble::Lasting(fault)); batch.len()],
    }
    .into_iter();
    for mut pending in batch {
        pending.attempts += 1;
        let unanswered = || Err(Trouble::Passing("no result for the entry".to_owned()));
        let result = match results.next().unwrap_or_else(unanswered) {
            Ok(()) => Ok(()),
            Err(Trouble::Lasting(error)) => Err(Failure::Refused(error)),
            Err(Trouble::Passing(code)) if pending.attempts >= settings.attempts => {
                Err(Failure::Exhausted { attempts: pending.attempts, code })
            }
            Err(Trouble::Passing(_)) => {
                let at = Instant::now() + settings.pause(pending.attempts);
                queue.retry(pending, at);
                continue;
            }
        };
        queue.settled(&pending);
        outcome(SendResult { record: pending.record, attempts: pending.attempts, result });
    }
}

#[derive(Clone)]
enum Trouble {
    Passing(String),
    Lasting(CallFault),
}

/// Whether another attempt may succeed. Credentials that cannot be had now may be had in a moment.
fn may_pass(fault: &CallFault) -> bool {
    fault.is_transient() || fault.code == CANNOT_SEND
}

impl Settings {
    fn room_in(&self, queue: &Queue) -> bool {
        queue.records() < self.buffer_records && queue.bytes() < self.buffer_bytes
    }

    /// How long to wait after this many attempts.
    fn pause(&self, attempts: u32) -> Duration {
        Pauses::new(self.first_pause, self.longest_pause).after(attempts.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests;
