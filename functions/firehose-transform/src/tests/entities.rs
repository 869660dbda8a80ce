//! Under a policy that asks for entities.

use std::sync::Arc;

use aws_calls::fault::CallFault;
use fraud_aws::entities::{EntityCounts, FileEntities};
use fraud_aws::lookup::{self, Answer};
use fraud_core::entity::Entity;
use fraud_core::policy::Policy;
use tokio::sync::Barrier;

use super::*;

const POLICY: &str = r#"
name = "lists"
cap = 100
threshold = 50
default_risk = 0.5

[[factors]]
name = "compromised_merchant"
when = [{ entity = "merchant", on_list = "compromised" }]
points = 60

[[factors]]
name = "device_risk"
input = "device.risk"
weight = 30
"#;

const ENTITIES: &str =
    r#"{"merchant/M1": {"list_compromised": 0}, "device/D1": {"risk": 0.5}, "device/D2": {"risk": 7}}"#;

/// What comes of records under the policy.
async fn handled<E: EntityStore>(entities: E, payloads: &[Value]) -> Transformed {
    let transform = over(Silent { about: "nobody", asked: Mutex::default() }, entities);
    let payloads: Vec<Vec<u8>> = payloads.iter().map(|payload| payload.to_string().into_bytes()).collect();
    transform.handle(&event(&payloads), Duration::from_secs(60)).await.unwrap()
}

fn over<P: ProfileStore, E: EntityStore>(profiles: P, entities: E) -> Transform<P, E> {
    let policy = Policy::parse(POLICY).unwrap();
    Transform::new(profiles, entities, policy, EventTimeBounds::UNBOUNDED)
}

fn scores(transformed: &Transformed) -> Vec<f64> {
    records(transformed).iter().map(|record| line(record)["fraud_score"].as_f64().unwrap()).collect()
}

#[tokio::test]
async fn lists_and_risks_of_the_entities_that_a_record_names_score_it_and_are_counted() {
    let entities = FileEntities::parse(ENTITIES).unwrap();
    let payloads = [
        json!({ "amount": 1, "merchant_id": "M1", "device_id": "D1" }),
        json!({ "amount": 1, "merchant_id": "M2", "device_id": "D2" }),
        json!({ "amount": 1, "merchant_id": "M1", "device_id": ["D1"] }),
        json!({ "amount": 1 }),
    ];
    let transformed = handled(entities, &payloads).await;
    assert_eq!(scores(&transformed), [75.0, 0.0, 60.0, 0.0]);
    let expected =
        EntityCounts { distinct: 4, lookups: 4, invalid: 1, unusable_ids: 1, ..EntityCounts::default() };
    assert_eq!(transformed.metrics.entities, Some(expected));
    let names: Vec<_> = transformed.metrics.line("N").names().map(str::to_owned).collect();
    assert!(names.contains(&"InvalidEntities".to_owned()), "{names:?}");
}

/// A file that says nothing of devices.
struct WithoutDevices(FileEntities);

impl Store for WithoutDevices {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], deadline: Instant) -> Answer<Entity> {
        let mut answer = self.0.lookup(keys, deadline).await;
        for (key, found) in keys.iter().zip(&mut answer.found) {
            if key.starts_with("device/") {
                *found = lookup::Lookup::Unavailable;
            }
        }
        Answer { fault: Some(CallFault::deadline()), ..answer }
    }
}

#[tokio::test]
async fn a_record_is_scored_without_what_cannot_be_looked_up_and_says_so() {
    let entities = WithoutDevices(FileEntities::parse(ENTITIES).unwrap());
    let payloads = [
        json!({ "amount": 1, "merchant_id": "M1", "device_id": "D1" }),
        json!({ "amount": 1, "merchant_id": "M1" }),
    ];
    let transformed = handled(entities, &payloads).await;
    assert_eq!(scores(&transformed), [60.0, 60.0]);
    assert_eq!(transformed.metrics.entities.unwrap().unavailable, 1);
    let inputs: Vec<Value> = records(&transformed)
        .iter()
        .map(|record| serde_json::from_str(line(record)["fraud_inputs"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!((&inputs[0]["device"], &inputs[1]["device"]), (&json!("unavailable"), &Value::Null));
}

/// A store that answers when the other one has been asked, too.
struct Waiting<T>(T, Arc<Barrier>);

impl<T: Store> Store for Waiting<T> {
    type Known = T::Known;

    async fn lookup(&self, keys: &[&str], deadline: Instant) -> Answer<T::Known> {
        self.1.wait().await;
        self.0.lookup(keys, deadline).await
    }
}

#[tokio::test]
async fn profiles_and_entities_are_looked_up_at_the_same_time() {
    let both = Arc::new(Barrier::new(2));
    let profiles = Waiting(FileProfiles::default(), Arc::clone(&both));
    let transform = over(profiles, Waiting(FileEntities::parse(ENTITIES).unwrap(), both));
    let payload = json!({ "amount": 1, "merchant_id": "M1" }).to_string().into_bytes();
    let transformed = transform.handle(&event(&[payload]), Duration::from_secs(60)).await.unwrap();
    assert_eq!(scores(&transformed), [60.0]);
}

#[tokio::test]
async fn a_policy_that_asks_for_no_entity_writes_no_metric_of_entities() {
    let payload = json!({ "amount": 1, "merchant_id": "M1" }).to_string().into_bytes();
    let transformed = from_file().handle(&event(&[payload]), Duration::from_secs(60)).await.unwrap();
    assert_eq!(transformed.metrics.entities, None);
    assert!(transformed.metrics.line("N").names().all(|name| !name.contains("Entit")));
}
