//! What is read of each transaction beside what every transaction is read for.

use std::borrow::Cow;

use exact_text::json::Value;

use super::plan::Plan;
use super::{Field, MAX_ID_LENGTH, Members};
use crate::entity::{EntityKind, EntityKinds};
use crate::fields;
use crate::schema::Schema;

/// What a policy asks of a transaction beside its amount, times and customer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Names of members, each once.
    pub fields: Vec<String>,
    /// The kinds of entities.
    pub entities: EntityKinds,
    /// Whether the currency is asked for.
    pub currency: bool,
}

/// What is read of each transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The members that are asked for, each with what else it is read for, or the first slot of its name: first the fields,
    /// then the entities.
    slots: Vec<(String, Field)>,
    /// The slot of each kind of entity.
    entities: [Option<usize>; EntityKind::ALL.len()],
    currency: Option<usize>,
    /// Where everything is, if there is a schema; the rest is then not looked at.
    plan: Option<Box<Plan>>,
}

/// Nothing beside what every transaction is read for, and without a schema.
pub static PLAIN: Reading =
    Reading { slots: Vec::new(), entities: [None; EntityKind::ALL.len()], currency: None, plan: None };

impl Reading {
    /// What is read of transactions that their producer writes by `schema`, where a policy asks for this.
    pub fn new(schema: &Schema, asked: &Asked) -> Self {
        let mut reading = PLAIN.clone();
        if !schema.is_default() {
            reading.plan = Some(Box::new(Plan::new(schema, asked)));
            return reading;
        }
        let mut slot = |name: &str| {
            let first = reading.slots.iter().position(|(known, _)| known == name);
            let field = match (Field::of(Some(name)), first.and_then(|first| u16::try_from(first).ok())) {
                (Field::Other, Some(first)) => Field::Asked(first),
                (field, _) => field,
            };
            reading.slots.push((name.to_owned(), field));
            reading.slots.len() - 1
        };
        asked.fields.iter().for_each(|name| {
            slot(name);
        });
        for kind in asked.entities.iter().filter(|&kind| kind != EntityKind::Customer) {
            let place = slot(kind.member());
            if let Some(entity) = reading.entities.get_mut(kind as usize) {
                *entity = Some(place);
            }
        }
        let currency = asked.currency.then(|| slot(fields::CURRENCY));
        reading.currency = currency;
        reading
    }

    /// What a member's key means to this reading.
    pub(crate) fn field(&self, key: Option<&str>) -> Field {
        match Field::of(key) {
            Field::Other => {
                let slot = self.slots.iter().position(|(name, _)| Some(name.as_str()) == key);
                slot.and_then(|slot| u16::try_from(slot).ok()).map_or(Field::Other, Field::Asked)
            }
            field => field,
        }
    }

    /// Room for the members that are asked for.
    #[inline]
    pub(super) fn room<'a>(&self) -> Vec<Option<Value<'a>>> {
        if self.slots.is_empty() { Vec::new() } else { vec![None; self.slots.len()] }
    }

    /// Fills in the members that are asked for and are read for something else too, or are asked for twice.
    #[inline]
    pub(super) fn complete<'a>(&self, asked: &mut [Option<Value<'a>>], read: &Members<'a>) {
        for (place, (_, field)) in self.slots.iter().enumerate() {
            let value = match field {
                Field::TransactionId => read.transaction_id,
                Field::CustomerId => read.customer_id,
                Field::Amount => read.amount,
                Field::EventTime => read.event_time,
                Field::MerchantId => read.merchant,
                // A name under which only this product writes: nothing of the producer's is there.
                Field::Own => None,
                Field::Other => continue,
                Field::Asked(first) => asked.get(usize::from(*first)).copied().flatten(),
            };
            if let Some(slot) = asked.get_mut(place) {
                *slot = value;
            }
        }
    }

    /// The id of the schema; `None` for the default.
    pub fn schema(&self) -> Option<&str> {
        self.plan().map(|plan| plan.schema.as_str())
    }

    /// Where everything is, if there is a schema.
    #[inline]
    pub(super) fn plan(&self) -> Option<&Plan> {
        self.plan.as_deref()
    }

    pub(super) fn slot_of_currency(&self) -> Option<usize> {
        self.currency
    }

    pub(super) fn slot_of_entity(&self, kind: EntityKind) -> Option<usize> {
        self.entities.get(kind as usize).copied().flatten()
    }
}

/// A transaction's member as a policy can use it.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue<'t> {
    /// There is none, or it is null.
    Absent,
    /// A number: its nearest f64, always finite.
    Number(f64),
    /// A text of at most [`MAX_FIELD_TEXT`] characters.
    Text(Cow<'t, str>),
    /// true or false
    Bool(bool),
    /// A value that no policy can use: an object, an array, a number beyond f64's, a text that is too long or not valid
    /// Unicode.
    Unusable,
}

/// The most characters of a text that policies can compare.
pub const MAX_FIELD_TEXT: usize = 256;

impl<'t> FieldValue<'t> {
    pub(super) fn of(value: Option<Value<'t>>) -> Self {
        match value {
            None | Some(Value::Null) => FieldValue::Absent,
            Some(Value::Bool(value)) => FieldValue::Bool(value),
            Some(Value::Number(digits)) => match digits.parse() {
                Ok(number) if f64::is_finite(number) => FieldValue::Number(number),
                _ => FieldValue::Unusable,
            },
            Some(value) => match value.as_str() {
                Some(text) if text.chars().nth(MAX_FIELD_TEXT).is_none() => FieldValue::Text(text),
                _ => FieldValue::Unusable,
            },
        }
    }
}

/// The entity that a transaction names.
#[derive(Debug, Clone, PartialEq)]
pub enum EntityName<'t> {
    /// It names none, or nobody asked.
    Absent,
    /// Its id.
    Known(Cow<'t, str>),
    /// Something that is no id: neither a text of up to 256 characters nor an integer.
    Unusable,
}

impl<'t> EntityName<'t> {
    pub(super) fn of(value: Option<Value<'t>>) -> Self {
        match super::id(value, super::characters, crate::refusal::Refusal::InvalidCustomerId) {
            Ok(None) => EntityName::Absent,
            Ok(Some(id)) => EntityName::Known(id),
            Err(_) => EntityName::Unusable,
        }
    }
}

const _: () = assert!(MAX_FIELD_TEXT == MAX_ID_LENGTH, "an id is compared whole");
