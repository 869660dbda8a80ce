//! Transactions.

use chrono::{DateTime, FixedOffset, Offset, Utc};
use serde_json::json;

use super::customer::Customer;
use super::fraud::FraudKind;
use super::random::Random;

/// The day of [`Dataset`](super::Dataset), 2026-01-15 in UTC, in seconds since the epoch. A date of the clock would make two
/// runs differ.
const DAY: i64 = 1_768_435_200;
pub(super) const SECONDS_OF_DAY: i64 = 24 * 60 * 60;

/// A transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    /// Numbers what a seed gives, in the order of the event times.
    pub(super) number: u64,
    /// `None`: a guest, who is not a customer.
    pub(super) customer: Option<String>,
    pub(super) cents: u64,
    pub(super) currency: &'static str,
    /// The merchant's id.
    pub(super) merchant: String,
    pub(super) category: &'static str,
    pub(super) channel: &'static str,
    /// Seconds since the epoch.
    pub(super) second: i64,
    /// Hours east of UTC.
    pub(super) utc_offset: i32,
    /// What kind of fraud it is part of, if any.
    pub fraud: Option<FraudKind>,
}

impl Transaction {
    /// What this customer does on any day.
    pub(super) fn usual(customer: &Customer, random: &mut Random) -> Self {
        let hour = customer.usual_hour + 2.5 * random.normal();
        // Amounts spread to both sides by factors, not by differences; now and then something large.
        let factor =
            random.between(0.3, 1.6) * if random.chance(0.02) { random.between(3.0, 12.0) } else { 1.0 };
        let merchant = match random.chance(0.8) {
            true => random.pick(&customer.merchants).copied().unwrap_or_default(),
            false => random.below(super::customer::MERCHANTS),
        };
        let channel = channel(random);
        let guest = random.chance(0.01);
        let mut transaction = Self::at(
            customer,
            (hour * 3600.0) as i64,
            (customer.usual_cents * factor) as u64,
            merchant,
            channel,
        );
        if guest {
            transaction.customer = None;
        }
        transaction
    }

    /// A transaction of a customer's at a second of the day as the customer's clock shows it.
    pub(super) fn at(
        customer: &Customer,
        local_second: i64,
        cents: u64,
        merchant: u32,
        channel: &'static str,
    ) -> Self {
        let second_of_day = (local_second - i64::from(customer.utc_offset) * 3600).rem_euclid(SECONDS_OF_DAY);
        Transaction {
            number: 0,
            customer: Some(customer.id.clone()),
            cents: cents.max(50),
            currency: customer.currency,
            merchant: format!("M{merchant:04}"),
            category: category(merchant),
            channel,
            second: DAY + second_of_day,
            utc_offset: customer.utc_offset,
            fraud: None,
        }
    }

    /// One line of NDJSON, without a line break.
    pub fn to_json(&self) -> String {
        let customer =
            self.customer.as_ref().map_or(String::new(), |id| format!("\"customer_id\":{},", json!(id)));
        format!(
            "{{\"transaction_id\":\"{}\",{customer}\"amount\":{},\"currency\":\"{}\",\"merchant_id\":\"{}\",\
             \"merchant_category\":\"{}\",\"channel\":\"{}\",\"event_time\":\"{}\"}}",
            self.id(),
            self.amount(),
            self.currency,
            self.merchant,
            self.category,
            self.channel,
            self.event_time(),
        )
    }

    pub(super) fn id(&self) -> String {
        format!("T{:08}", self.number)
    }

    /// The amount's digits, two of them behind the point.
    pub(super) fn amount(&self) -> String {
        format!("{}.{:02}", self.cents / 100, self.cents % 100)
    }

    /// The time by the customer's clock.
    pub(super) fn event_time(&self) -> String {
        let utc = DateTime::from_timestamp(self.second, 0).unwrap_or_default();
        let offset = FixedOffset::east_opt(self.utc_offset * 3600).unwrap_or(Utc.fix());
        utc.with_timezone(&offset).to_rfc3339()
    }
}

const CATEGORIES: [&str; 8] =
    ["groceries", "fuel", "electronics", "travel", "restaurants", "clothing", "games", "jewellery"];

/// What the merchant with this number sells.
pub(super) fn category(merchant: u32) -> &'static str {
    CATEGORIES[merchant as usize % CATEGORIES.len()]
}

pub(super) fn channel(random: &mut Random) -> &'static str {
    ["pos", "web", "app"][random.below(3) as usize]
}
