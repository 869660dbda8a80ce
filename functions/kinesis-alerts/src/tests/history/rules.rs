//! Policies as sensitive to the history as can be: with another count, another answer.

use fraud_core::history::HistoryInputs;
use fraud_core::policy::{HistorySettings, Policy};

/// The policy of a process. What they say of a record is the count's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rules {
    /// Even counts are high, and so is what is forgotten.
    Even,
    /// The same, but what is forgotten is low.
    EvenIfKnown,
    /// Odd counts are high, and so is what is forgotten.
    Odd,
    /// As `Even`, with another `[history]`.
    EvenByAnotherMean,
}

/// From this count on every record is high.
const ALWAYS_HIGH: u32 = 10;

impl Rules {
    pub(super) const ALL: [Rules; 4] =
        [Rules::Even, Rules::EvenIfKnown, Rules::Odd, Rules::EvenByAnotherMean];

    pub(super) fn settings(self) -> HistorySettings {
        let (prior_mean_amount, outlier_ratio) = match self {
            Rules::EvenByAnotherMean => (20.0, 3.0),
            _ => (50.0, 2.0),
        };
        HistorySettings { prior_mean_amount, outlier_ratio, ordinary_below: 200.0 }
    }

    /// What they say of these inputs.
    pub(super) fn is_high(self, inputs: &HistoryInputs) -> bool {
        inputs.count_24h >= ALWAYS_HIGH || inputs.count_24h.is_multiple_of(2) != (self == Rules::Odd)
    }

    pub(super) fn forgotten_is_high(self) -> bool {
        self != Rules::EvenIfKnown
    }

    pub(super) fn policy(self) -> Policy {
        let HistorySettings { prior_mean_amount, outlier_ratio, .. } = self.settings();
        let band = |count: u32| format!("{{ from = {count}, below = {}, points = 60 }}", count + 1);
        let bands: Vec<String> = (u32::from(self == Rules::Odd)..ALWAYS_HIGH).step_by(2).map(band).collect();
        let missing = if self.forgotten_is_high() { 60 } else { 0 };
        let text = format!(
            r#"
            name = "sensitive"
            cap = 100
            threshold = 50
            default_risk = 0.5

            [history]
            prior_mean_amount = {prior_mean_amount}
            outlier_ratio = {outlier_ratio}

            [[factors]]
            name = "count"
            input = "history.count_24h"
            bands = [{}, {{ from = {ALWAYS_HIGH}, points = 60 }}]
            missing = {missing}

            [[factors]]
            name = "ratio"
            input = "history.amount_ratio"
            bands = [{{ from = 0, below = 1, points = 10 }}, {{ from = 1, points = 20 }}]
            "#,
            bands.join(", ")
        );
        Policy::parse(&text).unwrap()
    }
}
