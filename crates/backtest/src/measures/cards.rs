//! Card precision: of the hundred cards a day with the highest scores, how many are compromised.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::curve::share;
use super::numbers::{NumberMap, ScoreKey};
use super::{CARDS_A_DAY, Judged, Truth};

/// The customers of each day, with their highest score.
#[derive(Debug, Clone, Default)]
pub(super) struct Cards {
    customers: Customers,
    days: BTreeMap<u64, NumberMap<u32, Card>>,
}

/// A customer's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Card {
    highest: ScoreKey,
    is_compromised: bool,
}

#[derive(Debug, Clone, Default)]
struct Customers {
    numbers: HashMap<Arc<str>, u32>,
    ids: Vec<Arc<str>>,
}

impl Customers {
    fn number(&mut self, id: &str) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = self.ids.len() as u32;
        let id: Arc<str> = id.into();
        self.ids.push(Arc::clone(&id));
        self.numbers.insert(id, number);
        number
    }

    fn id(&self, number: u32) -> &str {
        self.ids.get(number as usize).map_or("", |id| id)
    }
}

impl Cards {
    /// Adds a judged transaction of a day. One without a customer is of no card.
    pub(super) fn add(&mut self, day: u64, judged: &Judged<'_>) {
        if judged.customer.is_empty() {
            return;
        }
        let customer = self.customers.number(judged.customer);
        let highest = ScoreKey::of(judged.score);
        let is_compromised = judged.truth == Truth::Fraud;
        let card =
            self.days.entry(day).or_default().entry(customer).or_insert(Card { highest, is_compromised });
        card.highest = card.highest.max(highest);
        card.is_compromised |= is_compromised;
    }

    /// The mean over those of the days that have cards; `None` if none has.
    pub(super) fn precision(&self, days: Range<u64>) -> Option<f64> {
        let mut found = HashSet::new();
        let (mut compromised, mut count) = (0u64, 0u64);
        for (_, cards) in self.days.range(days) {
            let mut left: Vec<_> = cards.iter().filter(|(customer, _)| !found.contains(*customer)).collect();
            left.sort_unstable_by_key(|(customer, card)| {
                (std::cmp::Reverse(card.highest), self.customers.id(**customer))
            });
            let checked = left.into_iter().take(CARDS_A_DAY).filter(|(_, card)| card.is_compromised);
            let before = found.len();
            found.extend(checked.map(|(customer, _)| *customer));
            compromised += (found.len() - before) as u64;
            count += 1;
        }
        share(compromised as f64, count * CARDS_A_DAY as u64)
    }
}
