//! Customers, their habits, and what others do with their cards.

use super::merchants::{self, Merchants};
use super::spell::{Spell, Spells};
use crate::generate::customer::{profile_line, risk_percent};
use crate::generate::fraud::FraudKind;
use crate::generate::random::Random;
use crate::generate::transaction::{SECONDS_OF_DAY, Transaction, category, channel};

/// The median of the customers' mean amounts, in cents, and the deviation of their logarithms: with the bounds, and with what
/// the frauds add, the mean over all transactions is near 53.60, as in the handbook.
const MEAN_AMOUNT: (f64, f64) = (5200.0, 0.5);
/// The least and the greatest mean amount of a customer, in cents, as in the handbook.
const MEAN_AMOUNTS: (f64, f64) = (500.0, 10_000.0);
/// The deviation of a customer's amounts, as a share of the mean, as in the handbook.
const DEVIATION: f64 = 0.5;
/// A customer's transactions a day, at most, on average; as in the handbook.
const MOST_A_DAY: f64 = 4.0;

/// An amount above this many cents is fraud, as in the handbook.
const LARGE_CENTS: u64 = 22_000;
/// The least amount, in cents.
const LEAST_CENTS: u64 = 50;

/// Cards that others use too. In the handbook every day three of 5,000 begin to be, each for 14 days.
const COMPROMISED: Spells = Spells { probability: 0.000_5, days: (7, 21) };
/// The share of such a card's transactions that is fraud, and how much larger their amounts are; as in the handbook.
const COMPROMISED_SHARE: f64 = 1.0 / 3.0;
const COMPROMISED_FACTOR: f64 = 5.0;

/// The probability that a card is tested on a day.
const TESTED: f64 = 0.000_14;

/// The share of a customer's transactions that is made at home merchants.
const AT_HOME: f64 = 0.9;
/// How far the hours of a customer's transactions are spread.
const HOURS_SPREAD: f64 = 3.0;

/// A customer.
#[derive(Debug)]
pub(super) struct Habits {
    number: u32,
    mean_cents: f64,
    a_day: f64,
    /// The hour around which the customer buys.
    hour: f64,
    /// From the one visited most to the one visited least.
    homes: Vec<u32>,
    years: f64,
    risk_percent: u32,
    compromised: Spell,
}

impl Habits {
    pub(super) fn generate(number: u32, merchants: u32, random: &mut Random) -> Self {
        let (median, sigma) = MEAN_AMOUNT;
        let (least, greatest) = MEAN_AMOUNTS;
        let mean_cents = loop {
            let mean = random.log_normal(median, sigma);
            if (least..=greatest).contains(&mean) {
                break mean;
            }
        };
        Habits {
            number,
            mean_cents,
            a_day: random.between(0.0, MOST_A_DAY),
            hour: random.between(9.0, 21.0),
            homes: (0..3 + random.below(6)).map(|_| merchants::any(merchants, random)).collect(),
            years: random.between(0.5, 8.0),
            risk_percent: risk_percent(random),
            compromised: Spell::NEVER,
        }
    }

    /// The customer's member of a profile file. What the customer spends a year makes the segment.
    pub(super) fn profile_line(&self) -> String {
        let a_year = self.mean_cents * self.a_day * 365.0;
        let segment = match a_year {
            ..3_000_000.0 => "bronze",
            ..6_000_000.0 => "silver",
            ..10_000_000.0 => "gold",
            _ => "platinum",
        };
        profile_line(&self.id(), segment, (a_year * self.years) as u64, self.risk_percent)
    }

    pub(super) fn begin_day(&mut self, midnight: i64, random: &mut Random) {
        self.compromised.begin_day(midnight, COMPROMISED, random);
    }

    /// Adds what is bought with the customer's card on a day.
    pub(super) fn buy(
        &self,
        midnight: i64,
        merchants: &Merchants,
        random: &mut Random,
        today: &mut Vec<Transaction>,
    ) {
        for _ in 0..random.poisson(self.a_day) {
            let second_of_day = ((self.hour + HOURS_SPREAD * random.normal()) * 3600.0) as i64;
            let second = midnight + second_of_day.rem_euclid(SECONDS_OF_DAY);
            let merchant = self.merchant(merchants, random);
            let stolen = self.compromised.holds(second) && random.chance(COMPROMISED_SHARE);
            let cents = self.cents(if stolen { COMPROMISED_FACTOR } else { 1.0 }, random);
            let fraud = if stolen {
                Some(FraudKind::CardCompromised)
            } else if merchants.is_compromised(merchant, second) {
                Some(FraudKind::MerchantCompromised)
            } else {
                (cents > LARGE_CENTS).then_some(FraudKind::LargeAmount)
            };
            let transaction = self.transaction(second, cents, merchant, channel(random));
            today.push(Transaction { fraud, ..transaction });
        }
        if random.chance(TESTED) {
            self.be_tested(midnight, merchants, random, today);
        }
    }

    /// Many small amounts within minutes, then a large one.
    fn be_tested(
        &self,
        midnight: i64,
        merchants: &Merchants,
        random: &mut Random,
        today: &mut Vec<Transaction>,
    ) {
        // It ends before the day does.
        let mut second = midnight + i64::from(random.below(23 * 3600));
        let tries = 6 + random.below(10);
        for number in 0..=tries {
            second += i64::from(2 + random.below(40));
            let cents = match number == tries {
                true => random.between(15_000.0, 60_000.0),
                false => random.between(50.0, 300.0),
            };
            let merchant = self.new_merchant(merchants, random);
            let transaction = self.transaction(second, cents as u64, merchant, "web");
            today.push(Transaction { fraud: Some(FraudKind::CardTesting), ..transaction });
        }
    }

    fn transaction(&self, second: i64, cents: u64, merchant: u32, channel: &'static str) -> Transaction {
        Transaction {
            number: 0,
            customer: Some(self.id()),
            cents,
            currency: "EUR",
            merchant: format!("M{merchant:05}"),
            category: category(merchant),
            channel,
            second,
            utc_offset: 0,
            fraud: None,
        }
    }

    /// An amount by the customer's habits, times a factor.
    fn cents(&self, factor: f64, random: &mut Random) -> u64 {
        let amount = self.mean_cents * (1.0 + DEVIATION * random.normal());
        let amount = if amount < 0.0 { random.between(0.0, 2.0 * self.mean_cents) } else { amount };
        ((amount * factor).round() as u64).max(LEAST_CENTS)
    }

    /// Mostly one of the homes, the first ones rather than the last.
    fn merchant(&self, merchants: &Merchants, random: &mut Random) -> u32 {
        if !random.chance(AT_HOME) {
            return merchants.any(random);
        }
        let count = self.homes.len() as u32;
        let place = random.below(count).min(random.below(count));
        self.homes.get(place as usize).copied().unwrap_or(1)
    }

    /// One that is no home, unless all that are tried are.
    fn new_merchant(&self, merchants: &Merchants, random: &mut Random) -> u32 {
        let mut merchant = merchants.any(random);
        for _ in 0..8 {
            if !self.homes.contains(&merchant) {
                break;
            }
            merchant = merchants.any(random);
        }
        merchant
    }

    fn id(&self) -> String {
        format!("C{:06}", self.number)
    }
}
