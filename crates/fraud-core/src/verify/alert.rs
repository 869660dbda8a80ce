//! An alert, verified.

use exact_text::json::number_text;
use exact_text::written_time;

use super::told::Told;
use super::{Difference, LineVerifier, NotADecision, Verdict};
use crate::alert::Alert;
use crate::event_time::EventTimeFault;
use crate::identity::Identity;
use crate::inputs::Inputs;
use crate::policy::Policy;
use crate::scoring::reasons_json;

impl LineVerifier<'_, '_> {
    pub(super) fn verify_alert<'a>(&self, text: &'a str) -> Result<Verdict<'a>, NotADecision> {
        let alert = Alert::from_message(text.trim().to_owned(), None, None)?;
        let mut verdict = Verdict { decision_id: Some(alert.alert_id.clone().into()), ..Verdict::default() };
        verdict.holds(alert.written() == alert.message, Difference::Message);
        verdict.holds(has_its_identity(&alert), Difference::Identity);
        let Some(policy) = self.verifier.policy(&alert.policy) else {
            verdict.unknown_policy = Some(alert.policy);
            return Ok(verdict);
        };
        let told = match &alert.evidence {
            Some(evidence) => {
                match Told::read(&evidence.inputs).filter(|told| told.is_of(std::iter::once(policy))) {
                    Some(told) => Some(told),
                    None => {
                        verdict.holds(false, Difference::Inputs);
                        return Ok(verdict);
                    }
                }
            }
            None => None,
        };
        let own = Own::of(&alert, policy);
        verdict.holds(own.has_fault(&alert), Difference::EventTimeFault);
        verify_evidence(&alert, policy, told.as_ref(), &mut verdict);
        let Some(inputs) = inputs(&alert, policy, told.as_ref(), &own, &mut verdict) else {
            return Ok(verdict);
        };
        let score = policy.score(&inputs).value;
        verdict.holds(alert.fraud_score == number_text(score), Difference::Score);
        verdict.holds(alert.reasons == reasons_json(&policy.reasons(&inputs)), Difference::Reasons);
        verdict.holds(policy.alerts(score), Difference::NotDue);
        Ok(verdict)
    }
}

/// What an alert's own fields tell of its inputs.
pub(super) struct Own {
    /// `None` if they do not tell: under a schema a time is as its producer writes it.
    hour: Option<Option<u8>>,
    /// Whether the time has no hour of its own; `None` if it is not told.
    without_hour: Option<bool>,
    /// `None` if the profile's is not told.
    pub(super) risk: Option<f64>,
}

impl Own {
    pub(super) fn of(alert: &Alert, policy: &Policy) -> Self {
        let time = alert.event_time.as_deref();
        let time = time.map(|text| written_time::parse(text).or_else(|| written_time::parse_epoch(text)));
        let hour = match time {
            None if alert.event_time_fault.is_some() => Some(None),
            None => Some(Some(alert.arrival.calendar().hour)),
            Some(Some(time)) if alert.schema.is_none() => Some(time.hour),
            Some(_) => None,
        };
        let risk = match &*alert.enrichment {
            "no_profile" | "no_customer" | "unavailable" => Some(policy.default_risk()),
            _ => None,
        };
        let without_hour = time.flatten().filter(|_| alert.schema.is_none()).map(|time| time.hour.is_none());
        Own { hour, without_hour, risk }
    }

    /// The inputs of a policy that looks at nothing else, or what is not told.
    pub(super) fn inputs(&self, alert: &Alert, policy: &Policy) -> Result<Inputs<'static>, &'static str> {
        if !policy.further_inputs().is_empty() {
            return Err("fraud_inputs");
        }
        let amount = alert.transaction_amount.parse().ok().filter(|amount: &f64| amount.is_finite());
        match (amount, self.hour, self.risk) {
            (Some(amount), Some(hour), Some(customer_risk)) => {
                Ok(Inputs { amount, customer_risk, hour, further: Vec::new(), unusable_fields: 0 })
            }
            (None, ..) => Err("transaction_amount"),
            (_, None, _) => Err("the hour"),
            (.., None) => Err("customer_risk"),
        }
    }

    /// Whether the fault is one that this time can have.
    fn has_fault(&self, alert: &Alert) -> bool {
        match (alert.event_time.is_some(), alert.event_time_fault) {
            (false, fault) => matches!(fault, None | Some(EventTimeFault::Unreadable)),
            (true, Some(EventTimeFault::Unreadable)) => false,
            (true, None | Some(EventTimeFault::OutOfBounds)) => self.without_hour != Some(true),
            (true, Some(_)) => self.without_hour != Some(false),
        }
    }
}

/// Whether the id is that of the record, or that with an ending.
fn has_its_identity(alert: &Alert) -> bool {
    let identity =
        Identity::of(alert.customer_id.as_deref(), alert.transaction_id.as_deref(), Some(alert.position()));
    let identity = identity.map(|identity| identity.to_string());
    match (&alert.reuses_id_of, identity) {
        (_, None) => false,
        (None, Some(identity)) => identity == alert.alert_id,
        (Some(reused), Some(identity)) => {
            let ending = alert.alert_id.strip_prefix(&*identity).and_then(|rest| rest.strip_prefix('/'));
            let is_hex = |ending: &str| {
                matches!(ending.len(), 16 | 64) && ending.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            identity == *reused && ending.is_some_and(is_hex)
        }
    }
}

fn inputs<'t>(
    alert: &Alert,
    policy: &Policy,
    told: Option<&Told<'t>>,
    own: &Own,
    verdict: &mut Verdict<'_>,
) -> Option<Inputs<'t>> {
    if let Some(told) = told {
        let Some(inputs) = told.inputs(policy) else {
            verdict.holds(false, Difference::Inputs);
            return None;
        };
        let agrees = told.digits("amount") == Some(&*alert.transaction_amount)
            && own.hour.is_none_or(|hour| hour == inputs.hour)
            && own.risk.is_none_or(|risk| risk == inputs.customer_risk);
        verdict.holds(agrees, Difference::Inputs);
        return Some(inputs);
    }
    match own.inputs(alert, policy) {
        Ok(inputs) => Some(inputs),
        Err(lacking) => {
            verdict.lacks(lacking);
            None
        }
    }
}

fn verify_evidence(alert: &Alert, policy: &Policy, told: Option<&Told<'_>>, verdict: &mut Verdict<'_>) {
    let Some(evidence) = &alert.evidence else { return };
    verdict.holds(!policy.further_inputs().is_empty(), Difference::Inputs);
    verdict.holds_engine(&evidence.engine);
    let has_inputs = told.is_some_and(Told::has_history);
    let is_used = evidence.history.as_deref() == Some("used");
    let agrees = evidence.history.is_some() == policy.history().is_some() && (is_used || !has_inputs);
    verdict.holds(agrees, Difference::History);
}
