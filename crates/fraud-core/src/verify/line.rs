//! A scored record, verified.

use super::fields::OwnFields;
use super::recorded::{Own, Recorded};
use super::told::Told;
use super::{Difference, Form, Known, LineVerifier, NotADecision, Verdict};
use crate::event_time::{EventTimeBounds, EventTimeFault};
use crate::identity::Identity;
use crate::inputs::{Input, Inputs};
use crate::policy::Policy;
use crate::profile::Usable;
use crate::record::{attributes, is_position};
use crate::transaction::{Members, PLAIN, TimeField, Transaction};

impl<'v, 'l> LineVerifier<'v, 'l> {
    /// `text` is the whole line, of which `recorded` and `members` were read.
    pub(super) fn verify_record(
        &mut self,
        text: &'l str,
        recorded: &Recorded<'l>,
        members: Members<'l>,
        form: Form,
    ) -> Result<Verdict<'l>, NotADecision> {
        let Some(policy_id) = recorded.text(Own::Policy) else { return Err(NotADecision::NoPolicy) };
        let mut verdict = Verdict { decision_id: recorded.text(Own::DecisionId), ..Verdict::default() };
        let Some(known) = self.known(&policy_id) else {
            verdict.unknown_policy = Some(policy_id.into_owned());
            return Ok(verdict);
        };
        let shadow_id = recorded.text(Own::ShadowPolicy);
        let shadow = shadow_id.as_deref().and_then(|id| self.known(id));
        verdict.holds(shadow_id.is_some() == recorded.has(Own::ShadowScore), Difference::ShadowScore);
        if let (Some(id), None) = (&shadow_id, shadow) {
            verdict.unknown_policy = Some(id.to_string());
        }
        let told_text = recorded.text(Own::Inputs);
        let told = told_text.as_deref().and_then(Told::read);
        verdict.holds(told_text.is_some() == told.is_some(), Difference::Inputs);

        let transaction = self.transaction(text, members, known, shadow)?;
        let segment = recorded.text(Own::Segment);
        let of_profile =
            attributes(segment.as_deref(), recorded.get(Own::LifetimeValue), recorded.get(Own::RiskScore));
        let [segment, lifetime_value, risk_score] = of_profile;
        let profile = Usable::of(segment, lifetime_value, risk_score);
        let record = Record { recorded, form, told, bounds: self.verifier.bounds };
        if let Some(own) = OwnFields::of(recorded, &transaction, profile, &mut verdict) {
            record.verify_active(&known.policy, &own, &mut verdict);
            if let Some(shadow) = shadow {
                // A policy that asks for no members of the transaction sees those that another asks for no less.
                match known.reading.as_ref().and(shadow.reading.as_ref()) {
                    None => record.verify_shadow(&shadow.policy, &known.policy, &own, &mut verdict),
                    Some(reading) => {
                        self.reading = reading;
                        let transaction =
                            self.read(text)?.1.unwritten(reading).map_err(NotADecision::Refused)?;
                        let own = own.of_same(&transaction);
                        record.verify_shadow(&shadow.policy, &known.policy, &own, &mut verdict);
                    }
                }
            }
        }
        if shadow.is_some() == shadow_id.is_some() {
            let policies = [Some(known), shadow].into_iter().flatten().map(|known| &known.policy);
            record.verify_evidence(policies, &mut verdict);
        }
        Ok(verdict)
    }

    /// The transaction as its policies ask for it. `members` were read as those of the line before did.
    fn transaction<'t>(
        &mut self,
        text: &'l str,
        members: Members<'l>,
        known: &'v Known,
        shadow: Option<&'v Known>,
    ) -> Result<Transaction<'t>, NotADecision>
    where
        'v: 't,
        'l: 't,
    {
        let reading = known.reading.as_ref().or_else(|| shadow?.reading.as_ref()).unwrap_or(&PLAIN);
        let members = match std::ptr::eq(reading, self.reading) {
            true => members,
            false => {
                self.reading = reading;
                self.read(text)?.1
            }
        };
        members.unwritten(reading).map_err(NotADecision::Refused)
    }
}

/// A record that is verified.
pub(super) struct Record<'r> {
    pub(super) recorded: &'r Recorded<'r>,
    pub(super) form: Form,
    pub(super) told: Option<Told<'r>>,
    pub(super) bounds: Option<EventTimeBounds>,
}

impl Record<'_> {
    fn verify_active(&self, policy: &Policy, own: &OwnFields<'_>, verdict: &mut Verdict<'_>) {
        self.verify_time(own, verdict);
        self.verify_identity(own, verdict);
        let Some(inputs) = self.inputs(policy, own, own.risk(policy), verdict) else { return };
        let score = policy.score(&inputs);
        verdict.holds(self.recorded.number(Own::Score) == Some(score.value), Difference::Score);
        let factors = policy.factors();
        let names =
            score.factors.indexes().filter_map(|index| factors.get(index)).map(|factor| factor.name());
        verdict.holds(self.recorded.has_reasons(names), Difference::Reasons);
    }

    fn verify_shadow(
        &self,
        policy: &Policy,
        active: &Policy,
        own: &OwnFields<'_>,
        verdict: &mut Verdict<'_>,
    ) {
        let recorded = self.recorded;
        // A profile without a risk shows the one that the active policy took.
        let active_risk = own.risk(active);
        let Some(mut inputs) = self.inputs(policy, own, active_risk, verdict) else { return };
        let taken = match recorded.has(Own::ShadowRisk) {
            true => recorded.number(Own::ShadowRisk),
            false => Some(active_risk),
        };
        let Some(taken) = taken else {
            return verdict.holds(false, Difference::Inputs);
        };
        let may_take_default = !own.has_risk() || active_risk == active.default_risk();
        let is_its_own = match own.has_risk() {
            // The word in `enrichment` does not tell whether the profile had a risk: only the policies' defaults can differ.
            true => taken == active_risk || (may_take_default && taken == policy.default_risk()),
            false => taken == policy.default_risk(),
        };
        verdict.holds(is_its_own, Difference::Inputs);
        inputs.customer_risk = taken;
        let score = policy.score(&inputs).value;
        verdict.holds(recorded.number(Own::ShadowScore) == Some(score), Difference::ShadowScore);
        verdict.with_shadow = true;
    }

    fn verify_time(&self, own: &OwnFields<'_>, verdict: &mut Verdict<'_>) {
        let event_time = &own.transaction.event_time;
        let bounds = self.bounds.unwrap_or(EventTimeBounds::UNBOUNDED);
        let counted = bounds.counted(event_time, own.arrival);
        let words = self.recorded.text(Own::Fault);
        let fault = words.as_deref().and_then(EventTimeFault::of_words);
        verdict.holds(words.is_some() == fault.is_some(), Difference::EventTimeFault);
        if self.form == Form::Row && fault.is_some() && *event_time == TimeField::Missing {
            // The column could not hold what was there.
            return verdict.lacks("event_time");
        }
        let is_known = matches!(event_time, TimeField::Known(..));
        let (is_out, within) = match fault {
            Some(EventTimeFault::OutOfBounds) => (true, None),
            Some(EventTimeFault::OutOfBoundsWithoutLocalTime) => {
                (true, Some(EventTimeFault::WithoutLocalTime))
            }
            other => (false, other),
        };
        let agrees = match self.bounds {
            Some(_) => fault == counted.fault,
            None => within == counted.fault && (is_known || !is_out),
        };
        verdict.holds(agrees, Difference::EventTimeFault);
        verdict.counted = Some(if is_out { own.arrival } else { counted.at });
    }

    fn verify_identity(&self, own: &OwnFields<'_>, verdict: &mut Verdict<'_>) {
        let position = self.recorded.text(Own::Position);
        let agrees = match (own.transaction.identity(None), verdict.decision_id.as_deref(), &position) {
            (Some(identity), Some(told), _) => is_text_of(told, &identity),
            (Some(_), None, _) => false,
            // Direct PUT gives a record without an id of its own no identity.
            (None, None, position) => position.is_none(),
            (None, Some(told), None) => told.starts_with('@'),
            (None, Some(told), Some(position)) => {
                let before = told.strip_suffix(&**position);
                told.starts_with('@') && before.is_some_and(|before| before.ends_with('/'))
            }
        };
        verdict.holds(agrees, Difference::Identity);
        verdict.holds(position.is_none_or(|position| is_position(&position)), Difference::Position);
    }

    /// The inputs that the decision was made from: those that are told, held against the record's own fields; `None` if they are
    /// not told and needed. `risk` is the customer's by the policy that decided.
    fn inputs<'i>(
        &'i self,
        policy: &Policy,
        own: &OwnFields<'i>,
        risk: f64,
        verdict: &mut Verdict<'_>,
    ) -> Option<Inputs<'i>> {
        let Some(told) = &self.told else {
            if !policy.further_inputs().is_empty() {
                verdict.lacks("fraud_inputs");
                return None;
            }
            return Some(own.inputs(policy));
        };
        let Some(inputs) = told.inputs(policy) else {
            verdict.holds(false, Difference::Inputs);
            return None;
        };
        let amount = &own.transaction.amount;
        let is_same_amount = match self.form {
            Form::Json => told.digits("amount") == Some(&*amount.digits),
            Form::Row => inputs.amount == amount.value,
        };
        let mut of_fields = policy.further_inputs().iter().zip(&inputs.further);
        let agrees = is_same_amount
            && inputs.hour == own.hour()
            && inputs.customer_risk == risk
            && of_fields.all(|(further, told)| {
                !self.is_told_by_fields(&further.input) || own.value(further).is_none_or(|own| own == *told)
            });
        verdict.holds(agrees, Difference::Inputs);
        Some(inputs)
    }

    /// Whether the record's own fields tell an input as well.
    fn is_told_by_fields(&self, input: &Input) -> bool {
        match input {
            Input::Weekday | Input::CustomerLifetimeValue | Input::CustomerSegment => true,
            // A table has some of the producer's fields; a schema reads them elsewhere.
            Input::Field(..) => self.form == Form::Json && !self.recorded.has(Own::Schema),
            _ => false,
        }
    }
}

/// Whether a text is that of an identity.
fn is_text_of(text: &str, identity: &Identity<'_>) -> bool {
    let mut rest = Some(text);
    identity.pieces(|piece| rest = rest.and_then(|rest| rest.strip_prefix(piece)));
    rest == Some("")
}
