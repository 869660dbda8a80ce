//! Times during which a card or a merchant is compromised.

use crate::generate::random::Random;
use crate::generate::transaction::SECONDS_OF_DAY;

/// The longest spell of any kind, in days.
pub(super) const LONGEST_DAYS: u32 = 42;

/// The latest time during which something was compromised, in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spell {
    begin: i64,
    end: i64,
}

/// How often spells begin, and how long they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spells {
    /// The probability that one begins on a day.
    pub(super) probability: f64,
    /// The shortest and the longest, in days.
    pub(super) days: (u32, u32),
}

impl Spell {
    /// Nothing was ever compromised.
    pub(super) const NEVER: Spell = Spell { begin: i64::MIN, end: i64::MIN };

    pub(super) fn holds(&self, second: i64) -> bool {
        (self.begin..self.end).contains(&second)
    }

    /// Perhaps begins a spell on the day that begins at `midnight`, if the one before ended on an earlier day.
    pub(super) fn begin_day(&mut self, midnight: i64, spells: Spells, random: &mut Random) {
        if self.end <= midnight && random.chance(spells.probability) {
            let (shortest, longest) = spells.days;
            let days = shortest + random.below(longest - shortest + 1);
            self.begin = midnight + i64::from(random.below(SECONDS_OF_DAY as u32));
            self.end = self.begin + i64::from(days) * SECONDS_OF_DAY;
        }
    }
}
