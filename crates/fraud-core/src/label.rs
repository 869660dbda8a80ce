//! Labels: what became known of a transaction after it was decided.
//!
//! Who labels makes *statements* about a transaction: a source says at a time that it is fraud, that it is legitimate, or that it
//! takes back what it said. Of one source the latest statement holds, and of those that hold and are not taken back the latest
//! one is the transaction's verdict. Both are a maximum over one order, so that neither the order in which labels come nor how often
//! changes anything.

use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;
use exact_text::written_time;

use crate::fields;
use crate::identity::Identity;
use crate::merchant::{LabelDelay, day_of};

mod counted;
mod details;
pub mod fold;
mod mistake;
mod reading;

pub use counted::{Change, CountedFraud, Counting, Labelled, Taken};
pub use mistake::{LabelMistake, LabelMistakes};
pub use reading::{ReadLabel, read, statement_of};

/// The member of an alert's id.
pub const ALERT_ID: &str = "alert_id";
/// The member of the [verdict](Verdict).
pub const VERDICT: &str = "verdict";
/// The member of when the label was reported.
pub const REPORTED_AT: &str = "reported_at";
/// The member of the [source](LabelSource).
pub const SOURCE: &str = "source";
/// The member of whether the transaction is an outlier for its customer.
pub const OUTLIER: &str = "outlier";

/// The longest key of a transaction, in bytes: what a key of DynamoDB holds
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>).
pub const MAX_KEY_BYTES: usize = 2048;

/// What a source says of a transaction. In the order in which statements of one moment and source come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It is legitimate.
    Legitimate,
    /// It is fraud.
    Fraud,
    /// The source takes back what it said.
    Retracted,
}

impl Verdict {
    /// Every verdict, in order.
    pub const ALL: [Verdict; 3] = [Verdict::Legitimate, Verdict::Fraud, Verdict::Retracted];

    /// The word that labels carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Legitimate => "legitimate",
            Verdict::Fraud => "fraud",
            Verdict::Retracted => "retracted",
        }
    }

    /// The verdict of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

/// Who says it. Of two statements of one moment that of the later source in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelSource {
    /// The cardholder, who saw the transaction.
    Cardholder,
    /// The bank, by a chargeback.
    Chargeback,
    /// Somebody who looked into it.
    Analyst,
}

impl LabelSource {
    /// Every source, in order.
    pub const ALL: [LabelSource; 3] =
        [LabelSource::Cardholder, LabelSource::Chargeback, LabelSource::Analyst];

    /// The word that labels carry.
    pub fn as_str(self) -> &'static str {
        match self {
            LabelSource::Cardholder => "cardholder",
            LabelSource::Chargeback => "chargeback",
            LabelSource::Analyst => "analyst",
        }
    }

    /// The source of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        LabelSource::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

/// What names a label's transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LabelledId {
    /// The id of its alert.
    Alert(String),
    /// Its identity, as the lake has it.
    Decision(String),
    /// Its customer's id and its own.
    Transaction {
        /// The customer's id; empty if it has none.
        customer_id: String,
        /// The transaction's id.
        transaction_id: String,
    },
}

impl LabelledId {
    /// The transaction's identity as a text; of an alert of a reused id that alert's id. All labels of a transaction have the
    /// same.
    pub fn key(&self) -> String {
        match self {
            LabelledId::Alert(id) | LabelledId::Decision(id) => id.clone(),
            LabelledId::Transaction { customer_id, transaction_id } => {
                Identity::Transaction { customer_id, transaction_id }.to_string()
            }
        }
    }
}

/// What a statement tells of its transaction, as far as it does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Details {
    /// The merchant's id.
    pub merchant_id: Option<String>,
    /// The event time, as written: a time that can be read.
    pub event_time: Option<String>,
    /// The amount's digits: a finite number.
    pub amount: Option<String>,
    /// Whether the amount is an outlier for the customer.
    pub outlier: Option<bool>,
}

impl Details {
    /// Whether merchant, time and amount are there.
    pub fn are_complete(&self) -> bool {
        self.merchant_id.is_some() && self.event_time.is_some() && self.amount.is_some()
    }

    /// The UTC day of the event.
    pub fn day(&self) -> Option<i32> {
        let time = written_time::parse(self.event_time.as_deref()?)?;
        Some(day_of(time.instant.millis().div_euclid(1000)))
    }

    /// These, and of `others` what they lack.
    #[must_use]
    pub fn or(self, others: Details) -> Self {
        Details {
            merchant_id: self.merchant_id.or(others.merchant_id),
            event_time: self.event_time.or(others.event_time),
            amount: self.amount.or(others.amount),
            outlier: self.outlier.or(others.outlier),
        }
    }
}

/// What a source says of a transaction. Statements are in the order in which they count: the last one does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// When it was said.
    pub reported_at: Timestamp,
    /// Who says it.
    pub source: LabelSource,
    /// What.
    pub verdict: Verdict,
    /// What it tells of the transaction.
    pub details: Details,
}

impl Statement {
    fn write(&self, object: &mut ObjectWriter) {
        let Details { merchant_id, event_time, amount, outlier } = &self.details;
        if let Some(merchant_id) = merchant_id {
            object.text(fields::MERCHANT_ID, merchant_id);
        }
        if let Some(event_time) = event_time {
            object.text(fields::EVENT_TIME, event_time);
        }
        if let Some(amount) = amount {
            object.json(fields::AMOUNT, amount);
        }
        if let Some(outlier) = outlier {
            object.bool(OUTLIER, *outlier);
        }
        object.text(VERDICT, self.verdict.as_str());
        object.text(REPORTED_AT, &self.reported_at.to_string());
        object.text(SOURCE, self.source.as_str());
    }

    /// A JSON object of one line: a label's members but those that name the transaction.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        self.write(&mut object);
        object.finish()
    }
}

/// A statement and the transaction that it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The transaction.
    pub of: LabelledId,
    /// What is said of it.
    pub statement: Statement,
}

impl Label {
    /// The [key](LabelledId::key) of its transaction.
    pub fn key(&self) -> String {
        self.of.key()
    }

    /// Whether nothing needs to be looked up to count it: it is not about a fraud, or tells merchant, time and amount.
    pub fn is_self_contained(&self) -> bool {
        self.statement.verdict != Verdict::Fraud || self.statement.details.are_complete()
    }

    /// A JSON object of one line, as [`read`] reads it.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        match &self.of {
            LabelledId::Alert(id) => drop(object.text(ALERT_ID, id)),
            LabelledId::Decision(id) => drop(object.text(fields::DECISION_ID, id)),
            LabelledId::Transaction { customer_id, transaction_id } => {
                object.text(fields::CUSTOMER_ID, customer_id).text(fields::TRANSACTION_ID, transaction_id);
            }
        }
        self.statement.write(&mut object);
        object.finish()
    }
}

#[cfg(test)]
mod tests;
