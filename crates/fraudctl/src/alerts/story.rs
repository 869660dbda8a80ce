//! An alert's decision as a story: what came in, what was known, which factor gave what, what became of the alert, and where
//! each piece of it lies.

use exact_text::json::Value;
use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_aws::ledger::{AuditRow, AuditValue};
use fraud_core::alert::Alert;
use fraud_core::breakdown::FactorOutcome;
use fraud_core::event_time::EventTimeFault;
use fraud_core::policy::Policy;
use fraud_core::verify::told_inputs;

use super::proof::{Proof, Proven};
use super::scored_line::ScoredLine;

mod json;
mod page;
mod text;

/// What is on record of an alert.
#[derive(Debug)]
pub(super) struct OnRecord<'a> {
    pub(super) alert: &'a Alert,
    /// The ledger's row; `None` if the alert is from a file.
    pub(super) row: Option<&'a AuditRow>,
    /// The transaction's line in the lake, if it was found.
    pub(super) line: Option<&'a ScoredLine>,
    /// The policy that decided, if its text is known.
    pub(super) policy: Option<&'a Policy>,
    pub(super) proof: &'a Proof,
}

/// The story, ready to be shown.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) alert_id: String,
    /// In one sentence: what was decided, and what became of it.
    pub(super) summary: String,
    pub(super) sections: Vec<Section>,
    /// The message as it was sent, or will be.
    pub(super) message: String,
}

/// A part of the story.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) facts: Vec<Fact>,
    /// Of the decision: its factors, in the policy's order.
    pub(super) factors: Vec<FactorRow>,
}

/// A name and what it is.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: String,
    pub(super) value: FactValue,
}

/// What a fact says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FactValue {
    Text(String),
    /// A number's digits.
    Number(String),
    Flag(bool),
}

/// What a factor came to.
#[derive(Debug, Clone)]
pub(super) struct FactorRow {
    pub(super) name: String,
    pub(super) points: f64,
    /// The most that it can give any transaction.
    pub(super) most: f64,
    pub(super) observed: String,
    /// The band or the conditions that were met, or those that were not.
    pub(super) why: String,
}

impl Story {
    /// Tells what is on record.
    pub(super) fn of(on_record: &OnRecord<'_>) -> Self {
        let OnRecord { alert, row, line, policy, proof } = *on_record;
        let inputs = alert.evidence.as_ref().and_then(|evidence| told_inputs(&evidence.inputs));
        let inputs = inputs.unwrap_or_default();
        let sections = [
            Some(record(alert, line)),
            Some(profile(alert, line, &inputs)),
            (!inputs.is_empty()).then(|| Section::new("inputs", told(&inputs))),
            Some(decision(alert, policy, proof)),
            row.map(|row| Section::new("ledger", ledger(row))),
            Some(Section::new("places", places(alert, line))),
            Some(Section::new("proof", proof_facts(proof))),
        ];
        Story {
            alert_id: alert.alert_id.clone(),
            summary: summary(alert, row, policy),
            sections: sections.into_iter().flatten().collect(),
            message: alert.message.clone(),
        }
    }
}

impl Section {
    fn new(name: &'static str, facts: Vec<Fact>) -> Self {
        Section { name, facts, factors: Vec::new() }
    }
}

impl Fact {
    fn text(name: &str, text: impl ToString) -> Self {
        Fact { name: name.to_owned(), value: FactValue::Text(text.to_string()) }
    }

    fn number(name: &str, digits: impl ToString) -> Self {
        Fact { name: name.to_owned(), value: FactValue::Number(digits.to_string()) }
    }

    fn of_json(name: &str, value: Value<'_>) -> Self {
        let value = match value {
            Value::Number(digits) => FactValue::Number(digits.to_owned()),
            Value::Bool(flag) => FactValue::Flag(flag),
            Value::Null => FactValue::Text("null".to_owned()),
            Value::Array(json) | Value::Object(json) => FactValue::Text(json.to_owned()),
            Value::String(text) => {
                FactValue::Text(text.decode().map_or_else(|| text.raw().to_owned(), |text| text.into_owned()))
            }
        };
        Fact { name: name.to_owned(), value }
    }
}

/// What came in. With the line in the lake that is all that the producer wrote.
fn record(alert: &Alert, line: Option<&ScoredLine>) -> Section {
    let mut facts = Vec::new();
    if let Some(line) = line {
        facts.extend(line.producers_members().map(|(name, value)| Fact::of_json(name, value)));
    } else {
        let texts = [
            ("transaction_id", &alert.transaction_id),
            ("customer_id", &alert.customer_id),
            ("merchant_id", &alert.merchant_id),
        ];
        facts.extend(texts.iter().filter_map(|(name, text)| Some(Fact::text(name, text.as_ref()?))));
        facts.push(Fact::number("amount", &alert.transaction_amount));
        facts.extend(alert.event_time.as_ref().map(|time| Fact::text("event_time", time)));
    }
    facts.extend(alert.event_time_fault.map(|fault| Fact::text("event_time_fault", fault.as_str())));
    facts.push(Fact::text("arrival", alert.arrival));
    facts.extend(alert.reuses_id_of.as_ref().map(|id| Fact::text("reuses_id_of", id)));
    Section::new("record", facts)
}

/// What was known of the customer.
fn profile(alert: &Alert, line: Option<&ScoredLine>, inputs: &[(String, Value<'_>)]) -> Section {
    let mut facts = vec![Fact::text("enrichment", &alert.enrichment)];
    match line {
        Some(line) => facts.extend(line.profile().map(|(name, value)| Fact::of_json(name, value))),
        None => {
            facts.extend(alert.customer_segment.as_ref().map(|text| Fact::text("customer_segment", text)));
            let risk = inputs.iter().find(|(name, _)| name == "customer_risk");
            facts.extend(risk.map(|(_, value)| Fact::of_json("customer_risk_score", *value)));
        }
    }
    let history = alert.evidence.as_ref().and_then(|evidence| evidence.history.as_ref());
    facts.extend(history.map(|word| Fact::text("history", word)));
    Section::new("profile", facts)
}

fn told(inputs: &[(String, Value<'_>)]) -> Vec<Fact> {
    inputs.iter().map(|(name, value)| Fact::of_json(name, *value)).collect()
}

/// What was made of it.
fn decision(alert: &Alert, policy: Option<&Policy>, proof: &Proof) -> Section {
    let mut facts =
        vec![Fact::number("fraud_score", &alert.fraud_score), Fact::text("policy", &alert.policy)];
    if let Some(policy) = policy {
        facts.push(Fact::number("threshold", policy.threshold()));
        facts.push(Fact::number("cap", policy.cap()));
    }
    let engine = alert.evidence.as_ref().map(|evidence| Fact::text("engine", &evidence.engine));
    facts.extend(engine);
    facts.extend(alert.schema.as_ref().map(|id| Fact::text("transaction_schema", id)));
    Section { name: "decision", facts, factors: proof.factors.clone() }
}

/// The ledger's transitions.
fn ledger(row: &AuditRow) -> Vec<Fact> {
    let attributes = row.attributes();
    let wanted =
        ["status", "claimed_at", "claim_expires_at", "may_have_been_sent", "sent_at", "sent_again_at"];
    let value = |name: &str| attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let fact = |name: &str| {
        Some(match (name, value(name)?) {
            ("claim_expires_at", AuditValue::Number("0")) => Fact::text(name, "given up"),
            ("claim_expires_at", AuditValue::Number(millis)) => {
                let time = millis.parse().ok().and_then(Timestamp::from_millis);
                time.map_or_else(|| Fact::number(name, millis), |time| Fact::text(name, time))
            }
            (_, AuditValue::Text(text)) => Fact::text(name, text),
            (_, AuditValue::Number(digits)) => Fact::number(name, digits),
            (_, AuditValue::Flag(flag)) => Fact { name: name.to_owned(), value: FactValue::Flag(flag) },
            (_, AuditValue::Other(other)) => Fact::text(name, format_args!("{other:?}")),
        })
    };
    wanted.into_iter().filter_map(fact).collect()
}

/// Where the record, its line and its policy are.
fn places(alert: &Alert, line: Option<&ScoredLine>) -> Vec<Fact> {
    let mut facts = vec![
        Fact::text("stream", &alert.stream),
        Fact::text("shard", &alert.shard),
        // More digits than many readers' numbers hold.
        Fact::text("sequence_number", &alert.sequence_number),
    ];
    if alert.sub_sequence_number > 0 {
        facts.push(Fact::number("sub_sequence_number", alert.sub_sequence_number));
    }
    facts.extend(partition(alert).map(|partition| Fact::text("partition", partition)));
    facts.extend(line.map(|line| Fact::text("line", &line.location)));
    facts
}

/// The lake's folder: the hour in which the transaction counts. `None` where the alert does not tell: under a schema a time is as its
/// producer writes it.
fn partition(alert: &Alert) -> Option<String> {
    let is_out = matches!(
        alert.event_time_fault,
        Some(EventTimeFault::OutOfBounds | EventTimeFault::OutOfBoundsWithoutLocalTime)
    );
    let counted = match &alert.event_time {
        Some(_) if alert.schema.is_some() => return None,
        Some(text) if !is_out => {
            written_time::parse(text).or_else(|| written_time::parse_epoch(text))?.instant
        }
        _ => alert.arrival,
    };
    let hour = counted.calendar();
    Some(format!("year={:04}/month={:02}/day={:02}/hour={:02}", hour.year, hour.month, hour.day, hour.hour))
}

/// What was computed again.
fn proof_facts(proof: &Proof) -> Vec<Fact> {
    let fact = |name, proven: &Proven| Fact::text(name, proven);
    let line = proof.line.as_ref().map(|proven| fact("line", proven));
    [fact("alert", &proof.alert)].into_iter().chain(line).collect()
}

fn summary(alert: &Alert, row: Option<&AuditRow>, policy: Option<&Policy>) -> String {
    let score = crate::display::three_places(&alert.fraud_score);
    let above =
        policy.map_or_else(String::new, |policy| format!(", which alerts above {}", policy.threshold()));
    let decided = format!("scored {score} by {}{above}", alert.policy);
    let Some(row) = row else { return format!("{decided}; it went out") };
    let attributes = row.attributes();
    let text = |name: &str| {
        attributes.iter().find_map(|(known, value)| match value {
            AuditValue::Text(text) if *known == name => Some(*text),
            _ => None,
        })
    };
    match (row.is_sent(), text("sent_at")) {
        (Ok(true), Some(sent_at)) => match written_time::parse(sent_at) {
            Some(sent) => {
                let millis = sent.instant.millis() - alert.arrival.millis();
                format!(
                    "{decided}; sent {}.{:03} s after it arrived",
                    millis.div_euclid(1000),
                    millis.rem_euclid(1000)
                )
            }
            None => format!("{decided}; sent"),
        },
        (Ok(true), None) => format!("{decided}; sent"),
        (Ok(false), _) => format!("{decided}; not marked as sent"),
        (Err(fault), _) => format!("{decided}; {fault}"),
    }
}

impl FactorRow {
    /// What a factor came to when its inputs are known.
    pub(super) fn of(outcome: &FactorOutcome<'_>) -> Self {
        let observed: Vec<_> =
            outcome.observed.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        FactorRow {
            name: outcome.name.to_owned(),
            points: outcome.points,
            most: outcome.most,
            observed: observed.join(", "),
            why: outcome.why.clone(),
        }
    }
}
