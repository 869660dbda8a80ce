//! The default policy against scores that the reference implementation computed (`fixtures/scoring_cases.jsonl`):
//! bit for bit, on every input that the product accepts. Where the product differs by design, the case is in
//! [`DIFFERENCES`] with what happens instead and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::refusal::Refusal;
use fraud_core::transaction::Transaction;
use serde_json::Value;
use serde_json::value::RawValue;

const CASES: &str = include_str!("fixtures/scoring_cases.jsonl");

/// What this product does where it differs from the reference.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// A score, by its bits.
    Score(f64),
    /// The payload is refused.
    Refused(Refusal),
}

use Outcome::{Refused, Score};
use Refusal::{InvalidAmount, InvalidCustomerId, NotATransaction, NotAnObject, NotJson};

/// The day score of a small amount at risk 0.5.
const DAY: Outcome = Score(0.2);
/// The score of 12000 by day at risk 0.5, which is what an unusable risk comes to.
const LARGE_BY_DAY: Outcome = Score(0.5);
/// The score of 12000 at night at risk 0.5.
const LARGE_AT_NIGHT: Outcome = Score(0.7);

const NO_JSON_NUMBER: &str = "RFC 8259 has no such number";
const NOT_FINITE: &str = "an amount is a finite f64";
const FAILS_THE_RECORD: &str = "the reference fails; here the refusal names the field";
const RISK_OUT_OF_RANGE: &str = "a stored risk outside 0 to 1 counts as missing";
const RISK_OF_ANOTHER_TYPE: &str = "a stored risk that is not a number counts as missing";
const RISK_AS_TEXT: &str = "a stored number is taken from text too";
const NO_RFC_3339: &str =
    "a time is RFC 3339 with few liberties; this form is unreadable and earns no points";
const LOOKED_UP: &str = "an integer id is taken as its decimal text and looked up";

const DIFFERENCES: &[(&str, Outcome, &str)] = &[
    ("score-015", Refused(NotJson), NO_JSON_NUMBER),
    ("score-017", Refused(InvalidAmount), NOT_FINITE),
    ("score-019", Refused(InvalidAmount), "a boolean is not an amount"),
    ("score-021", Refused(InvalidAmount), FAILS_THE_RECORD),
    ("score-023", Refused(InvalidAmount), FAILS_THE_RECORD),
    ("score-025", Refused(InvalidAmount), NOT_FINITE),
    ("score-037", LARGE_BY_DAY, RISK_OUT_OF_RANGE),
    ("score-039", LARGE_BY_DAY, RISK_OUT_OF_RANGE),
    ("score-041", Refused(NotJson), NO_JSON_NUMBER),
    ("score-043", Refused(NotJson), NO_JSON_NUMBER),
    ("score-045", LARGE_BY_DAY, RISK_OF_ANOTHER_TYPE),
    ("score-047", Score(0.66), RISK_AS_TEXT),
    ("score-049", LARGE_BY_DAY, RISK_OF_ANOTHER_TYPE),
    ("score-067", DAY, NO_RFC_3339),
    ("score-069", DAY, NO_RFC_3339),
    ("score-071", DAY, NO_RFC_3339),
    ("score-075", DAY, "digits are an epoch number, which has no local time"),
    ("score-077", DAY, NO_RFC_3339),
    ("score-079", Score(0.4), "RFC 3339 allows a lower-case z"),
    ("score-083", DAY, NO_RFC_3339),
    ("score-103", DAY, NO_RFC_3339),
    ("score-121", LARGE_BY_DAY, RISK_OUT_OF_RANGE),
    ("score-123", LARGE_BY_DAY, RISK_OUT_OF_RANGE),
    ("score-125", Score(0.4), RISK_OUT_OF_RANGE),
    ("score-127", DAY, RISK_OUT_OF_RANGE),
    ("score-129", LARGE_AT_NIGHT, RISK_OUT_OF_RANGE),
    ("score-131", Refused(NotAnObject), FAILS_THE_RECORD),
    (
        "score-133",
        Refused(NotATransaction),
        "an object without ids and amount is something else than a transaction",
    ),
    ("record-135", Score(0.8999999999999999), "the reference cannot score a stored number"),
    ("record-137", Score(0.8), "the reference cannot score a stored number"),
    ("record-145", Score(0.8600000000000001), RISK_AS_TEXT),
    ("record-147", LARGE_AT_NIGHT, RISK_OF_ANOTHER_TYPE),
    ("record-149", LARGE_AT_NIGHT, RISK_OF_ANOTHER_TYPE),
    ("record-157", Score(0.8600000000000001), LOOKED_UP),
    ("record-159", Score(0.8600000000000001), LOOKED_UP),
    ("record-161", Refused(InvalidCustomerId), "a boolean is not an id"),
];

/// The profile that a case means: for kind `score` the risk that its payload carries, else the stored item.
fn profile(case: &Value, payload: &str) -> Option<Profile> {
    if case["kind"] == "score" {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload).ok()?;
        let risk = members.get("customer_risk_score")?.get();
        let value = serde_json::from_str(risk).ok()?;
        let attribute = match &value {
            Value::Number(_) => Attribute::Number(risk),
            Value::String(text) => Attribute::Text(text),
            _ => Attribute::Other,
        };
        return Some(Profile::new(Attribute::Missing, Attribute::Missing, attribute));
    }
    let attribute = |name: &str| match &case["dynamodb_item"][name] {
        Value::Null => Attribute::Missing,
        stored => match (stored["S"].as_str(), stored["N"].as_str()) {
            (Some(text), _) => Attribute::Text(text),
            (_, Some(digits)) => Attribute::Number(digits),
            _ => Attribute::Other,
        },
    };
    Some(Profile::new(attribute("segment"), attribute("lifetime_value"), attribute("risk_score")))
}

fn enrichment<'p>(
    case: &Value,
    transaction: &Transaction<'_>,
    profile: Option<&'p Profile>,
) -> Enrichment<'p> {
    match (profile, &transaction.customer_id) {
        (None, _) => Enrichment::NoProfile,
        (Some(profile), _) if case["kind"] == "score" => Enrichment::Profile(profile),
        (_, None) => Enrichment::NoCustomer,
        _ if case["get_item_error"].is_string() => Enrichment::Unavailable,
        // The cases' one stored item is that of the customer C1, or of a number.
        (Some(profile), Some(id)) if id == "C1" || id.parse::<i64>().is_ok() => Enrichment::Profile(profile),
        _ => Enrichment::NoProfile,
    }
}

fn outcome(case: &Value, policy: &Policy) -> Outcome {
    let payload = case["payload_json"].as_str().unwrap();
    let now = written_time::parse(case["now"].as_str().unwrap()).unwrap().instant;
    let arrival = Timestamp::from_millis(now.millis()).unwrap();
    match Transaction::parse(payload.as_bytes()) {
        Err(reason) => Refused(reason),
        Ok(transaction) => {
            let profile = profile(case, payload);
            let enrichment = enrichment(case, &transaction, profile.as_ref());
            let decider = Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED);
            Score(decider.decide(&transaction, enrichment, arrival, None).score.value)
        }
    }
}

#[test]
fn the_default_policy_gives_the_reference_scores_bit_for_bit() {
    let policy = Policy::builtin_default().unwrap();
    let mut differing = Vec::new();
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let id = case["id"].as_str().unwrap();
        let outcome = outcome(&case, &policy);
        let expected = case["expect"]["score"].as_f64().map(f64::to_bits);
        let same = matches!(outcome, Score(score) if Some(score.to_bits()) == expected);
        if let Score(score) = outcome
            && same
        {
            assert_eq!(Value::Bool(policy.alerts(score)), case["expect"]["alert"], "{id}");
        } else {
            differing.push((id.to_owned(), outcome));
        }
    }
    for ((id, outcome), (expected_id, expected, why)) in differing.iter().zip(DIFFERENCES) {
        assert_eq!((id.as_str(), outcome), (*expected_id, expected), "{why}");
    }
    assert_eq!(differing.len(), DIFFERENCES.len());
}
