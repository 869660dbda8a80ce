//! Merchants, and when they are compromised.

use super::spell::{LONGEST_DAYS, Spell, Spells};
use crate::generate::random::Random;

/// On average a merchant in two hundred is compromised. In the handbook every day two of 10,000 begin to be, each for 28 days.
const SPELLS: Spells = Spells { probability: 0.000_17, days: (14, LONGEST_DAYS) };

/// The merchants, numbered from 1.
#[derive(Debug)]
pub(super) struct Merchants {
    spells: Vec<Spell>,
}

impl Merchants {
    pub(super) fn new(count: u32) -> Self {
        Merchants { spells: vec![Spell::NEVER; count as usize] }
    }

    pub(super) fn begin_day(&mut self, midnight: i64, random: &mut Random) {
        self.spells.iter_mut().for_each(|spell| spell.begin_day(midnight, SPELLS, random));
    }

    pub(super) fn any(&self, random: &mut Random) -> u32 {
        any(self.spells.len() as u32, random)
    }

    pub(super) fn is_compromised(&self, merchant: u32, second: i64) -> bool {
        let place = (merchant as usize).checked_sub(1);
        place.and_then(|place| self.spells.get(place)).is_some_and(|spell| spell.holds(second))
    }
}

/// Any of this many merchants.
pub(super) fn any(count: u32, random: &mut Random) -> u32 {
    1 + random.below(count)
}
