//! An alert's message: writing it, and reading one that was stored.

use super::{ALERT_TYPE, Alert, AlertEvidence};
use crate::event_time::EventTimeFault;
use crate::fields;
use crate::fingerprint::Fingerprint;
use exact_text::json::{JsonError, ObjectWriter, Scanner, Value};
use exact_text::written_time;

/// The deepest nesting in a message: the object, its reasons, each of them, and what it observed.
const MAX_DEPTH: usize = 4;

/// Why a text is not an alert's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It is not a JSON object.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A member is missing, or is not of its form.
    #[error("`{0}` is missing or not of its form")]
    Member(&'static str),
}

/// The message of an alert whose other fields are set.
pub(super) fn write(alert: &Alert) -> String {
    let mut object = ObjectWriter::new();
    object.text("alert_type", ALERT_TYPE).text("alert_id", &alert.alert_id);
    if let Some(identity) = &alert.reuses_id_of {
        object.text("reuses_id_of", identity);
    }
    object
        .text_or_null("customer_id", alert.customer_id.as_deref())
        .text_or_null("transaction_id", alert.transaction_id.as_deref())
        .json("transaction_amount", &alert.transaction_amount)
        .json("fraud_score", &alert.fraud_score)
        .text("timestamp", &alert.arrival.to_string())
        .text_or_null("event_time", alert.event_time.as_deref());
    if let Some(fault) = alert.event_time_fault {
        object.text(fields::EVENT_TIME_FAULT, fault.as_str());
    }
    object.json("reasons", &alert.reasons).text("policy", &alert.policy);
    if let Some(schema) = &alert.schema {
        object.text(fields::TRANSACTION_SCHEMA, schema);
    }
    object.text("enrichment", &alert.enrichment);
    if let Some(evidence) = &alert.evidence {
        object.text(fields::FRAUD_INPUTS, &evidence.inputs);
        if let Some(word) = &evidence.history {
            object.text(fields::HISTORY, word);
        }
        object.text(fields::POSITION, &alert.position().to_string()).text(fields::ENGINE, &evidence.engine);
    }
    object
        .text("stream", &alert.stream)
        .text("shard", &alert.shard)
        .text("sequence_number", &alert.sequence_number);
    if alert.sub_sequence_number > 0 {
        object.json("sub_sequence_number", &alert.sub_sequence_number.to_string());
    }
    object.text("customer_sequence", &customer_sequence(alert));
    object.finish()
}

/// The sequence number with zeros in front, so that it sorts as text, and behind it the place in an aggregate likewise.
fn customer_sequence(alert: &Alert) -> String {
    let sequence_number = format!("{:0>64}", alert.sequence_number);
    match alert.sub_sequence_number {
        0 => sequence_number,
        place => format!("{sequence_number}/{place:020}"),
    }
}

pub(super) fn read(
    message: String,
    customer_segment: Option<String>,
    fingerprint: Option<Fingerprint>,
) -> Result<Alert, MessageError> {
    let members = Members::scan(&message)?;
    let text = |name| members.text(name)?.ok_or(MessageError::Member(name));
    let timestamp = written_time::parse(&text("timestamp")?).ok_or(MessageError::Member("timestamp"))?;
    let reasons = match members.get("reasons") {
        Some(Value::Array(reasons)) => reasons.to_owned(),
        _ => return Err(MessageError::Member("reasons")),
    };
    let sub_sequence_number = match members.get("sub_sequence_number") {
        None => 0,
        Some(Value::Number(digits)) => {
            digits.parse().map_err(|_| MessageError::Member("sub_sequence_number"))?
        }
        Some(_) => return Err(MessageError::Member("sub_sequence_number")),
    };
    Ok(Alert {
        alert_id: text("alert_id")?,
        reuses_id_of: match members.get("reuses_id_of") {
            None => None,
            Some(_) => Some(text("reuses_id_of")?),
        },
        customer_id: members.text("customer_id")?,
        transaction_id: members.text("transaction_id")?,
        transaction_amount: members.number("transaction_amount")?,
        fraud_score: members.number("fraud_score")?,
        arrival: timestamp.instant,
        event_time: members.text("event_time")?,
        event_time_fault: members.event_time_fault()?,
        reasons,
        policy: text("policy")?,
        schema: match members.get(fields::TRANSACTION_SCHEMA) {
            None => None,
            Some(_) => Some(text(fields::TRANSACTION_SCHEMA)?),
        },
        enrichment: text("enrichment")?,
        evidence: match members.get(fields::FRAUD_INPUTS) {
            None => None,
            Some(_) => {
                let history = match members.get(fields::HISTORY) {
                    None => None,
                    Some(_) => Some(text(fields::HISTORY)?),
                };
                let (inputs, engine) = (text(fields::FRAUD_INPUTS)?, text(fields::ENGINE)?);
                Some(AlertEvidence { inputs, history, engine })
            }
        },
        stream: text("stream")?,
        shard: text("shard")?,
        sequence_number: text("sequence_number")?,
        sub_sequence_number,
        customer_segment,
        merchant_id: None,
        fingerprint,
        message,
    })
}

/// A message's members by name.
struct Members<'a>(Vec<(String, Value<'a>)>);

impl<'a> Members<'a> {
    fn scan(message: &'a str) -> Result<Self, JsonError> {
        let mut scanner = Scanner::new(message, MAX_DEPTH);
        let mut members = Vec::new();
        scanner.object(|name, scanner| {
            let value = scanner.value()?;
            members.extend(name.decode().map(|name| (name.into_owned(), value)));
            Ok::<_, JsonError>(())
        })?;
        scanner.end()?;
        Ok(Members(members))
    }

    fn get(&self, name: &str) -> Option<Value<'a>> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// A string, or null.
    fn text(&self, name: &'static str) -> Result<Option<String>, MessageError> {
        match self.get(name) {
            Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => match text.decode() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(MessageError::Member(name)),
            },
            _ => Err(MessageError::Member(name)),
        }
    }

    fn event_time_fault(&self) -> Result<Option<EventTimeFault>, MessageError> {
        let name = fields::EVENT_TIME_FAULT;
        let Some(words) = self.get(name) else { return Ok(None) };
        let fault = words.as_str().and_then(|words| EventTimeFault::of_words(&words));
        fault.map(Some).ok_or(MessageError::Member(name))
    }

    fn number(&self, name: &'static str) -> Result<String, MessageError> {
        match self.get(name) {
            Some(Value::Number(digits)) => Ok(digits.to_owned()),
            _ => Err(MessageError::Member(name)),
        }
    }
}
