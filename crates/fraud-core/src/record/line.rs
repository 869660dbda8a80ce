//! A scored record, read back.

use std::borrow::Cow;

use exact_text::json::{Scanner, Value};
use exact_text::timestamp::Timestamp;
use exact_text::written_time;

use crate::fields;
use crate::history::{Incoming, Place, SequenceNumber, counted_second};
use crate::profile::{Attribute, Profile};
use crate::refusal::Refusal;
use crate::transaction::{MAX_DEPTH, Reading, Transaction, TransactionReader};

/// A scored record as [`RecordEncoder`](super::RecordEncoder) writes it, or as a row of the lake has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredLine<'a> {
    /// The producer's transaction.
    pub transaction: Transaction<'a>,
    /// When its record arrived.
    pub arrival: Timestamp,
    /// The profile that it was scored with; `None` also if it could not be looked up. Where the profile had no risk that could
    /// be used, it has the one that the policy took.
    pub profile: Option<Profile>,
    decision_id: Option<Cow<'a, str>>,
    position: Option<Cow<'a, str>>,
    inputs: Option<Cow<'a, str>>,
}

/// Why a line is not a scored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It is not a transaction.
    #[error("{0}")]
    Refused(Refusal),
    /// It does not say when its record arrived.
    #[error("`{name}` is missing or not a time: it is not a scored record", name = fields::INGESTED_AT)]
    Arrival,
}

impl From<Refusal> for LineFault {
    fn from(refusal: Refusal) -> Self {
        LineFault::Refused(refusal)
    }
}

/// Our own members that are read.
#[derive(Default)]
struct Own<'a> {
    arrival: Option<Value<'a>>,
    decision_id: Option<Value<'a>>,
    position: Option<Value<'a>>,
    inputs: Option<Value<'a>>,
    enrichment: Option<Value<'a>>,
    segment: Option<Value<'a>>,
    lifetime_value: Option<Value<'a>>,
    risk_score: Option<Value<'a>>,
}

impl<'a> ScoredLine<'a> {
    /// Reads a line, the transaction by `reading`.
    ///
    /// # Errors
    /// [`LineFault`]
    pub fn read(reading: &'a Reading, line: &'a [u8]) -> Result<Self, LineFault> {
        let transaction = TransactionReader::new(reading).read(line)?;
        let text = std::str::from_utf8(line).map_err(|_| Refusal::NotUtf8)?;
        let own = Own::of(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let arrival = own.arrival.and_then(Value::as_str);
        let arrival = arrival.and_then(|text| written_time::parse(&text)).ok_or(LineFault::Arrival)?;
        Ok(ScoredLine {
            transaction,
            arrival: arrival.instant,
            profile: own.profile(),
            decision_id: own.decision_id.and_then(Value::as_str),
            position: own.position.and_then(Value::as_str),
            inputs: own.inputs.and_then(Value::as_str),
        })
    }

    /// The record as its customer's history sees it; `None` if nothing names it.
    pub fn incoming(&self) -> Option<Incoming> {
        Some(Incoming::under(&self.identity()?, &self.transaction, self.place()))
    }

    /// Where the record is in time. A line without a position is before those that have one and arrived at the same
    /// millisecond.
    pub fn place(&self) -> Place {
        let place = self.position.as_deref().and_then(|position| place(self.arrival, position));
        place.unwrap_or(Place::first_at(self.arrival.millis()))
    }

    /// The record's identity; `None` if nothing names it.
    pub fn identity(&self) -> Option<Cow<'_, str>> {
        let identity = self.transaction.identity(None).map(|identity| Cow::Owned(identity.to_string()));
        identity.or_else(|| self.decision_id.as_deref().map(Cow::Borrowed))
    }

    /// When the transaction [counts](counted_second), in seconds since the epoch.
    pub fn counted_second(&self) -> i64 {
        counted_second(&self.transaction.event_time, self.arrival.millis())
    }

    /// The merchant's id, if the transaction names one.
    pub fn merchant(&self) -> Option<Cow<'_, str>> {
        self.transaction.merchant()
    }

    /// The inputs of the decision, JSON, if the line tells them.
    pub fn inputs(&self) -> Option<Cow<'_, str>> {
        self.inputs.as_deref().map(Cow::Borrowed)
    }
}

impl<'a> Own<'a> {
    fn of(text: &'a str) -> Result<Self, Refusal> {
        let mut own = Own::default();
        Scanner::new(text, MAX_DEPTH).object(|key, scanner| {
            let value = scanner.value()?;
            let member = match key.decode().as_deref() {
                Some(fields::INGESTED_AT) => &mut own.arrival,
                Some(fields::DECISION_ID) => &mut own.decision_id,
                Some(fields::POSITION) => &mut own.position,
                Some(fields::FRAUD_INPUTS) => &mut own.inputs,
                Some(fields::ENRICHMENT) => &mut own.enrichment,
                Some(fields::CUSTOMER_SEGMENT) => &mut own.segment,
                Some(fields::CUSTOMER_LIFETIME_VALUE) => &mut own.lifetime_value,
                Some(fields::CUSTOMER_RISK_SCORE) => &mut own.risk_score,
                _ => return Ok::<_, Refusal>(()),
            };
            *member = Some(value);
            Ok(())
        })?;
        Ok(own)
    }

    fn profile(&self) -> Option<Profile> {
        let is_valid = match self.enrichment.and_then(Value::as_str)?.as_ref() {
            "profile" => true,
            "invalid_profile" => false,
            _ => return None,
        };
        let profile = profile_of(self.segment, self.lifetime_value, self.risk_score);
        Some(if is_valid { profile } else { profile.invalid() })
    }
}

/// The profile that a record's fields tell.
fn profile_of(
    segment: Option<Value<'_>>,
    lifetime_value: Option<Value<'_>>,
    risk_score: Option<Value<'_>>,
) -> Profile {
    let segment = segment.and_then(Value::as_str);
    let [segment, lifetime_value, risk_score] = attributes(segment.as_deref(), lifetime_value, risk_score);
    Profile::new(segment, lifetime_value, risk_score)
}

/// Segment, lifetime value and risk score of the profile that a record's fields tell.
pub(crate) fn attributes<'a>(
    segment: Option<&'a str>,
    lifetime_value: Option<Value<'a>>,
    risk_score: Option<Value<'a>>,
) -> [Attribute<'a>; 3] {
    let number = |value| match value {
        Some(Value::Number(digits)) => Attribute::Number(digits),
        _ => Attribute::Missing,
    };
    let segment = segment.map_or(Attribute::Missing, Attribute::Text);
    [segment, number(lifetime_value), number(risk_score)]
}

/// The place that `<shard>/<sequence number>[/<sub-sequence number>]` names. Lines of releases that did not write it may have
/// a member of the producer's under that name, so that another text is no fault.
fn place(arrival: Timestamp, position: &str) -> Option<Place> {
    let (digits, sub_sequence_number) = numbers(position)?;
    let sequence_number = SequenceNumber::of(digits);
    Some(Place { arrival: arrival.millis(), sequence_number, sub_sequence_number })
}

/// Whether a text has the form of a position.
pub(crate) fn is_position(text: &str) -> bool {
    numbers(text).is_some()
}

/// The sequence number's digits and the sub-sequence number of a position.
fn numbers(position: &str) -> Option<(&str, u64)> {
    let (_shard, numbers) = position.split_once('/')?;
    let (digits, sub_sequence_number) = match numbers.split_once('/') {
        Some((digits, sub_sequence_number)) => (digits, sub_sequence_number.parse().ok()?),
        None => (numbers, 0),
    };
    let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then_some((digits, sub_sequence_number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decision::Decider;
    use crate::enrichment::Enrichment;
    use crate::event_time::EventTimeBounds;
    use crate::identity::Position;
    use crate::policy::Policy;
    use crate::record::RecordEncoder;
    use crate::transaction::PLAIN;

    const WITH_HISTORY: &str = r#"
        name = "p"
        cap = 100
        threshold = 50
        default_risk = 0.25
        [history]
        prior_mean_amount = 50
        outlier_ratio = 2
        [[factors]]
        name = "burst"
        when = [{ input = "history.count_1h", above = 5 }]
        points = 60
    "#;

    fn arrival(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_768_446_000_000 + millis).unwrap()
    }

    /// The line of a payload under a policy.
    fn line(
        policy: &str,
        payload: &str,
        enrichment: Enrichment<'_>,
        arrival: Timestamp,
        position: Option<Position<'_>>,
    ) -> Vec<u8> {
        let policy = Policy::parse(policy).unwrap();
        let reading = Reading::new(&crate::schema::Schema::builtin_default(), policy.asked());
        let transaction = TransactionReader::new(&reading).read(payload.as_bytes()).unwrap();
        let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED);
        let decision = decider.decide(&transaction, enrichment, arrival, position);
        let mut out = Vec::new();
        RecordEncoder::new(decider.policies()).encode(&transaction, &decision, position, &mut out);
        out
    }

    proptest! {
        #[test]
        fn a_line_is_the_record_that_it_was_written_from(
            transaction_id in prop::option::of("[a-z/%@é\"]{1,6}"),
            amount in prop_oneof![Just("12.50".to_owned()), Just("125e-1".to_owned()), "-?[1-9][0-9]{0,20}\\.[0-9]{1,9}"],
            members in prop_oneof![
                Just(""),
                Just(r#","event_time":"2026-01-15T04:00:00+01:00","merchant_id":"M1","currency":"EUR""#),
                Just(r#","event_time":"yesterday","merchant_id":7"#),
                Just(r#","ingested_at":"2001-01-01T00:00:00Z","Position":"x/1","decision_id":"D""#),
            ],
            sequence_number in "[1-9][0-9]{0,60}",
            sub_sequence_number in 0..3_u64,
            millis in 0..10_000_000_i64,
        ) {
            let id = transaction_id.map(|id| format!(r#""transaction_id":{},"#, serde_json::json!(id)));
            let payload = format!(r#"{{{}"customer_id":"C1","amount":{amount}{members}}}"#, id.unwrap_or_default());
            let position =
                Position { stream: "s/1", shard: "shardId-1", sequence_number: &sequence_number, sub_sequence_number };
            let policy = Policy::parse(WITH_HISTORY).unwrap();
            let reading = Reading::new(&crate::schema::Schema::builtin_default(), policy.asked());
            let transaction = TransactionReader::new(&reading).read(payload.as_bytes()).unwrap();
            let record = Incoming::of(&transaction, arrival(millis), position);
            let written = line(WITH_HISTORY, &payload, Enrichment::NoProfile, arrival(millis), Some(position));
            let read = ScoredLine::read(&reading, &written).unwrap();
            prop_assert_eq!(read.incoming(), Some(record.clone()));
            // Under a policy that writes no position the record is before all of its millisecond.
            let default = include_str!("../../policies/default.toml");
            let written = line(default, &payload, Enrichment::NoProfile, arrival(millis), Some(position));
            let read = ScoredLine::read(&reading, &written).unwrap();
            let mut first = record;
            first.place = Place::first_at(first.place.arrival);
            prop_assert_eq!(read.incoming(), Some(first));
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in ".{0,80}", members in r#"("(ingested_at|position|enrichment|amount)":("[0-9a-z/]{0,9}"|7|\{\}|null),?){0,5}"#) {
            for line in [line, format!("{{{}}}", members.trim_end_matches(','))] {
                if let Ok(read) = ScoredLine::read(&PLAIN, line.as_bytes()) {
                    read.incoming();
                }
            }
        }
    }

    #[test]
    fn a_profile_is_read_back_as_it_was_written() {
        let gold =
            Profile::new(Attribute::Text("go\"ld"), Attribute::Number("12.50"), Attribute::Number("0.9"));
        let invalid = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number("7"));
        for (enrichment, expected) in [
            (Enrichment::Profile(&gold), Some(gold.clone())),
            // The risk that the policy took is in the line.
            (
                Enrichment::Profile(&invalid),
                Some(
                    Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number("0.25"))
                        .invalid(),
                ),
            ),
            (Enrichment::NoProfile, None),
            (Enrichment::Unavailable, None),
        ] {
            let written =
                line(WITH_HISTORY, r#"{"customer_id":"C1","amount":1}"#, enrichment, arrival(0), None);
            assert_eq!(ScoredLine::read(&PLAIN, &written).unwrap().profile, expected);
        }
    }

    #[test]
    fn what_is_no_scored_record_is_told_and_what_nothing_names_is_no_record_of_a_history() {
        let read = |line: &'static str| ScoredLine::read(&PLAIN, line.as_bytes());
        assert_eq!(read(r#"{"amount":1}"#).unwrap_err(), LineFault::Arrival);
        assert_eq!(read(r#"{"amount":1,"ingested_at":"soon"}"#).unwrap_err(), LineFault::Arrival);
        assert_eq!(read("[]").unwrap_err(), LineFault::Refused(Refusal::NotAnObject));
        let nameless = read(r#"{"customer_id":"C1","ingested_at":"2026-01-15T03:00:00Z"}"#).unwrap();
        assert_eq!(nameless.incoming(), None);
        for position in ["store 7", "a/b", "a/1/b", "a/1/2/3", "a/", ""] {
            assert_eq!(place(arrival(0), position), None, "{position}");
        }
    }
}
