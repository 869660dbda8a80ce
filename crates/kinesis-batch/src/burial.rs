//! Records that can never succeed, on their way to the dead letters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_core::reason::FailureReason;
use futures_util::StreamExt;
use tokio::time::Instant;

use crate::batch::Batch;
use crate::progress::{Progress, RetryReason};

/// Calls to the dead-letter sink under way at once.
const CALLS_AT_ONCE: usize = 8;

/// What became of the records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Burial {
    /// Records that the sink accepted, by reason.
    pub buried: BTreeMap<FailureReason, usize>,
}

/// Sends the records at these places to the dead letters, save those that come again anyway. Where the sink refuses one,
/// it comes again.
pub async fn bury(
    function: &'static str,
    batch: &Batch<'_>,
    poison: &[(usize, FailureReason)],
    sink: &impl DeadLetterSink,
    deadline: Instant,
    progress: &mut Progress,
) -> Burial {
    let due = poison.iter().filter(|(index, _)| progress.allows(*index));
    let letters =
        due.filter_map(|&(index, reason)| Some((index, reason, batch.letter(index, reason, function)?)));
    // Collected: the compiler cannot tell that a stream over a borrowing closure can change threads.
    let sent: Vec<_> = letters
        .map(|(index, reason, letter)| async move { (index, reason, sink.send(&letter, deadline).await) })
        .collect();
    let sent: Vec<_> = futures_util::stream::iter(sent).buffer_unordered(CALLS_AT_ONCE).collect().await;
    let mut burial = Burial::default();
    for (index, reason, result) in sent {
        match result {
            Ok(()) => *burial.buried.entry(reason).or_default() += 1,
            Err(fault) => {
                tracing::warn!(reason = %fault, "dead letters unavailable");
                progress.stop_at(index, RetryReason::DeadLettersUnavailable);
            }
        }
    }
    burial
}

impl Batch<'_> {
    /// The dead letter of the item at `index`.
    pub(crate) fn letter(
        &self,
        index: usize,
        reason: FailureReason,
        function: &'static str,
    ) -> Option<DeadLetter<'_>> {
        let record = self.stream_record(index)?;
        let (sub_sequence_number, inner) = self.place_in_aggregate(index)?;
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
