//! The scored record: the producer's bytes with our fields appended.

use crate::decision::Decision;
use crate::evidence::{ENGINE, Evidence};
use crate::fields;
use crate::identity::Position;
use crate::policy::Policy;
use crate::transaction::Transaction;
use exact_text::json::{number_text, push_escaped, push_number};

/// Writes scored records under one policy.
#[derive(Debug, Clone)]
pub struct RecordEncoder {
    /// For each factor its name as a JSON string.
    factor_names: Vec<String>,
    policy: Policy,
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
}

impl RecordEncoder {
    /// An encoder for decisions under `policy`.
    pub fn new(policy: &Policy) -> Self {
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
        };
        RecordEncoder {
            factor_names,
            policy: policy.clone(),
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
        if !self.policy.further_inputs().is_empty()
            && let Some(evidence) = Evidence::of(transaction, decision, position, &self.policy)
        {
            write_evidence(&evidence, out);
        }
        out.extend_from_slice(b"}\n");
    }
}

fn write_evidence(evidence: &Evidence, out: &mut Vec<u8>) {
    let mut member = |name: &str, text: &str| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        push_escaped(out, text);
        out.push(b'"');
    };
    member(fields::FRAUD_INPUTS, &evidence.inputs);
    if let Some(position) = &evidence.position {
        member(fields::POSITION, position);
    }
    member(fields::ENGINE, ENGINE);
}

#[cfg(test)]
mod tests;
