//! One invocation at a time, with faults on order.

use std::time::Duration;

use exact_text::timestamp::Timestamp;
use lambda_events::kinesis_json::{EventRecord, event_json};
use serde_json::json;
use tokio::time::Instant;

use super::ports::{Call, Fate, Fates};
use super::simulation::{World, simulated};
use crate::Handled;

const MINUTE: Duration = Duration::from_secs(60);

/// 4:00 on the day on which the world's clock starts; its records arrived a quarter of a second before.
fn event(payloads: &[Vec<u8>]) -> String {
    let arrival = Timestamp::from_millis(1_705_291_199_750).unwrap();
    let numbers: Vec<String> = (0..payloads.len()).map(sequence_number).collect();
    let records = numbers.iter().zip(payloads);
    let records = records
        .map(|(number, payload)| EventRecord::of_bytes("shardId-000000000000", number, payload, arrival));
    event_json("arn:aws:kinesis:us-east-1:123456789012:stream/transactions", records)
}

fn sequence_number(index: usize) -> String {
    (1000 + index).to_string()
}

pub(super) fn high(customer: &str, id: &str, amount: u32) -> Vec<u8> {
    json!({ "transaction_id": id, "customer_id": customer, "amount": amount, "event_time": "2024-01-15T03:00:00Z" })
        .to_string()
        .into_bytes()
}

fn low(customer: &str) -> Vec<u8> {
    json!({ "customer_id": customer, "amount": 1, "event_time": "2024-01-15T13:00:00Z" })
        .to_string()
        .into_bytes()
}

pub(super) async fn handle(world: &World, payloads: &[Vec<u8>]) -> Handled {
    world.function.handle(&event(payloads), MINUTE).await.unwrap()
}

/// The answer that has everything from the record at `index` on retried.
fn again_from(index: usize) -> String {
    json!({ "batchItemFailures": [{ "itemIdentifier": sequence_number(index) }] }).to_string()
}

const NOTHING_AGAIN: &str = r#"{"batchItemFailures":[]}"#;

fn alerted(world: &World) -> Vec<String> {
    world.log.lock().unwrap().accepted.iter().map(|alert| alert.alert_id.clone()).collect()
}

#[test]
fn records_that_do_not_alert_cost_no_call_but_the_lookup() {
    simulated(async {
        let world = World::new(Fates::kind());
        let handled = handle(&world, &[low("A"), low("B")]).await;
        assert_eq!(handled.response, NOTHING_AGAIN);
        assert_eq!((handled.metrics.scored, handled.metrics.distinct_customers), (2, 2));
        for call in [Call::Claim, Call::Mark, Call::Release, Call::Publish, Call::DeadLetter] {
            assert_eq!(world.fates.calls(call), 0, "{call:?}");
        }
        assert_eq!(world.fates.calls(Call::Lookup), 1);
    });
}

#[test]
fn a_transaction_that_comes_twice_is_alerted_once_and_another_amount_is_told() {
    simulated(async {
        let world = World::new(Fates::kind());
        let batch = [high("A", "1", 15_000), high("A", "1", 15_000), high("A", "1", 99_000)];
        let first = handle(&world, &batch).await.metrics;
        assert_eq!((first.high_scores, first.alerts_sent, first.alerts_suppressed), (3, 1, 2));
        assert_eq!(first.amounts_differing, 1);
        // The same again, and once under another position.
        let second =
            handle(&world, &[low("B"), high("A", "1", 15_000), high("A", "1", 16_000)]).await.metrics;
        assert_eq!((second.alerts_sent, second.alerts_suppressed, second.amounts_differing), (0, 2, 1));
        assert_eq!(alerted(&world), ["A/1"]);
        assert_eq!(world.log.lock().unwrap().accepted[0].transaction_amount, "15000");
    });
}

#[test]
fn the_latency_is_the_time_from_arrival_to_publication() {
    simulated(async {
        let world = World::new(Fates::kind());
        let handled = handle(&world, &[high("A", "1", 15_000)]).await;
        assert_eq!(handled.metrics.detection_latency, [250]);
    });
}

#[test]
fn customers_whose_profile_is_not_to_be_had_come_again_and_nothing_behind_them_is_begun() {
    simulated(async {
        let world = World::new(Fates::kind());
        world.fates.order(Call::Lookup, 1, Fate::Refused);
        // Of two customers the store knows the first.
        let batch =
            [high("A", "1", 15_000), high("B", "2", 15_000), high("A", "3", 15_000), b"poison".to_vec()];
        let handled = handle(&world, &batch).await;
        assert_eq!(handled.response, again_from(1));
        assert_eq!(alerted(&world), ["A/1"]);
        assert_eq!(world.fates.calls(Call::DeadLetter), 0);
        assert_eq!(handled.metrics.enrichment.unavailable, 1);
        assert_eq!(
            handled.metrics.retried.map(|(reason, count)| (reason.as_str(), count)),
            Some(("profiles_unavailable", 3))
        );
        assert_eq!(handle(&world, &batch).await.response, NOTHING_AGAIN);
        assert_eq!(alerted(&world), ["A/1", "B/2", "A/3"]);
    });
}

#[test]
fn a_dead_letter_sink_that_refuses_has_the_record_come_again_and_no_good_record_pays() {
    simulated(async {
        let world = World::new(Fates::kind());
        world.fates.order(Call::DeadLetter, 1, Fate::Refused);
        let batch = [high("A", "1", 15_000), b"poison".to_vec(), high("B", "2", 15_000)];
        assert_eq!(handle(&world, &batch).await.response, again_from(1));
        assert_eq!(alerted(&world), ["A/1", "B/2"]);
        assert_eq!(handle(&world, &batch).await.response, NOTHING_AGAIN);
        assert_eq!(alerted(&world), ["A/1", "B/2"]);
        let letters = &world.log.lock().unwrap().letters;
        let id = format!("@transactions/shardId-000000000000/{}", sequence_number(1));
        assert_eq!(letters.keys().collect::<Vec<_>>(), [id.as_str()]);
        assert_eq!(letters[&id], ["not_json"]);
    });
}

#[test]
fn an_alert_that_the_ledger_would_not_mark_at_first_is_marked_and_not_sent_again() {
    simulated(async {
        let world = World::new(Fates::kind());
        for nth in 1..=4 {
            world.fates.order(Call::Mark, nth, Fate::Refused);
        }
        let batch = [high("A", "1", 15_000)];
        assert_eq!(handle(&world, &batch).await.response, NOTHING_AGAIN);
        assert_eq!(handle(&world, &batch).await.metrics.alerts_suppressed, 1);
        assert_eq!(alerted(&world), ["A/1"]);
    });
}

#[test]
fn what_a_dead_process_claimed_waits_for_its_deadline_and_is_then_sent_as_it_was_stored() {
    simulated(async {
        let world = World::new(Fates::kind());
        world.fates.order(Call::Publish, 1, Fate::Die { done: true });
        let batch = [low("B"), high("A", "1", 15_000)];
        let died = tokio::time::timeout(Duration::from_secs(10), handle(&world, &batch)).await;
        assert!(died.is_err());
        let early = handle(&world, &batch).await;
        assert_eq!(early.response, again_from(1));
        assert_eq!(early.metrics.retried.map(|(reason, _)| reason.as_str()), Some("claim_in_force"));
        tokio::time::sleep(MINUTE).await;
        let late = handle(&world, &batch).await;
        assert_eq!(late.response, NOTHING_AGAIN);
        assert_eq!((late.metrics.alerts_sent, late.metrics.alerts_resent), (1, 1));
        let accepted = &world.log.lock().unwrap().accepted;
        assert_eq!(accepted.len(), 2);
        // The profile's risk has changed since; the message has not.
        assert_eq!(accepted[0].message, accepted[1].message);
    });
}

#[test]
fn a_claim_that_was_not_used_is_given_back_at_once() {
    simulated(async {
        let world = World::new(Fates::kind());
        // The first claim fails; the second is made and must not be used.
        world.fates.order(Call::Claim, 1, Fate::Refused);
        let batch = [high("A", "1", 15_000), high("B", "2", 15_000)];
        assert_eq!(handle(&world, &batch).await.response, again_from(0));
        assert!(alerted(&world).is_empty());
        assert_eq!(handle(&world, &batch).await.response, NOTHING_AGAIN);
        assert_eq!(alerted(&world), ["A/1", "B/2"]);
    });
}

#[test]
fn whatever_hangs_the_answer_is_given_before_the_deadline() {
    for call in [Call::Lookup, Call::Claim, Call::Publish, Call::Mark, Call::Release, Call::DeadLetter] {
        simulated(async {
            let world = World::new(Fates::kind());
            for nth in 1..=200 {
                world.fates.order(call, nth, Fate::Hang);
            }
            if call == Call::Release {
                world.fates.order(Call::Publish, 1, Fate::Refused);
            }
            let mut batch: Vec<Vec<u8>> = (0..120).map(|n| high("A", &n.to_string(), 15_000)).collect();
            batch.push(b"poison".to_vec());
            let start = Instant::now();
            let handled = handle(&world, &batch).await;
            assert!(start.elapsed() < MINUTE - Duration::from_millis(500), "{call:?}: {:?}", start.elapsed());
            assert_ne!(handled.response, NOTHING_AGAIN, "{call:?}");
        });
    }
}

#[test]
fn with_no_time_left_nothing_is_begun() {
    simulated(async {
        let world = World::new(Fates::kind());
        let handled = world.function.handle(&event(&[high("A", "1", 15_000)]), Duration::ZERO).await.unwrap();
        assert_eq!(handled.response, again_from(0));
        assert_eq!(world.fates.calls(Call::Claim), 0);
    });
}
