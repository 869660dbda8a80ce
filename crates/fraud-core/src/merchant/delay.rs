//! After how many days labels have come.

/// After how many days the labels of a day's transactions have come: 0 to 60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelDelay(u8);

/// A number of days that is not a label delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("labels are waited for 0 to {max} days", max = LabelDelay::MAX.0)]
pub struct LabelDelayError;

/// How many days counts are kept beyond the delay.
const DAYS_KEPT: i32 = 60;

impl LabelDelay {
    /// The longest delay.
    pub const MAX: LabelDelay = LabelDelay(60);

    /// A delay of this many days.
    ///
    /// # Errors
    /// [`LabelDelayError`] for more than 60.
    pub fn of_days(days: u8) -> Result<Self, LabelDelayError> {
        (days <= LabelDelay::MAX.0).then_some(LabelDelay(days)).ok_or(LabelDelayError)
    }

    /// In days.
    pub fn days(self) -> u8 {
        self.0
    }

    /// The first day whose counts are kept on this day: no decision looks at those before it.
    pub fn first_kept(self, today: i32) -> i32 {
        today.saturating_sub(DAYS_KEPT + i32::from(self.0))
    }
}

/// Seven days.
impl Default for LabelDelay {
    fn default() -> Self {
        LabelDelay(7)
    }
}
