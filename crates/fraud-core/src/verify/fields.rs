//! What a scored record's own fields tell of its decision.

use exact_text::timestamp::Timestamp;
use exact_text::written_time;

use super::recorded::{Own, Recorded};
use super::{Difference, Verdict};
use crate::inputs::{Input, InputValue, Inputs, field, written_hour, written_weekday};
use crate::policy::{FurtherInput, Policy};
use crate::profile::Usable;
use crate::transaction::Transaction;

/// What a scored record's own fields tell of its decision.
#[derive(Clone, Copy)]
pub(super) struct OwnFields<'r> {
    pub(super) transaction: &'r Transaction<'r>,
    pub(super) arrival: Timestamp,
    /// The profile that the record was scored with, if it was with one.
    profile: Option<Usable<'r>>,
}

impl<'r> OwnFields<'r> {
    /// `profile` is what the customer's fields are, if they are there. `None` if the record does not tell enough.
    pub(super) fn of(
        recorded: &Recorded<'_>,
        transaction: &'r Transaction<'r>,
        profile: Usable<'r>,
        verdict: &mut Verdict<'_>,
    ) -> Option<Self> {
        let arrival = recorded.text(Own::Arrival).and_then(|text| written_time::parse(&text));
        let Some(arrival) = arrival else {
            verdict.lacks("ingested_at");
            return None;
        };
        let Some(word) = recorded.text(Own::Enrichment) else {
            verdict.lacks("enrichment");
            return None;
        };
        let (has_profile, is_word) = match &*word {
            "profile" | "invalid_profile" => (true, true),
            "no_profile" | "no_customer" | "unavailable" => (false, true),
            _ => (false, false),
        };
        let of_customer = transaction.customer_id.is_some() == (word != "no_customer");
        verdict.holds(is_word && of_customer, Difference::Enrichment);
        if has_profile {
            for (own, name) in [
                (Own::RiskScore, "customer_risk_score"),
                (Own::Segment, "customer_segment"),
                (Own::LifetimeValue, "customer_lifetime_value"),
            ] {
                if !recorded.has(own) {
                    verdict.lacks(name);
                    return None;
                }
            }
            verdict.holds(profile.is_valid, Difference::Enrichment);
        } else {
            verdict.holds(!recorded.has_profile(), Difference::Enrichment);
        }
        Some(OwnFields { transaction, arrival: arrival.instant, profile: has_profile.then_some(profile) })
    }

    /// The same of the same transaction, read for another policy.
    pub(super) fn of_same(self, transaction: &'r Transaction<'r>) -> Self {
        OwnFields { transaction, ..self }
    }

    /// Whether the record shows a risk of its profile.
    pub(super) fn has_risk(&self) -> bool {
        self.profile_risk().is_some()
    }

    /// The customer's risk as a policy takes it.
    pub(super) fn risk(&self, policy: &Policy) -> f64 {
        self.profile_risk().unwrap_or_else(|| policy.default_risk())
    }

    fn profile_risk(&self) -> Option<f64> {
        self.profile.as_ref().and_then(Usable::risk_score)
    }

    /// As [`Inputs::hour`].
    pub(super) fn hour(&self) -> Option<u8> {
        written_hour(self.transaction, self.arrival)
    }

    /// The inputs of a policy that looks at nothing else.
    pub(super) fn inputs<'i>(&self, policy: &Policy) -> Inputs<'i> {
        Inputs {
            amount: self.transaction.amount.value,
            customer_risk: self.risk(policy),
            hour: self.hour(),
            further: Vec::new(),
            unusable_fields: 0,
        }
    }

    /// The value of an input; `None` of one that the fields cannot tell.
    pub(super) fn value(&self, further: &FurtherInput) -> Option<InputValue<'r>> {
        let profile = self.profile.as_ref();
        Some(match &further.input {
            Input::Weekday => {
                InputValue::number(written_weekday(self.transaction, self.arrival).map(f64::from))
            }
            Input::CustomerLifetimeValue => InputValue::number(profile.and_then(Usable::lifetime_value)),
            Input::CustomerSegment => {
                profile.map_or(InputValue::None, |profile| InputValue::Text(profile.segment.into()))
            }
            Input::Field(_, expected) => field(self.transaction.field(further.slot), *expected).0,
            _ => return None,
        })
    }
}
