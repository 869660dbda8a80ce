//! Records that can never succeed, on their way to the dead letters.

use std::borrow::Cow;
use std::future::Future;

use bytes::Bytes;
use exact_text::timestamp::Timestamp;
use futures_util::StreamExt;
use stream_position::Position;

use crate::batch::Batch;
use crate::progress::Progress;

/// Calls to the dead-letter sink under way at once.
const CALLS_AT_ONCE: usize = 8;
/// Letters that are made and sent before the next are made: a call that waits for its turn takes kilobytes.
const LETTERS_AT_ONCE: usize = 64;
/// If more user records of one stream record can never succeed, there is one letter for the whole stream record: a letter
/// for each of the hundred thousand and more that fit into it would take longer than an invocation has, and Lambda
/// redelivers all of them or none.
const MOST_LETTERS_OF_A_RECORD: usize = 1_000;

/// A record that can never succeed. `F` is the type of the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter<'a, F> {
    /// Why not.
    pub reason: F,
    /// The record's position.
    pub position: Position<'a>,
    /// When it arrived, if that is known.
    pub arrival: Option<Timestamp>,
    /// Its data: base64, or what the event has in place of base64.
    pub data: Cow<'a, str>,
}

/// Takes dead letters: a queue, a bucket, a table.
pub trait DeadLetterSink<F> {
    /// Why a record must be retried whose letter was not taken.
    type RetryReason;

    /// Sends a letter, at least once. It ends in time for the invocation to answer.
    ///
    /// # Errors
    /// The reason for which the record must be retried.
    fn send(&self, letter: &DeadLetter<'_, F>) -> impl Future<Output = Result<(), Self::RetryReason>> + Send;

    /// Whether records of this reason share no letter with those of others, as they go to another place.
    fn is_apart(&self, _reason: F) -> bool {
        false
    }
}

/// Sends the records at these indexes to the dead letters, but for those that are retried anyway. A record that the sink
/// does not take is retried. A stream record with more than a thousand such user records makes one letter, with the data
/// of the whole; those whose reason [is apart](DeadLetterSink::is_apart) are counted, and have letters, by themselves.
///
/// Returns the records that the sink took.
pub async fn dead_letter<F: Copy + Ord, S: DeadLetterSink<F>>(
    batch: &Batch<'_>,
    undeliverable: &[(usize, F)],
    sink: &S,
    progress: &mut Progress<S::RetryReason>,
) -> Vec<(usize, F)>
where
    S::RetryReason: Copy,
{
    let mut due: Vec<_> =
        undeliverable.iter().copied().filter(|(index, _)| progress.allows(*index)).collect();
    due.sort_unstable();
    let mut by_letter = Vec::new();
    for record in due.chunk_by_mut(|(one, _), (next, _)| batch.are_of_one_record(*one, *next)) {
        record.sort_by_key(|(_, reason)| !sink.is_apart(*reason));
        for items in record.chunk_by(|(_, one), (_, next)| sink.is_apart(*one) == sink.is_apart(*next)) {
            let size = if items.len() > MOST_LETTERS_OF_A_RECORD { items.len() } else { 1 };
            by_letter.extend(items.chunks(size));
        }
    }
    let mut taken = Vec::new();
    let mut is_taking = true;
    for next in by_letter.chunks(LETTERS_AT_ONCE) {
        let next = next.iter().filter_map(|&items| Some((items, batch.letter_of(items)?)));
        // Collected: the compiler cannot tell that a stream over a borrowing closure can change threads.
        let calls: Vec<_> =
            next.map(|(items, letter)| async move { (items, sink.send(&letter).await) }).collect();
        let sent: Vec<_> = futures_util::stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
        for (items, result) in sent {
            match result {
                Ok(()) => taken.extend_from_slice(items),
                Err(reason) => {
                    is_taking = false;
                    if let Some((index, _)) = items.first() {
                        progress.stop_at(*index, reason);
                    }
                }
            }
        }
        if !is_taking {
            break;
        }
    }
    taken
}

impl Batch<'_> {
    /// The one dead letter of these items of one stream record: of an item by itself, or of the whole record.
    fn letter_of<F: Copy>(&self, items: &[(usize, F)]) -> Option<DeadLetter<'_, F>> {
        let &(index, reason) = items.first()?;
        match items.len() {
            1 => self.letter(index, reason),
            _ => self.letter_at(index, reason, 0, None),
        }
    }

    /// The dead letter of the item at `index`.
    pub(crate) fn letter<F>(&self, index: usize, reason: F) -> Option<DeadLetter<'_, F>> {
        let (sub_sequence_number, inner) = self.place_in_aggregate(index)?;
        self.letter_at(index, reason, sub_sequence_number, inner)
    }

    /// A dead letter out of the stream record of the item at `index`, with the data of a user record `inner`, or else with
    /// the stream record's own.
    fn letter_at<F>(
        &self,
        index: usize,
        reason: F,
        sub_sequence_number: u64,
        inner: Option<&Bytes>,
    ) -> Option<DeadLetter<'_, F>> {
        let record = self.stream_record(index)?;
        let data = match inner {
            Some(payload) => Cow::Owned(base64_simd::STANDARD.encode_to_string(payload)),
            None => record
                .data
                .map_or(Cow::Borrowed(""), |data| data.decode().unwrap_or(Cow::Borrowed(data.raw()))),
        };
        Some(DeadLetter {
            reason,
            position: record.position(sub_sequence_number),
            arrival: record.arrival,
            data,
        })
    }
}

#[cfg(test)]
mod tests;
