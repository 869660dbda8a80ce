//! What surrounds the inputs of a scored record, verified.

use super::line::Record;
use super::recorded::Own;
use super::told::Told;
use super::{Difference, Verdict};
use crate::inputs::Input;
use crate::policy::Policy;

/// The words of `history`.
const HISTORY_WORDS: [&str; 6] = ["used", "expired", "lagging", "none", "invalid", "unavailable"];

impl Record<'_> {
    /// Holds what surrounds the inputs against what the policies look at.
    pub(super) fn verify_evidence<'p>(
        &self,
        policies: impl Iterator<Item = &'p Policy> + Clone,
        verdict: &mut Verdict<'_>,
    ) {
        let recorded = self.recorded;
        let is_needed = policies.clone().any(|policy| !policy.further_inputs().is_empty());
        let engine = recorded.text(Own::Engine);
        if let Some(told) = &self.told {
            verdict.holds(is_needed && told.is_of(policies.clone()), Difference::Inputs);
        }
        if self.told.is_none() && is_needed {
            // What came with the inputs may be lost as they are.
            return;
        }
        verdict.holds(self.told.is_some() == engine.is_some(), Difference::Engine);
        if let Some(engine) = &engine {
            verdict.holds_engine(engine);
        }
        let word = recorded.text(Own::History);
        let is_asked = is_needed && policies.clone().any(|policy| policy.history().is_some());
        let is_word = word.as_deref().is_none_or(|word| HISTORY_WORDS.contains(&word));
        let is_used = word.as_deref() == Some("used");
        let has_inputs = self.told.as_ref().is_some_and(Told::has_history);
        let looks = policies.clone().any(looks_at_counts);
        let agrees = is_word && word.is_some() == is_asked && (is_used || !has_inputs);
        verdict.holds(agrees && (!is_used || !looks || has_inputs), Difference::History);
    }
}

/// Whether a policy looks at an input that every history has.
fn looks_at_counts(policy: &Policy) -> bool {
    let mut further = policy.further_inputs().iter();
    further.any(|further| matches!(&further.input, Input::History(input) if input.is_always_known()))
}
