//! Transactions of one day, with frauds that a single transaction shows.

use std::io::Write;

use super::customer::{Customer, write_profiles};
use super::fraud::{self, FraudKind};
use super::label::Label;
use super::random::Random;
use super::transaction::Transaction;

/// What a seed gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The seed.
    pub seed: u64,
    /// The customers; most have a profile.
    pub customers: Vec<Customer>,
    /// The transactions in the order of their event times.
    pub transactions: Vec<Transaction>,
}

/// The kinds of fraud of such a day.
pub(super) const KINDS: [FraudKind; 3] =
    [FraudKind::AccountTakeover, FraudKind::StolenCard, FraudKind::CardTesting];

/// The share of transactions that belong to a fraud, about.
const FRAUD_PERCENT: f64 = 1.0;

impl Dataset {
    /// Generates `count` transactions of one day, and two customers for every five of them.
    pub fn generate(count: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let customers: Vec<Customer> =
            (0..(count * 2).div_ceil(5)).map(|number| Customer::generate(number, &mut random)).collect();
        let mut transactions = Vec::with_capacity(count);
        let frauds = (count as f64 * FRAUD_PERCENT / 100.0).round() as usize;
        while transactions.len() < frauds {
            let Some(victim) = fraud::victim(&customers, &mut random) else { break };
            let room = frauds - transactions.len();
            transactions.extend(fraud::strike(victim, &mut random).into_iter().take(room));
        }
        while transactions.len() < count {
            let Some(customer) = random.pick(&customers) else { break };
            transactions.push(Transaction::usual(customer, &mut random));
        }
        transactions.sort_by_key(|transaction| transaction.second);
        for (number, transaction) in (0..).zip(&mut transactions) {
            transaction.number = number;
        }
        Dataset { seed, customers, transactions }
    }

    /// The transactions as NDJSON.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_transactions(&self, mut out: impl Write) -> std::io::Result<()> {
        self.transactions.iter().try_for_each(|transaction| writeln!(out, "{}", transaction.to_json()))
    }

    /// The profiles in the profile-file format.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_profiles(&self, out: impl Write) -> std::io::Result<()> {
        write_profiles(self.customers.iter().filter_map(Customer::profile_line), out)
    }

    /// Which transactions are fraud.
    pub fn labels(&self) -> impl Iterator<Item = Label> {
        self.transactions.iter().filter_map(|transaction| Label::of(transaction, self.seed))
    }
}
