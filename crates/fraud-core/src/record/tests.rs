use super::*;
use crate::alert::Alert;
use crate::decision::Decider;
use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, Entity, EntityFound, EntityKind};
use crate::event_time::EventTimeBounds;
use crate::found::{Found, HistoryFound};
use crate::identity::Position;
use crate::policy::Policy;
use crate::profile::{Attribute, Profile};
use crate::schema::Schema;
use crate::transaction::{Reading, TimeField, TransactionReader};
use exact_text::timestamp::Timestamp;
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const ARRIVAL: &str = "2024-01-15T03:00:00.007Z";

fn encode(payload: &str, enrichment: Enrichment<'_>, position: Option<Position<'_>>) -> String {
    encode_under(Policy::builtin_default().unwrap(), payload, enrichment, position)
}

fn encode_under(
    policy: Policy,
    payload: &str,
    enrichment: Enrichment<'_>,
    position: Option<Position<'_>>,
) -> String {
    let encoder = RecordEncoder::new(&policy.clone().into());
    let arrival = exact_text::written_time::parse(ARRIVAL).unwrap().instant;
    let transaction = Transaction::parse(payload.as_bytes()).unwrap();
    let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED);
    let decision = decider.decide(&transaction, enrichment, arrival, position);
    let mut out = Vec::new();
    encoder.encode(&transaction, &decision, position, &mut out);
    String::from_utf8(out).unwrap()
}

fn profile() -> Profile {
    Profile::new(Attribute::Text("gold"), Attribute::Number("1234.50"), Attribute::Number("0.9"))
}

#[test]
fn our_fields_follow_the_producers_bytes_in_their_order() {
    let policy = Policy::builtin_default().unwrap();
    let profile = profile();
    let payload = r#"{ "transaction_id":"T/1", "customer_id":"C1", "amount":12000.00 }"#;
    let expected = concat!(
        r#"{ "transaction_id":"T/1", "customer_id":"C1", "amount":12000.00 ,"customer_segment":"gold","#,
        r#""customer_lifetime_value":1234.50,"customer_risk_score":0.9,"fraud_score":0.8600000000000001,"#,
        r#""fraud_reasons":["amount","customer_risk","time_of_day"],"fraud_policy":"POLICY","decision_id":"C1/T%2F1","#,
        r#""enrichment":"profile","ingested_at":"2024-01-15T03:00:00.007Z"}"#,
        "\n"
    );
    assert_eq!(encode(payload, Enrichment::Profile(&profile), None), expected.replace("POLICY", policy.id()));
}

#[test]
fn a_record_without_profile_and_identity_has_neither_field() {
    let line = encode(r#"{"amount":0}"#, Enrichment::NoCustomer, None);
    let policy = Policy::builtin_default().unwrap();
    let expected = r#"{"amount":0,"fraud_score":0.4,"fraud_reasons":["customer_risk","time_of_day"],"fraud_policy":"POLICY","enrichment":"no_customer","ingested_at":"2024-01-15T03:00:00.007Z"}"#;
    assert_eq!(line.trim_end(), expected.replace("POLICY", policy.id()));
}

#[test]
fn each_outcome_of_the_lookup_has_its_word() {
    let invalid = Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number("7"));
    for (enrichment, word) in [
        (Enrichment::NoProfile, "no_profile"),
        (Enrichment::Unavailable, "unavailable"),
        (Enrichment::Profile(&invalid), "invalid_profile"),
    ] {
        let line: Value = serde_json::from_str(&encode(r#"{"customer_id":"C1"}"#, enrichment, None)).unwrap();
        assert_eq!(line["enrichment"], word);
        assert_eq!(line.get("customer_risk_score").is_some(), word == "invalid_profile");
    }
}

#[test]
fn a_record_names_what_is_wrong_with_its_event_time() {
    for (time, fault) in [
        ("\"2024-01-15T03:00:00Z\"", None),
        ("1705287600", Some("without_local_time")),
        ("\"1705287600123\"", Some("without_local_time")),
        ("\"2024-01-15\"", Some("unreadable")),
        ("null", Some("unreadable")),
    ] {
        let payload = format!(r#"{{"amount":1,"event_time_fault":"none","event_time":{time}}}"#);
        let line: Value = serde_json::from_str(&encode(&payload, Enrichment::NoCustomer, None)).unwrap();
        assert_eq!(line.get("event_time_fault").and_then(Value::as_str), fault, "{time}");
    }
}

#[test]
fn a_customer_without_a_usable_risk_is_written_with_the_risk_that_the_policy_takes() {
    let policy = Policy::parse(
        "name = \"p\"\ncap = 1\nthreshold = 0.5\ndefault_risk = 0.25\n\
         [[factors]]\nname = \"risk\"\ninput = \"customer_risk\"\nweight = 1\n",
    );
    let policy = policy.unwrap();
    for risk in [Attribute::Missing, Attribute::Number("7")] {
        let profile = Profile::new(Attribute::Missing, Attribute::Missing, risk);
        let line = encode_under(policy.clone(), r#"{"amount":1}"#, Enrichment::Profile(&profile), None);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["customer_risk_score"], &line["fraud_score"]), (&0.25.into(), &0.25.into()));
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(fields::WRITTEN.to_vec());
    prop_oneof![
        ".{0,8}",
        known.clone().prop_map(str::to_owned),
        (known, any::<u32>()).prop_map(|(name, mask)| {
            let upper = |(at, letter): (usize, char)| {
                if mask >> at & 1 == 1 { letter.to_ascii_uppercase() } else { letter }
            };
            name.char_indices().map(upper).collect()
        }),
    ]
}

/// Foreign members, and the fields that are read with values that are accepted.
fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let foreign = prop::collection::vec((any_key(), any_value()), 0..8);
    let read = (
        prop::option::of(".{1,20}"),
        prop::option::of(any::<i64>()),
        any::<f64>(),
        prop::option::of(any_value()),
    );
    (foreign, read).prop_map(|(foreign, (customer_id, transaction_id, amount, event_time))| {
        let mut object: Map<String, Value> = foreign.into_iter().collect();
        for name in ["customer_id", "transaction_id", "amount"] {
            object.remove(name);
        }
        customer_id.map(|id| object.insert("customer_id".into(), id.into()));
        transaction_id.map(|id| object.insert("transaction_id".into(), id.into()));
        object.insert("amount".into(), amount.into());
        event_time.map(|time| object.insert("event_time".into(), time));
        object
    })
}

proptest! {
    #[test]
    fn the_output_is_the_input_without_our_names_plus_our_fields(object in any_object(), pretty: bool, with_profile: bool) {
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) }.unwrap();
        let profile = profile();
        let enrichment = if with_profile { Enrichment::Profile(&profile) } else { Enrichment::NoProfile };
        let line = encode(&text, enrichment, None);
        prop_assert!(line.ends_with("}\n") && line.matches(['\n', '\r']).count() == 1, "{:?}", line);

        let output: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&line).unwrap();
        let input: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
        let on_one_line = |raw: &RawValue| raw.get().replace(['\n', '\r'], " ");
        let foreign = |members: &BTreeMap<String, Box<RawValue>>| -> BTreeMap<String, String> {
            members.iter().filter(|(name, _)| !fields::is_own(name)).map(|(name, raw)| (name.clone(), on_one_line(raw))).collect()
        };
        prop_assert_eq!(foreign(&input), foreign(&output));
        let ours: Vec<&str> = output.keys().map(String::as_str).filter(|name| fields::is_own(name)).collect();
        let transaction = Transaction::parse(text.as_bytes()).unwrap();
        let faulty = match transaction.event_time {
            TimeField::Missing => false,
            TimeField::Unreadable => true,
            TimeField::Known(time, _) => time.hour.is_none(),
        };
        let mut expected: Vec<&str> = fields::WRITTEN.into_iter()
            .filter(|name| with_profile || !name.starts_with("customer_"))
            .filter(|&name| name != fields::DECISION_ID || object.contains_key("transaction_id"))
            .filter(|&name| name != fields::EVENT_TIME_FAULT || faulty)
            .filter(|&name| name != fields::TRANSACTION_SCHEMA)
            .filter(|name| ![fields::FRAUD_INPUTS, fields::HISTORY, fields::POSITION, fields::ENGINE].contains(name))
            .filter(|name| !name.starts_with("shadow_"))
            .collect();
        expected.sort_unstable();
        prop_assert_eq!(ours, expected);
    }

    #[test]
    fn a_foreign_numbers_digits_are_kept(digits in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?") {
        let line = encode(&format!("{{\"amount\":1,\"n\":{digits},\"m\":[{digits}]}}"), Enrichment::NoProfile, None);
        let expected = format!("{{\"amount\":1,\"n\":{digits},\"m\":[{digits}],\"fraud_score\"");
        prop_assert!(line.starts_with(&expected), "{}", line);
    }

    #[test]
    fn the_score_reads_back_as_the_same_number(risk in 0.0..=1.0f64) {
        let digits = format!("{risk:?}");
        let profile = Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number(&digits));
        let line = encode("{\"amount\":0,\"event_time\":null}", Enrichment::Profile(&profile), None);
        let output: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&line).unwrap();
        let written = output[fields::FRAUD_SCORE].get();
        prop_assert_eq!(written.parse::<f64>().unwrap().to_bits(), (risk * 0.4).to_bits());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Transaction::parse(&bytes);
    }
}

const FURTHER: &str = r#"
    name = "further"
    cap = 100
    threshold = 10
    default_risk = 0.5
    [[factors]]
    name = "online"
    when = [{ field = "channel", any_of = ["web"] }, { field = "a \"b\"", none_of = ["x"] }]
    points = 20
    [[factors]]
    name = "risky"
    input = "merchant.risk"
    bands = [{ from = 0.5, points = 4 }]
    missing = 1
    [[factors]]
    name = "listed"
    when = [{ entity = "device", on_list = "stolen" }]
    points = 50
    [[factors]]
    name = "weekday"
    input = "weekday"
    weight = 1
    [[factors]]
    name = "value"
    input = "customer.lifetime_value"
    weight = 0.001
    [[factors]]
    name = "number"
    input = "field.channel"
    weight = 1
"#;

fn decide_further(
    payload: &str,
    entities: EntitiesFound<'_>,
    position: Option<Position<'_>>,
) -> (String, Option<Alert>, usize) {
    let policy = Policy::parse(FURTHER).unwrap();
    let reading = Reading::new(&Schema::builtin_default(), policy.asked());
    let transaction = TransactionReader::new(&reading).read(payload.as_bytes()).unwrap();
    let encoder = RecordEncoder::new(&policy.clone().into());
    let decider = Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED);
    let profile = profile();
    let found = Found {
        enrichment: Enrichment::Profile(&profile),
        entities: Some(entities),
        history: HistoryFound::NotAsked,
    };
    let arrival = Timestamp::from_millis(1_700_000_000_000).unwrap();
    let decision = decider.decide(&transaction, found, arrival, position);
    let mut line = Vec::new();
    encoder.encode(&transaction, &decision, position, &mut line);
    let alert = position.map(|position| Alert::new(&transaction, &decision, &decider, position));
    (String::from_utf8(line).unwrap(), alert, decision.inputs.unusable_fields)
}

#[test]
fn a_policy_over_more_than_the_records_own_fields_tells_what_it_decided_from() {
    let merchant = Entity::new([("risk", Attribute::Number("0.75"))]);
    let device = Entity::new([("list_stolen", Attribute::Number("1700000001"))]);
    let mut entities = EntitiesFound::default();
    entities.set(EntityKind::Merchant, EntityFound::Known(&merchant));
    entities.set(EntityKind::Device, EntityFound::Known(&device));
    let position =
        Position { stream: "s", shard: "shardId-0", sequence_number: "495", sub_sequence_number: 3 };
    let payload =
        r#"{"transaction_id":"T","amount":1.50,"channel":"web","event_time":"2026-01-16T23:30:00-05:00"}"#;
    let (line, alert, unusable) = decide_further(payload, entities, Some(position));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let inputs = line["fraud_inputs"].as_str().unwrap();
    assert_eq!(
        inputs,
        r#"{"amount":1.50,"customer_risk":0.9,"hour":23,"field.channel":"web","merchant.risk":0.75,"device.on_list.stolen":true,"weekday":5,"customer.lifetime_value":1234.5}"#
    );
    assert_eq!((&line["position"], &line["engine"]), (&"shardId-0/495/3".into(), &"fraud-core/0.1.0".into()));
    // The same member as a number is of another type than the policy expects.
    assert_eq!(unusable, 1);
    let alert = alert.unwrap();
    let message: serde_json::Value = serde_json::from_str(&alert.message).unwrap();
    for name in ["fraud_inputs", "position", "engine"] {
        assert_eq!(message[name], line[name], "{name}");
    }
    let observed: Vec<_> =
        message["reasons"].as_array().unwrap().iter().map(|reason| reason["observed"].clone()).collect();
    assert_eq!(
        observed,
        [
            serde_json::json!({"field.channel": "web", "field.a \"b\"": null}),
            serde_json::json!(0.75),
            serde_json::json!({"device.on_list.stolen": true}),
            serde_json::json!(5.0),
            serde_json::json!(1234.5),
        ]
    );
    assert_eq!(message["reasons"][0]["rule"], r#"field.channel is "web" and field.a "b" is not "x""#);
    let read = Alert::from_message(alert.message.clone(), alert.customer_segment.clone(), alert.fingerprint)
        .unwrap();
    assert_eq!(read, alert);
}

#[test]
fn what_could_not_be_looked_up_is_told_and_counts_as_no_value() {
    let mut entities = EntitiesFound::default();
    entities.set(EntityKind::Merchant, EntityFound::Unavailable);
    entities.set(EntityKind::Device, EntityFound::Unavailable);
    let (line, ..) = decide_further(r#"{"amount":5,"event_time":1705287600}"#, entities, None);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        line["fraud_inputs"],
        r#"{"amount":5,"customer_risk":0.9,"customer.lifetime_value":1234.5,"merchant":"unavailable","device":"unavailable"}"#
    );
    assert_eq!(line["fraud_reasons"], serde_json::json!(["risky", "value"]));
    assert_eq!(line.get("position"), None);
}

/// A transaction with members that policies ask for, of any type.
fn any_asked_object() -> impl Strategy<Value = Map<String, Value>> {
    let names = ["channel", "category", "score", "pin", "a \"b\"", "merchant_id", "device_id", "customer_id"];
    let value = prop_oneof![
        prop::sample::select(vec!["web", "app", "", "ü", "x\u{7f}\n"]).prop_map(Value::from),
        (-5i64..120).prop_map(Value::from),
        (-1e300..1e300f64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(serde_json::json!(["web"])),
        Just(Value::from("x".repeat(300))),
    ];
    let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), value, 0..7);
    let time =
        prop::sample::select(vec![None, Some("2026-01-17T03:00:00+02:00"), Some("1705287600"), Some("soon")]);
    (members, -1e4..2e4f64, time).prop_map(|(members, amount, time)| {
        let mut object: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        object.insert("amount".into(), amount.into());
        object.insert("transaction_id".into(), "T".into());
        time.map(|time| object.insert("event_time".into(), time.into()));
        // Another type is refused before anything is scored.
        if object
            .get("customer_id")
            .is_some_and(|id| !id.is_string() || id.as_str().is_some_and(|id| id.len() > 256))
        {
            object.remove("customer_id");
        }
        object
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn any_transaction_is_scored_by_any_policy_and_twice_to_the_same_bytes(
        policy in crate::policy::testing::any_policy(),
        object in any_asked_object(),
        known: bool,
    ) {
        let text = serde_json::to_string(&object).unwrap();
        let entity = Entity::new([("risk", Attribute::Number("0.5")), ("list_stolen", Attribute::Number("0"))]);
        let mut entities = EntitiesFound::default();
        for kind in policy.asked().entities.iter() {
            entities.set(kind, if known { EntityFound::Known(&entity) } else { EntityFound::Unavailable });
        }
        let lines: Vec<Vec<u8>> = (0..2).map(|_| {
            let reading = Reading::new(&Schema::builtin_default(), policy.asked());
            let transaction = TransactionReader::new(&reading).read(text.as_bytes()).unwrap();
            let decider = Decider::new(policy.clone(), EventTimeBounds::UNBOUNDED);
            let found = Found { enrichment: Enrichment::NoProfile, entities: Some(entities), history: HistoryFound::NotAsked };
            let arrival = Timestamp::from_millis(1_700_000_000_000).unwrap();
            let decision = decider.decide(&transaction, found, arrival, None);
            let mut line = Vec::new();
            RecordEncoder::new(&policy.clone().into()).encode(&transaction, &decision, None, &mut line);
            line
        }).collect();
        prop_assert_eq!(&lines[0], &lines[1]);
        let line: Map<String, Value> = serde_json::from_slice(&lines[0]).unwrap();
        let score = line["fraud_score"].as_f64().unwrap();
        prop_assert!((0.0..=policy.cap()).contains(&score));
        let has_inputs = !policy.further_inputs().is_empty();
        prop_assert_eq!(line.contains_key("fraud_inputs"), has_inputs);
        if has_inputs {
            let inputs: Map<String, Value> = serde_json::from_str(line["fraud_inputs"].as_str().unwrap()).unwrap();
            for kind in policy.asked().entities.iter() {
                let told = inputs.get(kind.as_str()) == Some(&"unavailable".into());
                prop_assert_eq!(told, !known, "{:?}", inputs);
            }
        }
    }
}
