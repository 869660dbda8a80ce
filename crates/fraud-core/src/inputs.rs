//! What a policy's factors can look at.

use std::borrow::Cow;

use exact_text::timestamp::Timestamp;
use exact_text::written_time::weekday;

use crate::entity::{EntityFound, EntityKind};
use crate::found::{Found, HistoryFound};
use crate::history::{EntityValue, InputKey, counted_second};
use crate::merchant::LabelDelay;
use crate::policy::Policy;
use crate::profile::Profile;
use crate::shadow::Policies;
use crate::transaction::{FieldValue, TimeField, Transaction};

mod history;
mod input;

pub use history::HistoryInput;
pub use input::{Input, ValueType};

/// What a score depends on, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Inputs<'a> {
    /// The transaction's amount.
    pub amount: f64,
    /// The customer's risk, from the profile or the policy's default.
    pub customer_risk: f64,
    /// The hour of day, 0 to 23, as the producer wrote it; `None` for an epoch number and for a text that cannot be read.
    pub hour: Option<u8>,
    /// The policies' [further inputs](Policies::further_inputs), in that order. Empty for policies that need none.
    pub further: Vec<InputValue<'a>>,
    /// How many members of the transaction have no value because they are of another type than the policy expects.
    pub unusable_fields: usize,
}

/// The value of an input.
#[derive(Debug, Clone, PartialEq)]
pub enum InputValue<'a> {
    /// It has none.
    None,
    /// A finite number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// Whether something is so.
    Truth(bool),
    /// It could not be looked up. Factors see no value.
    Unavailable,
}

/// Where an input's value is among [`Inputs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Amount,
    CustomerRisk,
    Hour,
    Further(usize),
}

impl<'a> Inputs<'a> {
    /// What a transaction's score depends on, under a policy.
    #[inline(always)]
    pub(crate) fn of(
        transaction: &'a Transaction<'_>,
        found: &Found<'a>,
        arrival: Timestamp,
        policies: &Policies,
        label_delay: LabelDelay,
    ) -> Self {
        let mut inputs = Inputs {
            amount: transaction.amount.value,
            customer_risk: customer_risk(found, policies.active()),
            hour: written_hour(transaction, arrival),
            further: Vec::new(),
            unusable_fields: 0,
        };
        if !policies.further_inputs().is_empty() {
            inputs.read_further(transaction, found, arrival, policies, label_delay);
        }
        inputs
    }

    fn read_further(
        &mut self,
        transaction: &'a Transaction<'_>,
        found: &Found<'a>,
        arrival: Timestamp,
        policies: &Policies,
        label_delay: LabelDelay,
    ) {
        self.further.reserve_exact(policies.further_inputs().len());
        let history = policies.history().and_then(|settings| Some((found.history.inputs()?, settings)));
        for further in policies.further_inputs() {
            // What a transaction was decided with stays what it was.
            if let (true, HistoryFound::Again(entry)) = (further.input.is_of_entity(), found.history) {
                self.further.push(entry.known().value(further.key));
                continue;
            }
            let value = match &further.input {
                Input::Amount => InputValue::Number(self.amount),
                Input::CustomerRisk => InputValue::Number(self.customer_risk),
                Input::Hour => InputValue::number(self.hour.map(f64::from)),
                Input::Weekday => InputValue::number(written_weekday(transaction, arrival).map(f64::from)),
                Input::CustomerLifetimeValue => {
                    InputValue::number(found.enrichment.profile().and_then(Profile::lifetime_value))
                }
                Input::CustomerSegment => found
                    .enrichment
                    .profile()
                    .map_or(InputValue::None, |profile| InputValue::Text(profile.segment())),
                Input::Field(_, expected) => {
                    let (value, is_usable) = field(transaction.field(further.slot), *expected);
                    self.unusable_fields += usize::from(!is_usable);
                    value
                }
                Input::EntityRisk(kind) => match found.entity(*kind) {
                    EntityFound::Known(entity) => InputValue::number(entity.risk()),
                    EntityFound::Unavailable => InputValue::Unavailable,
                    EntityFound::None | EntityFound::Absent => InputValue::None,
                },
                Input::OnList(kind, list) => match found.entity(*kind) {
                    EntityFound::Known(entity) => InputValue::Truth(entity.is_on(list, arrival)),
                    EntityFound::Unavailable => InputValue::Unavailable,
                    EntityFound::None | EntityFound::Absent => InputValue::Truth(false),
                },
                Input::MerchantFraudRate | Input::MerchantCompromiseAge => {
                    match found.entity(EntityKind::Merchant) {
                        EntityFound::Known(entity) => InputValue::number(entity.days().and_then(|days| {
                            let t = counted_second(&transaction.event_time, arrival.millis());
                            match &further.input {
                                Input::MerchantFraudRate => Some(days.fraud_rate(t, label_delay)),
                                _ => days.compromise_age_days(t, label_delay),
                            }
                        })),
                        EntityFound::Unavailable => InputValue::Unavailable,
                        EntityFound::None | EntityFound::Absent => InputValue::None,
                    }
                }
                Input::History(input) => match history {
                    Some((inputs, settings)) => inputs.value(*input, settings),
                    None => InputValue::None,
                },
            };
            self.further.push(value);
        }
    }

    /// The values of the policies' inputs over entities, as a history stores them.
    pub fn entity_values(&self, policies: &Policies) -> Vec<(InputKey, EntityValue)> {
        let of_entities = policies
            .further_inputs()
            .iter()
            .zip(&self.further)
            .filter(|(further, _)| further.input.is_of_entity());
        let stored = |value: &InputValue<'_>| match value {
            InputValue::Number(number) => EntityValue::Number(*number),
            InputValue::Truth(truth) => EntityValue::Truth(*truth),
            InputValue::None | InputValue::Unavailable | InputValue::Text(_) => EntityValue::None,
        };
        of_entities.map(|(further, value)| (further.key, stored(value))).collect()
    }

    /// The number at a place; `None` if there is none.
    #[inline(always)]
    pub(crate) fn number(&self, place: Place) -> Option<f64> {
        match place {
            Place::Amount => Some(self.amount),
            Place::CustomerRisk => Some(self.customer_risk),
            Place::Hour => self.hour.map(f64::from),
            Place::Further(index) => match self.further.get(index) {
                Some(InputValue::Number(number)) => Some(*number),
                _ => None,
            },
        }
    }

    /// The value at a place.
    pub(crate) fn value(&self, place: Place) -> InputValue<'_> {
        match place {
            Place::Further(index) => self.further.get(index).map_or(InputValue::None, InputValue::borrowed),
            _ => InputValue::number(self.number(place)),
        }
    }
}

impl InputValue<'_> {
    pub(crate) fn number(number: Option<f64>) -> Self {
        number.map_or(InputValue::None, InputValue::Number)
    }

    /// The same value, borrowed.
    pub fn borrowed(&self) -> InputValue<'_> {
        match self {
            InputValue::None => InputValue::None,
            InputValue::Number(number) => InputValue::Number(*number),
            InputValue::Text(text) => InputValue::Text(Cow::Borrowed(text)),
            InputValue::Truth(truth) => InputValue::Truth(*truth),
            InputValue::Unavailable => InputValue::Unavailable,
        }
    }
}

/// The customer's risk, from the profile, or the policy's default.
#[inline(always)]
pub(crate) fn customer_risk(found: &Found<'_>, policy: &Policy) -> f64 {
    found.enrichment.profile().and_then(Profile::risk_score).unwrap_or_else(|| policy.default_risk())
}

/// A member's value if it is of the type that the policy expects, and whether it is, or is absent.
pub(crate) fn field(value: FieldValue<'_>, expected: ValueType) -> (InputValue<'_>, bool) {
    match (value, expected) {
        (FieldValue::Number(number), ValueType::Number) => (InputValue::Number(number), true),
        (FieldValue::Text(text), ValueType::Text) => (InputValue::Text(text), true),
        (FieldValue::Bool(truth), ValueType::Truth) => (InputValue::Truth(truth), true),
        (FieldValue::Absent, _) => (InputValue::None, true),
        _ => (InputValue::None, false),
    }
}

#[inline(always)]
pub(crate) fn written_hour(transaction: &Transaction<'_>, arrival: Timestamp) -> Option<u8> {
    match &transaction.event_time {
        TimeField::Known(time, _) => time.hour,
        TimeField::Missing => Some(arrival.calendar().hour),
        TimeField::Unreadable => None,
    }
}

pub(crate) fn written_weekday(transaction: &Transaction<'_>, arrival: Timestamp) -> Option<u8> {
    match &transaction.event_time {
        TimeField::Known(time, _) => time.weekday(),
        TimeField::Missing => Some(weekday(arrival.millis())),
        TimeField::Unreadable => None,
    }
}
