//! One invocation at a time, with faults on order.

use std::num::NonZeroU32;
use std::time::Duration;

use exact_text::timestamp::Timestamp;
use fraud_aws::aggregates::{Addend, Addition, AggregateStore, CountedBy, Memory};
use fraud_aws::reason::FailureReason;
use fraud_batch::RetryReason;
use fraud_core::money::Money;
use fraud_core::refusal::Refusal;
use fraud_core::window::{TransactionHash, Window, WindowTime, WindowTotals};
use lambda_events::kinesis_json::{EventRecord, event_json};
use serde_json::json;
use tokio::time::Instant;

use super::ports::{Call, Fate, Fates};
use super::world::{NOTHING_AGAIN, World, rule, simulated};
use crate::Handled;
use crate::metrics::BatchMetrics;

const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn kind_world() -> World {
    World::new(Fates::kind(), rule(WindowTime::Event))
}

/// 4:00 on the day on which the world's clock starts; its records arrived a quarter of a second before.
pub(super) fn event(payloads: &[impl AsRef<[u8]>]) -> String {
    event_from(0, payloads)
}

/// The same, with the sequence numbers from one on.
pub(super) fn event_from(first: usize, payloads: &[impl AsRef<[u8]>]) -> String {
    let arrival = Timestamp::from_millis(1_705_291_199_750).unwrap();
    let numbers: Vec<String> = (first..first + payloads.len()).map(sequence_number).collect();
    let records = numbers.iter().zip(payloads).map(|(number, payload)| {
        EventRecord::of_bytes("shardId-000000000000", number, payload.as_ref(), arrival)
    });
    event_json("arn:aws:kinesis:us-east-1:123456789012:stream/transactions", records)
}

pub(super) fn sequence_number(index: usize) -> String {
    (100_000 + index).to_string()
}

/// A transaction in the window that begins at 4:00.
pub(super) fn transaction(customer: &str, id: &str, amount: &str) -> String {
    format!(
        r#"{{"transaction_id":"{id}","customer_id":"{customer}","amount":{amount},"event_time":"2024-01-15T04:00:00Z"}}"#
    )
}

pub(super) async fn handle(world: &World, event: &str) -> Handled {
    world.function.handle(event, MINUTE).await.unwrap()
}

/// The answer that has everything from the record at `index` on retried.
pub(super) fn again_from(index: usize) -> String {
    json!({ "batchItemFailures": [{ "itemIdentifier": sequence_number(index) }] }).to_string()
}

/// The rows of the table: customer, count, sum.
pub(super) async fn rows(world: &World) -> Vec<(String, u64, String)> {
    let row =
        |totals: WindowTotals| (totals.customer_id, totals.event_count, totals.total_amount.to_string());
    world.table().await.into_iter().map(row).collect()
}

fn row(customer: &str, count: u64, sum: &str) -> (String, u64, String) {
    (customer.to_owned(), count, sum.to_owned())
}

#[test]
fn every_record_is_accounted_for_in_the_metrics() {
    simulated(async {
        let world = kind_world();
        let payloads = [
            transaction("a", "1", "0.1"),
            transaction("a", "2", "0.2"),
            transaction("a", "1", "0.10"),
            transaction("a", "1", "0.3"),
            transaction("b", "1", "5"),
            transaction("b", "2", "0"),
            transaction("b", "3", "-5"),
            r#"{"transaction_id":"1","amount":5}"#.to_owned(),
            transaction("b", "4", "1e18"),
            "{".to_owned(),
        ];
        let expected = BatchMetrics {
            stream_records: 10,
            records: 10,
            without_customer: 1,
            not_positive: 2,
            repeated: 1,
            ids_reused: 1,
            windows: 2,
            counted: 5,
            too_large: 1,
            writes: 2,
            totals_sent: 2,
            dead_lettered: [
                (FailureReason::Refused(Refusal::NotJson), 1),
                (FailureReason::AmountOutOfRange, 1),
            ]
            .into(),
            ..BatchMetrics::default()
        };
        let first = handle(&world, &event(&payloads)).await;
        assert_eq!((first.response.as_str(), first.metrics), (NOTHING_AGAIN, expected.clone()));
        // The amount of 1e18 is counted and not added up.
        let expected_rows = [row("a", 3, "0.6"), row("b", 2, "5")];
        assert_eq!(rows(&world).await, expected_rows);

        let again = handle(&world, &event(&payloads)).await;
        assert_eq!(again.metrics, BatchMetrics { counted: 0, counted_before: 5, ..expected });
        assert_eq!(rows(&world).await, expected_rows);
        let exact: Vec<_> = world.table().await.iter().map(WindowTotals::is_exact).collect();
        assert_eq!(exact, [true, false]);
    });
}

#[test]
fn an_id_that_is_used_again_hides_nothing() {
    simulated(async {
        let world = kind_world();
        // One cent first, and a fortune under the same id: in one batch, in the next, and all of it again.
        let cent = transaction("c", "1", "0.01");
        let fortune = transaction("c", "1", "999999999");
        let elsewhere = cent.replace(r#""amount""#, r#""merchant_id":"M","amount""#);
        let first = handle(&world, &event(&[&cent, &fortune])).await.metrics;
        assert_eq!((first.counted, first.repeated, first.ids_reused), (2, 0, 1));
        let second = handle(&world, &event_from(2, &[&elsewhere, &cent])).await.metrics;
        assert_eq!((second.counted, second.counted_before, second.ids_reused), (1, 1, 1));
        let again = handle(&world, &event(&[&cent, &fortune, &elsewhere, &cent])).await.metrics;
        assert_eq!((again.counted, again.counted_before, again.repeated, again.ids_reused), (0, 3, 1, 2));
        assert_eq!(rows(&world).await, [row("c", 3, "999999999.02")]);
    });
}

#[test]
fn an_answer_in_doubt_is_a_retry_and_no_dead_letter() {
    for fate in [Fate::AnswerLost, Fate::Unreadable] {
        simulated(async {
            let world = kind_world();
            world.fates.order(Call::Add, 1, fate);
            let event = event(&[transaction("c", "1", "1"), transaction("d", "1", "1")]);
            let handled = handle(&world, &event).await;
            assert_eq!(handled.response, again_from(0));
            assert_eq!(handled.metrics.retried, Some((RetryReason::AggregatesUnavailable, 2)));
            assert_eq!(handled.metrics.dead_lettered, [].into());
            assert_eq!(handle(&world, &event).await.response, NOTHING_AGAIN);
            assert_eq!(rows(&world).await, [row("c", 1, "1"), row("d", 1, "1")]);
        });
    }
}

#[test]
fn the_lowest_record_whose_share_was_not_written_comes_again_and_nothing_behind_it_is_begun() {
    simulated(async {
        let world = kind_world();
        let payloads: Vec<_> =
            (0..200).map(|n| transaction(&format!("c{:03}", n / 2), &n.to_string(), "1")).collect();
        // The row of the records 10 and 11.
        world.fates.order(Call::Add, 6, Fate::Refused);
        let handled = handle(&world, &event(&payloads)).await;
        assert_eq!(handled.response, again_from(10));
        assert_eq!(handled.metrics.retried, Some((RetryReason::AggregatesUnavailable, 190)));
        assert!(world.fates.calls(Call::Add) < 50, "{} rows were begun", world.fates.calls(Call::Add));
        let written: Vec<_> = rows(&world).await.into_iter().map(|row| row.0).collect();
        assert!(written.len() < 50 && !written.contains(&"c005".to_owned()));

        assert_eq!(handle(&world, &event_from(10, &payloads[10..])).await.response, NOTHING_AGAIN);
        let all = rows(&world).await;
        assert!(all.len() == 100 && all.iter().all(|row| (row.1, row.2.as_str()) == (2, "2")));
    });
}

#[test]
fn of_a_share_that_was_written_in_part_the_first_record_that_was_not_comes_again() {
    simulated(async {
        let world = kind_world();
        let payloads: Vec<_> = (0..250).map(|n| transaction("c", &n.to_string(), "1")).collect();
        world.fates.order(Call::Add, 2, Fate::AnswerLost);
        assert_eq!(handle(&world, &event(&payloads)).await.response, again_from(100));
        // The lost answer's hundred are found to be known.
        let again = handle(&world, &event_from(100, &payloads[100..])).await;
        assert_eq!((again.metrics.counted, again.metrics.counted_before), (50, 100));
        assert_eq!(rows(&world).await, [row("c", 250, "250")]);
    });
}

#[test]
fn totals_that_the_sink_would_not_take_are_sent_when_their_records_come_again() {
    simulated(async {
        let world = kind_world();
        let payloads = ["a", "b", "c"].map(|customer| transaction(customer, "1", "1"));
        world.fates.order(Call::Send, 2, Fate::Refused);
        let handled = handle(&world, &event(&payloads)).await;
        assert_eq!(handled.response, again_from(1));
        assert_eq!(handled.metrics.retried, Some((RetryReason::AggregateSinkUnavailable, 2)));
        let again = handle(&world, &event_from(1, &payloads[1..])).await;
        assert_eq!((again.metrics.counted, again.metrics.totals_sent), (0, 2));
        assert_eq!(world.read(), world.table().await);
        assert_eq!(rows(&world).await.len(), 3);
    });
}

#[test]
fn what_a_dead_process_wrote_and_did_not_send_is_sent_in_the_next_attempt() {
    for fate in [Fate::Die { done: true }, Fate::Die { done: false }] {
        simulated(async {
            let world = kind_world();
            let event = event(&[transaction("a", "1", "1"), transaction("b", "1", "1")]);
            world.fates.order(Call::Add, 2, fate);
            assert!(!world.delivered(&event).await);
            assert!(world.log.lock().unwrap().sent.is_empty());
            assert!(world.delivered(&event).await);
            assert_eq!(rows(&world).await, [row("a", 1, "1"), row("b", 1, "1")]);
            assert_eq!(world.read(), world.table().await);
        });
    }
}

#[test]
fn a_dead_letter_sink_that_refuses_has_the_record_come_again_and_no_good_record_pays() {
    simulated(async {
        let world = kind_world();
        let payloads = [transaction("a", "1", "1"), "{".to_owned(), transaction("b", "1", "1")];
        world.fates.order(Call::DeadLetter, 1, Fate::Refused);
        let handled = handle(&world, &event(&payloads)).await;
        assert_eq!(handled.response, again_from(1));
        assert_eq!(handled.metrics.retried, Some((RetryReason::DeadLettersUnavailable, 2)));
        assert_eq!(handle(&world, &event_from(1, &payloads[1..])).await.response, NOTHING_AGAIN);
        assert_eq!(rows(&world).await, [row("a", 1, "1"), row("b", 1, "1")]);
        assert_eq!(world.log.lock().unwrap().letters.len(), 1);
    });
}

#[test]
fn records_whose_row_cannot_be_added_to_are_dead_lettered_and_the_others_count() {
    simulated(async {
        let world = kind_world();
        let hour = NonZeroU32::new(3600).unwrap();
        let start = Timestamp::from_millis(1_705_291_200_000).unwrap();
        let counted = [Addend { hash: TransactionHash([0; 8]), amount: Money::amount("1").ok() }];
        let other = Addition {
            customer_id: "b",
            window: Window::containing(start, hour),
            transactions: &counted,
            counted_by: CountedBy::Content,
            memory: Memory::HasRoom,
            at: start,
        };
        world.function.ports.aggregates.inner.add(&other, Instant::now()).await.unwrap();
        let payloads = ["a", "b", "c"].map(|customer| transaction(customer, "1", "2"));
        let handled = handle(&world, &event(&payloads)).await;
        assert_eq!(handled.response, NOTHING_AGAIN);
        assert_eq!(handled.metrics.dead_lettered, [(FailureReason::AggregateRefused, 1)].into());
        assert_eq!(rows(&world).await, [row("a", 1, "2"), row("b", 1, "1"), row("c", 1, "2")]);
    });
}

#[test]
fn with_no_time_left_nothing_is_begun() {
    simulated(async {
        let world = kind_world();
        let event = event(&[transaction("a", "1", "1"), transaction("b", "1", "1")]);
        let handled = world.function.handle(&event, Duration::ZERO).await.unwrap();
        assert_eq!(handled.response, again_from(0));
        assert_eq!(handled.metrics.retried, Some((RetryReason::OutOfTime, 2)));
        assert_eq!(world.fates.calls(Call::Add), 0);
    });
}

#[test]
fn whatever_hangs_the_answer_is_given_before_the_deadline() {
    for call in [Call::Add, Call::Send, Call::DeadLetter] {
        simulated(async {
            let world = kind_world();
            for nth in 1..100 {
                world.fates.order(call, nth, Fate::Hang);
            }
            let mut payloads: Vec<_> = (0..60).map(|n| transaction(&n.to_string(), "1", "1")).collect();
            payloads.push("{".to_owned());
            let start = Instant::now();
            let handled = handle(&world, &event(&payloads)).await;
            assert!(start.elapsed() < MINUTE, "{call:?}");
            assert_ne!(handled.response, NOTHING_AGAIN, "{call:?}");
        });
    }
}

#[test]
fn an_event_of_another_kind_is_an_error() {
    simulated(async {
        assert!(kind_world().function.handle("{}", MINUTE).await.is_err());
    });
}
