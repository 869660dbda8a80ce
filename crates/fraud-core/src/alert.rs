//! The alert that a high score raises.

use std::borrow::Cow;

use crate::decision::{Decider, Decision};
use crate::event_time::EventTimeFault;
use crate::evidence::{self, ENGINE};
use crate::fingerprint::Fingerprint;
use crate::identity::Position;
use crate::scoring;
use crate::transaction::{MAX_FIELD_TEXT, TimeField, Transaction};
use exact_text::json::number_text;
use exact_text::timestamp::Timestamp;

mod message;

pub use message::MessageError;

/// What an alert's message says of its kind.
pub const ALERT_TYPE: &str = "fraud_detection";

/// An alert: its message, and what the message says.
///
/// # The message
/// One line, a JSON object with these members in this order: `alert_type`, `alert_id` (the record's
/// [identity](crate::identity), or that with an [ending](Alert::reusing)), `reuses_id_of` (only then: the identity), `customer_id` and `transaction_id` (null where the transaction has none),
/// `transaction_amount` (a number, the producer's digits), `fraud_score`, `timestamp` (when the record arrived, RFC 3339
/// in UTC with milliseconds), `event_time` (as the producer wrote it; null if it is missing or cannot be read),
/// `event_time_fault` (what is wrong with it; absent if nothing is), `reasons` (objects of `name`, `points`, `observed`
/// (a number, null without a value, or an object of several inputs) and `rule`, in the policy's order), `policy` (its id), `transaction_schema` (its id; absent
/// for the default), `enrichment`, `fraud_inputs` (JSON as text), `history` (only under a policy that looks at it), `position` and `engine` (all only under a policy
/// that looks at more than the record's own fields tell), `stream`, `shard`, `sequence_number` (a string: it
/// has more digits than numbers can hold), `sub_sequence_number` for a record inside an aggregate, but for the first, and
/// `customer_sequence`: text that sorts a customer's alerts in the order of the stream, as long as the customer's records are on one
/// shard.
///
/// # Who receives alerts must recognise one that is delivered again, by its `alert_id`
/// A transaction is alerted once, however often its record is delivered; a ledger sees to it. Where no ledger can know that
/// an alert went out (the answer was lost, the sender died, or could not note it in time, or its clock was wrong) the message
/// goes out again: the stored one, byte for byte the same even if the customer's profile or the policy has changed
/// since, under the same `alert_id`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// The record's identity, or that with an [ending](Self::reusing).
    pub alert_id: String,
    /// The identity, if another transaction's alert has it for its id.
    pub reuses_id_of: Option<String>,
    /// The customer, where the transaction names one.
    pub customer_id: Option<String>,
    /// The transaction's own id, where it has one.
    pub transaction_id: Option<String>,
    /// The producer's digits.
    pub transaction_amount: String,
    /// The score: the shortest text that reads back as the same f64.
    pub fraud_score: String,
    /// When the record arrived: `timestamp` in the message.
    pub arrival: Timestamp,
    /// The event time as the producer wrote it, if it can be read.
    pub event_time: Option<String>,
    /// What is wrong with the event time, if anything.
    pub event_time_fault: Option<EventTimeFault>,
    /// The reasons, as JSON.
    pub reasons: String,
    /// The policy's id.
    pub policy: String,
    /// The id of the schema that the transaction was read by; `None` for the default.
    pub schema: Option<String>,
    /// What the profile lookup came to.
    pub enrichment: String,
    /// The inputs that the decision was made from, JSON, and which engine decided; only under a policy that looks at more
    /// than the record's own fields tell.
    pub evidence: Option<AlertEvidence>,
    /// The stream's name.
    pub stream: String,
    /// The shard's id.
    pub shard: String,
    /// The sequence number's digits.
    pub sequence_number: String,
    /// The place within an aggregate, from 0; 0 for a record that is not aggregated.
    pub sub_sequence_number: u64,
    /// The segment in the customer's profile, where there is a profile. Not part of the message.
    pub customer_segment: Option<String>,
    /// The merchant's id, where the transaction names one of at most 256 characters. Not part of the message; `None` for an alert that was stored without
    /// it.
    pub merchant_id: Option<String>,
    /// What tells the transaction from another under the same identity. Not part of the message; `None` for an alert that
    /// was stored without it.
    pub fingerprint: Option<Fingerprint>,
    /// The message.
    pub message: String,
}

/// What an alert's decision was made from, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEvidence {
    /// The inputs: JSON.
    pub inputs: String,
    /// What the customer's history said, if the policy looks at it.
    pub history: Option<String>,
    /// Which reader and scorer decided.
    pub engine: String,
}

impl Alert {
    /// The alert for a transaction at `position` on which `decider` made `decision`.
    pub fn new(
        transaction: &Transaction<'_>,
        decision: &Decision<'_>,
        decider: &Decider,
        position: Position<'_>,
    ) -> Self {
        let event_time = match &transaction.event_time {
            TimeField::Known(_, text) => Some(text.to_string()),
            TimeField::Missing | TimeField::Unreadable => None,
        };
        let mut alert = Alert {
            alert_id: transaction.identity_at(position).to_string(),
            reuses_id_of: None,
            customer_id: transaction.customer_id.as_deref().map(str::to_owned),
            transaction_id: transaction.transaction_id.as_deref().map(str::to_owned),
            transaction_amount: transaction.amount.digits.clone().into_owned(),
            fraud_score: number_text(decision.score.value),
            arrival: decision.arrival,
            event_time,
            event_time_fault: decision.time.fault,
            reasons: scoring::reasons_json(&decider.reasons(decision)),
            policy: decider.policy().id().to_owned(),
            schema: transaction.schema().map(str::to_owned),
            enrichment: decision.enrichment.as_str().to_owned(),
            // Of a policy in the shadow an alert tells nothing.
            evidence: evidence::inputs(transaction, decision, decider.policy().further_inputs()).map(
                |inputs| AlertEvidence {
                    inputs,
                    history: decider.policy().history().and(decision.history.word()).map(str::to_owned),
                    engine: ENGINE.to_owned(),
                },
            ),
            stream: position.stream.to_owned(),
            shard: position.shard.to_owned(),
            sequence_number: position.sequence_number.to_owned(),
            sub_sequence_number: position.sub_sequence_number,
            customer_segment: decision.enrichment.profile().map(|profile| profile.segment().into_owned()),
            merchant_id: transaction
                .merchant()
                .map(Cow::into_owned)
                .filter(|id| id.chars().nth(MAX_FIELD_TEXT).is_none()),
            fingerprint: Some(transaction.fingerprint()),
            message: String::new(),
        };
        alert.message = message::write(&alert);
        alert
    }

    /// The ids that the alert can have, the first that no other transaction has: the identity; that with the fingerprint's
    /// first 16 digits behind a `/`, which no identity holds there; that with all of its digits. An alert
    /// without a fingerprint has one.
    pub fn ids(&self) -> impl Iterator<Item = String> + use<> {
        let identity = self.reuses_id_of.as_ref().unwrap_or(&self.alert_id).clone();
        let endings = self.fingerprint.map(|fingerprint| [fingerprint.short(), fingerprint.digits()]);
        let more = endings.into_iter().flatten().map({
            let identity = identity.clone();
            move |digits| format!("{identity}/{digits}")
        });
        std::iter::once(identity).chain(more)
    }

    /// The alert under an id of its own, if another transaction's alert has its identity for an id.
    #[must_use]
    pub fn reusing(&self, id: String) -> Self {
        let identity = self.reuses_id_of.as_ref().unwrap_or(&self.alert_id).clone();
        let mut alert = Alert { alert_id: id, reuses_id_of: Some(identity), ..self.clone() };
        alert.message = message::write(&alert);
        alert
    }

    /// Whether it is the same transaction's as another alert of the same identity. One that was stored without a fingerprint
    /// is.
    pub fn is_of_the_same_content(&self, other: Option<Fingerprint>) -> bool {
        match (self.fingerprint, other) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
    }

    /// The alert that a stored message tells of; `customer_segment` and `fingerprint` are what the message does not tell, beside
    /// the merchant, which is `None`.
    ///
    /// # Errors
    /// [`MessageError`] if the text is not an alert's message.
    pub fn from_message(
        message: String,
        customer_segment: Option<String>,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Self, MessageError> {
        message::read(message, customer_segment, fingerprint)
    }

    /// The message as it is written of what the alert holds.
    pub(crate) fn written(&self) -> String {
        message::write(self)
    }

    /// The record's position.
    pub fn position(&self) -> Position<'_> {
        Position {
            stream: &self.stream,
            shard: &self.shard,
            sequence_number: &self.sequence_number,
            sub_sequence_number: self.sub_sequence_number,
        }
    }
}

#[cfg(test)]
mod tests;
