//! How well a policy did, by the labels: [`Tally`] sums up what a policy decided, [`Comparison`] what two policies decided
//! differently. `docs/backtesting.md` has each measure's formula.
//!
//! Everything is counted in whole numbers and amounts are summed exactly, so that the order of transactions changes nothing.

mod cards;
mod comparison;
mod comparison_json;
mod curve;
mod factors;
mod figures;
mod json;
mod outline;
mod score_key;
mod scores;
mod segments;
mod tally;
mod without;

pub use comparison::{Compared, Comparison, Difference, Differences, Example, FactorCount, SegmentCount};
pub use factors::FactorFigures;
pub use figures::{BudgetThreshold, Figures, Measures, SegmentFigures, Spread, Spreads, Week};
pub use outline::{Outline, OutlineStep, ScoreBin};
pub use tally::{Tally, TallySettings};
pub use without::{Without, WithoutFactor};

use fraud_core::scoring::FactorSet;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// Seconds of a week.
pub const WEEK: i64 = 7 * DAY;

/// The cards that can be checked a day, in the card precision (`k` in the Fraud Detection Handbook).
pub const CARDS_A_DAY: usize = 100;

/// How many days behind later ones a transaction may come without any loss of exactness. Histories take no event for older than
/// seven days when it arrives.
const DAYS_LATE: u64 = 8;

/// What is known of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// A label says that it was fraud.
    Fraud,
    /// A label says that it was not.
    Legitimate,
    /// It has no label, and is old enough that one would have come. It counts as legitimate.
    Unlabelled,
    /// It is too young to be judged, whatever its label: it counts among transactions and alerts, and in no measure that needs
    /// the truth.
    Immature,
}

/// A transaction as a policy decided it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// When it counts, in seconds since the epoch.
    pub time: i64,
    /// The score, a finite number.
    pub score: f64,
    /// Whether the score is above the policy's own threshold. Only [`Comparison`] looks at it: [`Tally`] measures at a threshold
    /// that it may have to find first.
    pub is_alert: bool,
    /// What is known of it.
    pub truth: Truth,
    /// The amount in ten-thousandths. Below 0 it counts as 0.
    pub amount: i64,
    /// The customer's id; empty if there is none.
    pub customer: &'a str,
    /// The segment of the customer's profile.
    pub segment: Option<&'a str>,
    /// The factors that contributed.
    pub factors: FactorSet,
}

impl Judged<'_> {
    /// What it adds to sums of amounts.
    fn value(&self) -> i128 {
        i128::from(self.amount.max(0))
    }
}
