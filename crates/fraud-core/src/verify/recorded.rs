//! What a scored record says of its decision.

use std::borrow::Cow;

use exact_text::json::{JsonError, RepeatedKeys, Scanner, Value};

use crate::fields;
use crate::transaction::{Field, MAX_DEPTH, Members, Reading};

/// What a member's key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    own: Option<Own>,
    /// To the transaction.
    field: Field,
}

/// Our own members that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    Segment,
    LifetimeValue,
    RiskScore,
    Score,
    Reasons,
    Policy,
    DecisionId,
    Enrichment,
    Arrival,
    Fault,
    Inputs,
    History,
    Position,
    Engine,
    Schema,
    ShadowScore,
    ShadowPolicy,
    ShadowRisk,
    AlertType,
}

const MEMBERS: usize = Own::AlertType as usize + 1;

impl Own {
    fn of(key: Option<&str>) -> Option<Self> {
        Some(match key {
            Some(fields::CUSTOMER_SEGMENT) => Own::Segment,
            Some(fields::CUSTOMER_LIFETIME_VALUE) => Own::LifetimeValue,
            Some(fields::CUSTOMER_RISK_SCORE) => Own::RiskScore,
            Some(fields::FRAUD_SCORE) => Own::Score,
            Some(fields::FRAUD_REASONS) => Own::Reasons,
            Some(fields::FRAUD_POLICY) => Own::Policy,
            Some(fields::DECISION_ID) => Own::DecisionId,
            Some(fields::ENRICHMENT) => Own::Enrichment,
            Some(fields::INGESTED_AT) => Own::Arrival,
            Some(fields::EVENT_TIME_FAULT) => Own::Fault,
            Some(fields::FRAUD_INPUTS) => Own::Inputs,
            Some(fields::HISTORY) => Own::History,
            Some(fields::POSITION) => Own::Position,
            Some(fields::ENGINE) => Own::Engine,
            Some(fields::TRANSACTION_SCHEMA) => Own::Schema,
            Some(fields::SHADOW_SCORE) => Own::ShadowScore,
            Some(fields::SHADOW_POLICY) => Own::ShadowPolicy,
            Some(fields::SHADOW_CUSTOMER_RISK) => Own::ShadowRisk,
            Some("alert_type") => Own::AlertType,
            _ => return None,
        })
    }
}

/// Our own members of a line. A null counts as absent.
#[derive(Debug)]
pub(super) struct Recorded<'a> {
    members: [Option<Value<'a>>; MEMBERS],
    pub(super) is_alert: bool,
}

impl<'a> Recorded<'a> {
    /// Reads a line: our own members, and those of its transaction by `reading`.
    pub(super) fn read(
        text: &'a str,
        reading: &Reading,
        keys: &mut RepeatedKeys<'a, Member>,
    ) -> Result<(Self, Members<'a>), JsonError> {
        let (mut members, mut transaction) = ([None; MEMBERS], Members::of(reading));
        let mut scanner = Scanner::new(text, MAX_DEPTH);
        let meaning = |key: Option<&str>| Member { own: Own::of(key), field: reading.field(key) };
        scanner.members(keys, meaning, |Member { own, field }, scanner| {
            let value = scanner.value()?;
            if let Some(place) = own.and_then(|own| members.get_mut(own as usize)) {
                *place = Some(value).filter(|value| !matches!(value, Value::Null));
            }
            transaction.set(field, value);
            Ok::<_, JsonError>(())
        })?;
        scanner.end()?;
        let mut recorded = Recorded { members, is_alert: false };
        // A producer may write `alert_type`, but not our names.
        recorded.is_alert = recorded.has(Own::AlertType) && !recorded.has(Own::Policy);
        Ok((recorded, transaction))
    }

    pub(super) fn get(&self, own: Own) -> Option<Value<'a>> {
        self.members.get(own as usize).copied().flatten()
    }

    pub(super) fn has(&self, own: Own) -> bool {
        self.get(own).is_some()
    }

    pub(super) fn text(&self, own: Own) -> Option<Cow<'a, str>> {
        self.get(own).and_then(Value::as_str)
    }

    pub(super) fn number(&self, own: Own) -> Option<f64> {
        match self.get(own) {
            Some(Value::Number(digits)) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Whether any field of a profile is there.
    pub(super) fn has_profile(&self) -> bool {
        [Own::Segment, Own::LifetimeValue, Own::RiskScore].into_iter().any(|own| self.has(own))
    }

    /// Whether the reasons are these names.
    pub(super) fn has_reasons<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        let Some(Value::Array(reasons)) = self.get(Own::Reasons) else { return false };
        let (mut names, mut agree) = (names, true);
        let read = Scanner::new(reasons, 1).array(|scanner| {
            let name = scanner.value()?.as_str();
            agree &= name.is_some() && name.as_deref() == names.next();
            Ok::<_, JsonError>(())
        });
        read.is_ok() && agree && names.next().is_none()
    }
}
