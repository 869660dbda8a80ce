//! The inputs that a decision tells: the text in `fraud_inputs`.

use std::borrow::Cow;

use exact_text::json::{JsonError, Scanner, Value};

use crate::entity::EntityKind;
use crate::inputs::{Input, InputValue, Inputs, ValueType};
use crate::policy::{FurtherInput, Policy};

const UNAVAILABLE: &str = "unavailable";
/// Most decisions tell no more.
const USUAL_MEMBERS: usize = 12;
/// The inputs of every policy.
const BASIC: [&str; 3] = ["amount", "customer_risk", "hour"];

/// The members of `fraud_inputs`.
#[derive(Debug)]
pub(super) struct Told<'t>(Vec<(Cow<'t, str>, Value<'t>)>);

impl<'t> Told<'t> {
    pub(super) fn read(text: &'t str) -> Option<Self> {
        let mut members: Vec<(Cow<'t, str>, Value<'t>)> = Vec::with_capacity(USUAL_MEMBERS);
        let mut scanner = Scanner::new(text, 1);
        let read = scanner.object(|key, scanner| {
            let value = scanner.value()?;
            members.extend(key.decode().map(|key| (key, value)));
            Ok::<_, JsonError>(())
        });
        read.and_then(|()| scanner.end()).ok()?;
        Some(Told(members))
    }

    /// The members, in their order.
    pub(super) fn into_members(self) -> Vec<(String, Value<'t>)> {
        self.0.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
    }

    fn get(&self, name: &str) -> Option<Value<'t>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// A number's digits.
    pub(super) fn digits(&self, name: &str) -> Option<&'t str> {
        match self.get(name) {
            Some(Value::Number(digits)) => Some(digits),
            _ => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.digits(name)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Whether a history's inputs are among them.
    pub(super) fn has_history(&self) -> bool {
        self.0.iter().any(|(name, _)| name.starts_with("history."))
    }

    /// The inputs of a policy as told; `None` if one of those that every decision has is not told.
    pub(super) fn inputs(&self, policy: &Policy) -> Option<Inputs<'t>> {
        let hour = match self.get("hour") {
            None => None,
            Some(_) => Some(self.digits("hour")?.parse().ok().filter(|hour| *hour < 24)?),
        };
        Some(Inputs {
            amount: self.number("amount")?,
            customer_risk: self.number("customer_risk")?,
            hour,
            further: self.further(policy),
            unusable_fields: 0,
        })
    }

    fn further(&self, policy: &Policy) -> Vec<InputValue<'t>> {
        // They are told in the policy's order, behind the basic ones.
        let mut next = BASIC.len().min(self.0.len());
        let value = |further: &FurtherInput| {
            let place = self.place(&further.name, next);
            next = place.map_or(next, |place| place + 1);
            let told = place.and_then(|place| self.0.get(place)).map(|(_, value)| *value);
            self.value(&further.input, told)
        };
        policy.further_inputs().iter().map(value).collect()
    }

    /// Where a member is, which is looked for at one place first.
    fn place(&self, name: &str, first: usize) -> Option<usize> {
        match self.0.get(first) {
            // No name is told twice: that is found by `is_of`.
            Some((key, _)) if key == name => Some(first),
            _ => self.0.iter().position(|(key, _)| key == name),
        }
    }

    fn value(&self, input: &Input, told: Option<Value<'t>>) -> InputValue<'t> {
        match (told, input.value_type()) {
            (Some(Value::Number(digits)), ValueType::Number) => {
                digits.parse().map_or(InputValue::None, InputValue::Number)
            }
            (Some(Value::String(text)), ValueType::Text) => {
                text.decode().map_or(InputValue::None, InputValue::Text)
            }
            (Some(Value::Bool(truth)), ValueType::Truth) => InputValue::Truth(truth),
            _ => match input {
                _ if kind_of(input).is_some_and(|kind| self.is_unavailable(kind)) => InputValue::Unavailable,
                Input::OnList(..) => InputValue::Truth(false),
                _ => InputValue::None,
            },
        }
    }

    fn is_unavailable(&self, kind: EntityKind) -> bool {
        let word = self.get(kind.as_str()).and_then(Value::as_str);
        word.as_deref() == Some(UNAVAILABLE)
    }

    /// Whether each member is one that a decision by these policies tells, and of its type.
    pub(super) fn is_of<'p>(&self, policies: impl Iterator<Item = &'p Policy> + Clone) -> bool {
        let further = || policies.clone().flat_map(Policy::further_inputs);
        self.0.iter().enumerate().all(|(index, (name, value))| {
            let is_first = self.0.iter().take(index).all(|(other, _)| other != name);
            let is_named = match value {
                Value::Number(_) if BASIC.contains(&&**name) => true,
                Value::String(_) if further().any(|further| is_kind(&further.input, name)) => {
                    value.as_str().as_deref() == Some(UNAVAILABLE)
                }
                _ => further()
                    .any(|further| further.name == **name && is_of_type(value, further.input.value_type())),
            };
            is_first && is_named
        })
    }
}

fn is_kind(input: &Input, name: &str) -> bool {
    kind_of(input).is_some_and(|kind| kind.as_str() == name)
}

fn is_of_type(value: &Value<'_>, value_type: ValueType) -> bool {
    match value_type {
        ValueType::Number => matches!(value, Value::Number(_)),
        ValueType::Text => matches!(value, Value::String(_)),
        ValueType::Truth => matches!(value, Value::Bool(_)),
    }
}

/// The kind of entity that an input tells of.
fn kind_of(input: &Input) -> Option<EntityKind> {
    match input {
        Input::EntityRisk(kind) | Input::OnList(kind, _) => Some(*kind),
        Input::MerchantFraudRate | Input::MerchantCompromiseAge => Some(EntityKind::Merchant),
        _ => None,
    }
}
