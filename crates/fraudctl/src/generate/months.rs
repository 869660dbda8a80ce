//! Months of transactions, so that there is a past: customers with habits and home merchants, and the frauds of the Fraud
//! Detection Handbook's simulator
//! (<https://fraud-detection-handbook.github.io/fraud-detection-handbook/Chapter_3_GettingStarted/SimulatedDataset.html>),
//! whose lengths vary here, beside bursts of card testing.
//!
//! A day at a time is in memory.

use std::io::Write;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::customer::write_profiles;
use super::random::Random;
use super::transaction::{SECONDS_OF_DAY, Transaction};

mod arguments;
mod habits;
mod merchants;
mod spell;

pub use arguments::MonthsArgs;

use habits::Habits;
use merchants::Merchants;
use spell::LONGEST_DAYS;

/// What [`Months`] are generated from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthsSettings {
    /// How many days there are.
    pub days: u32,
    /// How many customers there are: `C000001` and so on.
    pub customers: u32,
    /// How many merchants there are: `M00001` and so on.
    pub merchants: u32,
    /// The first day, in UTC.
    pub from: NaiveDate,
    /// The random seed.
    pub seed: u64,
}

impl MonthsSettings {
    /// When the first day begins.
    pub fn begin(&self) -> DateTime<Utc> {
        self.from.and_time(NaiveTime::MIN).and_utc()
    }
}

/// Months of transactions in the order of their event times. The settings decide them; more days add transactions behind
/// those of fewer.
#[derive(Debug)]
pub struct Months {
    settings: MonthsSettings,
    random: Random,
    customers: Vec<Habits>,
    merchants: Merchants,
    /// The day that comes next, counted from the first; negative before it, while nothing but the state of cards and merchants
    /// is followed: the first day is as any other.
    day: i64,
    today: std::vec::IntoIter<Transaction>,
    number: u64,
}

impl Months {
    /// The months that these settings give.
    pub fn new(settings: MonthsSettings) -> Self {
        let mut random = Random::new(settings.seed);
        let customers =
            (1..=settings.customers).map(|number| Habits::generate(number, settings.merchants, &mut random));
        Months {
            customers: customers.collect(),
            merchants: Merchants::new(settings.merchants),
            random,
            day: -i64::from(LONGEST_DAYS),
            today: Vec::new().into_iter(),
            number: 0,
            settings,
        }
    }

    /// The customers' profiles in the profile-file format.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_profiles(&self, out: impl Write) -> std::io::Result<()> {
        write_profiles(self.customers.iter().map(Habits::profile_line), out)
    }

    /// Generates the next day; `false` if there is none.
    fn next_day(&mut self) -> bool {
        if self.day >= i64::from(self.settings.days) {
            return false;
        }
        let midnight = self.settings.begin().timestamp() + self.day * SECONDS_OF_DAY;
        self.merchants.begin_day(midnight, &mut self.random);
        let mut today = Vec::new();
        for customer in &mut self.customers {
            customer.begin_day(midnight, &mut self.random);
            if self.day >= 0 {
                customer.buy(midnight, &self.merchants, &mut self.random, &mut today);
            }
        }
        // Stable: transactions of one second stay in the customers' order.
        today.sort_by_key(|transaction| transaction.second);
        for transaction in &mut today {
            self.number += 1;
            transaction.number = self.number;
        }
        self.day += 1;
        self.today = today.into_iter();
        true
    }
}

impl Iterator for Months {
    type Item = Transaction;

    fn next(&mut self) -> Option<Transaction> {
        loop {
            if let Some(transaction) = self.today.next() {
                return Some(transaction);
            }
            if !self.next_day() {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
