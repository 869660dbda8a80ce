//! Card precision: how many of the cards with a day's highest scores are compromised.
//!
//! The definition is that of the Fraud Detection Handbook ("Card Precision top-k",
//! <https://fraud-detection-handbook.github.io/fraud-detection-handbook/Chapter_4_PerformanceMetrics/TopKBased.html>; that cards found
//! are checked no more is in its `shared_functions`, `card_precision_top_k`): of each day's cards, without those that were found
//! compromised on an earlier day, the `k` with the highest scores are checked; the precision is the number of compromised ones
//! among them divided by `k`, and its mean over the days. A card is compromised on a day if one of its transactions is fraud. Cards
//! with equal scores are taken in the order of the customers' ids, byte by byte.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::curve::share;
use super::numbers::{NumberMap, ScoreKey};
use super::{CARDS_A_DAY, DAYS_LATE, Judged, Truth};

/// The cards of each day, with their highest score.
#[derive(Debug, Clone)]
pub(super) struct Cards {
    /// How many are checked a day.
    checked: usize,
    customers: Customers,
    /// By the day's number, ascending.
    days: Vec<(u64, Day)>,
    /// Days below this are closed.
    first_open: u64,
}

#[derive(Debug, Clone)]
enum Day {
    /// All cards, by the customer's number.
    Open(NumberMap<u32, Card>),
    /// The cards that can be checked, and the compromised ones, from the highest rank down.
    Closed {
        cards: Vec<(u32, Card)>,
        /// The lowest that can be checked: no card of a higher rank is left out. `None` if no card is.
        last: Option<(u32, Card)>,
    },
}

/// A card's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Card {
    highest: ScoreKey,
    is_compromised: bool,
}

/// The customers, by numbers in the order in which they are met.
#[derive(Debug, Clone, Default)]
struct Customers {
    numbers: HashMap<Arc<str>, u32>,
    known: Vec<Customer>,
}

#[derive(Debug, Clone)]
struct Customer {
    id: Arc<str>,
    /// Whether a fraud of the customer's was added, on whichever day.
    has_fraud: bool,
}

impl Customers {
    fn number(&mut self, id: &str) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let number = self.known.len() as u32;
        let id: Arc<str> = id.into();
        self.known.push(Customer { id: Arc::clone(&id), has_fraud: false });
        self.numbers.insert(id, number);
        number
    }

    fn has_fraud(&self, number: u32) -> bool {
        self.known.get(number as usize).is_some_and(|customer| customer.has_fraud)
    }

    /// Sorts the cards of a day from the one that is checked first.
    fn rank(&self, (number, card): &(u32, Card)) -> (Reverse<ScoreKey>, &str) {
        (Reverse(card.highest), self.known.get(*number as usize).map_or("", |customer| &customer.id))
    }
}

impl Default for Cards {
    fn default() -> Self {
        Cards::checking(CARDS_A_DAY)
    }
}

impl Cards {
    fn checking(checked: usize) -> Self {
        Cards { checked, customers: Customers::default(), days: Vec::new(), first_open: 0 }
    }

    /// Adds a judged transaction of a day. One without a customer is of no card.
    ///
    /// Days may come in any order. What comes more than [`DAYS_LATE`] days behind the newest day counts exactly as well, unless it
    /// makes known more frauds of one day's highest cards than are checked a day.
    pub(super) fn add(&mut self, day: u64, judged: &Judged<'_>) {
        if judged.customer.is_empty() {
            return;
        }
        let number = self.customers.number(judged.customer);
        let card = Card { highest: ScoreKey::of(judged.score), is_compromised: judged.truth == Truth::Fraud };
        if let (true, Some(customer)) = (card.is_compromised, self.customers.known.get_mut(number as usize)) {
            customer.has_fraud = true;
        }
        let index = match self.days.last() {
            Some((last, _)) if *last == day => self.days.len() - 1,
            Some((last, _)) if *last < day => self.begin(day),
            None => self.begin(day),
            _ => match self.days.binary_search_by_key(&day, |(number, _)| *number) {
                Ok(index) => index,
                Err(index) => {
                    self.days.insert(index, (day, Day::Open(NumberMap::default())));
                    index
                }
            },
        };
        match self.days.get_mut(index) {
            Some((_, Day::Open(cards))) => cards.entry(number).or_insert(card).join(card),
            Some((_, Day::Closed { cards, last })) => {
                add_late(cards, last.as_ref(), (number, card), &self.customers);
            }
            None => {}
        }
    }

    /// Begins a day behind all others, and closes the one that nothing is expected for any more.
    fn begin(&mut self, day: u64) -> usize {
        let first_open = day.saturating_sub(DAYS_LATE);
        let behind = self.days.partition_point(|(number, _)| *number < self.first_open);
        for (_, day) in self.days.iter_mut().skip(behind).take_while(|(number, _)| *number < first_open) {
            day.close(self.checked, &self.customers);
        }
        self.first_open = first_open;
        self.days.push((day, Day::Open(NumberMap::default())));
        self.days.len() - 1
    }

    /// Closes all days. Nothing may be added behind it.
    pub(super) fn close(&mut self) {
        for (_, day) in &mut self.days {
            day.close(self.checked, &self.customers);
        }
    }

    /// The mean over those of the days that have cards, as if nothing had been checked before them; `None` if none has.
    /// All days must be [closed](Cards::close).
    pub(super) fn precision(&self, days: Range<u64>) -> Option<f64> {
        let mut found = HashSet::new();
        let mut count = 0;
        let begin = self.days.partition_point(|(number, _)| *number < days.start);
        for (_, day) in self.days.iter().skip(begin).take_while(|(number, _)| days.contains(number)) {
            count += 1;
            let Day::Closed { cards, .. } = day else { continue };
            let checked = cards.iter().filter(|(number, _)| !found.contains(number)).take(self.checked);
            let compromised: Vec<u32> =
                checked.filter(|(_, card)| card.is_compromised).map(|(number, _)| *number).collect();
            found.extend(compromised);
        }
        share(found.len() as f64, count * self.checked as u64)
    }
}

impl Card {
    #[inline]
    fn join(&mut self, other: Card) {
        self.highest = self.highest.max(other.highest);
        self.is_compromised |= other.is_compromised;
    }
}

impl Day {
    /// Keeps what can be checked: twice as many cards of customers without a fraud as are checked a day, every other card
    /// of a higher rank, and every compromised one. Which of them are checked depends on what was found on earlier days. Twice,
    /// for late frauds can make some of these customers known.
    fn close(&mut self, checked: usize, customers: &Customers) {
        let Day::Open(open) = self else { return };
        let mut cards: Vec<(u32, Card)> = std::mem::take(open).into_iter().collect();
        let mut clean: Vec<(u32, Card)> =
            cards.iter().copied().filter(|(number, _)| !customers.has_fraud(*number)).collect();
        let last_kept = 2 * checked - 1;
        let mut last = None;
        if clean.len() > last_kept {
            let (_, card, _) = clean.select_nth_unstable_by(last_kept, |one, other| {
                customers.rank(one).cmp(&customers.rank(other))
            });
            let rank = customers.rank(card);
            cards.retain(|card| card.1.is_compromised || customers.rank(card) <= rank);
            last = Some(*card);
        }
        cards.sort_unstable_by(|one, other| customers.rank(one).cmp(&customers.rank(other)));
        cards.shrink_to_fit();
        *self = Day::Closed { cards, last };
    }
}

/// Adds a card to those of a closed day. If it was left out before, its older score was too low to be checked and is not needed.
fn add_late(
    cards: &mut Vec<(u32, Card)>,
    last: Option<&(u32, Card)>,
    mut late: (u32, Card),
    customers: &Customers,
) {
    if let Some(index) = cards.iter().position(|(number, _)| *number == late.0) {
        late.1.join(cards.remove(index).1);
    }
    let can_be_checked = last.is_none_or(|last| customers.rank(&late) <= customers.rank(last));
    if can_be_checked || late.1.is_compromised {
        let place = cards.partition_point(|card| customers.rank(card) < customers.rank(&late));
        cards.insert(place, late);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fraud_core::scoring::FactorSet;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// A transaction: day, customer, score, whether it is fraud.
    type Made = (u64, String, f64, bool);

    fn add(cards: &mut Cards, (day, customer, score, is_fraud): &Made) {
        let judged = Judged {
            time: 0,
            score: *score,
            is_alert: false,
            truth: if *is_fraud { Truth::Fraud } else { Truth::Legitimate },
            amount: 0,
            customer,
            segment: None,
            factors: FactorSet::default(),
        };
        cards.add(*day, &judged);
    }

    fn precision(checked: usize, transactions: &[Made], days: Range<u64>) -> Option<f64> {
        let mut cards = Cards::checking(checked);
        transactions.iter().for_each(|transaction| add(&mut cards, transaction));
        cards.close();
        cards.precision(days)
    }

    /// The same with all transactions at hand, day by day.
    fn by_definition(checked: usize, transactions: &[Made], days: Range<u64>) -> Option<f64> {
        let mut by_day: BTreeMap<u64, BTreeMap<&str, (f64, bool)>> = BTreeMap::new();
        for (day, customer, score, is_fraud) in transactions {
            if days.contains(day) && !customer.is_empty() {
                let card = by_day.entry(*day).or_default().entry(customer).or_insert((*score, false));
                *card = (card.0.max(*score), card.1 || *is_fraud);
            }
        }
        let mut found: Vec<&str> = Vec::new();
        let mut precisions = Vec::new();
        for cards in by_day.values() {
            let mut left: Vec<_> = cards.iter().filter(|(customer, _)| !found.contains(*customer)).collect();
            // Stable, so that equal scores stay in the order of the customers' ids.
            left.sort_by(|one, other| other.1.0.total_cmp(&one.1.0));
            let compromised = left.iter().take(checked).filter(|(_, card)| card.1);
            let compromised: Vec<&str> = compromised.map(|(customer, _)| **customer).collect();
            precisions.push(compromised.len() as f64 / checked as f64);
            found.extend(compromised);
        }
        let count = precisions.len();
        (count > 0).then(|| precisions.iter().sum::<f64>() / count as f64)
    }

    fn made(transactions: &[(u64, &str, f64, bool)]) -> Vec<Made> {
        transactions.iter().map(|&(day, id, score, fraud)| (day, id.to_owned(), score, fraud)).collect()
    }

    #[test]
    fn a_card_that_was_found_is_checked_no_more_and_equal_scores_go_by_id() {
        let transactions = made(&[
            // Checked: A (9, fraud by its other transaction) and B (5; C has the same score and a later id).
            (0, "A", 9.0, false),
            (0, "A", 1.0, true),
            (0, "B", 5.0, false),
            (0, "C", 5.0, true),
            (0, "", 99.0, true),
            // A is not checked again: C and D are.
            (1, "A", 9.0, true),
            (1, "C", 3.0, true),
            (1, "D", 2.0, true),
            (1, "E", 1.0, true),
            // A day on which nobody is left counts.
            (3, "A", 9.0, true),
        ]);
        assert_eq!(precision(2, &transactions, 0..9), Some((0.5 + 1.0 + 0.0) / 3.0));
        // Nothing was found before the first day.
        assert_eq!(precision(2, &transactions, 1..2), Some(1.0));
        assert_eq!(precision(2, &transactions, 3..4), Some(0.5));
        assert_eq!(precision(2, &transactions, 2..3), None);
    }

    #[test]
    fn a_closed_day_keeps_what_can_be_checked_and_takes_in_what_comes_late() {
        let mut transactions: Vec<Made> =
            (0..1000).map(|card| (0, format!("C{card:03}"), f64::from(card % 50), card == 3)).collect();
        transactions.push((100, "C000".to_owned(), 1.0, false));
        let mut cards = Cards::checking(5);
        transactions.iter().for_each(|transaction| add(&mut cards, transaction));
        let Some((0, Day::Closed { cards: kept, .. })) = cards.days.first() else { panic!("not closed") };
        assert_eq!(kept.len(), 11, "twice five, and the compromised one");
        // That C003, left out by its score, and C004, by a late fraud's, are compromised is known when they come to be checked.
        let late = [("C004", 1.0, true), ("C003", 60.0, false), ("C004", 60.0, false), ("C005", 1.0, false)];
        let late = late.map(|(customer, score, is_fraud)| (0, customer.to_owned(), score, is_fraud));
        late.iter().for_each(|transaction| add(&mut cards, transaction));
        cards.close();
        assert_eq!(cards.precision(0..1), Some(0.4));
        transactions.extend(late);
        assert_eq!(cards.precision(0..101), by_definition(5, &transactions, 0..101));
    }

    #[test]
    fn a_day_stays_open_for_late_frauds_of_days_before_it() {
        // On day 2 the compromised customer 1 has the lowest score. That 4 and 3 were found before is known late.
        let card =
            |day, customer: u32, is_fraud| (day, format!("C{customer}"), f64::from(customer), is_fraud);
        let mut transactions: Vec<Made> = (1..5).map(|customer| card(2, customer, customer == 1)).collect();
        transactions.push(card(2 + DAYS_LATE, 1, false));
        transactions.extend([card(0, 4, true), card(1, 3, true)]);
        // Then 2 is checked, and not 1.
        assert_eq!(precision(1, &transactions, 0..3), Some((1.0 + 1.0 + 0.0) / 3.0));
    }

    fn transactions() -> impl Strategy<Value = Vec<Made>> {
        let transaction = (0..30u64, 0..12u32, 0..6u32, prop::bool::weighted(0.15)).prop_map(
            |(day, customer, score, is_fraud)| {
                let customer = if customer == 0 { String::new() } else { format!("C{customer}") };
                (day, customer, f64::from(score) / 2.0, is_fraud)
            },
        );
        prop::collection::vec(transaction, 0..300)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn precision_is_that_of_the_definition_if_transactions_come_at_most_so_late(
            mut transactions in transactions(),
            lateness in prop::collection::vec(0..=DAYS_LATE, 300),
            checked in 1..4usize,
            days in (0..30u64, 0..31u64),
        ) {
            let days = days.0..days.1;
            let by_definition = by_definition(checked, &transactions, days.clone());
            let mut late = lateness.into_iter();
            transactions.sort_by_cached_key(|(day, ..)| day + late.next().unwrap_or(0));
            let precision = precision(checked, &transactions, days);
            prop_assert!(precision.zip(by_definition).is_none_or(|(a, b)| (a - b).abs() < 1e-12));
            prop_assert_eq!(precision.is_some(), by_definition.is_some());
        }
    }
}
