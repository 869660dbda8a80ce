//! The scored record: the producer's bytes with our fields appended.

use crate::enrichment::Enrichment;
use crate::fields;
use crate::identity::Identity;
use crate::json::{push_escaped, push_number};
use crate::policy::Policy;
use crate::scoring::Score;
use crate::timestamp::Timestamp;
use crate::transaction::Transaction;

/// Writes scored records under one policy.
#[derive(Debug, Clone)]
pub struct RecordEncoder<'p> {
    policy: &'p Policy,
    /// For each factor its name as a JSON string.
    factor_names: Vec<String>,
    /// `],"fraud_policy":"..."`, with the id as JSON.
    policy_member: String,
}

/// What was decided about a transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision<'a> {
    /// What the profile lookup came to.
    pub enrichment: Enrichment<'a>,
    /// The score.
    pub score: Score,
    /// The record's identity, where it has one.
    pub identity: Option<Identity<'a>>,
    /// When the record arrived.
    pub arrival: Timestamp,
}

impl<'p> RecordEncoder<'p> {
    /// An encoder for decisions under `policy`.
    pub fn new(policy: &'p Policy) -> Self {
        // The names of policies and factors consist of characters that JSON writes as they are.
        let factor_names = policy.factors().iter().map(|factor| format!("\"{}\"", factor.name())).collect();
        let policy_member = format!("],\"{}\":\"{}\"", fields::FRAUD_POLICY, policy.id());
        RecordEncoder { policy, factor_names, policy_member }
    }

    /// The policy whose decisions are written.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Appends one line to `out`: the producer's object with our fields behind its own, and a newline.
    pub fn encode(&self, transaction: &Transaction<'_>, decision: &Decision<'_>, out: &mut Vec<u8>) {
        if transaction.write_open_object(out) {
            out.push(b',');
        }
        if let Some(profile) = decision.enrichment.profile() {
            out.extend_from_slice(profile.members().as_bytes());
            out.push(b',');
        }
        push_name(out, fields::FRAUD_SCORE);
        push_number(out, decision.score.value);
        out.push(b',');
        push_name(out, fields::FRAUD_REASONS);
        out.push(b'[');
        for (position, index) in decision.score.factors.indexes().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.factor_names.get(index).map_or(b"", |name| name.as_bytes()));
        }
        out.extend_from_slice(self.policy_member.as_bytes());
        if let Some(identity) = &decision.identity {
            out.push(b',');
            push_name(out, fields::DECISION_ID);
            out.push(b'"');
            identity.pieces(|piece| push_escaped(out, piece));
            out.push(b'"');
        }
        out.push(b',');
        push_name(out, fields::ENRICHMENT);
        out.push(b'"');
        out.extend_from_slice(decision.enrichment.as_str().as_bytes());
        out.extend_from_slice(b"\",");
        push_name(out, fields::INGESTED_AT);
        out.push(b'"');
        out.extend_from_slice(&decision.arrival.to_rfc3339());
        out.extend_from_slice(b"\"}\n");
    }
}

fn push_name(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

#[cfg(test)]
mod tests;
