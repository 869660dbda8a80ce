//! Under a policy that asks for entities.

use std::time::Duration;

use fraud_aws::dead_letters::DeadLetterLines;
use fraud_aws::entities::{EntityStore, FileEntities};
use fraud_aws::history::NoHistory;
use fraud_aws::ledger::MemoryLedger;
use fraud_aws::lookup::{Answer, Lookup, Store};
use fraud_batch::RetryReason;
use fraud_core::entity::Entity;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use serde_json::json;
use tokio::time::Instant;

use super::handling::{MINUTE, NOTHING_AGAIN, again_from, event};
use super::ports::{Call, Fates, FlakySink, Log, MappingClock, Profiles};
use super::simulation::simulated;
use crate::{Alerts, Handled, Ports};

const POLICY: &str = r#"
name = "lists"
cap = 100
threshold = 50
default_risk = 0.5

[[factors]]
name = "compromised_device"
when = [{ entity = "device", on_list = "compromised" }]
points = 60
"#;

const MERCHANTS: &str = r#"
name = "merchants"
cap = 100
threshold = 50
default_risk = 0.5

[[factors]]
name = "known_frauds"
input = "merchant.fraud_rate"
bands = [{ from = 0.1, points = 60 }]
"#;

/// A file that says nothing of one entity.
struct Silent(FileEntities, &'static str);

impl Store for Silent {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], deadline: Instant) -> Answer<Entity> {
        let mut answer = self.0.lookup(keys, deadline).await;
        for (key, found) in keys.iter().zip(&mut answer.found) {
            if *key == self.1 {
                *found = Lookup::Unavailable;
            }
        }
        answer
    }
}

fn entities() -> FileEntities {
    FileEntities::parse(r#"{"device/D1": {"list_compromised": 0}, "device/D2": {"list_compromised": 0}}"#)
        .unwrap()
}

/// What comes of a transaction of each of these devices, and the alerts' ids.
async fn handled(entities: impl EntityStore, devices: &[&str]) -> (Handled, Vec<String>) {
    handled_under(POLICY, entities, devices).await
}

/// The same under another policy. It is the eleventh day since the epoch.
async fn handled_under(policy: &str, entities: impl EntityStore, devices: &[&str]) -> (Handled, Vec<String>) {
    let (fates, log) = (Fates::kind(), Log::default());
    let today = std::time::UNIX_EPOCH + Duration::from_secs(10 * 86_400);
    let clock = embedded_aws::event_source_mapping::Clock::starting_at(today);
    let ports = Ports {
        history: NoHistory::default(),
        profiles: Profiles(fates.clone()),
        entities,
        ledger: MemoryLedger::default(),
        sink: FlakySink { fates: fates.clone(), log: log.clone() },
        dead_letters: DeadLetterLines::new(std::io::sink()),
        clock: MappingClock { mapping: clock, ahead: 0 },
    };
    let function = Alerts::new(ports, Policy::parse(policy).unwrap(), EventTimeBounds::UNBOUNDED);
    let payload = |(number, device): (usize, &&str)| {
        json!({ "transaction_id": number, "customer_id": "A", "amount": 1, "device_id": device })
            .to_string()
            .into_bytes()
    };
    let payloads: Vec<Vec<u8>> = devices.iter().enumerate().map(payload).collect();
    let handled = function.handle(&event(&payloads), MINUTE).await.unwrap();
    assert_eq!(fates.calls(Call::Lookup), 1);
    let alerted = log.lock().unwrap().accepted.iter().map(|(alert, _)| alert.alert_id.clone()).collect();
    (handled, alerted)
}

#[test]
fn lists_of_the_entities_that_a_record_names_raise_alerts() {
    simulated(async {
        let (handled, alerted) = handled(entities(), &["D1", "D3", "D2"]).await;
        assert_eq!(
            (handled.response.as_str(), alerted),
            (NOTHING_AGAIN, vec!["A/0".to_owned(), "A/2".to_owned()])
        );
        let counts = handled.metrics.entities.unwrap();
        assert_eq!((counts.distinct, counts.lookups, counts.unavailable), (3, 3, 0));
    });
}

#[test]
fn a_record_whose_entity_cannot_be_looked_up_is_retried_and_nothing_behind_it_is_begun() {
    simulated(async {
        let (handled, alerted) = handled(Silent(entities(), "device/D3"), &["D1", "D3", "D2"]).await;
        assert_eq!((handled.response, alerted), (again_from(1), vec!["A/0".to_owned()]));
        assert_eq!(handled.metrics.retried, Some((RetryReason::EntitiesUnavailable, 2)));
        assert_eq!((handled.metrics.scored, handled.metrics.entities.unwrap().unavailable), (1, 1));
    });
}

#[test]
fn how_old_merchants_counts_are_is_told_under_a_policy_that_looks_at_them() {
    let row = "{\"entity\":\"count/merchants\",\"through\":7}\n{\"entity\":\"merchant/M1\",\"n7\":1}\n";
    let counted = || FileEntities::parse(row).unwrap();
    simulated(async {
        let age = async |policy, entities: Silent| {
            let (handled, _) = handled_under(policy, entities, &["D1"]).await;
            assert_eq!(handled.response, NOTHING_AGAIN);
            let line = handled.metrics.line("n");
            let is_told = line.names().any(|name| name == "MerchantCountsAge");
            assert_eq!(is_told, handled.metrics.merchant_counts_age.is_some());
            handled.metrics.merchant_counts_age
        };
        assert_eq!(age(MERCHANTS, Silent(counted(), "")).await, Some(3));
        // Never counted.
        assert_eq!(age(MERCHANTS, Silent(entities(), "")).await, Some(10));
        // That the age is not known holds up no record.
        assert_eq!(age(MERCHANTS, Silent(counted(), "count/merchants")).await, None);
        assert_eq!(age(POLICY, Silent(counted(), "")).await, None);
    });
}
