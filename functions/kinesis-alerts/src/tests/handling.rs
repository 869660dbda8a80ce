//! One invocation at a time, with faults on order.

use std::collections::BTreeMap;
use std::time::Duration;

use embedded_aws::event_source_mapping::Settings;
use exact_text::timestamp::Timestamp;
use fraud_aws::ledger::{AlertLedger, Claim};
use fraud_core::fingerprint::Fingerprint;
use fraud_core::transaction::Transaction;
use lambda_events::kinesis_json::{EventRecord, event_json};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ports::{Call, Fate, Fates};
use super::simulation::{Item, World, simulated};
use crate::Handled;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// 4:00 on the day on which the world's clock starts; its records arrived a quarter of a second before.
pub(super) fn event(payloads: &[Vec<u8>]) -> String {
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
pub(super) fn again_from(index: usize) -> String {
    json!({ "batchItemFailures": [{ "itemIdentifier": sequence_number(index) }] }).to_string()
}

pub(super) const NOTHING_AGAIN: &str = r#"{"batchItemFailures":[]}"#;

fn alerted(world: &World) -> Vec<String> {
    world.log.lock().unwrap().accepted.iter().map(|(alert, _)| alert.alert_id.clone()).collect()
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
fn a_transaction_that_comes_twice_is_alerted_once_however_it_is_written() {
    simulated(async {
        let world = World::new(Fates::kind());
        let again = br#"{"amount":150e2,"customer_id":"A","event_time":"2024-01-15T04:00:00+01:00","transaction_id":"1"}"#;
        let batch = [high("A", "1", 15_000), high("A", "1", 15_000), again.to_vec()];
        let first = handle(&world, &batch).await.metrics;
        assert_eq!(
            (first.high_scores, first.alerts_sent, first.alerts_suppressed, first.ids_reused),
            (3, 1, 2, 0)
        );
        // The same again, under other positions.
        let second = handle(&world, &[low("B"), again.to_vec(), high("A", "1", 15_000)]).await.metrics;
        assert_eq!((second.alerts_sent, second.alerts_suppressed, second.ids_reused), (0, 2, 0));
        assert_eq!(alerted(&world), ["A/1"]);
    });
}

#[test]
fn alerts_are_counted_by_their_reasons_and_by_the_policy_in_lines_of_their_own() {
    simulated(async {
        let world = World::new(Fates::kind());
        let metrics =
            handle(&world, &[high("A", "1", 15_000), high("A", "2", 15_000), low("B")]).await.metrics;
        let policy = fraud_core::policy::Policy::builtin_default().unwrap().id().to_owned();
        assert_eq!(metrics.alerts_by_policy, BTreeMap::from([(policy.clone(), 2)]));
        let reasons = ["amount", "customer_risk", "time_of_day"].map(|reason| (reason.to_owned(), 2));
        assert_eq!(metrics.alerts_by_reason, BTreeMap::from(reasons));
        let mut written = Vec::new();
        metrics.line("fraud").write(&mut written).unwrap();
        let written = String::from_utf8(written).unwrap();
        let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let has = |name: &str| lines.iter().filter_map(|line| line[name].as_u64()).collect::<Vec<_>>();
        assert_eq!((has("AlertsSent"), has("AlertsSent.amount")), (vec![2], vec![2]), "{written}");
        assert_eq!(has(&format!("PolicyAlerts.{policy}")), [2], "{written}");
        assert!(lines[0]["AlertsSent.amount"].is_null(), "{written}");
    });
}

/// The id of the alert of what `high` makes, if another transaction's has the identity.
fn reusing(customer: &str, id: &str, amount: u32) -> String {
    let payload = high(customer, id, amount);
    let fingerprint = Transaction::parse(&payload).unwrap().fingerprint();
    format!("{customer}/{id}/{}", fingerprint.short())
}

#[test]
fn an_id_that_is_used_again_for_other_content_raises_an_alert_of_its_own_in_a_batch_and_later() {
    simulated(async {
        let world = World::new(Fates::kind());
        let batch = [high("A", "1", 15_000), high("A", "1", 99_000), high("A", "1", 15_000)];
        let first = handle(&world, &batch).await.metrics;
        assert_eq!((first.alerts_sent, first.alerts_suppressed, first.ids_reused), (2, 1, 1));
        let second = handle(&world, &[high("A", "1", 16_000), high("A", "1", 99_000)]).await.metrics;
        assert_eq!((second.alerts_sent, second.alerts_suppressed, second.ids_reused), (1, 1, 1));
        let third = handle(&world, &batch).await.metrics;
        assert_eq!((third.alerts_sent, third.alerts_suppressed, third.ids_reused), (0, 3, 0));
        let expected = ["A/1".to_owned(), reusing("A", "1", 99_000), reusing("A", "1", 16_000)];
        assert_eq!(alerted(&world), expected);
        let accepted = &world.log.lock().unwrap().accepted;
        let reused: Vec<_> = accepted.iter().map(|(alert, _)| alert.reuses_id_of.as_deref()).collect();
        assert_eq!(reused, [None, Some("A/1"), Some("A/1")]);
    });
}

#[test]
fn an_alert_never_takes_over_the_claim_of_another_content() {
    simulated(async {
        let world = World::new(Fates::kind());
        // The first sender dies, and the next to come with that id has other content.
        world.fates.order(Call::Publish, 1, Fate::Die { done: false });
        assert!(killed(&world, &[high("A", "1", 15_000)]).await);
        tokio::time::sleep(MINUTE).await;
        handle(&world, &[high("A", "1", 99_000)]).await;
        assert_eq!(alerted(&world), [reusing("A", "1", 99_000)]);
        handle(&world, &[high("A", "1", 15_000), high("A", "1", 99_000)]).await;
        assert_eq!(alerted(&world), [reusing("A", "1", 99_000), "A/1".to_owned()]);
    });
}

#[test]
fn two_contents_whose_fingerprints_begin_alike_are_two_alerts() {
    simulated(async {
        let world = World::new(Fates::kind());
        handle(&world, &[high("A", "1", 15_000), high("A", "1", 99_000)]).await;
        // No two such contents are at hand: the ledger gets another fingerprint under the id of the second.
        let mut stands = world.log.lock().unwrap().accepted[1].0.clone();
        let same_start = format!("{}{:048}", stands.fingerprint.unwrap().short(), 0);
        stands.fingerprint = Fingerprint::parse(&format!("1/{same_start}"));
        let world = World::new(Fates::kind());
        let claim =
            Claim::new(Timestamp::from_millis(0).unwrap(), Timestamp::from_millis(0).unwrap()).unwrap();
        world.ledger.claim(&stands, &claim, Instant::now() + MINUTE).await.unwrap();
        handle(&world, &[high("A", "1", 15_000), high("A", "1", 99_000)]).await;
        let payload = high("A", "1", 99_000);
        let digits = Transaction::parse(&payload).unwrap().fingerprint().digits();
        assert_eq!(alerted(&world), ["A/1".to_owned(), format!("A/1/{digits}")]);
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

/// Whether an invocation with these payloads is killed.
async fn killed(world: &World, payloads: &[Vec<u8>]) -> bool {
    fault_injection::invocation(handle(world, payloads)).await.is_none()
}

#[test]
fn what_a_dead_process_claimed_is_waited_for_and_sent_as_it_was_stored_while_others_go_on() {
    simulated(async {
        let world = World::new(Fates::kind());
        world.fates.order(Call::Publish, 1, Fate::Die { done: true });
        let batch = [low("B"), high("A", "1", 15_000)];
        assert!(killed(&world, &batch).await);
        let died = Instant::now();
        let again = [&batch[..], &[high("A", "2", 15_000), high("C", "3", 15_000)]].concat();
        let handled = handle(&world, &again).await;
        assert_eq!(handled.response, NOTHING_AGAIN);
        assert_eq!((handled.metrics.alerts_sent, handled.metrics.alerts_resent), (3, 1));
        let accepted = &world.log.lock().unwrap().accepted;
        let ids: Vec<&str> = accepted.iter().map(|(alert, _)| &*alert.alert_id).collect();
        assert_eq!(ids, ["A/1", "C/3", "A/1", "A/2"]);
        let waited: Vec<Duration> = accepted.iter().map(|(_, at)| *at - died).collect();
        assert_eq!(waited[1], Duration::ZERO);
        assert!(waited[2] >= Duration::from_secs(9) && waited[2] < Duration::from_secs(10), "{waited:?}");
        // The profile's risk has changed since; the message has not.
        assert_eq!(accepted[0].0.message, accepted[2].0.message);
    });
}

#[test]
fn an_alert_that_another_sender_holds_beyond_the_time_is_retried() {
    simulated(async {
        let world = World::new(Fates::kind());
        world.fates.order(Call::Publish, 1, Fate::Die { done: false });
        let batch = [low("B"), high("A", "1", 15_000)];
        assert!(killed(&world, &batch).await);
        let short = world.function.handle(&event(&batch), Duration::from_secs(8)).await.unwrap();
        assert_eq!(short.response, again_from(1));
        assert_eq!(short.metrics.retried.map(|(reason, _)| reason.as_str()), Some("claim_in_force"));
    });
}

/// How long after its record was read an alert goes out whose first sender is killed before it publishes, on a machine whose
/// clock is this many milliseconds ahead.
fn time_to_alert(call: Call, ahead: i64) -> Duration {
    simulated(async {
        // The machine with the other clock does not come again.
        let clocks: Vec<i64> = [ahead].into_iter().chain([0; 100]).collect();
        let mut world = World::with_clocks(Fates::kind(), &clocks);
        world.fates.order(call, 1, Fate::Die { done: call == Call::Claim });
        world.put(&Item::High { customer: 0, id: 0, content: 0 });
        let start = Instant::now();
        let function_timeout = MINUTE;
        world
            .run(Settings { report_batch_item_failures: true, function_timeout, ..Settings::default() })
            .await;
        assert_eq!(world.accepted(), [("c0/t0".to_owned(), 1)].into());
        let accepted = &world.log.lock().unwrap().accepted;
        accepted[0].1 - start
    })
}

#[test]
fn an_alert_whose_sender_is_killed_goes_out_within_12_seconds_and_within_42_if_clocks_are_30_apart() {
    for call in [Call::Claim, Call::Publish] {
        let time = time_to_alert(call, 0);
        assert!(time > Duration::from_secs(5) && time <= Duration::from_secs(12), "{call:?}: {time:?}");
        for apart in [30_000, -30_000] {
            let time = time_to_alert(call, apart);
            assert!(time <= Duration::from_secs(42), "{call:?}: {time:?}");
        }
    }
}

#[test]
fn however_wrong_a_clock_is_a_claim_ends_with_the_request() {
    for ahead in [3_600_000, 86_400_000, -3_600_000] {
        let time = time_to_alert(Call::Publish, ahead);
        assert!(time <= MINUTE + Duration::from_secs(5), "{ahead}: {time:?}");
    }
}

#[test]
fn a_claim_that_was_not_used_is_given_back_at_once_and_another_customer_does_not_wait() {
    simulated(async {
        let world = World::new(Fates::kind());
        // The first claim fails; the customer's second is made and must not be used.
        world.fates.order(Call::Claim, 1, Fate::Refused);
        let batch = [high("A", "1", 15_000), high("A", "2", 15_000), high("B", "3", 15_000)];
        assert_eq!(handle(&world, &batch).await.response, again_from(0));
        assert_eq!(alerted(&world), ["B/3"]);
        let start = Instant::now();
        assert_eq!(handle(&world, &batch).await.response, NOTHING_AGAIN);
        assert_eq!(alerted(&world), ["B/3", "A/1", "A/2"]);
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn an_alert_in_doubt_goes_out_again_as_it_was_stored_and_one_that_was_refused_too() {
    for fate in [Fate::AnswerLost, Fate::Unreadable, Fate::Refused] {
        simulated(async {
            let world = World::new(Fates::kind());
            world.fates.order(Call::Publish, 1, fate);
            let batch = [high("A", "1", 15_000)];
            assert_eq!(handle(&world, &batch).await.response, again_from(0));
            let handled = handle(&world, &batch).await;
            assert_eq!(handled.response, NOTHING_AGAIN);
            assert_eq!(handled.metrics.alerts_resent, usize::from(fate != Fate::Refused));
            let accepted = &world.log.lock().unwrap().accepted;
            assert_eq!(accepted.len(), if fate == Fate::AnswerLost { 2 } else { 1 });
            // The profile's risk of the first attempt: 0.9999.
            assert!(accepted.iter().all(|(alert, _)| alert.message.contains(r#""observed":0.9999"#)));
        });
    }
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
