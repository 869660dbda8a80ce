use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, Service, When};
use exact_text::timestamp::Timestamp;
use fraud_core::entity::{EntitiesFound, EntityKinds};
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, Reading, TransactionReader};
use tokio::time::Instant;

use super::*;
use crate::config::{CacheSettings, EntitySource};
use crate::lookup::{Answer, Cached};
use crate::testing::soon;

const TABLE: &str = "entities";

const FILE: &str = r#"{
    "merchant/M0976": {"risk": 0.90, "list_compromised": 0, "changed_by": "ana", "note": "x"},
    "device/é /1%": {"list_trusted": "1705287600"},
    "card/4": {"risk": "high", "list_trusted": 0},
    "ip/10.0.0.1": {}
}"#;

const CACHE: CacheSettings =
    CacheSettings { max_age: Duration::from_secs(60), max_entries: 100, max_bytes: usize::MAX };

/// A table with the entities of [`FILE`].
async fn table() -> (EmbeddedAws, DynamoDbEntities) {
    let aws =
        EmbeddedAws::builder().services([Service::DynamoDb]).table(TABLE, "entity").start().await.unwrap();
    let client = Client::new(&crate::testing::for_embedded(&aws, Service::DynamoDb).await);
    let number = |digits: &str| AttributeValue::N(digits.into());
    let text = |text: &str| AttributeValue::S(text.into());
    let rows = [
        (
            "merchant/M0976",
            vec![("risk", number("0.90")), ("list_compromised", number("0")), ("changed_by", text("ana"))],
        ),
        ("device/é /1%", vec![("list_trusted", text("1705287600"))]),
        ("card/4", vec![("risk", text("high")), ("list_trusted", number("0"))]),
        ("ip/10.0.0.1", vec![]),
    ];
    for (entity, attributes) in rows {
        let mut put = client.put_item().table_name(TABLE).item(table::ENTITY, text(entity));
        for (name, value) in attributes {
            put = put.item(name, value);
        }
        put.send().await.unwrap();
    }
    aws.calls().clear();
    (aws, DynamoDbEntities::new(client, TABLE))
}

/// What every entity store does, over the entities of [`FILE`].
async fn keeps_the_contract(store: &impl EntityStore) {
    let keys = [
        "merchant/M1",
        "card/4",
        "merchant/M0976",
        "merchant/m0976",
        "device/é /1%",
        "ip/10.0.0.1",
        "card/M0976",
    ];
    let answer = store.lookup(&keys, soon()).await;
    assert_eq!(answer.fault, None);
    let at = |seconds: i64| Timestamp::from_millis(seconds * 1000).unwrap();
    let lists =
        |entity: &Entity, at: Timestamp| ["compromised", "trusted"].map(|list| entity.is_on(list, at));
    let found: Vec<_> = answer
        .found
        .iter()
        .map(|lookup| match lookup {
            Lookup::Found(entity) => {
                let (before, after) = (lists(entity, at(1_705_287_599)), lists(entity, at(1_705_287_600)));
                Some((entity.risk(), before, after, entity.is_valid()))
            }
            Lookup::Absent => None,
            Lookup::Unavailable => panic!("unavailable"),
        })
        .collect();
    let neither = [false, false];
    let expected = [
        None,
        Some((None, [false, true], [false, true], false)),
        Some((Some(0.9), [true, false], [true, false], true)),
        None,
        Some((None, [false, true], neither, true)),
        Some((None, neither, neither, true)),
        None,
    ];
    assert_eq!(found, expected);
    assert!(store.lookup(&[], soon()).await.found.is_empty());
}

#[tokio::test]
async fn a_file_keeps_the_contract() {
    keeps_the_contract(&FileEntities::parse(FILE).unwrap()).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract() {
    let (aws, store) = table().await;
    keeps_the_contract(&store).await;
    crate::testing::assert_calls_are_those_of(PORT, &aws);
}

#[tokio::test]
async fn a_memory_keeps_the_contract_when_empty_and_when_full() {
    let store = Cached::new(FileEntities::parse(FILE).unwrap(), CACHE);
    keeps_the_contract(&store).await;
    keeps_the_contract(&store).await;
}

#[tokio::test]
async fn keys_that_a_table_leaves_unprocessed_are_asked_for_again() {
    let (aws, store) = table().await;
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem").next(2), Fault::Half).unwrap();
    keeps_the_contract(&store).await;
    assert!(aws.calls().count(Service::DynamoDb, "BatchGetItem") > 2);
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_unavailable_and_not_the_absence_of_entities() {
    let (aws, store) = table().await;
    aws.faults().add(When::calls(Service::DynamoDb, "BatchGetItem"), Fault::Hang).unwrap();
    let answer = store.lookup(&["merchant/M0976"], Instant::now() + Duration::from_millis(300)).await;
    assert!(matches!(answer.found[..], [Lookup::Unavailable]));
    assert!(answer.fault.is_some());
}

/// A store that must not be asked.
struct Untouched;

impl Store for Untouched {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], _deadline: Instant) -> Answer<Entity> {
        panic!("asked for {keys:?}")
    }
}

/// Says nothing of devices, knows merchants, and has no cards.
struct Merchants;

impl Store for Merchants {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], _deadline: Instant) -> Answer<Entity> {
        assert_eq!(keys, ["merchant/M1", "card/1", "device/é", "card/2"], "each entity is asked for once");
        let found = keys.iter().map(|key| match parse_key(key).unwrap().0 {
            EntityKind::Merchant => Lookup::Found(std::sync::Arc::new(Entity::new([]))),
            EntityKind::Card => Lookup::Absent,
            _ => Lookup::Unavailable,
        });
        Answer { found: found.collect(), looked_up: keys.len(), ..Answer::default() }
    }
}

#[tokio::test]
async fn each_record_is_told_what_was_found_of_its_own_entities() {
    let kinds: EntityKinds =
        [EntityKind::Card, EntityKind::Merchant, EntityKind::Device].into_iter().collect();
    let reading = Reading::new(&Schema::builtin_default(), &Asked { entities: kinds, ..Asked::default() });
    let mut reader = TransactionReader::new(&reading);
    let payloads: [&[u8]; 4] = [
        br#"{"amount":1,"merchant_id":"M1","card_id":1}"#,
        br#"{"amount":1,"merchant_id":"M1","device_id":"\u00e9","ip":"10.0.0.1"}"#,
        br#"{"amount":1,"card_id":"1","device_id":{"id":1}}"#,
        br#"{"amount":1,"card_id":"2","merchant_id":""}"#,
    ];
    let transactions = payloads.map(|payload| reader.read(payload).unwrap());
    let [first, second, third, fourth] = &transactions;
    let records = [Some(first), None, Some(second), Some(third), Some(fourth)];
    let looked_up = look_up_entities(&Merchants, kinds, records.into_iter(), soon()).await;
    let word = |found: EntityFound<'_>| match found {
        EntityFound::None => "none",
        EntityFound::Known(_) => "known",
        EntityFound::Absent => "absent",
        EntityFound::Unavailable => "unavailable",
    };
    let words: Vec<_> = (0..records.len())
        .map(|record| EntityKind::ALL.map(|kind| word(looked_up.of(record).unwrap().of(kind))))
        .collect();
    let expected = [
        // Customer, merchant, device, card, address.
        ["none", "known", "none", "absent", "none"],
        ["none", "none", "none", "none", "none"],
        ["none", "known", "unavailable", "none", "none"],
        ["none", "none", "none", "absent", "none"],
        ["none", "none", "none", "absent", "none"],
    ];
    assert_eq!(words, expected);
    let mut counts = EntityCounts::new(&looked_up).unwrap();
    (0..records.len()).for_each(|record| counts.count(&looked_up.of(record).unwrap()));
    let expected =
        EntityCounts { distinct: 4, lookups: 4, unavailable: 1, unusable_ids: 1, ..EntityCounts::default() };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn where_nothing_is_asked_for_no_store_is_asked_and_nothing_is_counted() {
    let transaction =
        fraud_core::transaction::Transaction::parse(br#"{"amount":1,"merchant_id":"M1"}"#).unwrap();
    let looked_up =
        look_up_entities(&Untouched, EntityKinds::NONE, [Some(&transaction)].into_iter(), soon()).await;
    assert_eq!(looked_up.of(0), None);
    assert_eq!(EntityCounts::new(&looked_up), None);
}

#[test]
fn an_entity_with_an_attribute_that_cannot_be_used_is_counted_once_a_record() {
    let bad = Entity::new([("risk", fraud_core::profile::Attribute::Other)]);
    let mut found = EntitiesFound::default();
    found.set(EntityKind::Merchant, EntityFound::Known(&bad));
    found.set(EntityKind::Card, EntityFound::Known(&bad));
    let mut counts = EntityCounts::default();
    counts.count(&found);
    assert_eq!(counts, EntityCounts { invalid: 1, ..EntityCounts::default() });
}

#[tokio::test]
async fn a_policy_that_asks_for_no_entity_never_opens_the_source() {
    let policy = Policy::builtin_default().unwrap();
    let source = EntitySource::File { path: "no/such/file.json".into() };
    let sdk = aws_calls::sdk::Sdk::new();
    let entities = Entities::connect(&source, &policy.into(), CACHE, &sdk).await.unwrap();
    assert!(matches!(entities, Entities::Unasked));
    let answer = entities.lookup(&["merchant/M1"], soon()).await;
    assert!(matches!(answer.found[..], [Lookup::Unavailable]) && answer.fault.is_some());
}

#[test]
fn a_key_is_a_kind_and_an_id_that_transactions_can_have() {
    assert_eq!(parse_key("merchant/M0976"), Some((EntityKind::Merchant, "M0976")));
    assert_eq!(parse_key("ip/2001:db8::1/64"), Some((EntityKind::Ip, "2001:db8::1/64")));
    assert_eq!(key_of(EntityKind::Card, "a/b"), "card/a/b");
    let long = format!("card/{}", "é".repeat(256));
    assert!(parse_key(&long).is_some() && parse_key(&(long + "é")).is_none());
    for wrong in ["merchant", "merchant/", "Merchant/M1", "shop/M1", "/M1", ""] {
        assert_eq!(parse_key(wrong), None, "{wrong}");
    }
}

#[test]
fn a_lists_name_is_short_and_plain_and_names_its_attribute() {
    assert_eq!(table::list_of(&table::list_attribute("vip_2")), Some("vip_2"));
    assert!(table::is_list_name(&"a".repeat(64)) && !table::is_list_name(&"a".repeat(65)));
    for wrong in ["", "Trusted", "a-b", "a b", "é"] {
        assert!(!table::is_list_name(wrong), "{wrong}");
    }
}

/// A policy that asks for merchants and devices.
fn asking() -> Policy {
    Policy::parse(
        r#"
        name = "lists"
        cap = 100
        threshold = 50
        default_risk = 0.5

        [[factors]]
        name = "both"
        when = [{ entity = "device", on_list = "stolen" }, { entity = "merchant", on_list = "compromised" }]
        points = 60
        "#,
    )
    .unwrap()
}

#[tokio::test]
async fn a_policy_that_asks_for_entities_needs_a_source_and_the_start_says_which() {
    let (policy, sdk) = (asking(), aws_calls::sdk::Sdk::new());
    let error = Entities::connect(&EntitySource::None, &policy.clone().into(), CACHE, &sdk)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        format!(
            "the policy {} asks for entities (merchant, device) and ENTITY_SOURCE names no source of them; it accepts \
             `dynamodb:<table>`, `file:<path to JSON>` or `none:`",
            policy.id()
        )
    );
    let file = EntitySource::File { path: "no/such.json".into() };
    let error = Entities::connect(&file, &policy.into(), CACHE, &sdk).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot read the entities in no/such.json: "), "{error}");
}
