//! What failed in a batch, in one log line however much it is.

use std::collections::BTreeMap;

use crate::reason::FailureReason;

/// Positions that a log line names.
const NAMED: usize = 5;

/// The records of a batch that failed: how many for each reason, and where the first of them are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    counts: BTreeMap<FailureReason, usize>,
    first: Vec<String>,
}

impl Failures {
    /// Adds a record; `position` is asked for the first few only.
    pub fn add(&mut self, reason: FailureReason, position: impl FnOnce() -> String) {
        *self.counts.entry(reason).or_default() += 1;
        if self.first.len() < NAMED {
            self.first.push(position());
        }
    }

    /// The number of records for each reason.
    pub fn counts(&self) -> &BTreeMap<FailureReason, usize> {
        &self.counts
    }

    /// Writes the log line, if there is anything to say: `what` happened to how many records, for which reasons, and the
    /// positions of the first of them.
    pub fn log(&self, what: &str) {
        if self.counts.is_empty() {
            return;
        }
        let records: usize = self.counts.values().sum();
        let reasons: Vec<String> =
            self.counts.iter().map(|(reason, count)| format!("{reason}={count}")).collect();
        tracing::warn!(records, reasons = reasons.join(" "), first = self.first.join(" "), "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fraud_core::refusal::Refusal;

    #[test]
    fn only_the_first_positions_are_named_and_all_records_counted() {
        let mut failures = Failures::default();
        for number in 0..1_000 {
            failures.add(FailureReason::Refused(Refusal::NotJson), || number.to_string());
        }
        failures.add(FailureReason::Refused(Refusal::InvalidAmount), || "last".to_owned());
        assert_eq!(failures.first, ["0", "1", "2", "3", "4"]);
        let counts = [
            (FailureReason::Refused(Refusal::NotJson), 1_000),
            (FailureReason::Refused(Refusal::InvalidAmount), 1),
        ];
        assert_eq!(*failures.counts(), BTreeMap::from(counts));
    }
}
