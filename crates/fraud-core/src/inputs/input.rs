//! An input by its name: its type, and the values that it can have.

use std::borrow::Cow;

use super::HistoryInput;
use crate::entity::EntityKind;

/// The type of an input's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A number: bands, weights, and conditions with bounds.
    Number,
    /// A text: conditions with `any_of` and `none_of`.
    Text,
    /// Whether something is so: conditions with `is`.
    Truth,
}

/// One input of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// The transaction's amount.
    Amount,
    /// The customer's risk.
    CustomerRisk,
    /// The hour of day as written.
    Hour,
    /// The day of the week as written, 1 (Monday) to 7.
    Weekday,
    /// The customer's lifetime value, from the profile.
    CustomerLifetimeValue,
    /// The customer's segment, from the profile.
    CustomerSegment,
    /// A member of the transaction, read as a value of this type.
    Field(String, ValueType),
    /// The risk of the entity of this kind that the transaction names.
    EntityRisk(EntityKind),
    /// Whether the entity of this kind is on this list.
    OnList(EntityKind, String),
    /// The share of known frauds among the merchant's recent transactions.
    MerchantFraudRate,
    /// Days since the merchant seems to have been compromised.
    MerchantCompromiseAge,
    /// What the customer did before.
    History(HistoryInput),
}

/// What begins the name of a member of the transaction.
pub(crate) const FIELD_PREFIX: &str = "field.";

impl Input {
    /// Inputs with a name of their own, in the order in which they are told. Of the members of a transaction there are as
    /// many as producers write.
    pub fn named() -> impl Iterator<Item = Input> {
        let entities = EntityKind::ALL.into_iter().filter(|&kind| kind != EntityKind::Customer);
        [Input::Amount, Input::Hour, Input::Weekday, Input::CustomerRisk, Input::CustomerLifetimeValue]
            .into_iter()
            .chain([Input::CustomerSegment])
            .chain(entities.map(Input::EntityRisk))
            .chain([Input::MerchantFraudRate, Input::MerchantCompromiseAge])
            .chain(HistoryInput::ALL.iter().copied().map(Input::History))
    }

    /// The input of this name; a member of the transaction is read as a value of `field_type`.
    pub fn of_name(name: &str, field_type: ValueType) -> Option<Self> {
        match name.strip_prefix(FIELD_PREFIX) {
            Some(field) if !field.is_empty() => Some(Input::Field(field.to_owned(), field_type)),
            // The older of the two names of one input.
            _ if name == "customer.risk" => Some(Input::CustomerRisk),
            _ => Input::named().find(|input| input.name() == name),
        }
    }

    /// The name in policies, reasons and `fraud_inputs`.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Input::Amount => "amount".into(),
            Input::CustomerRisk => "customer_risk".into(),
            Input::Hour => "hour".into(),
            Input::Weekday => "weekday".into(),
            Input::CustomerLifetimeValue => "customer.lifetime_value".into(),
            Input::CustomerSegment => "customer.segment".into(),
            Input::Field(name, _) => format!("{FIELD_PREFIX}{name}").into(),
            Input::EntityRisk(kind) => format!("{}.risk", kind.as_str()).into(),
            Input::OnList(kind, list) => format!("{}.on_list.{list}", kind.as_str()).into(),
            Input::MerchantFraudRate => "merchant.fraud_rate".into(),
            Input::MerchantCompromiseAge => "merchant.compromise_age_days".into(),
            Input::History(input) => input.name().into(),
        }
    }

    /// The type of its values.
    pub fn value_type(&self) -> ValueType {
        match self {
            Input::Field(_, value_type) => *value_type,
            Input::CustomerSegment => ValueType::Text,
            Input::OnList(..) | Input::History(HistoryInput::NewMerchant) => ValueType::Truth,
            _ => ValueType::Number,
        }
    }

    /// The least and the greatest number that it can be.
    pub(crate) fn range(&self) -> (f64, f64) {
        match self {
            Input::Hour => (0.0, 23.0),
            Input::Weekday => (1.0, 7.0),
            Input::CustomerRisk | Input::EntityRisk(_) | Input::MerchantFraudRate => (0.0, 1.0),
            Input::MerchantCompromiseAge => (0.0, f64::INFINITY),
            Input::History(input) => input.range(),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Whether it says what is known of an entity.
    pub(crate) fn is_of_entity(&self) -> bool {
        match self {
            Input::EntityRisk(_) | Input::OnList(..) => true,
            Input::MerchantFraudRate | Input::MerchantCompromiseAge => true,
            Input::Amount | Input::CustomerRisk | Input::Hour | Input::Weekday => false,
            Input::CustomerLifetimeValue | Input::CustomerSegment => false,
            Input::Field(..) | Input::History(_) => false,
        }
    }

    /// Whether its numbers are whole.
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Input::Hour | Input::Weekday => true,
            Input::History(input) => input.is_count(),
            _ => false,
        }
    }

    /// Whether there are transactions for which it has no value.
    pub(crate) fn can_be_missing(&self) -> bool {
        !matches!(self, Input::Amount | Input::CustomerRisk | Input::OnList(..))
    }
}
