//! The scored record: the producer's bytes with our fields appended. Written, and read back.

use crate::decision::Decision;
use crate::evidence::{self, ENGINE};
use crate::fields;
use crate::identity::Position;
use crate::policy::FurtherInput;
use crate::shadow::Policies;
use crate::transaction::Transaction;
use exact_text::json::{number_text, push_escaped, push_number};

mod line;

pub use line::{LineFault, ScoredLine};
pub(crate) use line::{attributes, is_position};

/// Writes scored records under one policy, with the score of another in its shadow, if there is one.
#[derive(Debug, Clone)]
pub struct RecordEncoder {
    /// For each factor its name as a JSON string.
    factor_names: Vec<String>,
    /// The further inputs of both policies.
    further: Vec<FurtherInput>,
    /// The policy's risk of a customer without one, as a JSON number.
    default_risk: String,
    between: Between,
}

/// What is between the values that are different in each record: members' names, and the policy.
#[derive(Debug, Clone)]
struct Between {
    /// `"fraud_score":`
    before_score: String,
    /// `,"fraud_reasons":[`
    before_reasons: String,
    /// `],"fraud_policy":"..."`
    after_reasons: String,
    /// `,"decision_id":"`
    before_identity: String,
    /// `,"enrichment":"`
    before_enrichment: String,
    /// `","ingested_at":"`
    before_arrival: String,
    /// `","event_time_fault":"`
    before_fault: String,
    /// `,"fraud_inputs":"`
    before_inputs: String,
    /// `","history":"`
    before_history: String,
    /// `","position":"`
    before_position: String,
    /// `","engine":"..."`
    engine: String,
    /// `,"shadow_score":`
    before_shadow: String,
    /// `,"shadow_policy":"..."`
    after_shadow: String,
    /// `,"shadow_customer_risk":`
    before_shadow_risk: String,
}

impl RecordEncoder {
    /// An encoder for decisions under `policies`.
    pub fn new(policies: &Policies) -> Self {
        let policy = policies.active();
        // The names of policies and factors consist of characters that JSON writes as they are.
        let factor_names = policy.factors().iter().map(|factor| format!("\"{}\"", factor.name())).collect();
        let between = Between {
            before_score: format!("\"{}\":", fields::FRAUD_SCORE),
            before_reasons: format!(",\"{}\":[", fields::FRAUD_REASONS),
            after_reasons: format!("],\"{}\":\"{}\"", fields::FRAUD_POLICY, policy.id()),
            before_identity: format!(",\"{}\":\"", fields::DECISION_ID),
            before_enrichment: format!(",\"{}\":\"", fields::ENRICHMENT),
            before_arrival: format!("\",\"{}\":\"", fields::INGESTED_AT),
            before_fault: format!("\",\"{}\":\"", fields::EVENT_TIME_FAULT),
            before_inputs: format!(",\"{}\":\"", fields::FRAUD_INPUTS),
            before_history: format!("\",\"{}\":\"", fields::HISTORY),
            before_position: format!("\",\"{}\":\"", fields::POSITION),
            engine: format!("\",\"{}\":\"{ENGINE}\"", fields::ENGINE),
            before_shadow: format!(",\"{}\":", fields::SHADOW_SCORE),
            after_shadow: policies.shadow().map_or_else(String::new, |shadow| {
                format!(",\"{}\":\"{}\"", fields::SHADOW_POLICY, shadow.id())
            }),
            before_shadow_risk: format!(",\"{}\":", fields::SHADOW_CUSTOMER_RISK),
        };
        RecordEncoder {
            factor_names,
            further: policies.further_inputs().to_vec(),
            default_risk: number_text(policy.default_risk()),
            between,
        }
    }

    /// Appends one line to `out`: the producer's object with our fields behind its own, and a newline. The record is at
    /// `position`, if it came from a stream.
    pub fn encode(
        &self,
        transaction: &Transaction<'_>,
        decision: &Decision<'_>,
        position: Option<Position<'_>>,
        out: &mut Vec<u8>,
    ) {
        transaction.write_open_object(out);
        out.push(b',');
        if let Some(profile) = decision.enrichment.profile() {
            profile.write_members(&self.default_risk, out);
            out.push(b',');
        }
        let between = &self.between;
        out.extend_from_slice(between.before_score.as_bytes());
        push_number(out, decision.score.value);
        out.extend_from_slice(between.before_reasons.as_bytes());
        for (position, index) in decision.score.factors.indexes().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.factor_names.get(index).map_or(b"", |name| name.as_bytes()));
        }
        out.extend_from_slice(between.after_reasons.as_bytes());
        if let Some(identity) = &decision.identity {
            out.extend_from_slice(between.before_identity.as_bytes());
            identity.pieces(|piece| push_escaped(out, piece));
            out.push(b'"');
        }
        out.extend_from_slice(between.before_enrichment.as_bytes());
        out.extend_from_slice(decision.enrichment.as_str().as_bytes());
        out.extend_from_slice(between.before_arrival.as_bytes());
        out.extend_from_slice(&decision.arrival.to_rfc3339());
        if let Some(fault) = decision.time.fault {
            out.extend_from_slice(between.before_fault.as_bytes());
            out.extend_from_slice(fault.as_str().as_bytes());
        }
        out.push(b'"');
        if !self.further.is_empty() {
            self.write_evidence(transaction, decision, position, out);
        }
        if let Some(shadow) = &decision.shadow {
            out.extend_from_slice(between.before_shadow.as_bytes());
            push_number(out, shadow.score.value);
            out.extend_from_slice(between.after_shadow.as_bytes());
            if let Some(risk) = shadow.customer_risk {
                out.extend_from_slice(between.before_shadow_risk.as_bytes());
                push_number(out, risk);
            }
        }
        out.extend_from_slice(b"}\n");
    }

    /// About how many bytes of a line say what the decision was made from, where the record's own fields do not, and what the
    /// policy in the shadow came to.
    pub fn evidence_length(&self) -> usize {
        const VALUE: usize = 8;
        const BASIC_INPUTS_AND_POSITION: usize = 200;
        let inputs: usize = self.further.iter().map(|input| input.label.len() + VALUE).sum();
        let evidence = if self.further.is_empty() { 0 } else { inputs + BASIC_INPUTS_AND_POSITION };
        let Between { before_shadow, after_shadow, .. } = &self.between;
        let shadow =
            if after_shadow.is_empty() { 0 } else { before_shadow.len() + VALUE + after_shadow.len() };
        evidence + shadow
    }

    /// Appends what the decision was made from, where the record is in its stream, and what decided.
    fn write_evidence(
        &self,
        transaction: &Transaction<'_>,
        decision: &Decision<'_>,
        position: Option<Position<'_>>,
        out: &mut Vec<u8>,
    ) {
        let between = &self.between;
        out.extend_from_slice(between.before_inputs.as_bytes());
        evidence::write_inputs(transaction, decision, &self.further, out);
        if let Some(word) = decision.history.word() {
            out.extend_from_slice(between.before_history.as_bytes());
            out.extend_from_slice(word.as_bytes());
        }
        if let Some(position) = position {
            out.extend_from_slice(between.before_position.as_bytes());
            position.pieces(|piece| push_escaped(out, piece));
        }
        out.extend_from_slice(between.engine.as_bytes());
    }
}

#[cfg(test)]
mod tests;
