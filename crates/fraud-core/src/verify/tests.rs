use exact_text::timestamp::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::alert::Alert;
use crate::decision::Decider;
use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, Entity, EntityFound, EntityKind};
use crate::found::{Found, HistoryFound};
use crate::history::HistoryInputs;
use crate::identity::Position;
use crate::policy::testing::any_policy;
use crate::profile::{Attribute, Profile};
use crate::record::RecordEncoder;
use crate::shadow::Policies;
use crate::transaction::TransactionReader;

const DEFAULT: &str = include_str!("../../policies/default.toml");

const FURTHER: &str = r#"
    name = "further"
    cap = 1000
    threshold = 10
    default_risk = 0.5
    [history]
    prior_mean_amount = 50
    outlier_ratio = 2
    [[factors]]
    name = "online"
    when = [{ field = "channel", any_of = ["web"] }]
    points = 20
    [[factors]]
    name = "risky"
    input = "merchant.risk"
    weight = 4
    [[factors]]
    name = "listed"
    when = [{ entity = "device", on_list = "stolen" }]
    points = 50
    [[factors]]
    name = "burst"
    input = "history.count_1h"
    bands = [{ from = 3, points = 7 }]
    [[factors]]
    name = "weekday"
    input = "weekday"
    weight = 1
    [[factors]]
    name = "night"
    input = "hour"
    bands = [{ from = 0, below = 24, points = 3 }]
    [[factors]]
    name = "risk"
    input = "customer_risk"
    weight = 10
    [[factors]]
    name = "amount"
    input = "amount"
    weight = 1
    [[factors]]
    name = "segment"
    when = [{ input = "customer.segment", none_of = ["gold"] }]
    points = 1
    [[factors]]
    name = "value"
    input = "customer.lifetime_value"
    weight = 0.01
"#;

const PAYLOAD: &str = r#"{"transaction_id":"T1","customer_id":"C1","amount":12.50,"channel":"web","event_time":"2026-01-16T23:30:00-05:00"}"#;

fn position() -> Position<'static> {
    Position { stream: "s", shard: "shardId-0", sequence_number: "495", sub_sequence_number: 3 }
}

/// What the functions write of a payload: the scored line, and the alert's message.
fn written(
    policy: &Policy,
    payload: &str,
    enrichment: Enrichment<'_>,
    position: Option<Position<'_>>,
) -> (String, Option<String>) {
    written_by(&policy.clone().into(), payload, enrichment, position)
}

fn written_by(
    policies: &Policies,
    payload: &str,
    enrichment: Enrichment<'_>,
    position: Option<Position<'_>>,
) -> (String, Option<String>) {
    let reading = Reading::new(&Schema::builtin_default(), policies.asked());
    let transaction = TransactionReader::new(&reading).read(payload.as_bytes()).unwrap();
    let decider = Decider::new(policies.clone(), EventTimeBounds::UNBOUNDED);
    let merchant = Entity::new([("risk", Attribute::Number("0.75"))]);
    let device = Entity::new([("list_stolen", Attribute::Number("0"))]);
    let mut entities = EntitiesFound::default();
    for kind in policies.asked().entities.iter() {
        entities.set(
            kind,
            match kind {
                EntityKind::Merchant => EntityFound::Known(&merchant),
                EntityKind::Device => EntityFound::Known(&device),
                _ => EntityFound::Unavailable,
            },
        );
    }
    let inputs = HistoryInputs { amount: 125_000, count_1h: 3, ..HistoryInputs::default() };
    let history = match policies.history() {
        Some(_) => HistoryFound::New(&inputs),
        None => HistoryFound::NotAsked,
    };
    let found = Found { enrichment, entities: Some(entities), history };
    let decision = decider.decide(&transaction, found, arrival(), position);
    let mut line = Vec::new();
    RecordEncoder::new(decider.policies()).encode(&transaction, &decision, position, &mut line);
    let alert = position.filter(|_| decider.alerts(&decision));
    let alert = alert.map(|position| Alert::new(&transaction, &decision, &decider, position).message);
    (String::from_utf8(line).unwrap().trim_end().to_owned(), alert)
}

fn arrival() -> Timestamp {
    Timestamp::from_millis(1_768_624_201_000).unwrap()
}

fn gold() -> Profile {
    Profile::new(Attribute::Text("gold"), Attribute::Number("1234.50"), Attribute::Number("0.9"))
}

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap()
}

fn verdict_of<'l>(policies: &[&str], line: &'l str) -> Verdict<'l> {
    let verifier = Verifier::new(policies.iter().map(|text| policy(text)), None);
    LineVerifier::new(&verifier).verify(line.as_bytes(), Form::Json).unwrap()
}

#[track_caller]
fn replaced(line: &str, from: &str, to: &str) -> String {
    assert!(line.contains(from), "{from} is not in {line}");
    line.replacen(from, to, 1)
}

#[test]
fn every_field_of_a_decision_is_found_if_it_is_changed() {
    let gold = gold();
    let (line, alert) = written(&policy(FURTHER), PAYLOAD, Enrichment::Profile(&gold), Some(position()));
    assert!(verdict_of(&[FURTHER], &line).is_verified(), "{line}: {:?}", verdict_of(&[FURTHER], &line));
    use Difference::{Engine, EventTimeFault, History, Identity, Inputs, Message, Reasons, Score};
    for (from, to, expected) in [
        (r#""fraud_score":"#, r#""fraud_score":1"#, Score),
        (r#"["online","risky""#, r#"["online""#, Reasons),
        (r#"["online","#, r#"["offline","#, Reasons),
        (r#"["online","#, r#"["online","online","#, Reasons),
        (r#""decision_id":"C1/T1""#, r#""decision_id":"C1/T2""#, Identity),
        (r#""decision_id":"C1/T1","#, "", Identity),
        (r#""transaction_id":"T1""#, r#""transaction_id":"T2""#, Identity),
        (r#""customer_id":"C1""#, r#""customer_id":"C2""#, Identity),
        (r#""enrichment":"profile""#, r#""enrichment":"no_profile""#, Difference::Enrichment),
        (r#""enrichment":"profile""#, r#""enrichment":"no_customer""#, Difference::Enrichment),
        (r#""enrichment":"profile""#, r#""enrichment":"gold""#, Difference::Enrichment),
        (r#""customer_segment":"gold""#, r#""customer_segment":"silver""#, Inputs),
        (r#""customer_lifetime_value":1234.50"#, r#""customer_lifetime_value":1234.51"#, Inputs),
        (r#""customer_risk_score":0.9"#, r#""customer_risk_score":0.8"#, Inputs),
        (r#""amount":12.50"#, r#""amount":12.51"#, Inputs),
        (r#""event_time":"2026-01-16T23"#, r#""event_time":"2026-01-16T22"#, Inputs),
        (r#""event_time":"2026-01-16T23"#, r#""event_time":"2026-01-15T23"#, Inputs),
        (r#""channel":"web""#, r#""channel":"app""#, Inputs),
        (r#""fraud_inputs""#, r#""event_time_fault":"unreadable","fraud_inputs""#, EventTimeFault),
        (r#""fraud_inputs""#, r#""event_time_fault":"late","fraud_inputs""#, EventTimeFault),
        (r#""history":"used""#, r#""history":"lagging""#, History),
        (r#""history":"used""#, r#""history":"perhaps""#, History),
        (r#""history":"used","#, "", History),
        (r#""position":"shardId-0/495/3""#, r#""position":"495""#, Difference::Position),
        (r#""engine":"fraud-core/"#, r#""engine":"other/"#, Engine),
        (r#","engine":"fraud-core/0.1.0""#, "", Engine),
        (r#"\"amount\":12.50"#, r#"\"amount\":13.50"#, Score),
        (r#"\"customer_risk\":0.9"#, r#"\"customer_risk\":1.9"#, Score),
        (r#",\"hour\":23"#, r#",\"hour\":24"#, Inputs),
        (r#",\"hour\":23"#, "", Reasons),
        (r#"\"field.channel\":\"web\""#, r#"\"field.channel\":\"wec\""#, Score),
        (r#"\"merchant.risk\":0.75"#, r#"\"merchant.risk\":1.75"#, Score),
        (r#"\"merchant.risk\":0.75"#, r#"\"merchant\":\"unavailable\""#, Score),
        (r#",\"device.on_list.stolen\":true"#, "", Score),
        (r#"\"history.count_1h\":3"#, r#"\"history.count_1h\":2"#, Score),
        (r#"\"weekday\":5"#, r#"\"weekday\":4"#, Score),
        (r#"\"customer.segment\":\"gold\""#, r#"\"customer.segment\":\"golf\""#, Score),
        (r#"\"customer.lifetime_value\":1234.5"#, r#"\"customer.lifetime_value\":1235.5"#, Score),
        (r#"\"weekday\":5"#, r#"\"weekday\":5,\"weekday\":5"#, Inputs),
        (r#"\"weekday\":5"#, r#"\"weekday\":5,\"card.risk\":1"#, Inputs),
        (r#""fraud_inputs":"{"#, r#""fraud_inputs":"[{"#, Inputs),
    ] {
        let changed = replaced(&line, from, to);
        let found = verdict_of(&[FURTHER], &changed).differences;
        assert!(found.contains(&expected), "{from} -> {to}: {found:?}");
    }
    let nearer = replaced(&line, "further@", "nearer@");
    let unknown = verdict_of(&[FURTHER], &nearer);
    assert!(unknown.unknown_policy.unwrap().starts_with("nearer@"));
    assert_eq!(
        verdict_of(&[FURTHER], &replaced(&line, r#""fraud_inputs""#, r#""inputs""#)).lacks,
        Some("fraud_inputs")
    );

    let alert = alert.unwrap();
    assert!(verdict_of(&[FURTHER], &alert).is_verified(), "{alert}: {:?}", verdict_of(&[FURTHER], &alert));
    for (from, to, expected) in [
        (r#""alert_id":"C1/T1""#, r#""alert_id":"C1/T2""#, Identity),
        (r#""transaction_id":"T1""#, r#""transaction_id":"T2""#, Identity),
        (r#""transaction_amount":12.50"#, r#""transaction_amount":12.5"#, Inputs),
        (r#""fraud_score":"#, r#""fraud_score":1"#, Score),
        (r#""points":20"#, r#""points":21"#, Reasons),
        (r#""observed":0.75"#, r#""observed":0.5"#, Reasons),
        ("merchant.risk * 4", "merchant.risk * 5", Reasons),
        (r#""event_time":"2026-01-16T23"#, r#""event_time":"2026-01-16T22"#, Inputs),
        (r#""enrichment":"profile""#, r#""enrichment":"no_profile""#, Inputs),
        (r#"\"history.count_1h\":3"#, r#"\"history.count_1h\":4"#, Reasons),
        (r#""history":"used""#, r#""history":"none""#, History),
        (r#""position":"shardId-0/495/3""#, r#""position":"shardId-0/496/3""#, Message),
        (r#""sequence_number":"495""#, r#""sequence_number":"496""#, Message),
        (r#""engine":"fraud-core/"#, r#""engine":"other/"#, Engine),
        (r#""alert_type":"fraud_detection""#, r#""alert_type":"fraud""#, Message),
    ] {
        let found = verdict_of(&[FURTHER], &replaced(&alert, from, to)).differences;
        assert!(found.contains(&expected), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn a_default_decision_is_computed_from_the_records_own_fields() {
    let gold = gold();
    for enrichment in [Enrichment::Profile(&gold), Enrichment::NoProfile, Enrichment::Unavailable] {
        let (line, _) = written(&policy(DEFAULT), PAYLOAD, enrichment, Some(position()));
        assert!(verdict_of(&[DEFAULT], &line).is_verified(), "{line}");
    }
    let (line, _) = written(&policy(DEFAULT), PAYLOAD, Enrichment::Profile(&gold), None);
    for (from, to, expected) in [
        (r#""amount":12.50"#, r#""amount":12000"#, Difference::Score),
        (r#""customer_risk_score":0.9"#, r#""customer_risk_score":0.8"#, Difference::Score),
        (r#""event_time":"2026-01-16T23"#, r#""event_time":"2026-01-16T03"#, Difference::Score),
        (r#""ingested_at""#, r#""engine":"fraud-core/0.1.0","ingested_at""#, Difference::Engine),
        (r#""ingested_at""#, r#""history":"used","ingested_at""#, Difference::History),
    ] {
        let found = verdict_of(&[DEFAULT], &replaced(&line, from, to)).differences;
        assert!(found.contains(&expected), "{from} -> {to}: {found:?}");
    }
    for name in ["ingested_at", "enrichment", "customer_risk_score"] {
        let lacking = replaced(&line, &format!("\"{name}\""), "\"other\"");
        assert_eq!(verdict_of(&[DEFAULT], &lacking).lacks, Some(name));
    }
    let without_time = r#"{"transaction_id":"T1","amount":1}"#;
    let (line, _) = written(&policy(DEFAULT), without_time, Enrichment::NoCustomer, None);
    let later = replaced(&line, "2026-01-17T04:30", "2026-01-17T12:30");
    assert!(verdict_of(&[DEFAULT], &line).is_verified());
    assert_eq!(verdict_of(&[DEFAULT], &later).differences, [Difference::Score, Difference::Reasons]);
}

#[test]
fn the_score_of_a_policy_in_the_shadow_is_computed_from_the_same_line() {
    let gold = gold();
    let default = policy(DEFAULT);
    let further = policy(FURTHER);
    // The line of a further policy tells what the default policy needs, and its score is known from a line of its own.
    let score = |line: &str| serde_json::from_str::<Value>(line).unwrap()["fraud_score"].clone();
    let known = |enrichment| {
        let (line, _) = written(&further, PAYLOAD, enrichment, Some(position()));
        let (own, _) = written(&default, PAYLOAD, enrichment, Some(position()));
        (line, score(&own))
    };
    let with = |line: &str, score: &Value, more: &str| {
        let shadow = format!(r#","shadow_score":{score},"shadow_policy":"{}"{more}}}"#, default.id());
        format!("{}{shadow}", line.strip_suffix('}').unwrap())
    };
    let (line, score) = known(Enrichment::Profile(&gold));
    let shadowed = with(&line, &score, "");
    let verdict = verdict_of(&[FURTHER, DEFAULT], &shadowed);
    assert!(verdict.is_verified() && verdict.with_shadow, "{verdict:?}");
    let other = with(&line, &Value::from(score.as_f64().unwrap() + 0.1), "");
    assert_eq!(verdict_of(&[FURTHER, DEFAULT], &other).differences, [Difference::ShadowScore]);
    assert_eq!(verdict_of(&[FURTHER], &shadowed).unknown_policy.as_deref(), Some(default.id()));
    let half = replaced(&shadowed, r#""shadow_score""#, r#""other""#);
    assert_eq!(verdict_of(&[FURTHER, DEFAULT], &half).differences, [Difference::ShadowScore]);

    // Without a profile each policy takes a risk of its own.
    let (line, score) = known(Enrichment::NoProfile);
    assert_ne!(default.default_risk(), 0.75);
    let stricter = DEFAULT.replace("default_risk = 0.5", "default_risk = 0.75");
    let stricter_policy = policy(&stricter);
    let (own, _) = written(&stricter_policy, PAYLOAD, Enrichment::NoProfile, Some(position()));
    let of_stricter = |more: &str| {
        let own: Value = serde_json::from_str(&own).unwrap();
        with(&line, &own["fraud_score"], more).replace(default.id(), stricter_policy.id())
    };
    assert!(verdict_of(&[FURTHER, DEFAULT], &with(&line, &score, "")).is_verified());
    let policies = [FURTHER, &stricter];
    assert!(verdict_of(&policies, &of_stricter(r#","shadow_customer_risk":0.75"#)).is_verified());
    assert!(!verdict_of(&policies, &of_stricter("")).is_verified());
    assert!(!verdict_of(&policies, &of_stricter(r#","shadow_customer_risk":0.76"#)).is_verified());
}

#[test]
fn lines_of_several_policies_are_verified_in_any_order() {
    const OTHER: &str = r#"
        name = "other"
        cap = 1000
        threshold = 10
        default_risk = 0.5
        [[factors]]
        name = "mobile"
        when = [{ field = "device", any_of = ["mobile"] }]
        points = 20
        [[factors]]
        name = "online"
        when = [{ field = "channel", any_of = ["web"] }]
        points = 7
    "#;
    let gold = gold();
    let payload = replaced(PAYLOAD, r#""channel""#, r#""device":"mobile","channel""#);
    let line =
        |policies: &Policies| written_by(policies, &payload, Enrichment::Profile(&gold), Some(position())).0;
    let shadowed = |active, shadow| line(&Policies::with_shadow(policy(active), policy(shadow)).unwrap());
    // What is read of a transaction is something else for each but the default.
    let right = [
        line(&policy(DEFAULT).into()),
        line(&policy(FURTHER).into()),
        line(&policy(OTHER).into()),
        shadowed(FURTHER, OTHER),
        shadowed(OTHER, FURTHER),
        shadowed(DEFAULT, OTHER),
        shadowed(OTHER, DEFAULT),
    ];
    // The first looks at no channel.
    let wrong: Vec<String> =
        right.iter().skip(1).map(|line| replaced(line, r#""channel":"web""#, r#""channel":"app""#)).collect();
    let verifier = Verifier::new([DEFAULT, FURTHER, OTHER].map(policy), None);
    let all: Vec<(&String, bool)> =
        right.iter().map(|line| (line, true)).chain(wrong.iter().map(|line| (line, false))).collect();
    for (one, one_holds) in &all {
        for (other, other_holds) in &all {
            let mut lines = LineVerifier::new(&verifier);
            for (line, holds) in [(one, one_holds), (other, other_holds)] {
                let verdict = lines.verify(line.as_bytes(), Form::Json).unwrap();
                let expected: &[Difference] = if *holds { &[] } else { &[Difference::Inputs] };
                assert_eq!(verdict.differences, expected, "{line}");
                assert!(!holds || verdict.is_verified(), "{line}");
            }
        }
    }
}

#[test]
fn what_a_table_has_lost_is_lacking_and_not_verified() {
    let (line, _) = written(
        &policy(DEFAULT),
        r#"{"transaction_id":"T1","amount":1,"event_time":[]}"#,
        Enrichment::NoCustomer,
        None,
    );
    let row = replaced(&line, r#","event_time":[]"#, "");
    let verifier = Verifier::new([policy(DEFAULT)], None);
    let verdict = LineVerifier::new(&verifier).verify(row.as_bytes(), Form::Row).unwrap();
    assert_eq!(verdict.lacks, Some("event_time"));
    assert!(LineVerifier::new(&verifier).verify(line.as_bytes(), Form::Json).unwrap().is_verified());
}

#[test]
fn what_is_no_decision_is_told() {
    let verifier = Verifier::new([policy(DEFAULT)], None);
    let verify =
        |line: &'static str| LineVerifier::new(&verifier).verify(line.as_bytes(), Form::Json).unwrap_err();
    assert_eq!(verify("[]"), NotADecision::Refused(Refusal::NotJson));
    assert_eq!(verify(r#"{"amount":1}"#), NotADecision::NoPolicy);
    assert!(matches!(verify(r#"{"alert_type":"fraud_detection"}"#), NotADecision::Alert(_)));
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let names = ["channel", "category", "score", "pin", "a \"b\"", "merchant_id", "device_id", "customer_id"];
    let value = prop_oneof![
        prop::sample::select(vec!["web", "app", "ü", "x\n"]).prop_map(Value::from),
        (-5i64..120).prop_map(Value::from),
        (-1e300..1e300f64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    let members = prop::collection::btree_map(prop::sample::select(names.to_vec()), value, 0..7);
    let time =
        prop::sample::select(vec![None, Some("2026-01-17T03:00:00+02:00"), Some("1705287600"), Some("soon")]);
    let id = prop::option::of("[a-z/%@]{1,5}");
    (members, -1e4..2e4f64, time, id).prop_map(|(members, amount, time, id)| {
        let mut object: Map<String, Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        object.insert("amount".into(), amount.into());
        time.map(|time| object.insert("event_time".into(), time.into()));
        id.map(|id| object.insert("transaction_id".into(), id.into()));
        if object.get("customer_id").is_some_and(|id| !id.is_string()) {
            object.remove("customer_id");
        }
        object
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn what_is_written_is_verified_whatever_the_policy_and_the_transaction(
        policy in any_policy(),
        object in any_object(),
        has_profile: bool,
        from_stream: bool,
    ) {
        let gold = gold();
        let enrichment = match (object.contains_key("customer_id"), has_profile) {
            (false, _) => Enrichment::NoCustomer,
            (true, true) => Enrichment::Profile(&gold),
            (true, false) => Enrichment::NoProfile,
        };
        let payload = serde_json::to_string(&object).unwrap();
        let (line, alert) = written(&policy, &payload, enrichment, from_stream.then(position));
        let verifier = Verifier::new([policy.clone()], Some(EventTimeBounds::UNBOUNDED));
        let verdict = LineVerifier::new(&verifier).verify(line.as_bytes(), Form::Json).unwrap();
        prop_assert!(verdict.is_verified(), "{}: {:?}", line, verdict);
        if let Some(alert) = alert {
            let verdict = LineVerifier::new(&verifier).verify(alert.as_bytes(), Form::Json).unwrap();
            prop_assert!(verdict.differences.is_empty(), "{}: {:?}", alert, verdict);
            prop_assert_eq!(verdict.lacks.is_some(), policy.further_inputs().is_empty() && enrichment.profile().is_some());
        }
        // The nearest other score is found.
        let (before, behind) = line.split_once("\"fraud_score\":").unwrap();
        let (digits, behind) = behind.split_once(',').unwrap();
        let other = exact_text::json::number_text(digits.parse::<f64>().unwrap().next_up());
        let changed = format!("{before}\"fraud_score\":{other},{behind}");
        let verdict = LineVerifier::new(&verifier).verify(changed.as_bytes(), Form::Json).unwrap();
        prop_assert_eq!(verdict.differences, [Difference::Score]);
    }

    #[test]
    fn no_line_makes_the_verifier_panic(line in ".{0,80}", members in r#"("(fraud_policy|fraud_score|alert_type|position|fraud_inputs|enrichment|amount)":("[0-9a-z/{}]{0,9}"|7|\{\}|null),?){0,5}"#) {
        let verifier = Verifier::new([policy(DEFAULT)], None);
        for line in [line, format!("{{{}}}", members.trim_end_matches(','))] {
            let _ = LineVerifier::new(&verifier).verify(line.as_bytes(), Form::Json);
        }
    }
}
