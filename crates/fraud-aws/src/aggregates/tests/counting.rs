//! What becomes of shares of any size, over every store.

use super::*;

/// Adds a share and gives what was added, what was known, and the number of writes.
async fn counted_of(store: &impl AggregateStore, share: &Share<'_>) -> (usize, usize, usize) {
    let outcome = count(store, share, at(1), soon()).await;
    assert_eq!(outcome.failed, None);
    assert_eq!(outcome.totals.as_ref(), store.recent(share.customer_id, 1, soon()).await.unwrap().first());
    (outcome.added, outcome.known, outcome.writes)
}

async fn counts_every_share_once(store: &impl AggregateStore) {
    // New: a write for each hundred.
    for (customer, size, writes) in [("one", 1, 1), ("100", 100, 1), ("101", 101, 2), ("250", 250, 3)] {
        let share = share(customer, window(0), transactions(0..size, "0.1"));
        assert_eq!(counted_of(store, &share).await, (size, 0, writes), "{customer}");
        // Known: one write, whatever its size.
        assert_eq!(counted_of(store, &share).await, (0, size, 1), "{customer}");
    }
    // Partly known: one write more.
    let more = share("250", window(0), transactions((100..300).rev(), "0.1"));
    assert_eq!(counted_of(store, &more).await, (50, 150, 2));
    let expected = totals("250", window(0), 300, "30");
    assert_eq!(store.recent("250", 9, soon()).await, Ok(vec![expected]));
}

async fn shares_that_overlap_count_once_however_they_race(store: &impl AggregateStore) {
    let shares: Vec<_> =
        (0..8).map(|n| share("overlap", window(0), transactions(n * 10..n * 10 + 120, "0.1"))).collect();
    let outcomes = join_all(shares.iter().map(|share| count(store, share, at(1), soon()))).await;
    assert!(outcomes.iter().all(|outcome| outcome.failed.is_none()));
    assert_eq!(outcomes.iter().map(|outcome| outcome.added).sum::<usize>(), 190);
    assert_eq!(outcomes.iter().map(|outcome| outcome.added + outcome.known).sum::<usize>(), 8 * 120);
    let expected = totals("overlap", window(0), 190, "19");
    assert_eq!(store.recent("overlap", 9, soon()).await, Ok(vec![expected]));
}

async fn a_reuse_of_an_id_counts_by_itself_whenever_it_comes(store: &impl AggregateStore) {
    let of = |contents: std::ops::Range<usize>| {
        share("reuse", window(0), contents.map(|content| counted(7, content, "0.1")).collect())
    };
    // In one batch, in a later one, and again.
    assert_eq!(counted_of(store, &of(0..2)).await, (2, 0, 1));
    assert_eq!(counted_of(store, &of(1..3)).await, (1, 1, 2));
    assert_eq!(counted_of(store, &of(0..3)).await, (0, 3, 1));
    assert_eq!(store.recent("reuse", 9, soon()).await, Ok(vec![totals("reuse", window(0), 3, "0.3")]));
}

/// The customer whose row is nearly full, and how many transactions it has.
const FULL: &str = "full";
const ALMOST: usize = MOST_REMEMBERED as usize - 30;

/// Past its limit a row goes on counting; those that it remembers never count again. The store has [`ALMOST`] as
/// many.
async fn a_full_row_goes_on_counting_and_says_that_it_cannot_remember(store: &impl AggregateStore) {
    // Refused for want of room, then the thirty that there is room for, then the rest.
    let share_of = |numbers: std::ops::Range<usize>| share(FULL, window(0), transactions(numbers, "0.01"));
    assert_eq!(counted_of(store, &share_of(ALMOST..ALMOST + 80)).await, (80, 0, 3));
    let expected = WindowTotals { dedup_complete: false, ..totals(FULL, window(0), 20_050, "200.5") };
    assert_eq!(store.recent(FULL, 9, soon()).await, Ok(vec![expected.clone()]));
    // What it remembers it knows.
    assert_eq!(counted_of(store, &share_of(ALMOST - 100..ALMOST + 30)).await, (0, 130, 1));
    assert_eq!(store.recent(FULL, 9, soon()).await, Ok(vec![expected]));
    // Once it is seen to be full, the first hundred are not tried in vain again.
    assert_eq!(counted_of(store, &share_of(30_000..30_250)).await, (250, 0, 4));
}

/// `remembering` gives the same store with another limit.
async fn what_a_row_forgot_it_has_forgotten_for_good<S: AggregateStore>(remembering: impl Fn(u64) -> S) {
    let share_of = |numbers: std::ops::Range<usize>| share("forgot", window(0), transactions(numbers, "1"));
    assert_eq!(counted_of(&remembering(3), &share_of(0..5)).await, (5, 0, 2));
    let expected =
        |count: u64, sum| WindowTotals { dedup_complete: false, ..totals("forgot", window(0), count, sum) };
    // One that supposes room that there is no more is refused.
    let late = addends(7..8, "1");
    assert!(matches!(
        add(&remembering(5), &addition("forgot", window(0), &late)).await,
        Added::Refused(Some(_))
    ));
    let row = async || remembering(3).recent("forgot", 9, soon()).await.unwrap();
    assert_eq!(row().await, [expected(5, "5")]);
    // With more room it remembers what comes from then on, and still not what it has forgotten.
    assert_eq!(counted_of(&remembering(100), &share_of(5..7)).await, (2, 0, 1));
    assert_eq!(counted_of(&remembering(100), &share_of(0..7)).await, (2, 5, 2));
    assert_eq!(row().await, [expected(9, "9")]);
    // With less it goes on, and knows what it has remembered.
    assert_eq!(counted_of(&remembering(1), &share_of(5..9)).await, (2, 2, 2));
    assert_eq!(row().await, [expected(11, "11")]);
}

#[tokio::test]
async fn memory_counts_every_share_once() {
    let store = MemoryAggregates::default();
    counts_every_share_once(&store).await;
    shares_that_overlap_count_once_however_they_race(&store).await;
    a_reuse_of_an_id_counts_by_itself_whenever_it_comes(&store).await;
    what_a_row_forgot_it_has_forgotten_for_good(|limit| store.clone().remembering(limit)).await;
    let store = MemoryAggregates::default().remembering(MOST_REMEMBERED);
    let almost = share(FULL, window(0), transactions(0..ALMOST, "0.01"));
    assert_eq!(counted_of(&store, &almost).await, (ALMOST, 0, ALMOST.div_ceil(TRANSACTIONS_AT_ONCE)));
    a_full_row_goes_on_counting_and_says_that_it_cannot_remember(&store).await;
}

#[tokio::test]
async fn a_table_counts_every_share_once() {
    let (_aws, table) = table::start().await;
    counts_every_share_once(&table).await;
    shares_that_overlap_count_once_however_they_race(&table).await;
    a_reuse_of_an_id_counts_by_itself_whenever_it_comes(&table).await;
    what_a_row_forgot_it_has_forgotten_for_good(|limit| table.clone().remembering(limit)).await;
}

#[tokio::test]
async fn a_table_goes_on_counting_in_a_row_that_is_full_and_keeps_it_below_the_largest_size() {
    let (aws, table) = table::start().await;
    let hashes: Vec<_> = addends(0..ALMOST, "0.01").iter().map(|addend| addend.hash).collect();
    let standing = totals(FULL, window(0), ALMOST as u64, "199.7");
    table::put_row(&aws, &standing, CountedBy::Content, &hashes).await;
    let table = table.remembering(MOST_REMEMBERED);
    a_full_row_goes_on_counting_and_says_that_it_cannot_remember(&table).await;
    let size = table::row_bytes(&aws, FULL, window(0)).await;
    assert!((160_000..200_000).contains(&size), "{size}");
}

#[test]
fn a_row_remembers_3_000_transactions_unless_it_is_told_otherwise() {
    assert_eq!(MemoryAggregates::default().remembered_per_row(), 3_000);
}
