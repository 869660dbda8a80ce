//! Card precision: how many of the cards with a day's highest scores are compromised.
//!
//! The definition is that of the Fraud Detection Handbook ("Card Precision top-k" in its last form, which takes detected cards out:
//! <https://fraud-detection-handbook.github.io/fraud-detection-handbook/Chapter_4_PerformanceMetrics/TopKBased.html>). Of each
//! day's cards, without those that were found compromised on an earlier day, the `k` with the highest scores are checked; the
//! precision is the number of compromised ones among them divided by `k`, and its mean over the days. A card is compromised on a
//! day if one of its transactions is fraud. Cards with equal scores are checked in the order of the customers' ids, byte by byte.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;

use super::curve::share;
use super::score_key::ScoreKey;
use super::{CARDS_A_DAY, DAYS_LATE, Judged, Truth};
use crate::hashing::{Map, Set};

/// The cards of each day, with their highest score.
#[derive(Debug, Clone)]
pub(super) struct Cards {
    /// How many are checked a day.
    checked: usize,
    customers: Customers,
    /// By the day's number, ascending.
    days: Vec<Day>,
    /// Days below this are closed.
    first_open: u64,
    /// What is found until then, of the whole span.
    found: Set<u32>,
    /// What is found until then, of the week with this number.
    found_in_week: (u64, Set<u32>),
}

#[derive(Debug, Clone)]
struct Day {
    number: u64,
    cards: DayCards,
}

#[derive(Debug, Clone)]
enum DayCards {
    /// All cards, by the customer's number.
    Open(Vec<Option<Card>>),
    Closed(ClosedDay),
}

/// The cards of a day that can be checked, and the compromised ones, from the highest rank down.
#[derive(Debug, Clone)]
struct ClosedDay {
    cards: Vec<(u32, Card)>,
    /// The lowest that can be checked; `None` if no card is left out.
    last: Option<(u32, Card)>,
}

/// A customer's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Card {
    highest: ScoreKey,
    is_compromised: bool,
}

/// The customers, by numbers in the order in which they are met.
#[derive(Debug, Clone, Default)]
struct Customers {
    numbers: Map<Arc<str>, u32>,
    ids: Vec<Arc<str>>,
}

impl Customers {
    #[inline]
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

    /// Sorts the cards of a day from the one that is checked first.
    fn rank(&self, (number, card): &(u32, Card)) -> (Reverse<ScoreKey>, &str) {
        (Reverse(card.highest), self.ids.get(*number as usize).map_or("", |id| id))
    }

    fn sort(&self, cards: &mut [(u32, Card)]) {
        cards.sort_unstable_by(|one, other| self.rank(one).cmp(&self.rank(other)));
    }
}

impl Default for Cards {
    fn default() -> Self {
        Cards::checking(CARDS_A_DAY)
    }
}

impl Cards {
    fn checking(checked: usize) -> Self {
        Cards {
            checked,
            customers: Customers::default(),
            days: Vec::new(),
            first_open: 0,
            found: Set::default(),
            found_in_week: (0, Set::default()),
        }
    }

    /// Adds a judged transaction of a day. One without a customer is of no card.
    ///
    /// Days may come in any order. What comes more than [`DAYS_LATE`] days behind the newest day counts as well, exactly unless
    /// it changes which cards were found.
    #[inline]
    pub(super) fn add(&mut self, day: u64, judged: &Judged<'_>) {
        if judged.customer.is_empty() {
            return;
        }
        let customer = self.customers.number(judged.customer);
        let card = Card { highest: ScoreKey::of(judged.score), is_compromised: judged.truth == Truth::Fraud };
        let newest = self.days.last().map(|last| last.number);
        let index = match newest {
            Some(newest) if newest == day => self.days.len() - 1,
            Some(newest) if newest > day => self.earlier(day),
            _ => self.begin(day),
        };
        match self.days.get_mut(index).map(|day| &mut day.cards) {
            Some(DayCards::Open(cards)) => {
                let number = customer as usize;
                if number >= cards.len() {
                    cards.resize(number + 1, None);
                }
                if let Some(known) = cards.get_mut(number) {
                    known.get_or_insert(card).join(card);
                }
            }
            Some(DayCards::Closed(closed)) => closed.add((customer, card), &self.customers),
            None => {}
        }
    }

    /// The place of a day before the newest one.
    fn earlier(&mut self, number: u64) -> usize {
        let place = self.days.binary_search_by_key(&number, |day| day.number);
        place.unwrap_or_else(|index| {
            self.days.insert(index, Day { number, cards: DayCards::Open(Vec::new()) });
            index
        })
    }

    /// Begins a day behind all others, and closes those that nothing is expected for any more.
    fn begin(&mut self, number: u64) -> usize {
        let first_open = number.saturating_sub(DAYS_LATE);
        let behind = self.days.partition_point(|day| day.number < self.first_open);
        for day in self.days.iter_mut().skip(behind).take_while(|day| day.number < first_open) {
            let DayCards::Open(cards) = &mut day.cards else { continue };
            if self.found_in_week.0 != day.number / 7 {
                self.found_in_week = (day.number / 7, Set::default());
            }
            let [found, found_in_week] = [&mut self.found, &mut self.found_in_week.1];
            let closed = ClosedDay::of(cards, self.checked, [found, found_in_week], &self.customers);
            closed.check(self.checked, found);
            closed.check(self.checked, found_in_week);
            day.cards = DayCards::Closed(closed);
        }
        self.first_open = first_open;
        self.days.push(Day { number, cards: DayCards::Open(Vec::with_capacity(self.customers.ids.len())) });
        self.days.len() - 1
    }

    /// Closes all days. Nothing may be added behind it.
    pub(super) fn close(&mut self) {
        for day in &mut self.days {
            if let DayCards::Open(cards) = &day.cards {
                day.cards = DayCards::Closed(ClosedDay::with_all(cards, &self.customers));
            }
        }
    }

    /// The mean over those of the days that have cards, as if nothing had been checked before them; `None` if none has. The days
    /// must be all or a week's, and [closed](Cards::close).
    pub(super) fn precision(&self, days: Range<u64>) -> Option<f64> {
        let mut found = Set::default();
        let mut count = 0;
        let begin = self.days.partition_point(|day| day.number < days.start);
        for day in self.days.iter().skip(begin).take_while(|day| days.contains(&day.number)) {
            if let DayCards::Closed(closed) = &day.cards {
                closed.check(self.checked, &mut found);
                count += 1;
            }
        }
        share(found.len() as f64, (count * self.checked) as f64)
    }
}

impl Card {
    #[inline]
    fn join(&mut self, other: Card) {
        self.highest = self.highest.max(other.highest);
        self.is_compromised |= other.is_compromised;
    }
}

impl ClosedDay {
    fn with_all(open: &[Option<Card>], customers: &Customers) -> Self {
        let mut cards = with_numbers(open);
        customers.sort(&mut cards);
        ClosedDay { cards, last: None }
    }

    /// Keeps the compromised cards, and for either of what was found before twice as many others as are checked a day. Twice,
    /// for what comes late can tell that some of them were found, too.
    fn of(open: &[Option<Card>], checked: usize, found: [&Set<u32>; 2], customers: &Customers) -> Self {
        let mut cards = with_numbers(open);
        // So many of the highest ranks have enough others for either.
        let count_found =
            |found: &Set<u32>| cards.iter().filter(|(number, _)| found.contains(number)).count();
        let highest = 2 * checked + found.map(count_found).into_iter().max().unwrap_or(0);
        if highest >= cards.len() {
            customers.sort(&mut cards);
            return ClosedDay { cards, last: None };
        }
        cards.select_nth_unstable_by(highest, |one, other| customers.rank(one).cmp(&customers.rank(other)));
        let mut lower = cards.split_off(highest);
        customers.sort(&mut cards);

        let mut others = [0; 2];
        let mut last = None;
        cards.retain(|card| {
            let mut can_be_checked = false;
            for (others, found) in others.iter_mut().zip(found) {
                if *others < 2 * checked && !found.contains(&card.0) {
                    *others += 1;
                    can_be_checked = true;
                    last = Some(*card);
                }
            }
            can_be_checked || card.1.is_compromised
        });
        lower.retain(|(_, card)| card.is_compromised);
        customers.sort(&mut lower);
        cards.append(&mut lower);
        cards.shrink_to_fit();
        ClosedDay { cards, last }
    }

    /// Adds a card that comes late. If it was left out before, its older score was too low to be checked and is not needed.
    fn add(&mut self, mut late: (u32, Card), customers: &Customers) {
        if let Some(index) = self.cards.iter().position(|(number, _)| *number == late.0) {
            late.1.join(self.cards.remove(index).1);
        }
        let can_be_checked = self.last.is_none_or(|last| customers.rank(&late) <= customers.rank(&last));
        if can_be_checked || late.1.is_compromised {
            let place = self.cards.partition_point(|card| customers.rank(card) < customers.rank(&late));
            self.cards.insert(place, late);
        }
    }

    /// Checks the highest cards that were not found before, and adds the compromised ones to them.
    fn check(&self, checked: usize, found: &mut Set<u32>) {
        let new = self.cards.iter().filter(|(number, _)| !found.contains(number)).take(checked);
        let compromised: Vec<u32> =
            new.filter(|(_, card)| card.is_compromised).map(|(number, _)| *number).collect();
        found.extend(compromised);
    }
}

fn with_numbers(open: &[Option<Card>]) -> Vec<(u32, Card)> {
    (0..).zip(open).filter_map(|(number, card)| Some((number, (*card)?))).collect()
}

#[cfg(test)]
mod tests;
