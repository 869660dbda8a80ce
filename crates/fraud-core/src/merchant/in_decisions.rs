//! The inputs over a merchant, from what was looked up to the decision.

use exact_text::timestamp::Timestamp;

use crate::decision::Decider;
use crate::enrichment::Enrichment;
use crate::entity::{EntitiesFound, Entity, EntityFound, EntityKind, EntityKinds};
use crate::event_time::EventTimeBounds;
use crate::found::{Found, HistoryFound};
use crate::inputs::InputValue;
use crate::merchant::LabelDelay;
use crate::policy::Policy;
use crate::profile::Attribute;
use crate::transaction::Transaction;

const POLICY: &str = r#"
    name = "p"
    cap = 100
    threshold = 50
    default_risk = 0.25
    [[factors]]
    name = "frauds"
    input = "merchant.fraud_rate"
    bands = [{ from = 0.1, points = 40 }]
    [[factors]]
    name = "compromised"
    input = "merchant.compromise_age_days"
    bands = [{ from = 0, below = 28, points = 20 }]
"#;

/// 2026-01-15, and its first second.
const DAY: i32 = 20_468;
const START: i64 = DAY as i64 * 86_400;

fn policy() -> Policy {
    Policy::parse(POLICY).unwrap()
}

/// Seven days before [`DAY`] three of four transactions were ordinary frauds, and a day before it one.
fn merchant() -> Entity {
    Entity::new([
        ("n20461", Attribute::Number("4")),
        ("f20461", Attribute::Number("3")),
        ("o20461", Attribute::Number("3")),
        ("f20467", Attribute::Number("1")),
    ])
}

fn values(found: EntityFound<'_>, event_time: &str, delay: u8) -> (InputValue<'static>, InputValue<'static>) {
    let payload = format!(
        r#"{{"customer_id":"C1","transaction_id":"T1","amount":1,"merchant_id":"M1","event_time":"{event_time}"}}"#
    );
    let transaction = Transaction::parse(payload.as_bytes()).unwrap();
    let mut entities = EntitiesFound::default();
    entities.set(EntityKind::Merchant, found);
    let found = Found {
        enrichment: Enrichment::NoProfile,
        entities: Some(entities),
        history: HistoryFound::NotAsked,
    };
    let delay = LabelDelay::of_days(delay).unwrap();
    let decider = Decider::new(policy(), EventTimeBounds::UNBOUNDED).with_label_delay(delay);
    let arrival = Timestamp::from_millis((START + 43_200) * 1000).unwrap();
    let decision = decider.decide(&transaction, found, arrival, None);
    let mut values = decision.inputs.further.iter().map(|value| match value {
        InputValue::Number(number) => InputValue::Number(*number),
        InputValue::Unavailable => InputValue::Unavailable,
        InputValue::None => InputValue::None,
        other => panic!("{other:?}"),
    });
    (values.next().unwrap(), values.next().unwrap())
}

#[test]
fn a_policy_over_merchants_asks_for_them() {
    assert_eq!(policy().asked().entities, [EntityKind::Merchant].into_iter().collect::<EntityKinds>());
}

#[test]
fn a_merchants_days_are_seen_from_the_event_and_by_the_delay() {
    let (merchant, number) = (merchant(), InputValue::Number);
    let known = EntityFound::Known(&merchant);
    // 3 / (4 + 1 + .5)
    assert_eq!(values(known, "2026-01-15T06:00:00Z", 7), (number(0.545), number(7.25)));
    // A longer delay: of the seventh day before only the frauds are known. 3 / (3 + 1 + .5)
    assert_eq!(values(known, "2026-01-15T06:00:00Z", 8), (number(0.667), number(7.25)));
    // On the day before, too; the day's fraud has begun. 3 / (3 + 1 + .5)
    assert_eq!(values(known, "2026-01-14T06:00:00Z", 7), (number(0.667), number(6.25)));
}

#[test]
fn an_event_time_that_does_not_count_gives_way_to_the_arrival() {
    let merchant = merchant();
    let known = EntityFound::Known(&merchant);
    let at_arrival = (InputValue::Number(0.545), InputValue::Number(7.5));
    // More than seven days before the arrival; more than an hour after it; not a time.
    for event_time in ["2026-01-08T11:59:59Z", "2026-01-15T13:00:01Z", "soon"] {
        assert_eq!(values(known, event_time, 7), at_arrival, "{event_time}");
    }
    assert_eq!(values(known, "2026-01-15T13:00:00Z", 7).1, InputValue::Number(7.542));
}

#[test]
fn a_merchant_of_which_no_day_is_known_has_no_values() {
    let listed = Entity::new([("list_trusted", Attribute::Number("0"))]);
    let none = || (InputValue::None, InputValue::None);
    for found in [EntityFound::None, EntityFound::Absent, EntityFound::Known(&listed)] {
        assert_eq!(values(found, "2026-01-15T06:00:00Z", 7), none());
    }
    let unavailable = (InputValue::Unavailable, InputValue::Unavailable);
    assert_eq!(values(EntityFound::Unavailable, "2026-01-15T06:00:00Z", 7), unavailable);
    // Days are known, and none of them counts: no known fraud is a rate of zero.
    let old = Entity::new([("f20000", Attribute::Number("1"))]);
    let zero = (InputValue::Number(0.0), InputValue::None);
    assert_eq!(values(EntityFound::Known(&old), "2026-01-15T06:00:00Z", 7), zero);
}
