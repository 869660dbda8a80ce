//! Frauds: what those do who have got hold of a customer's card or account.

use super::customer::{Customer, MERCHANTS};
use super::day::KINDS;
use super::random::Random;
use super::transaction::Transaction;

/// A kind of fraud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FraudKind {
    /// An account is emptied at night in a few large transactions.
    AccountTakeover,
    /// A stolen card buys what can be sold again, until it is blocked.
    StolenCard,
    /// Card numbers are tried out with small amounts in quick succession; over months, a large one comes at last.
    CardTesting,
    /// An amount that no customer spends.
    LargeAmount,
    /// A merchant is compromised for weeks: all its transactions are fraud.
    MerchantCompromised,
    /// A card is used by others too for weeks: a third of its transactions, whose amounts are five times as large.
    CardCompromised,
}

impl FraudKind {
    /// The word in a label file.
    pub fn as_str(self) -> &'static str {
        match self {
            FraudKind::AccountTakeover => "account_takeover",
            FraudKind::StolenCard => "stolen_card",
            FraudKind::CardTesting => "card_testing",
            FraudKind::LargeAmount => "large_amount",
            FraudKind::MerchantCompromised => "merchant_compromised",
            FraudKind::CardCompromised => "card_compromised",
        }
    }
}

/// Picks whom a fraud happens to: risky customers rather than others.
pub(super) fn victim<'a>(customers: &'a [Customer], random: &mut Random) -> Option<&'a Customer> {
    let candidates: Vec<&Customer> = (0..30).filter_map(|_| random.pick(customers)).collect();
    candidates.into_iter().max_by_key(|customer| customer.risk_percent)
}

/// The transactions of one fraud of a day's [`KINDS`].
pub(super) fn strike(victim: &Customer, random: &mut Random) -> Vec<Transaction> {
    let kind = *random.pick(&KINDS).unwrap_or(&FraudKind::StolenCard);
    let (count, start, spacing) = match kind {
        FraudKind::AccountTakeover => (2 + random.below(5), random.below(5 * 3600), 240),
        FraudKind::CardTesting => (5 + random.below(12), random.below(23 * 3600), 8),
        _ => (2 + random.below(5), 8 * 3600 + random.below(12 * 3600), 900),
    };
    let mut second = i64::from(start);
    let transactions = (0..count).map(|_| {
        second += i64::from(1 + random.below(spacing));
        let cents = match kind {
            FraudKind::AccountTakeover => random.between(900_000.0, 2_500_000.0),
            FraudKind::CardTesting => random.between(50.0, 400.0),
            _ => victim.usual_cents * random.between(4.0, 15.0),
        };
        let merchant = random.below(MERCHANTS);
        let mut transaction = Transaction::at(victim, second, cents as u64, merchant, "web");
        transaction.fraud = Some(kind);
        transaction
    });
    transactions.collect()
}
