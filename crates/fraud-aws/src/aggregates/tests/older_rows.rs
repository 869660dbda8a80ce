//! Rows that the last release wrote, which recognise transactions by their identities alone.

use fraud_core::transaction::Transaction;
use fraud_core::window::TransactionHash;
use proptest::prelude::*;

use super::*;

/// A row that counted the transactions with these numbers.
fn older_row(customer_id: &str, numbers: std::ops::Range<usize>) -> RowState {
    let count = numbers.len() as u64;
    let remembered =
        transactions(numbers, "1").into_iter().map(|counted| TransactionHash::of_identity(&counted.identity));
    let totals = totals(customer_id, window(0), count, &count.to_string());
    RowState { totals, counted_by: CountedBy::Identity, remembered: remembered.collect() }
}

/// The store has the rows `redelivered` and `full` with 0 to 9, and room for 20 in a row.
async fn keeps_the_rule_by_identity(store: &impl AggregateStore) {
    // What was counted before the deployment is delivered again after it, and new transactions with it.
    let share_of = |numbers| share("redelivered", window(0), transactions(numbers, "1"));
    assert_eq!(count(store, &share_of(0..9), at(1), soon()).await.known, 9);
    let both = count(store, &share_of(5..12), at(1), soon()).await;
    assert_eq!((both.added, both.known, both.failed), (2, 5, None));
    let again = count(store, &share_of(0..12), at(1), soon()).await;
    assert_eq!(
        (again.added, again.known, again.totals),
        (0, 12, Some(totals("redelivered", window(0), 12, "12")))
    );

    // A reuse of an id that it has counted is a repetition to it; of two under a new id the first counts.
    let reuses = [counted(3, 99, "1"), counted(50, 1, "1"), counted(50, 2, "5"), counted(51, 1, "1")];
    let reuses = share("redelivered", window(0), reuses.to_vec());
    let outcome = count(store, &reuses, at(1), soon()).await;
    assert_eq!((outcome.added, outcome.known, outcome.failed), (2, 2, None));
    assert_eq!(outcome.totals, Some(totals("redelivered", window(0), 14, "14")));

    // It fills up like any other row, and stays of its kind.
    let many = share("redelivered", window(0), transactions(100..120, "1"));
    assert_eq!(count(store, &many, at(1), soon()).await.added, 20);
    let expected = WindowTotals { dedup_complete: false, ..totals("redelivered", window(0), 34, "34") };
    assert_eq!(store.recent("redelivered", 9, soon()).await, Ok(vec![expected]));
    let reuse = share("redelivered", window(0), vec![counted(0, 77, "1")]);
    assert_eq!(count(store, &reuse, at(1), soon()).await.known, 1);
}

#[tokio::test]
async fn a_row_of_the_last_release_counts_a_redelivery_once() {
    let memory = MemoryAggregates::default().remembering(20);
    memory.insert(older_row("redelivered", 0..10));
    keeps_the_rule_by_identity(&memory).await;

    let (aws, table) = table::start().await;
    let row = older_row("redelivered", 0..10);
    let hashes: Vec<_> = row.remembered.iter().copied().collect();
    table::put_row(&aws, &row.totals, CountedBy::Identity, &hashes).await;
    let table = table.remembering(20);
    assert_eq!(table.row("redelivered", window(0), soon()).await, Ok(Some(row)));
    keeps_the_rule_by_identity(&table).await;
}

#[test]
fn a_rows_kind_names_the_rule_of_fingerprints_that_its_hashes_are_made_by() {
    let transaction = Transaction::parse(br#"{"transaction_id":"T1"}"#).unwrap();
    let fingerprint = transaction.fingerprint().to_string();
    let rule = fingerprint.split_once('/').unwrap().0;
    assert_eq!(row::BY_CONTENT, format!("fingerprint/{rule}"));
}

#[tokio::test]
async fn what_an_older_row_took_for_a_repetition_counts_in_the_row_that_follows_it() {
    let (aws, table) = table::start().await;
    let row = older_row("C1", 0..1);
    let hashes: Vec<_> = row.remembered.iter().copied().collect();
    table::put_row(&aws, &row.totals, CountedBy::Identity, &hashes).await;
    // It expires between the refusal and the next attempt.
    table::expire_before_update(&aws, 2).await;
    let reuses = share("C1", window(0), vec![counted(5, 1, "1"), counted(5, 2, "1")]);
    let outcome = count(&table, &reuses, at(1), soon()).await;
    assert_eq!((outcome.added, outcome.known, outcome.failed), (2, 0, None));
    assert_eq!(outcome.totals, Some(totals("C1", window(0), 2, "2")));
}

/// Shares of a window in the order in which they come; each transaction by its number and its content.
fn shares() -> impl Strategy<Value = Vec<Vec<(usize, usize)>>> {
    prop::collection::vec(prop::collection::vec((0usize..12, 0usize..3), 1..10), 1..8)
}

proptest! {
    #[test]
    fn a_row_of_either_kind_is_the_fold_over_what_it_can_tell_apart_as_long_as_it_says_so(
        shares in shares(),
        older in prop::option::of(1usize..6),
        limits in prop::collection::vec(1u64..9, 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = MemoryAggregates::default();
            let older_numbers = older.unwrap_or(0);
            if older.is_some() {
                store.insert(older_row("C1", 0..older_numbers));
            }
            let mut distinct: HashSet<(usize, usize)> = HashSet::new();
            for (place, numbers) in shares.iter().enumerate() {
                let store = store.clone().remembering(limits[place % limits.len()]);
                // What a batch brings has each content once, and the places of the batch.
                let mut in_batch = HashSet::new();
                let of_batch = numbers.iter().filter(|pair| in_batch.insert(**pair));
                let transactions: Vec<_> = of_batch.enumerate()
                    .map(|(index, (number, content))| Counted { index, ..counted(*number, *content, "1") })
                    .collect();
                let outcome = count(&store, &share("C1", window(0), transactions.clone()), at(1), soon()).await;
                prop_assert_eq!(outcome.failed, None);
                prop_assert_eq!(outcome.added + outcome.known, transactions.len());
                distinct.extend(numbers);
            }
            let identities: HashSet<_> = distinct.iter().map(|(number, _)| *number).chain(0..older_numbers).collect();
            let expected = match older {
                Some(_) => identities.len() as u64,
                None => distinct.len() as u64,
            };
            let row = store.recent("C1", 1, soon()).await.unwrap().remove(0);
            prop_assert_eq!(row.total_amount.to_string(), row.event_count.to_string());
            match row.dedup_complete {
                true => prop_assert_eq!(row.event_count, expected),
                false => prop_assert!(row.event_count >= expected),
            }
            Ok(())
        })?;
    }
}
