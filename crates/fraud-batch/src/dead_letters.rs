//! Transactions that can never succeed, on their way to the dead letters.

use std::borrow::Cow;

use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_aws::reason::FailureReason;
use fraud_aws::telemetry::Failures;
use kinesis_batch::Batch;
use tokio::time::Instant;

use crate::Progress;
use crate::retry_reason::RetryReason;

/// What became of the records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLettered {
    /// Records that the sink accepted, by reason.
    pub counts: Failures,
}

/// Sends the records at these indexes to the dead letters, as [`kinesis_batch::dead_letter`] does: those that are retried
/// anyway are left out, and a record that the sink does not take is retried. High scores that nobody was alerted of
/// have letters by themselves.
pub async fn dead_letter(
    function: &'static str,
    batch: &Batch<'_>,
    undeliverable: &[(usize, FailureReason)],
    sink: &impl DeadLetterSink,
    deadline: Instant,
    progress: &mut Progress,
) -> DeadLettered {
    let letters = Letters { function, sink, deadline };
    let taken = kinesis_batch::dead_letter(batch, undeliverable, &letters, progress).await;
    let mut counts = Failures::default();
    for (index, reason) in taken {
        counts.add(reason, || batch.position_text(index).unwrap_or_default());
    }
    counts.log("records dead-lettered");
    DeadLettered { counts }
}

/// A function's letters to a sink.
struct Letters<'s, Sink> {
    function: &'static str,
    sink: &'s Sink,
    deadline: Instant,
}

impl<Sink: DeadLetterSink> kinesis_batch::DeadLetterSink<FailureReason> for Letters<'_, Sink> {
    type RetryReason = RetryReason;

    async fn send(&self, letter: &kinesis_batch::DeadLetter<'_, FailureReason>) -> Result<(), RetryReason> {
        let kinesis_batch::DeadLetter { reason, position, arrival, data } = letter;
        let letter = DeadLetter {
            function: self.function,
            reason: *reason,
            position: *position,
            arrival: *arrival,
            data: Cow::Borrowed(data),
        };
        self.sink.send(&letter, self.deadline).await.map_err(|fault| {
            tracing::warn!(reason = %fault, position = %letter.position, "dead letters unavailable");
            RetryReason::DeadLettersUnavailable
        })
    }

    /// The letter of a high score that nobody was alerted of goes to a sink of its own, under its own reason.
    fn is_apart(&self, reason: FailureReason) -> bool {
        reason.is_unalerted()
    }
}

#[cfg(test)]
mod tests;
