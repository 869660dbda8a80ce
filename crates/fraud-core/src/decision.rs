//! The decision on a transaction, made in one place for everybody: the functions, the tool, the recount and the
//! benchmarks.

use exact_text::timestamp::Timestamp;

use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, EntityKinds};
use crate::event_time::{CountedTime, EventTimeBounds, EventTimeFault};
use crate::found::{Found, HistoryFound};
use crate::identity::{Identity, Position};
use crate::inputs::{Inputs, customer_risk};
use crate::merchant::LabelDelay;
use crate::policy::Policy;
use crate::scoring::{Reason, Score};
use crate::shadow::{Policies, ShadowScore};
use crate::transaction::Transaction;

/// What was decided on a transaction, and what from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Decision<'a> {
    /// The outcome of the profile lookup.
    pub enrichment: Enrichment<'a>,
    /// What the customer's history says.
    pub history: HistoryFound<'a>,
    /// The kinds of entities that the policy asks for and that could not be looked up.
    pub unavailable: EntityKinds,
    /// What the score was made from.
    pub inputs: Inputs<'a>,
    /// The score.
    pub score: Score,
    /// What the policy in the shadow came to, if there is one.
    pub shadow: Option<ShadowScore>,
    /// The record's identity, if it has one.
    pub identity: Option<Identity<'a>>,
    /// When the record arrived.
    pub arrival: Timestamp,
    /// When the transaction counts, and what is wrong with its own time.
    pub time: CountedTime,
}

/// Decides under one policy, and scores by another in its shadow, if there is one.
#[derive(Debug, Clone, PartialEq)]
pub struct Decider {
    policies: Policies,
    bounds: EventTimeBounds,
    label_delay: LabelDelay,
}

impl Decider {
    /// Decides by `policies`; an event time within `bounds` says when a transaction counts.
    pub fn new(policies: impl Into<Policies>, bounds: EventTimeBounds) -> Self {
        Decider { policies: policies.into(), bounds, label_delay: LabelDelay::default() }
    }

    /// The same, with labels that have come after `label_delay`; without this, after seven days.
    #[must_use]
    pub fn with_label_delay(self, label_delay: LabelDelay) -> Self {
        Decider { label_delay, ..self }
    }

    /// The policy that decides.
    #[inline(always)]
    pub fn policy(&self) -> &Policy {
        self.policies.active()
    }

    /// The policies that score.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Decides on a transaction: its lookups came to `found`, it arrived at `arrival`, and its record is at
    /// `position` in a stream, if it came from one.
    #[inline(always)]
    pub fn decide<'a>(
        &self,
        transaction: &'a Transaction<'_>,
        found: impl Into<Found<'a>>,
        arrival: Timestamp,
        position: Option<Position<'a>>,
    ) -> Decision<'a> {
        let found = found.into();
        let mut inputs = Inputs::of(transaction, &found, arrival, &self.policies, self.label_delay);
        Decision {
            enrichment: found.enrichment,
            history: found.history,
            unavailable: found.entities.as_ref().map_or(EntityKinds::NONE, EntitiesFound::unavailable),
            score: self.policy().score(&inputs),
            shadow: self.policies.shadow().map(|shadow| shadow_score(shadow, &mut inputs, &found)),
            inputs,
            identity: transaction.identity(position),
            arrival,
            time: self.bounds.counted(&transaction.event_time, arrival),
        }
    }

    /// What is wrong with a transaction's own time, if anything.
    pub fn event_time_fault(
        &self,
        transaction: &Transaction<'_>,
        arrival: Timestamp,
    ) -> Option<EventTimeFault> {
        self.bounds.counted(&transaction.event_time, arrival).fault
    }

    /// Whether a decision raises an alert.
    pub fn alerts(&self, decision: &Decision<'_>) -> bool {
        self.policy().alerts(decision.score.value)
    }

    /// The reasons of a decision's score, in the policy's order.
    pub fn reasons<'d>(&'d self, decision: &'d Decision<'_>) -> Vec<Reason<'d>> {
        self.policy().reasons(&decision.inputs)
    }
}

/// What a policy in the shadow comes to over the inputs of the policy that decides, which are left as they are.
fn shadow_score(shadow: &Policy, inputs: &mut Inputs<'_>, found: &Found<'_>) -> ShadowScore {
    let of_active = inputs.customer_risk;
    inputs.customer_risk = customer_risk(found, shadow);
    let score = shadow.score(inputs);
    let taken = std::mem::replace(&mut inputs.customer_risk, of_active);
    ShadowScore {
        score,
        customer_risk: (taken != of_active).then_some(taken),
        alerts: shadow.alerts(score.value),
    }
}
