use super::*;
use crate::enrichment::Enrichment;
use crate::event_time::EventTimeBounds;
use crate::policy::Policy;
use crate::profile::{Attribute, Profile};
use exact_text::json::is_portable;
use exact_text::written_time;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

const ARRIVAL: &str = "2024-01-15T03:00:00.007Z";

fn position(sub_sequence_number: u64) -> Position<'static> {
    Position {
        stream: "transactions",
        shard: "shardId-000000000007",
        sequence_number: "49590338271490256608559692538361571095921575989136588898",
        sub_sequence_number,
    }
}

fn alert(payload: &str, enrichment: Enrichment<'_>, sub_sequence_number: u64) -> Alert {
    let policy = Policy::builtin_default().unwrap();
    let arrival = written_time::parse(ARRIVAL).unwrap().instant;
    let transaction = Transaction::parse(payload.as_bytes()).unwrap();
    let position = position(sub_sequence_number);
    let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED);
    let decision = decider.decide(&transaction, enrichment, arrival, Some(position));
    Alert::new(&transaction, &decision, &decider, position)
}

fn profile(segment: Attribute<'_>) -> Profile {
    Profile::new(segment, Attribute::Number("1234.50"), Attribute::Number("0.9"))
}

#[test]
fn a_message_says_what_was_decided_of_which_transaction_and_why() {
    let payload = r#"{"transaction_id":"T/1","customer_id":"C1","amount":12000.00,"event_time":"2024-01-15 04:59:59+02"}"#;
    let alert = alert(payload, Enrichment::Profile(&profile(Attribute::Text("gold"))), 0);
    let expected = concat!(
        r#"{"alert_type":"fraud_detection","alert_id":"C1/T%2F1","customer_id":"C1","transaction_id":"T/1","#,
        r#""transaction_amount":12000.00,"fraud_score":0.8600000000000001,"timestamp":"2024-01-15T03:00:00.007Z","#,
        r#""event_time":"2024-01-15 04:59:59+02","reasons":["#,
        r#"{"name":"amount","points":0.3,"observed":12000.0,"rule":"amount > 10000"},"#,
        r#"{"name":"customer_risk","points":0.36000000000000004,"observed":0.9,"rule":"customer_risk * 0.4"},"#,
        r#"{"name":"time_of_day","points":0.2,"observed":4.0,"rule":"hour >= 0 and < 6"}],"#,
        r#""policy":"POLICY","enrichment":"profile","stream":"transactions","shard":"shardId-000000000007","#,
        r#""sequence_number":"49590338271490256608559692538361571095921575989136588898","#,
        r#""customer_sequence":"0000000049590338271490256608559692538361571095921575989136588898"}"#,
    );
    assert_eq!(alert.message, expected.replace("POLICY", Policy::builtin_default().unwrap().id()));
}

#[test]
fn what_a_transaction_does_not_say_is_null_and_its_position_names_the_alert() {
    let alert = alert(r#"{"amount":0,"event_time":"noon"}"#, Enrichment::NoCustomer, 3);
    let message: serde_json::Value = serde_json::from_str(&alert.message).unwrap();
    let id = "@transactions/shardId-000000000007/49590338271490256608559692538361571095921575989136588898/3";
    assert_eq!((&*alert.alert_id, message["alert_id"].as_str()), (id, Some(id)));
    for name in ["customer_id", "transaction_id", "event_time"] {
        assert!(message[name].is_null(), "{name}");
    }
    assert_eq!(message["event_time_fault"], "unreadable");
    assert_eq!((&message["transaction_amount"], &message["sub_sequence_number"]), (&0.into(), &3.into()));
    assert_eq!(alert.position(), position(3));
}

#[test]
fn an_alert_keeps_the_segment_beside_its_message() {
    let profile = profile(Attribute::Missing);
    let of_a_profile = alert(r#"{"amount":0}"#, Enrichment::Profile(&profile), 0);
    assert_eq!(of_a_profile.customer_segment.as_deref(), Some("unknown"));
    assert_eq!(alert(r#"{"amount":0}"#, Enrichment::NoProfile, 0).customer_segment, None);
}

#[test]
fn the_longest_alert_id_fits_into_a_dynamodb_key_of_2048_bytes() {
    let longest =
        format!(r#"{{"customer_id":"{}","transaction_id":"{}"}}"#, "\u{10FFFF}".repeat(256), "/".repeat(256));
    let ids: Vec<usize> = alert(&longest, Enrichment::NoProfile, 0).ids().map(|id| id.len()).collect();
    let identity = 256 * 4 + 1 + 256 * 3;
    assert_eq!(ids, [identity, identity + 17, identity + 65]);
}

#[test]
fn an_alert_whose_id_another_transaction_has_is_told_apart_by_its_content_and_names_the_id() {
    let alert = |amount| {
        let payload = format!(r#"{{"transaction_id":"T1","customer_id":"C1","amount":{amount}}}"#);
        alert(&payload, Enrichment::NoProfile, 0)
    };
    let (first, other) = (alert("12000"), alert("12000.01"));
    assert!(first.is_of_the_same_content(alert("12e3").fingerprint) && first.is_of_the_same_content(None));
    assert!(!first.is_of_the_same_content(other.fingerprint));
    let digits = other.fingerprint.unwrap().digits();
    let ids = ["C1/T1".to_owned(), format!("C1/T1/{}", &digits[..16]), format!("C1/T1/{digits}")];
    assert_eq!(other.ids().collect::<Vec<_>>(), ids);
    let reusing = other.reusing(ids[1].clone());
    let start = format!(
        r#"{{"alert_type":"fraud_detection","alert_id":"{}","reuses_id_of":"C1/T1","customer_id":"C1","#,
        ids[1]
    );
    assert!(reusing.message.starts_with(&start), "{}", reusing.message);
    assert_eq!(reusing.ids().collect::<Vec<_>>(), ids);
    assert_eq!(reusing.reusing(ids[2].clone()), other.reusing(ids[2].clone()));
}

#[test]
fn the_customers_sequence_sorts_as_text_in_the_order_of_the_stream() {
    let sequence = |sequence_number: &str, sub_sequence_number: u64| {
        let mut alert = alert(r#"{"amount":0}"#, Enrichment::NoCustomer, sub_sequence_number);
        alert.sequence_number = sequence_number.to_owned();
        let message = message::write(&alert);
        serde_json::from_str::<serde_json::Value>(&message).unwrap()["customer_sequence"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let in_order = [("9", 0), ("9", 1), ("9", 2), ("9", 10), ("10", 0), ("123456789012345678901", 7)];
    let mut sorted: Vec<String> = in_order.iter().map(|(number, place)| sequence(number, *place)).collect();
    let sequences = sorted.clone();
    sorted.sort();
    assert_eq!(sorted, sequences);
}

#[test]
fn a_text_that_is_no_alerts_message_is_refused() {
    let message = alert(r#"{"customer_id":"C1"}"#, Enrichment::NoProfile, 2).message;
    let read = |message: String| Alert::from_message(message, None, None).unwrap_err();
    assert!(matches!(read("{".into()), MessageError::Json(_)));
    assert!(matches!(read(format!("{message} x")), MessageError::Json(_)));
    assert_eq!(read("{}".into()), MessageError::Member("timestamp"));
    for (name, from, to) in [
        ("alert_id", r#""alert_id":""#, r#""id":""#),
        ("customer_id", r#""customer_id":"C1""#, r#""customer_id":1"#),
        ("transaction_amount", r#""transaction_amount":0"#, r#""transaction_amount":"0""#),
        ("timestamp", ARRIVAL, "noon"),
        ("reasons", r#""reasons":["#, r#""reasons":1,"more":["#),
        ("sub_sequence_number", r#""sub_sequence_number":2"#, r#""sub_sequence_number":2.5"#),
        ("policy", r#""policy":"#, r#""policy":null,"of":"#),
        ("reuses_id_of", r#""customer_id""#, r#""reuses_id_of":1,"customer_id""#),
        ("event_time_fault", r#""reasons""#, r#""event_time_fault":"late","reasons""#),
    ] {
        assert_eq!(read(message.replace(from, to)), MessageError::Member(name));
    }
}

proptest! {
    #[test]
    fn any_transactions_message_is_one_line_of_json_with_the_producers_digits_and_reads_back(
        customer_id in prop::option::of("(?s)(.|[\u{FFFE}\n\"/]){1,12}"),
        transaction_id in prop::option::of("(?s)(.|[\u{FFFF}\r\\\\%]){1,12}"),
        digits in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?",
        event_time in prop::option::of(prop_oneof!["(?s).{0,12}", "[0-9]{9,14}", "2024-01-15[Tt ]0[0-9]:59:59(\\.[0-9]{1,20})?Z?"]),
        segment in prop::option::of("(?s).{0,12}"),
        sub_sequence_number in 0..3u64,
    ) {
        let amount: Box<RawValue> = serde_json::from_str(&digits).unwrap();
        let payload = BTreeMap::from([
            ("customer_id", serde_json::value::to_raw_value(&customer_id).unwrap()),
            ("transaction_id", serde_json::value::to_raw_value(&transaction_id).unwrap()),
            ("event_time", serde_json::value::to_raw_value(&event_time).unwrap()),
            ("amount", amount),
        ]);
        let profile = segment.as_deref().map(|segment| profile(Attribute::Text(segment)));
        let enrichment = profile.as_ref().map_or(Enrichment::NoProfile, Enrichment::Profile);
        let alert = alert(&serde_json::to_string(&payload).unwrap(), enrichment, sub_sequence_number);

        prop_assert!(alert.message.chars().all(|c| is_portable(c) && c != '\n' && c != '\r'), "{}", alert.message);
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&alert.message).unwrap();
        prop_assert_eq!(members["transaction_amount"].get(), digits);
        let text = |name: &str| serde_json::from_str::<Option<String>>(members[name].get()).unwrap();
        prop_assert_eq!(text("customer_id"), customer_id);
        prop_assert_eq!(text("transaction_id"), transaction_id);
        prop_assert_eq!(&alert.customer_segment, &segment);
        for alert in [alert.reusing(alert.ids().nth(1).unwrap()), alert] {
            let beside = (alert.customer_segment.clone(), alert.fingerprint);
            prop_assert_eq!(Alert::from_message(alert.message.clone(), beside.0, beside.1), Ok(alert));
        }
    }

    #[test]
    fn no_text_panics_when_it_is_read_as_a_message(text in "(?s).{0,60}") {
        let _ = Alert::from_message(text, None, None);
    }
}
