//! Records that can never succeed, on their way to the dead letters.

use std::borrow::Cow;

use bytes::Bytes;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_aws::reason::FailureReason;
use fraud_aws::telemetry::Failures;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::batch::Batch;
use crate::progress::{Progress, RetryReason};

/// Calls to the dead-letter sink under way at once.
const CALLS_AT_ONCE: usize = 8;
/// Letters that are made and sent before the next are made: a call that waits for its turn takes kilobytes.
const LETTERS_AT_ONCE: usize = 64;
/// If more user records of one stream record can never succeed, there is one letter for the whole stream record: a letter
/// for each of the hundred thousand and more that fit into it would take longer than an invocation has, and Lambda
/// redelivers all of them or none.
const MOST_LETTERS_OF_A_RECORD: usize = 1_000;

/// What became of the records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLettered {
    /// Records that the sink accepted, by reason.
    pub counts: Failures,
}

/// Sends the records at these places to the dead letters, but for those that are retried anyway. A record that the sink
/// does not take is retried. A stream record with more than a thousand such user records makes one letter, with the data
/// of the whole; its high scores that nobody was alerted of are counted, and have letters, by themselves.
pub async fn dead_letter(
    function: &'static str,
    batch: &Batch<'_>,
    undeliverable: &[(usize, FailureReason)],
    sink: &impl DeadLetterSink,
    deadline: Instant,
    progress: &mut Progress,
) -> DeadLettered {
    let mut due: Vec<_> =
        undeliverable.iter().copied().filter(|(index, _)| progress.allows(*index)).collect();
    due.sort_unstable();
    let mut by_letter = Vec::new();
    for record in due.chunk_by_mut(|(one, _), (next, _)| batch.are_of_one_record(*one, *next)) {
        // High scores that nobody was alerted of share no letter with others: it would go to another sink, and have
        // another's reason.
        record.sort_by_key(|(_, reason)| !reason.is_unalerted());
        for items in record.chunk_by(|(_, one), (_, next)| one.is_unalerted() == next.is_unalerted()) {
            let size = if items.len() > MOST_LETTERS_OF_A_RECORD { items.len() } else { 1 };
            by_letter.extend(items.chunks(size));
        }
    }
    let mut dead_lettered = DeadLettered::default();
    for next in by_letter.chunks(LETTERS_AT_ONCE) {
        let next = next.iter().filter_map(|&items| Some((items, batch.letter_of(items, function)?)));
        // Collected: the compiler cannot tell that a stream over a borrowing closure can change threads.
        let calls: Vec<_> =
            next.map(|(items, letter)| async move { (items, sink.send(&letter, deadline).await) }).collect();
        let sent: Vec<_> = futures_util::stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
        for (items, result) in sent {
            match result {
                Ok(()) => dead_lettered.add(batch, items),
                Err(fault) => {
                    if let Some((index, _)) = items.first() {
                        let position = batch.position_text(*index);
                        tracing::warn!(reason = %fault, position, "dead letters unavailable");
                        progress.stop_at(*index, RetryReason::DeadLettersUnavailable);
                    }
                }
            }
        }
        if progress.retry_reason() == Some(RetryReason::DeadLettersUnavailable) {
            break;
        }
    }
    dead_lettered.counts.log("records dead-lettered");
    dead_lettered
}

impl DeadLettered {
    fn add(&mut self, batch: &Batch<'_>, items: &[(usize, FailureReason)]) {
        for (index, reason) in items {
            self.counts.add(*reason, || batch.position_text(*index).unwrap_or_default());
        }
    }
}

impl Batch<'_> {
    /// The one dead letter of these items of one stream record: of an item by itself, or of the whole record.
    fn letter_of(&self, items: &[(usize, FailureReason)], function: &'static str) -> Option<DeadLetter<'_>> {
        let &(index, reason) = items.first()?;
        match items.len() {
            1 => self.letter(index, reason, function),
            _ => self.letter_at(index, reason, function, 0, None),
        }
    }

    /// The dead letter of the item at `index`.
    pub(crate) fn letter(
        &self,
        index: usize,
        reason: FailureReason,
        function: &'static str,
    ) -> Option<DeadLetter<'_>> {
        let (sub_sequence_number, inner) = self.place_in_aggregate(index)?;
        self.letter_at(index, reason, function, sub_sequence_number, inner)
    }

    /// A dead letter out of the stream record of the item at `index`, with the data of a user record `inner`, or else with
    /// the stream record's own.
    fn letter_at(
        &self,
        index: usize,
        reason: FailureReason,
        function: &'static str,
        sub_sequence_number: u64,
        inner: Option<&Bytes>,
    ) -> Option<DeadLetter<'_>> {
        let record = self.stream_record(index)?;
        let data = match inner {
            Some(payload) => Cow::Owned(base64_simd::STANDARD.encode_to_string(payload)),
            None => record
                .data
                .map_or(Cow::Borrowed(""), |data| data.decode().unwrap_or(Cow::Borrowed(data.raw()))),
        };
        Some(DeadLetter {
            function,
            reason,
            position: record.position(sub_sequence_number),
            arrival: record.arrival,
            data,
        })
    }
}

#[cfg(test)]
mod tests;
