//! One batch through the function, with retries.

use tokio::time::Instant;

use super::DeliveryStream;
use super::error_output::Attempts;
use super::event::{Incoming, MAX_PAYLOAD};
use super::response::{FUNCTION_ERROR, ProcessingError, Verdict, verdicts};
use crate::event_source_mapping::{Failure, FunctionError, Invocation, answer};

/// A batch and what the function made of it.
pub(super) struct Transformed {
    pub(super) records: Vec<Incoming>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) attempts: Attempts,
}

impl<S, F, O, Fut> DeliveryStream<S, F, O>
where
    F: Fn(Invocation) -> Fut,
    Fut: Future<Output = Result<String, FunctionError>>,
{
    /// Invokes the function until it answers or its retries are used up. An answer is final, whatever it says.
    pub(super) async fn transform(&self, records: Vec<Incoming>) -> Transformed {
        let mut made = 0;
        let outcome = loop {
            made += 1;
            if let Ok(answer) = self.invoke(&records).await {
                break verdicts(&answer, records.iter().map(|record| record.id.as_str()));
            }
            if made > self.settings.retries {
                // Timeouts and answers that are too large have been seen under the same code.
                break Err(FUNCTION_ERROR);
            }
            let wait = self.with_random(|random| self.settings.backoff.after(made, random));
            tokio::time::sleep(wait).await;
        };
        let attempts = Attempts { made, ended: self.settings.clock.now() };
        let failed = |error: ProcessingError| records.iter().map(|_| Verdict::Failed(error)).collect();
        let verdicts = outcome.unwrap_or_else(failed);
        Transformed { records, verdicts, attempts }
    }

    async fn invoke(&self, records: &[Incoming]) -> Result<String, Failure> {
        let timeout = self.settings.function_timeout;
        let id = self.with_random(uuid);
        let invocation = Invocation {
            event: self.fields.event(&id, records),
            request_id: id,
            deadline: Instant::now() + timeout,
            deadline_at: self.settings.clock.now() + timeout,
        };
        self.count(|report| report.invocations += 1);
        let answer = answer(async { (self.function)(invocation).await }, timeout).await;
        // Lambda itself fails an invocation whose answer is too large.
        let answer = answer
            .and_then(|answer| if answer.len() > MAX_PAYLOAD { Err(Failure::Function) } else { Ok(answer) });
        if answer.is_err() {
            self.count(|report| report.failed_invocations += 1);
        }
        answer
    }
}

/// A UUID of version 4.
pub(super) fn uuid(random: &mut fastrand::Rng) -> String {
    let bits = random.u128(..) & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
