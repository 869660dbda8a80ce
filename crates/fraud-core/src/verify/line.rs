//! A scored record, verified.

use exact_text::written_time;

use super::recorded::{Own, Recorded};
use super::told::Told;
use super::{Difference, Form, Known, LineVerifier, NotADecision, Verdict};
use crate::decision::Decision;
use crate::enrichment::Enrichment;
use crate::event_time::EventTimeFault;
use crate::inputs::{Input, InputValue, Inputs};
use crate::policy::Policy;
use crate::profile::Profile;
use crate::record::place;
use crate::transaction::{TimeField, Transaction};

/// The words of `history`.
const HISTORY_WORDS: [&str; 6] = ["used", "expired", "lagging", "none", "invalid", "unavailable"];

impl<'v> LineVerifier<'v> {
    pub(super) fn verify_record(
        &mut self,
        line: &'v [u8],
        recorded: &Recorded<'v>,
        form: Form,
    ) -> Result<Verdict, NotADecision> {
        let Some(policy_id) = recorded.text(Own::Policy) else { return Err(NotADecision::NoPolicy) };
        let decision_id = recorded.text(Own::DecisionId).map(|id| id.into_owned());
        let mut verdict = Verdict { decision_id, ..Verdict::default() };
        let Some(known) = self.verifier.known.get(&*policy_id) else {
            verdict.unknown_policy = Some(policy_id.into_owned());
            return Ok(verdict);
        };
        let shadow_id = recorded.text(Own::ShadowPolicy);
        let shadow = shadow_id.as_deref().and_then(|id| self.verifier.known.get(id));
        verdict.holds(shadow_id.is_some() == recorded.has(Own::ShadowScore), Difference::ShadowScore);
        if let (Some(id), None) = (&shadow_id, shadow) {
            verdict.unknown_policy = Some(id.to_string());
        }
        let told_text = recorded.text(Own::Inputs);
        let record = Record { recorded, form, told: told_text.as_deref().and_then(Told::read) };
        verdict.holds(told_text.is_some() == record.told.is_some(), Difference::Inputs);

        let bounds_are_given = self.verifier.bounds.is_some();
        let active = known.decider.policy();
        // A policy that asks for no members of the transaction sees those that another asks for no less.
        let (reads, is_for_both) = match shadow {
            Some(shadow) if known.asks_nothing() => (shadow, true),
            Some(shadow) => (known, shadow.asks_nothing()),
            None => (known, false),
        };
        let Some(transaction) = self.transaction(reads, line)? else {
            verdict.lacks("the transaction");
            return Ok(verdict);
        };
        record.verify_active(known, &transaction, bounds_are_given, &mut verdict);
        if let Some(shadow) = shadow {
            let own = if is_for_both { None } else { self.transaction(shadow, line)? };
            record.verify_shadow(shadow, active, own.as_ref().unwrap_or(&transaction), &mut verdict);
        }
        if shadow.is_some() == shadow_id.is_some() {
            let policies: Vec<_> =
                [Some(known), shadow].into_iter().flatten().map(|known| known.decider.policy()).collect();
            record.verify_evidence(&policies, &mut verdict);
        }
        Ok(verdict)
    }

    fn transaction(
        &mut self,
        known: &'v Known,
        line: &'v [u8],
    ) -> Result<Option<Transaction<'v>>, NotADecision> {
        let read = self.reader(known).map(|reader| reader.read(line));
        read.transpose().map_err(NotADecision::Refused)
    }
}

/// A record that is verified.
struct Record<'r> {
    recorded: &'r Recorded<'r>,
    form: Form,
    told: Option<Told<'r>>,
}

impl Record<'_> {
    fn verify_active(
        &self,
        known: &Known,
        transaction: &Transaction<'_>,
        bounds_are_given: bool,
        verdict: &mut Verdict,
    ) {
        let recorded = self.recorded;
        let Some(decided) = self.decide(known, transaction, verdict) else { return };
        let Decided { decision, .. } = &decided;
        self.verify_time(transaction, decision, bounds_are_given, verdict);
        self.verify_identity(decision, verdict);
        let policy = known.decider.policy();
        let Some(inputs) = self.inputs(policy, transaction, decision, verdict) else { return };
        let score = policy.score(&inputs);
        verdict.holds(recorded.number(Own::Score) == Some(score.value), Difference::Score);
        let factors = policy.factors();
        let names =
            score.factors.indexes().filter_map(|index| factors.get(index)).map(|factor| factor.name());
        verdict.holds(recorded.has_reasons(names), Difference::Reasons);
    }

    fn verify_shadow(
        &self,
        shadow: &Known,
        active: &Policy,
        transaction: &Transaction<'_>,
        verdict: &mut Verdict,
    ) {
        let recorded = self.recorded;
        let Some(Decided { decision, has_own_risk }) = self.decide(shadow, transaction, verdict) else {
            return;
        };
        let policy = shadow.decider.policy();
        // A profile without a risk shows the one that the active policy took.
        let active_risk = match has_own_risk {
            true => decision.inputs.customer_risk,
            false => active.default_risk(),
        };
        let Some(mut inputs) = self.inputs_with_risk(policy, transaction, &decision, active_risk, verdict)
        else {
            return;
        };
        let taken = match recorded.has(Own::ShadowRisk) {
            true => recorded.number(Own::ShadowRisk),
            false => Some(active_risk),
        };
        let may_take_default = !has_own_risk || active_risk == active.default_risk();
        let Some(taken) = taken else {
            return verdict.holds(false, Difference::Inputs);
        };
        let is_its_own = match has_own_risk {
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

    /// The decision from the record's own fields; `None` if they do not tell enough.
    fn decide<'d>(
        &self,
        known: &'d Known,
        transaction: &'d Transaction<'_>,
        verdict: &mut Verdict,
    ) -> Option<Decided<'d>> {
        let recorded = self.recorded;
        let arrival = recorded.text(Own::Arrival).and_then(|text| written_time::parse(&text));
        let Some(arrival) = arrival else {
            verdict.lacks("ingested_at");
            return None;
        };
        let Some(word) = recorded.text(Own::Enrichment) else {
            verdict.lacks("enrichment");
            return None;
        };
        let profile = recorded.profile();
        let has_profile = matches!(&*word, "profile" | "invalid_profile");
        let (no_profile, is_word) = match &*word {
            "profile" | "invalid_profile" | "no_profile" => (Enrichment::NoProfile, true),
            "no_customer" => (Enrichment::NoCustomer, true),
            "unavailable" => (Enrichment::Unavailable, true),
            _ => (Enrichment::NoProfile, false),
        };
        let has_customer = transaction.customer_id.is_some();
        let of_customer = has_customer == (&*word != "no_customer");
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
            verdict.holds(profile.is_valid(), Difference::Enrichment);
        } else {
            verdict.holds(!recorded.has_profile(), Difference::Enrichment);
        }
        let risk = profile.risk_score().filter(|_| has_profile);
        let mut decision = known.decider.decide(transaction, no_profile, arrival.instant, None);
        if has_profile {
            decision.inputs = with_profile(decision.inputs, known.decider.policy(), &profile);
        }
        Some(Decided { decision, has_own_risk: risk.is_some() })
    }

    fn verify_time(
        &self,
        transaction: &Transaction<'_>,
        decision: &Decision<'_>,
        bounds_are_given: bool,
        verdict: &mut Verdict,
    ) {
        let words = self.recorded.text(Own::Fault);
        let fault = words.as_deref().and_then(EventTimeFault::of_words);
        verdict.holds(words.is_some() == fault.is_some(), Difference::EventTimeFault);
        if self.form == Form::Row && fault.is_some() && transaction.event_time == TimeField::Missing {
            // The column could not hold what was there.
            return verdict.lacks("event_time");
        }
        let is_known = matches!(transaction.event_time, TimeField::Known(..));
        let (is_out, within) = match fault {
            Some(EventTimeFault::OutOfBounds) => (true, None),
            Some(EventTimeFault::OutOfBoundsWithoutLocalTime) => {
                (true, Some(EventTimeFault::WithoutLocalTime))
            }
            other => (false, other),
        };
        let agrees = match bounds_are_given {
            true => fault == decision.time.fault,
            false => within == decision.time.fault && (is_known || !is_out),
        };
        verdict.holds(agrees, Difference::EventTimeFault);
        verdict.counted = Some(if is_out { decision.arrival } else { decision.time.at });
    }

    fn verify_identity(&self, decision: &Decision<'_>, verdict: &mut Verdict) {
        let told = verdict.decision_id.clone();
        let position = self.recorded.text(Own::Position);
        let agrees = match (&decision.identity, &told, &position) {
            (Some(identity), Some(told), _) => identity.to_string() == *told,
            (Some(_), None, _) => false,
            // Direct PUT gives a record without an id of its own no identity.
            (None, None, position) => position.is_none(),
            (None, Some(told), None) => told.starts_with('@'),
            (None, Some(told), Some(position)) => {
                told.starts_with('@') && told.ends_with(&format!("/{position}"))
            }
        };
        verdict.holds(agrees, Difference::Identity);
        let is_position = position.is_none_or(|position| place(decision.arrival, &position).is_some());
        verdict.holds(is_position, Difference::Position);
    }

    fn inputs<'i>(
        &'i self,
        policy: &Policy,
        transaction: &Transaction<'_>,
        decision: &Decision<'i>,
        verdict: &mut Verdict,
    ) -> Option<Inputs<'i>> {
        self.inputs_with_risk(policy, transaction, decision, decision.inputs.customer_risk, verdict)
    }

    /// The inputs that the decision was made from: those that are told, held against the record's own fields; `None` if they are
    /// not told and needed. `risk` is the customer's by the policy that decided.
    fn inputs_with_risk<'i>(
        &'i self,
        policy: &Policy,
        transaction: &Transaction<'_>,
        decision: &Decision<'i>,
        risk: f64,
        verdict: &mut Verdict,
    ) -> Option<Inputs<'i>> {
        let own = &decision.inputs;
        let Some(told) = &self.told else {
            if !policy.further_inputs().is_empty() {
                verdict.lacks("fraud_inputs");
                return None;
            }
            return Some(own.clone());
        };
        let Some(inputs) = told.inputs(policy) else {
            verdict.holds(false, Difference::Inputs);
            return None;
        };
        let is_same_amount = match self.form {
            Form::Json => told.digits("amount") == Some(&*transaction.amount.digits),
            Form::Row => inputs.amount == own.amount,
        };
        let of_fields = policy
            .further_inputs()
            .iter()
            .zip(own.further.iter().zip(&inputs.further))
            .all(|(further, (own, told))| !self.is_told_by_fields(&further.input) || own == told);
        let agrees = is_same_amount && inputs.hour == own.hour && inputs.customer_risk == risk && of_fields;
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

    /// Holds what surrounds the inputs against what the policies look at.
    fn verify_evidence(&self, policies: &[&Policy], verdict: &mut Verdict) {
        let recorded = self.recorded;
        let is_needed = policies.iter().any(|policy| !policy.further_inputs().is_empty());
        let engine = recorded.text(Own::Engine);
        if let Some(told) = &self.told {
            verdict.holds(is_needed && told.is_of(policies), Difference::Inputs);
        }
        if self.told.is_none() && is_needed {
            // What came with the inputs may be lost as they are.
            return;
        }
        verdict.holds(self.told.is_some() == engine.is_some(), Difference::Engine);
        if let Some(engine) = &engine {
            verdict.holds_engine(engine);
        }
        let word = recorded.text(Own::History);
        let is_asked = is_needed && policies.iter().any(|policy| policy.history().is_some());
        let is_word = word.as_deref().is_none_or(|word| HISTORY_WORDS.contains(&word));
        let is_used = word.as_deref() == Some("used");
        let has_inputs = self.told.as_ref().is_some_and(Told::has_history);
        let looks = policies.iter().any(|policy| looks_at_counts(policy));
        let agrees = is_word && word.is_some() == is_asked && (is_used || !has_inputs);
        verdict.holds(agrees && (!is_used || !looks || has_inputs), Difference::History);
    }
}

/// Whether a policy looks at an input that every history has.
fn looks_at_counts(policy: &Policy) -> bool {
    let mut further = policy.further_inputs().iter();
    further.any(|further| matches!(&further.input, Input::History(input) if input.is_always_known()))
}

struct Decided<'d> {
    decision: Decision<'d>,
    /// Whether the record shows a risk of its profile.
    has_own_risk: bool,
}

/// The inputs with those that a profile tells.
fn with_profile<'i>(inputs: Inputs<'i>, policy: &Policy, profile: &Profile) -> Inputs<'i> {
    let further =
        policy.further_inputs().iter().zip(inputs.further).map(|(further, value)| match further.input {
            Input::CustomerLifetimeValue => {
                profile.lifetime_value().map_or(InputValue::None, InputValue::Number)
            }
            Input::CustomerSegment => InputValue::Text(profile.segment().into_owned().into()),
            _ => value,
        });
    Inputs {
        customer_risk: profile.risk_score().unwrap_or(inputs.customer_risk),
        further: further.collect(),
        ..inputs
    }
}
