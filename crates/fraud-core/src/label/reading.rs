//! Labels from JSON.

use std::borrow::Cow;

use exact_text::json::{JsonError, Scanner, Value, is_number};
use exact_text::timestamp::Timestamp;
use exact_text::written_time::{self, MAX_LENGTH};

use super::{
    ALERT_ID, Details, Label, LabelMistake, LabelMistakes, LabelSource, LabelledId, MAX_KEY_BYTES, OUTLIER,
    REPORTED_AT, SOURCE, Statement, VERDICT, Verdict,
};
use crate::fields;

/// Deeper than anything that is nested in a member that is not looked at.
const MAX_DEPTH: usize = 128;
/// The most characters of a merchant's id: a transaction names none that is longer.
const MAX_ID_CHARACTERS: usize = 256;

const ID: &str = "a text or an integer";
const TIME: &str = "a time, RFC 3339 or an epoch number";

/// A label, and what it holds beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLabel {
    /// The label.
    pub label: Label,
    /// Its members that are not looked at, in their order.
    pub left_out: Vec<String>,
}

/// The members that are looked at; one that is null is as one that is not there.
#[derive(Default)]
struct Members<'a> {
    known: [Option<Value<'a>>; MEMBERS.len()],
    left_out: Vec<String>,
    mistakes: Vec<LabelMistake>,
}

const MEMBERS: [&str; 11] = [
    ALERT_ID,
    fields::DECISION_ID,
    fields::CUSTOMER_ID,
    fields::TRANSACTION_ID,
    VERDICT,
    REPORTED_AT,
    SOURCE,
    fields::MERCHANT_ID,
    fields::EVENT_TIME,
    fields::AMOUNT,
    OUTLIER,
];

/// Reads a label, a JSON object:
///
/// - its transaction, by `alert_id`, by `decision_id`, or by `customer_id` and `transaction_id`, texts or integers
/// - `verdict`: `fraud`, `legitimate` or `retracted`
/// - `reported_at`: a time
/// - `source`: `cardholder`, `chargeback` or `analyst`
/// - and, if it tells them, `merchant_id`, `event_time`, `amount` (a number, or one as a text) and `outlier` (true or false)
///
/// # Errors
/// [`LabelMistakes`] with every mistake.
pub fn read(json: &[u8]) -> Result<ReadLabel, LabelMistakes> {
    let mut members = Members::of(json)?;
    let of = members.transaction();
    let statement = members.statement();
    match (of, statement, members.mistakes.is_empty()) {
        (Some(of), Some(statement), true) => {
            Ok(ReadLabel { label: Label { of, statement }, left_out: members.left_out })
        }
        _ => Err(LabelMistakes(members.mistakes)),
    }
}

/// Reads the statement of a [JSON object](Statement::to_json) that need not name its transaction.
///
/// # Errors
/// [`LabelMistakes`] with every mistake.
pub fn statement_of(json: &[u8]) -> Result<Statement, LabelMistakes> {
    let mut members = Members::of(json)?;
    match (members.statement(), members.mistakes.is_empty()) {
        (Some(statement), true) => Ok(statement),
        _ => Err(LabelMistakes(members.mistakes)),
    }
}

impl<'a> Members<'a> {
    fn of(json: &'a [u8]) -> Result<Self, LabelMistakes> {
        let not_an_object = || LabelMistakes(vec![LabelMistake::NotAnObject]);
        let text = std::str::from_utf8(json).map_err(|_| not_an_object())?;
        let mut members = Members::default();
        let mut scanner = Scanner::new(text.strip_prefix('\u{feff}').unwrap_or(text), MAX_DEPTH);
        let read = scanner.object(|key, scanner| {
            let value = scanner.value()?;
            let name = key.decode().unwrap_or(Cow::Borrowed(key.raw()));
            let slot = MEMBERS.iter().position(|member| *member == name);
            match slot.and_then(|slot| members.known.get_mut(slot)) {
                Some(slot) => *slot = (!matches!(value, Value::Null)).then_some(value),
                None => members.left_out.push(name.into_owned()),
            }
            Ok::<_, JsonError>(())
        });
        read.and_then(|()| scanner.end()).map_err(|_| not_an_object())?;
        Ok(members)
    }

    fn get(&self, member: &str) -> Option<Value<'a>> {
        let slot = MEMBERS.iter().position(|known| *known == member)?;
        self.known.get(slot).copied().flatten()
    }

    /// The value that a member has by `read`; one that cannot be read is a mistake.
    fn read<T>(
        &mut self,
        member: &'static str,
        accepts: &'static str,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Option<T> {
        let read = read(self.get(member)?);
        if read.is_none() {
            self.mistakes.push(LabelMistake::Unusable { member, accepts });
        }
        read
    }

    fn required<T>(
        &mut self,
        member: &'static str,
        accepts: &'static str,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Option<T> {
        if self.get(member).is_none() {
            self.mistakes.push(LabelMistake::Missing { member, accepts });
        }
        self.read(member, accepts, read)
    }

    fn transaction(&mut self) -> Option<LabelledId> {
        let mistakes = self.mistakes.len();
        let text = |value: Value<'a>| value.as_str().map(Cow::into_owned).filter(|id| !id.is_empty());
        let alert = self.read(ALERT_ID, "a text", text);
        let decision = self.read(fields::DECISION_ID, "a text", text);
        let customer_id = self.read(fields::CUSTOMER_ID, ID, id);
        let transaction_id =
            self.read(fields::TRANSACTION_ID, ID, |value| id(value).filter(|id| !id.is_empty()));
        if self.mistakes.len() > mistakes {
            return None;
        }
        let named = match (customer_id, transaction_id) {
            (Some(customer_id), Some(transaction_id)) => {
                Some(LabelledId::Transaction { customer_id, transaction_id })
            }
            _ => None,
        };
        let ids = [
            (ALERT_ID, alert.map(LabelledId::Alert)),
            (fields::DECISION_ID, decision.map(LabelledId::Decision)),
            (fields::TRANSACTION_ID, named),
        ];
        let mut ids = ids.into_iter().filter_map(|(member, id)| Some((member, id?)));
        let Some((member, of)) = ids.next() else {
            self.mistakes.push(LabelMistake::NoTransaction);
            return None;
        };
        let key = of.key();
        if key.len() > MAX_KEY_BYTES {
            self.mistakes.push(LabelMistake::IdTooLong(member));
        }
        for (other, id) in ids {
            // The alert of a reused id has digits behind the identity.
            let is_same =
                key.strip_prefix(&id.key()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            if !is_same {
                self.mistakes.push(LabelMistake::TwoTransactions(other, member));
            }
        }
        Some(of)
    }

    fn statement(&mut self) -> Option<Statement> {
        let verdict = self.required(VERDICT, "`fraud`, `legitimate` or `retracted`", |value| {
            Verdict::of_word(value.as_str()?.as_ref())
        });
        let reported_at = self.required(REPORTED_AT, TIME, |value| Some(time(value)?.1));
        let source = self.required(SOURCE, "`cardholder`, `chargeback` or `analyst`", |value| {
            LabelSource::of_word(value.as_str()?.as_ref())
        });
        let merchant = |value| id(value).filter(|id| (1..=MAX_ID_CHARACTERS).contains(&id.chars().count()));
        let details = Details {
            merchant_id: self.read(
                fields::MERCHANT_ID,
                "a text of up to 256 characters or an integer",
                merchant,
            ),
            event_time: self.read(fields::EVENT_TIME, TIME, |value| Some(time(value)?.0)),
            amount: self.read(fields::AMOUNT, "a finite number", amount),
            outlier: self.read(OUTLIER, "true or false", |value| match value {
                Value::Bool(outlier) => Some(outlier),
                _ => None,
            }),
        };
        Some(Statement { reported_at: reported_at?, source: source?, verdict: verdict?, details })
    }
}

/// An id as transactions have it: a text or an integer.
fn id(value: Value<'_>) -> Option<String> {
    match value {
        Value::Number("-0") => Some("0".to_owned()),
        Value::Number(digits) => (!digits.contains(['.', 'e', 'E'])).then(|| digits.to_owned()),
        value => value.as_str().map(Cow::into_owned),
    }
}

/// A time as written, and its instant.
fn time(value: Value<'_>) -> Option<(String, Timestamp)> {
    let text = value.as_digits()?;
    let instant = written_time::parse(&text)?.instant;
    Some((text.into_owned(), instant))
}

/// The digits of a finite number.
fn amount(value: Value<'_>) -> Option<String> {
    let digits = value.as_digits()?;
    let is_finite = digits.parse::<f64>().is_ok_and(f64::is_finite);
    (digits.len() <= MAX_LENGTH && is_number(&digits) && is_finite).then(|| digits.into_owned())
}
