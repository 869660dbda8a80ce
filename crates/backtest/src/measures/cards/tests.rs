//! Card precision against its definition.

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
    let closed = cards.days.first().unwrap();
    let DayCards::Closed(closed) = &closed.cards else { panic!("not closed") };
    assert_eq!(closed.cards.len(), 11, "twice five, and the compromised one");
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
    let card = |day, customer: u32, is_fraud| (day, format!("C{customer}"), f64::from(customer), is_fraud);
    let mut transactions: Vec<Made> = (1..5).map(|customer| card(2, customer, customer == 1)).collect();
    transactions.push(card(2 + DAYS_LATE, 1, false));
    transactions.extend([card(0, 4, true), card(1, 3, true)]);
    // Then 2 is checked, and not 1.
    assert_eq!(precision(1, &transactions, 0..3), Some((1.0 + 1.0 + 0.0) / 3.0));
}

#[test]
fn a_closed_day_keeps_cards_that_only_their_week_can_check() {
    let transactions = made(&[
        (0, "C", 7.0, true),
        (7, "A", 9.0, true),
        (8, "B", 8.0, true),
        // A and B were found in this week, C was before.
        (9, "A", 9.0, false),
        (9, "B", 8.0, false),
        (9, "C", 7.0, false),
        (9, "D", 5.0, true),
        (9, "E", 4.0, false),
        (9, "F", 3.0, false),
        (30, "E", 4.0, false),
    ]);
    assert_eq!(precision(1, &transactions, 0..10), Some(1.0));
    assert_eq!(precision(1, &transactions, 7..14), Some((1.0 + 1.0 + 0.0) / 3.0));
}

#[test]
fn a_compromised_card_behind_those_that_can_be_checked_is_remembered() {
    let transactions = made(&[
        (0, "F", 9.0, true),
        (1, "A", 9.0, false),
        (1, "B", 8.0, false),
        (1, "C", 7.0, true),
        (1, "F", 1.0, false),
        (30, "A", 0.0, false),
        (1, "C", 10.0, false),
    ]);
    assert_eq!(precision(1, &transactions, 0..7), Some(1.0));
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
        week in prop::option::of(0..5u64),
    ) {
        let days = week.map_or(0..u64::MAX, |week| 7 * week..7 * week + 7);
        let by_definition = by_definition(checked, &transactions, days.clone());
        let mut late = lateness.into_iter();
        transactions.sort_by_cached_key(|(day, ..)| day + late.next().unwrap_or(0));
        let precision = precision(checked, &transactions, days);
        prop_assert!(precision.zip(by_definition).is_none_or(|(a, b)| (a - b).abs() < 1e-12));
        prop_assert_eq!(precision.is_some(), by_definition.is_some());
    }
}
