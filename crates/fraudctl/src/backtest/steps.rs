//! Records in order, step by step through an engine.

use backtest::engine::{Decided, Engine, PastRecord, STEP_MILLIS};
use exact_text::timestamp::Timestamp;

/// Records in order, step by step through an engine.
pub(super) struct Steps<'s, 'k, Look, Take> {
    engine: &'s mut Engine<'k>,
    /// What is kept of a record's decisions.
    look: Look,
    /// What becomes of that, record by record.
    take: Take,
    step: Option<i64>,
    /// Copies of transactions that were decided before.
    pub(super) copies: u64,
}

impl<'s, 'k, Look, Take> Steps<'s, 'k, Look, Take> {
    pub(super) fn new(engine: &'s mut Engine<'k>, look: Look, take: Take) -> Self {
        Steps { engine, look, take, step: None, copies: 0 }
    }

    /// Decides on the records that come next.
    pub(super) fn decide<R: Send>(&mut self, records: &[PastRecord<'_>])
    where
        Look: Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync,
        Take: FnMut(&PastRecord<'_>, R),
    {
        let step_of = |record: &PastRecord<'_>| record.arrival.millis().div_euclid(STEP_MILLIS);
        for run in records.chunk_by(|one, next| step_of(one) == step_of(next)) {
            let Some(step) = run.first().map(step_of) else { continue };
            if self.step.is_none_or(|before| before < step) {
                self.step = Some(step);
                self.engine.becomes(Timestamp::saturating_from_millis(step.saturating_mul(STEP_MILLIS)));
            }
            for (record, result) in run.iter().zip(self.engine.step(run, &self.look)) {
                match result {
                    Some(result) => (self.take)(record, result),
                    None => self.copies += 1,
                }
            }
        }
    }
}
