//! Records in order, step by step through an engine.

use backtest::engine::{Decided, Engine, PastRecord, STEP_MILLIS};
use exact_text::timestamp::Timestamp;

/// Records in order, step by step through an engine.
pub(super) struct Steps<'s, 'k, Take> {
    engine: &'s mut Engine<'k>,
    /// What becomes of a record's decisions.
    take: Take,
    step: Option<i64>,
    /// Copies of transactions that were decided before.
    pub(super) copies: u64,
}

impl<'s, 'k, Take> Steps<'s, 'k, Take>
where
    Take: FnMut(&PastRecord<'_>, &[Decided<'_>]),
{
    pub(super) fn new(engine: &'s mut Engine<'k>, take: Take) -> Self {
        Steps { engine, take, step: None, copies: 0 }
    }

    /// Decides on the record that comes next.
    pub(super) fn decide(&mut self, record: &PastRecord<'_>) {
        let step = record.arrival.millis().div_euclid(STEP_MILLIS);
        if self.step.is_none_or(|before| before < step) {
            self.step = Some(step);
            self.engine.becomes(Timestamp::saturating_from_millis(step.saturating_mul(STEP_MILLIS)));
        }
        let Steps { engine, take, .. } = self;
        let decided = engine.decide(record, |decided| take(record, decided));
        self.copies += u64::from(decided.is_none());
    }
}
