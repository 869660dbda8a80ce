//! Labels: what becomes known of a transaction after it was made.

use chrono::{DateTime, SecondsFormat};
use fraud_core::label::LabelSource;

use super::fraud::FraudKind;
use super::random::Random;
use super::transaction::Transaction;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// That a transaction is fraud. A transaction without a label is legitimate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The customer's id.
    pub customer_id: String,
    /// The transaction's id.
    pub transaction_id: String,
    /// The merchant's id.
    pub merchant_id: String,
    /// The event time as the transaction has it.
    pub event_time: String,
    /// The amount's digits as the transaction has them.
    pub amount: String,
    /// When the fraud was reported: RFC 3339, UTC.
    pub reported_at: String,
    /// Who reported it.
    pub source: LabelSource,
    /// What the generator made.
    pub kind: FraudKind,
}

impl Label {
    /// The label of a transaction that this seed gave; `None` if it is not fraud. Frauds are transactions of customers.
    pub fn of(transaction: &Transaction, seed: u64) -> Option<Self> {
        let kind = transaction.fraud?;
        // Drawn for each label by itself: whether labels are wanted changes no transaction.
        let mut random = Random::of_pair(seed, transaction.number);
        let (source, delay) = report(&mut random);
        let reported = DateTime::from_timestamp(transaction.second + delay, 0)?;
        Some(Label {
            customer_id: transaction.customer.clone()?,
            transaction_id: transaction.id(),
            merchant_id: transaction.merchant.clone(),
            event_time: transaction.event_time(),
            amount: transaction.amount(),
            reported_at: reported.to_rfc3339_opts(SecondsFormat::Secs, true),
            source,
            kind,
        })
    }

    /// One line of NDJSON, without a line break: a label as [`fraud_core::label::read`] reads it, and what the generator made.
    pub fn to_json(&self) -> String {
        let Label { customer_id, transaction_id, merchant_id, event_time, amount, reported_at, source, kind } =
            self;
        format!(
            "{{\"customer_id\":\"{customer_id}\",\"transaction_id\":\"{transaction_id}\",\"merchant_id\":\"{merchant_id}\",\
             \"event_time\":\"{event_time}\",\"amount\":{amount},\"verdict\":\"fraud\",\"reported_at\":\"{reported_at}\",\
             \"source\":\"{}\",\"kind\":\"{}\"}}",
            source.as_str(),
            kind.as_str(),
        )
    }
}

/// Who reports a fraud, and how many seconds after it. A quarter of the frauds is known within two days, half within a week;
/// chargebacks arrive up to 45 days later.
fn report(random: &mut Random) -> (LabelSource, i64) {
    let between = |random: &mut Random, low: i64, high: i64| random.between(low as f64, high as f64) as i64;
    match random.below(20) {
        0..5 => (LabelSource::Cardholder, between(random, HOUR, 2 * DAY)),
        5..8 => (LabelSource::Cardholder, between(random, 2 * DAY, 7 * DAY)),
        8..10 => (LabelSource::Chargeback, between(random, 3 * DAY, 7 * DAY)),
        _ => {
            let late = random.between(0.0, 1.0);
            (LabelSource::Chargeback, 7 * DAY + (late * late * (38 * DAY) as f64) as i64)
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use fraud_core::label::{Verdict, read};

    use super::*;
    use crate::generate::months::{Months, MonthsSettings};

    #[test]
    fn a_generated_label_is_a_label_that_tells_all() {
        let from = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let settings = MonthsSettings { days: 20, customers: 50, merchants: 20, from, seed: 3 };
        let labels: Vec<_> =
            Months::new(settings).filter_map(|transaction| Label::of(&transaction, 3)).collect();
        assert!(labels.len() > 5);
        for label in labels {
            let told = read(label.to_json().as_bytes()).unwrap();
            assert_eq!(told.left_out, ["kind"]);
            assert!(told.label.is_self_contained());
            assert_eq!(told.label.key(), format!("{}/{}", label.customer_id, label.transaction_id));
            let statement = told.label.statement;
            assert_eq!((statement.verdict, statement.source), (Verdict::Fraud, label.source));
            assert_eq!(statement.details.event_time.as_deref(), Some(label.event_time.as_str()));
            assert_eq!(statement.details.amount.as_deref(), Some(label.amount.as_str()));
        }
    }
}
