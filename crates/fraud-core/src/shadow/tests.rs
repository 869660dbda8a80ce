use exact_text::timestamp::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::alert::Alert;
use crate::decision::Decider;
use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, Entity, EntityFound, EntityKind};
use crate::event_time::EventTimeBounds;
use crate::found::{Found, HistoryFound};
use crate::history::HistoryInputs;
use crate::identity::Position;
use crate::inputs::{InputValue, Inputs};
use crate::policy::testing::{any_inputs, any_policy};
use crate::profile::{Attribute, Profile};
use crate::record::RecordEncoder;
use crate::schema::Schema;
use crate::transaction::{Reading, TransactionReader};

/// The inputs as a policy alone has them.
fn alone(policy: &Policy, policies: &Policies, both: &Inputs<'static>) -> Inputs<'static> {
    let further = policy.further_inputs().iter().map(|own| {
        let place = policies.further_inputs().iter().position(|further| further.input == own.input).unwrap();
        both.further[place].clone()
    });
    Inputs { further: further.collect(), ..both.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn either_policy_scores_the_inputs_of_both_as_it_scores_its_own(
        (active, shadow, policies, inputs) in (any_policy(), any_policy())
            .prop_filter_map("one history", |(active, shadow)| {
                let policies = Policies::with_shadow(active.clone(), shadow.clone()).ok()?;
                Some((active, shadow, policies))
            })
            .prop_flat_map(|(active, shadow, policies)| {
                let inputs = any_inputs(policies.both());
                (Just(active), Just(shadow), Just(policies), inputs)
            })
    ) {
        let of_active = alone(&active, &policies, &inputs);
        let of_shadow = alone(&shadow, &policies, &inputs);
        prop_assert_eq!(&of_active.further[..], &inputs.further[..of_active.further.len()]);
        prop_assert_eq!(policies.active().score(&inputs), active.score(&of_active));
        let in_shadow = policies.shadow().unwrap();
        prop_assert_eq!(in_shadow.score(&inputs), shadow.score(&of_shadow));
        prop_assert_eq!(in_shadow.reasons(&inputs), shadow.reasons(&of_shadow));
        prop_assert_eq!(in_shadow.id(), shadow.id());
        prop_assert_eq!(in_shadow.canonical(), shadow.canonical());
        for name in active.asked().fields.iter().chain(&shadow.asked().fields) {
            prop_assert!(policies.asked().fields.contains(name));
        }
    }
}

const HISTORY: &str = "[history]\nprior_mean_amount = 50\noutlier_ratio = 2\n";

fn policy(name: &str, default_risk: f64, history: &str, factors: &str) -> Policy {
    Policy::parse(&format!(
        "name = \"{name}\"\ncap = 100\nthreshold = 50\ndefault_risk = {default_risk}\n{history}{factors}"
    ))
    .unwrap()
}

const ACTIVE: &str = r#"
    [[factors]]
    name = "web"
    when = [{ field = "channel", any_of = ["web"] }]
    points = 60
    [[factors]]
    name = "risk"
    input = "customer.risk"
    weight = 10
"#;
const SHADOW: &str = r#"
    [[factors]]
    name = "risk"
    input = "customer.risk"
    weight = 10
    [[factors]]
    name = "stolen"
    when = [{ entity = "device", on_list = "stolen" }, { field = "score", above = 3 }]
    points = 70
    [[factors]]
    name = "burst"
    input = "history.count_1h"
    bands = [{ above = 2, points = 5 }]
    [[factors]]
    name = "channel"
    when = [{ field = "channel", none_of = ["app"] }]
    points = 1
"#;
const POSITION: Position<'static> =
    Position { stream: "s", shard: "shardId-0", sequence_number: "495", sub_sequence_number: 0 };

/// What the policies make of a transaction: the line, and the alert if one is due.
fn decided(
    policies: impl Into<Policies>,
    profile: Option<&Profile>,
    payload: &str,
) -> (serde_json::Value, Option<Alert>) {
    let decider = Decider::new(policies, EventTimeBounds::UNBOUNDED);
    let reading = Reading::new(&Schema::builtin_default(), decider.policies().asked());
    let transaction = TransactionReader::new(&reading).read(payload.as_bytes()).unwrap();
    let device = Entity::new([("list_stolen", Attribute::Number("0"))]);
    let mut entities = EntitiesFound::default();
    entities.set(EntityKind::Device, EntityFound::Known(&device));
    let inputs = HistoryInputs { count_1h: 3, ..HistoryInputs::default() };
    let found = Found {
        enrichment: profile.map_or(Enrichment::NoProfile, Enrichment::Profile),
        entities: Some(entities),
        history: decider.policies().history().map_or(HistoryFound::NotAsked, |_| HistoryFound::New(&inputs)),
    };
    let arrival = Timestamp::from_millis(1_700_000_000_000).unwrap();
    let decision = decider.decide(&transaction, found, arrival, Some(POSITION));
    let mut line = Vec::new();
    RecordEncoder::new(decider.policies()).encode(&transaction, &decision, Some(POSITION), &mut line);
    let alert = decider.alerts(&decision).then(|| Alert::new(&transaction, &decision, &decider, POSITION));
    (serde_json::from_slice(&line).unwrap(), alert)
}

#[test]
fn a_shadow_is_scored_as_it_would_be_alone_and_changes_no_decision_and_no_alert() {
    let active = policy("active", 0.5, "", ACTIVE);
    let shadow = policy("shadow", 0.25, HISTORY, SHADOW);
    let both = Policies::with_shadow(active.clone(), shadow.clone()).unwrap();
    let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number("0.9"));
    for profile in [None, Some(&profile)] {
        for channel in ["web", "app"] {
            let payload = format!(
                r#"{{"customer_id":"C","transaction_id":"T","amount":5,"channel":"{channel}","score":4}}"#
            );
            let (mut line, alert) = decided(both.clone(), profile, &payload);
            let (without, alert_without) = decided(active.clone(), profile, &payload);
            let (of_shadow, _) = decided(shadow.clone(), profile, &payload);
            assert_eq!(alert, alert_without);
            assert_eq!(alert.is_some(), channel == "web");
            let line = line.as_object_mut().unwrap();
            assert_eq!(line.remove("shadow_score").unwrap(), of_shadow["fraud_score"]);
            assert_eq!(line.remove("shadow_policy").unwrap(), of_shadow["fraud_policy"]);
            assert_eq!(line.remove("shadow_customer_risk"), profile.is_none().then(|| 0.25.into()));
            assert_eq!(line.remove("history").unwrap(), "used");
            let inputs: serde_json::Value =
                serde_json::from_str(line.remove("fraud_inputs").unwrap().as_str().unwrap()).unwrap();
            assert_eq!(inputs["device.on_list.stolen"], true);
            assert_eq!(inputs["history.count_1h"], 3);
            let mut without = without;
            without.as_object_mut().unwrap().remove("fraud_inputs");
            assert_eq!(serde_json::Value::Object(line.clone()), without);
        }
    }
}

#[test]
fn a_shadow_beside_a_policy_that_needs_only_the_records_own_fields_adds_two_members() {
    let default = Policy::builtin_default().unwrap();
    let shadow = policy("other", 0.5, "", "[[factors]]\nname = \"a\"\ninput = \"amount\"\nweight = 0.5\n");
    let payload = r#"{"customer_id":"C","transaction_id":"T","amount":5}"#;
    let (mut line, _) =
        decided(Policies::with_shadow(default.clone(), shadow.clone()).unwrap(), None, payload);
    let line = line.as_object_mut().unwrap();
    assert_eq!(line.remove("shadow_score").unwrap(), 2.5);
    assert_eq!(line.remove("shadow_policy").unwrap(), shadow.id());
    assert_eq!(serde_json::Value::Object(line.clone()), decided(default, None, payload).0);
}

#[test]
fn what_both_cannot_look_at_together_is_refused() {
    let risk = "[[factors]]\nname = \"r\"\ninput = \"customer.risk\"\nweight = 60\n";
    let with = |history: &str| policy("p", 0.5, history, risk);
    let other = "[history]\nprior_mean_amount = 50\noutlier_ratio = 3\nordinary_below = 100\n";
    for (active, shadow) in [("", HISTORY), (HISTORY, ""), (HISTORY, HISTORY)] {
        let policies = Policies::with_shadow(with(active), with(shadow)).unwrap();
        assert_eq!(policies.history(), with(HISTORY).history());
    }
    let error = Policies::with_shadow(with(HISTORY), with(other)).unwrap_err().to_string();
    assert!(
        error.contains("different [history] settings (outlier_ratio 2 and 3, ordinary_below 200 and 100)"),
        "{error}"
    );

    let lists = |from: usize, to: usize| {
        let factor = |n| {
            format!(
                "[[factors]]\nname = \"l{n}\"\nwhen = [{{ entity = \"device\", on_list = \"l{n}\" }}]\npoints = 60\n"
            )
        };
        policy("p", 0.5, "", &(from..to).map(factor).collect::<String>())
    };
    assert!(Policies::with_shadow(lists(0, 20), lists(10, 32)).is_ok());
    let error = Policies::with_shadow(lists(0, 20), lists(10, 33)).unwrap_err().to_string();
    assert!(error.contains("look at 33 things known of entities together, and 32 is the most"), "{error}");
}

#[test]
fn high_scores_are_counted_by_who_gives_them() {
    let mut counts = ShadowCounts::default();
    for (active, shadow) in [(true, true), (true, false), (true, false), (false, true), (false, false)] {
        counts.count(active, shadow);
    }
    assert_eq!(counts, ShadowCounts { high: 2, shadow_only: 1, active_only: 2 });
}

#[test]
fn a_shadow_sees_what_was_not_looked_up_as_it_is() {
    let shadow = policy("s", 0.5, "", SHADOW.split("[[factors]]\n    name = \"burst\"").next().unwrap());
    let policies = Policies::with_shadow(Policy::builtin_default().unwrap(), shadow).unwrap();
    let place = policies.further_inputs().iter().position(|further| further.input.is_of_entity()).unwrap();
    let mut inputs = Inputs {
        amount: 1.0,
        customer_risk: 0.5,
        hour: None,
        further: vec![InputValue::None; 2],
        unusable_fields: 0,
    };
    inputs.further[place] = InputValue::Unavailable;
    assert_eq!(policies.shadow().unwrap().score(&inputs).value, 5.0);
}
