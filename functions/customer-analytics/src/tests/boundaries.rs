//! Where windows, amounts, aggregates and rows end.

use bytes::Bytes;
use fraud_aws::aggregates::AggregateStore;
use fraud_aws::reason::FailureReason;
use fraud_batch::RetryReason;
use fraud_core::window::WindowTime;

use super::handling::*;
use super::items::aggregate;
use super::ports::{Call, Fate};
use super::world::{NOTHING_AGAIN, World, rule, simulated};

/// The starts of the table's windows with count and sum.
async fn windows(world: &World) -> Vec<(String, u64, String)> {
    let table = world.table().await;
    let window = |totals: &fraud_core::window::WindowTotals| {
        (totals.window.start().to_string(), totals.event_count, totals.total_amount.to_string())
    };
    table.iter().map(window).collect()
}

fn window(start: &str, count: u64, sum: &str) -> (String, u64, String) {
    (start.to_owned(), count, sum.to_owned())
}

fn at(id: usize, time: &str) -> String {
    format!(r#"{{"transaction_id":{id},"customer_id":"c","amount":0.1,"event_time":"{time}"}}"#)
}

#[test]
fn a_record_on_the_edge_of_two_windows_lies_in_the_later_and_times_may_come_in_any_order() {
    simulated(async {
        let world = kind_world();
        let times = [
            "2024-01-15T04:05:00Z",
            "2024-01-15T03:59:59.999Z",
            "2024-01-15T04:00:00.000Z",
            "2024-01-15T04:04:59.999999999Z",
            "2024-01-15T04:59:59.75Z",
            "2024-01-15T04:59:59.751Z",
            "2024-01-08T04:00:00Z",
            "2024-01-08T03:59:59Z",
        ];
        let payloads: Vec<_> = times.iter().enumerate().map(|(id, time)| at(id, time)).collect();
        let (first, second) = payloads.split_at(3);
        handle(&world, &event(second)).await;
        handle(&world, &event(first)).await;
        let expected = [
            window("2024-01-08T04:00:00.000Z", 1, "0.1"),
            // A millisecond more than an hour ahead, and more than a week back: the arrival counts, 03:59:59.750.
            window("2024-01-15T03:55:00.000Z", 3, "0.3"),
            window("2024-01-15T04:00:00.000Z", 2, "0.2"),
            window("2024-01-15T04:05:00.000Z", 1, "0.1"),
            window("2024-01-15T04:55:00.000Z", 1, "0.1"),
        ];
        assert_eq!(windows(&world).await, expected);
    });
}

#[test]
fn amounts_are_added_to_the_twelfth_decimal_and_those_of_1e18_are_counted_and_dead_lettered() {
    simulated(async {
        let world = kind_world();
        let amounts = [
            "999999999999999999.999999999999",
            "999999999999999999.999999999999",
            "0.000000000003",
            "1000000000000000000.000000000000",
            "0.1234567890123",
            "-999999999999999999.999999999999",
            "-0.1234567890123",
            "0",
        ];
        let payloads: Vec<_> = amounts
            .iter()
            .enumerate()
            .map(|(id, amount)| transaction("c", &id.to_string(), amount))
            .collect();
        let handled = handle(&world, &event(&payloads)).await;
        assert_eq!(handled.response, NOTHING_AGAIN);
        assert_eq!(handled.metrics.dead_lettered, [(FailureReason::AmountOutOfRange, 1)].into());
        assert_eq!(handled.metrics.not_positive, 3);
        assert_eq!(rows(&world).await, [("c".to_owned(), 5, "2000000000000000000.123456789013".to_owned())]);
    });
}

#[test]
fn an_aggregate_that_was_written_in_part_comes_again_whole_and_counts_once() {
    simulated(async {
        let world = kind_world();
        let of = |customer: &str, ids: std::ops::Range<usize>| -> Vec<Bytes> {
            ids.map(|id| transaction(customer, &id.to_string(), "0.1").into()).collect()
        };
        let first = aggregate(&[of("a", 0..5), of("b", 0..5), of("c", 0..5)].concat());
        let second = aggregate(&[of("a", 5..10), of("b", 4..10)].concat());
        let plain = Bytes::from(transaction("d", "1", "0.1"));
        // `b`'s share, after `d`'s and `a`'s: its first record is in the middle of the first aggregate.
        world.fates.order(Call::Add, 3, Fate::Refused);
        let handled = handle(&world, &event(&[plain, first.clone(), second.clone()])).await;
        assert_eq!(handled.response, again_from(1));
        assert_eq!(handled.metrics.retried.unwrap().1, 26);
        // A bisected half has the aggregates in batches of their own.
        for (place, aggregate) in [(1, first), (2, second)] {
            assert_eq!(handle(&world, &event_from(place, &[aggregate])).await.response, NOTHING_AGAIN);
        }
        let expected = [("a", 10, "1"), ("b", 10, "1"), ("c", 5, "0.5"), ("d", 1, "0.1")];
        let expected = expected.map(|(customer, count, sum)| (customer.to_owned(), count, sum.to_owned()));
        assert_eq!(rows(&world).await, expected);
    });
}

#[test]
fn a_customer_with_4_500_transactions_in_a_window_is_counted_to_the_last_and_the_row_says_what_it_forgot() {
    simulated(async {
        let world = kind_world();
        let events: Vec<String> = (0..3)
            .map(|batch| {
                let ids = batch * 1_500..(batch + 1) * 1_500;
                let payloads: Vec<_> = ids.map(|id| transaction("c", &id.to_string(), "0.01")).collect();
                event_from(batch * 1_500, &payloads)
            })
            .collect();
        let mut writes = Vec::new();
        let mut incomplete = Vec::new();
        for event in &events {
            let handled = handle(&world, event).await;
            assert_eq!((handled.response.as_str(), handled.metrics.counted), (NOTHING_AGAIN, 1_500));
            writes.push(handled.metrics.writes);
            incomplete.push(handled.metrics.dedup_incomplete);
        }
        // One for each hundred, and one more to see that the row is full.
        assert_eq!((writes, incomplete), (vec![15, 15, 16], vec![0, 0, 1]));
        let [row] = &world.table().await[..] else { panic!("one row") };
        assert_eq!(
            (row.event_count, row.total_amount.to_string(), row.dedup_complete),
            (4_500, "45".to_owned(), false)
        );

        // Those that it remembers never count again.
        for event in &events[..2] {
            let again = handle(&world, event).await.metrics;
            assert_eq!((again.counted, again.counted_before, again.writes), (0, 1_500, 1));
        }
        assert_eq!(world.table().await[0].event_count, 4_500);
    });
}

#[test]
fn in_a_table_that_was_written_under_another_rule_nothing_is_counted_and_every_countable_record_is_retried() {
    simulated(async {
        let world = kind_world();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(1);
        let store = &world.function.ports.aggregates;
        store.hold_to(&rule(WindowTime::Arrival), deadline).await.unwrap();
        let payloads = [r#"{"amount":1}"#.to_owned(), transaction("c", "1", "5"), transaction("d", "2", "6")];
        let handled = handle(&world, &event(&payloads)).await;
        assert_eq!(handled.response, again_from(1));
        assert_eq!(handled.metrics.retried, Some((RetryReason::AggregatesUnavailable, 2)));
        assert_eq!(windows(&world).await, []);
    });
}
