//! The members that a transaction is made of, while its text is read.

use std::borrow::Cow;

use exact_text::json::Value;
use exact_text::written_time::{self, WrittenTime};

use super::{Amount, Body, Further, MAX_AMOUNT_LENGTH, MAX_ID_LENGTH, Reading, TimeField, Transaction};
use crate::fields;
use crate::refusal::Refusal;

/// What a member's key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    TransactionId,
    CustomerId,
    Amount,
    EventTime,
    MerchantId,
    /// A name under which only this product writes.
    Own,
    /// A member that the reading asks for, and its slot.
    Asked(u16),
    Other,
}

impl Field {
    pub(super) fn of(key: Option<&str>) -> Self {
        match key {
            Some(fields::TRANSACTION_ID) => Field::TransactionId,
            Some(fields::CUSTOMER_ID) => Field::CustomerId,
            Some(fields::AMOUNT) => Field::Amount,
            Some(fields::EVENT_TIME) => Field::EventTime,
            Some(fields::MERCHANT_ID) => Field::MerchantId,
            Some(name) if fields::is_own(name) => Field::Own,
            _ => Field::Other,
        }
    }
}

/// The members that scoring reads; of a key that comes twice, the last.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    pub(super) transaction_id: Option<Value<'a>>,
    pub(super) customer_id: Option<Value<'a>>,
    pub(super) amount: Option<Value<'a>>,
    pub(super) event_time: Option<Value<'a>>,
    pub(super) merchant: Option<Value<'a>>,
    /// By the slots of the reading.
    asked: Vec<Option<Value<'a>>>,
}

impl<'a> Members<'a> {
    /// Of a transaction that is read by `reading`; none is there yet.
    #[inline(always)]
    pub(crate) fn of(reading: &Reading) -> Self {
        Members { asked: reading.room(), ..Members::default() }
    }

    /// A member has this value.
    #[inline(always)]
    pub(crate) fn set(&mut self, field: Field, value: Value<'a>) {
        match field {
            Field::TransactionId => self.transaction_id = Some(value),
            Field::CustomerId => self.customer_id = Some(value),
            Field::Amount => self.amount = Some(value),
            Field::EventTime => self.event_time = Some(value),
            Field::MerchantId => self.merchant = Some(value),
            Field::Asked(slot) => {
                if let Some(slot) = self.asked.get_mut(usize::from(slot)) {
                    *slot = Some(value);
                }
            }
            Field::Own | Field::Other => {}
        }
    }

    /// The transaction whose object has these members, to be decided on and not to be written: its text is not kept.
    ///
    /// # Errors
    /// The [`Refusal`] that keeps it from being scored.
    pub(crate) fn unwritten(self, reading: &'a Reading) -> Result<Transaction<'a>, Refusal> {
        self.transaction(reading, Body { first: "", rest: Vec::new(), has_line_break: false })
    }

    #[inline(always)]
    pub(super) fn transaction(
        mut self,
        reading: &'a Reading,
        body: Body<'a>,
    ) -> Result<Transaction<'a>, Refusal> {
        let mut asked = std::mem::take(&mut self.asked);
        if !asked.is_empty() {
            reading.complete(&mut asked, &self);
        }
        let transaction_id = id(self.transaction_id, str::len, Refusal::InvalidTransactionId)?;
        let customer_id = id(self.customer_id, characters, Refusal::InvalidCustomerId)?;
        if transaction_id.is_none() && customer_id.is_none() && self.amount.is_none() {
            return Err(Refusal::NotATransaction);
        }
        Ok(Transaction {
            transaction_id,
            customer_id,
            amount: amount(self.amount)?,
            event_time: time(self.event_time),
            event_time_value: self.event_time,
            merchant: self.merchant,
            further: (!asked.is_empty()).then(|| Box::new(Further { reading, asked, mapped: None })),
            body,
        })
    }
}

pub(super) fn id<'a>(
    value: Option<Value<'a>>,
    length: impl Fn(&str) -> usize,
    invalid: Refusal,
) -> Result<Option<Cow<'a, str>>, Refusal> {
    let id = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.decode().ok_or(invalid)?,
        Some(Value::Number("-0")) => Cow::Borrowed("0"),
        Some(Value::Number(digits)) if !digits.contains(['.', 'e', 'E']) => Cow::Borrowed(digits),
        Some(_) => return Err(invalid),
    };
    match length(&id) {
        0 => Ok(None),
        1..=MAX_ID_LENGTH => Ok(Some(id)),
        _ => Err(invalid),
    }
}

/// The number of characters, where it can matter: no text has more of them than bytes.
pub(super) fn characters(id: &str) -> usize {
    if id.len() <= MAX_ID_LENGTH { id.len() } else { id.chars().count() }
}

pub(super) fn amount(value: Option<Value<'_>>) -> Result<Amount<'_>, Refusal> {
    let digits = match value {
        None => "0",
        Some(Value::Number(digits)) => digits,
        Some(_) => return Err(Refusal::InvalidAmount),
    };
    match digits.parse() {
        Ok(value) if f64::is_finite(value) && digits.len() <= MAX_AMOUNT_LENGTH => {
            Ok(Amount { digits: Cow::Borrowed(digits), value })
        }
        _ => Err(Refusal::InvalidAmount),
    }
}

pub(super) fn time(value: Option<Value<'_>>) -> TimeField<'_> {
    fn read<'a>(text: Cow<'a, str>, parse: impl Fn(&str) -> Option<WrittenTime>) -> TimeField<'a> {
        parse(&text).map_or(TimeField::Unreadable, |time| TimeField::Known(time, text))
    }
    match value {
        None => TimeField::Missing,
        Some(Value::Number(digits)) => read(Cow::Borrowed(digits), written_time::parse_epoch),
        Some(value) => match value.as_str() {
            Some(text) => read(text, written_time::parse),
            None => TimeField::Unreadable,
        },
    }
}
