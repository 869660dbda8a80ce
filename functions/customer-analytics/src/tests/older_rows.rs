//! Rows that the last release began, and rows that are full: what they count, and what they say of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use exact_text::decimal::is_positive;
use fraud_aws::aggregates::{CountedBy, RowState};
use fraud_batch::{Batch, transactions};
use fraud_core::fingerprint::Fingerprint;
use fraud_core::identity::Identity;
use fraud_core::money::Money;
use fraud_core::transaction::{PLAIN, Transaction};
use fraud_core::window::{TransactionHash, Window, WindowRule, WindowTime, WindowTotals};
use proptest::prelude::*;

use super::items::{Expected, items};
use super::ports::Fates;
use super::simulation::anything;
use super::world::{World, rule, simulated};

type Place = (String, Window);

/// The rows of a release that recognised transactions by identity, once it has counted these events.
fn older_rows(events: &[String], rule: WindowRule) -> Vec<RowState> {
    let mut rows: BTreeMap<Place, RowState> = BTreeMap::new();
    for_each_counted(events, rule, |(customer_id, window), transaction, identity| {
        let totals = WindowTotals {
            customer_id: customer_id.clone(),
            window,
            event_count: 0,
            total_amount: Money::ZERO,
            sum_complete: true,
            dedup_complete: true,
        };
        let new = || RowState { totals, counted_by: CountedBy::Identity, remembered: HashSet::new() };
        let row = rows.entry((customer_id, window)).or_insert_with(new);
        if row.remembered.insert(TransactionHash::of_identity(&identity)) {
            row.totals.event_count += 1;
            match Money::amount(&transaction.amount.digits) {
                Ok(amount) => row.totals.total_amount = row.totals.total_amount.checked_add(amount).unwrap(),
                Err(_) => row.totals.sum_complete = false,
            }
        }
    });
    rows.into_values().collect()
}

/// Calls `act` with each transaction that counts, its customer and window, and its identity.
fn for_each_counted(
    events: &[String],
    rule: WindowRule,
    mut act: impl FnMut(Place, &Transaction<'_>, Identity<'_>),
) {
    for event in events {
        let batch = Batch::read(event).unwrap();
        for received in transactions(&batch, &PLAIN).iter().flatten() {
            let transaction = &received.transaction;
            if let (Some(customer), true) =
                (&transaction.customer_id, is_positive(&transaction.amount.digits))
            {
                let place = (customer.to_string(), rule.window_of(transaction, received.arrival));
                act(place, transaction, transaction.identity_at(received.position));
            }
        }
    }
}

/// How many transactions a row can tell apart: those of an older row by identity, others by content too.
fn distinct(events: &[String], rule: WindowRule, older: &[RowState]) -> BTreeMap<Place, u64> {
    let older: HashSet<Place> =
        older.iter().map(|row| (row.totals.customer_id.clone(), row.totals.window)).collect();
    let mut distinct: BTreeMap<Place, HashSet<(String, Option<Fingerprint>)>> = BTreeMap::new();
    for_each_counted(events, rule, |place, transaction, identity| {
        let content = (!older.contains(&place)).then(|| transaction.fingerprint());
        distinct.entry(place).or_default().insert((identity.to_string(), content));
    });
    distinct.into_iter().map(|(place, distinct)| (place, distinct.len() as u64)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_row_counts_what_it_can_tell_apart_once_as_long_as_it_says_so_and_never_less(
        seed in any::<u64>(),
        before in items(20),
        after in items(60),
        remembered in prop_oneof![1u64..9, Just(3_000)],
        order in prop::collection::vec((1usize..12, 0usize..9), 0..12),
    ) {
        simulated(async {
            let world = World::new(Fates::random(seed, anything), rule(WindowTime::Event)).remembering(remembered);
            world.put(&before);
            let older = older_rows(&world.events(10).await, rule(WindowTime::Event));
            for row in &older {
                world.function.ports.aggregates.inner.insert(row.clone());
            }
            world.put(&after);
            // Batches of any size, as bisection makes them; what the last release counted is delivered again.
            for (size, index) in order.into_iter().chain((0..world.stream.records().len()).map(|index| (10, index))) {
                let events = world.events(size).await;
                let Some(event) = events.get(index) else { continue };
                let mut attempts = 0;
                while !world.delivered(event).await {
                    attempts += 1;
                    prop_assert!(attempts < 1000);
                }
            }
            let records = world.stream.records();
            let expected = distinct(&world.events(10).await, rule(WindowTime::Event), &older);
            let folded: HashMap<Place, WindowTotals> = Expected::of(&records, rule(WindowTime::Event))
                .totals
                .into_iter()
                .map(|totals| ((totals.customer_id.clone(), totals.window), totals))
                .collect();
            let table = world.table().await;
            prop_assert_eq!(table.len(), expected.len());
            for row in table {
                let place = (row.customer_id.clone(), row.window);
                let is_older = older.iter().any(|older| (&older.totals.customer_id, older.totals.window) == (&place.0, place.1));
                match row.dedup_complete {
                    true if is_older => prop_assert_eq!(row.event_count, expected[&place]),
                    true => prop_assert_eq!(&row, &folded[&place]),
                    false => prop_assert!(row.event_count >= expected[&place], "{row:?} {}", expected[&place]),
                }
                prop_assert!(row.dedup_complete || row.event_count > remembered);
            }
            Ok(())
        })?;
    }
}
