use std::num::NonZeroU32;
use std::time::Duration;

use fraud_core::event_time::EventTimeBounds;
use fraud_core::fingerprint::Fingerprint;
use fraud_core::identity::{Identity, Position};
use fraud_core::window::{Counted, Share, TransactionDigest, WindowTime};
use futures_util::future::join_all;

use super::*;
use crate::testing::{at, soon};

mod counting;
mod in_doubt;
mod older_rows;
mod table;

const FIVE_MINUTES: NonZeroU32 = NonZeroU32::new(300).unwrap();

/// The window that starts this many windows after 2024-01-15T03:00:00Z.
fn window(number: i64) -> Window {
    Window::containing(at(number * 300), FIVE_MINUTES)
}

/// A transaction by its number and that of its content. One of 1e18 or more counts without being added up.
fn counted(number: usize, content: usize, amount: &str) -> Counted<'static> {
    let place =
        Position { stream: "s", shard: "0", sequence_number: "1", sub_sequence_number: number as u64 };
    let identity = Identity::Position(place);
    let fingerprint = Fingerprint::parse(&format!("1/{content:064x}")).unwrap();
    let hash = TransactionDigest::of(&identity, &fingerprint).into();
    Counted { index: number, identity, hash, amount: Money::amount(amount).ok() }
}

/// Transactions by their numbers, each with this amount and a content of its own.
fn transactions(numbers: impl IntoIterator<Item = usize>, amount: &str) -> Vec<Counted<'static>> {
    numbers.into_iter().map(|number| counted(number, number, amount)).collect()
}

/// The same as a row counts them.
fn addends(numbers: impl IntoIterator<Item = usize>, amount: &str) -> Vec<Addend> {
    let addend = |counted: Counted<'_>| Addend { hash: counted.hash, amount: counted.amount };
    transactions(numbers, amount).into_iter().map(addend).collect()
}

fn addition<'a>(customer_id: &'a str, window: Window, transactions: &'a [Addend]) -> Addition<'a> {
    let (counted_by, memory) = (CountedBy::Content, Memory::HasRoom);
    Addition { customer_id, window, transactions, counted_by, memory, at: at(1) }
}

fn share<'a>(customer_id: &'a str, window: Window, transactions: Vec<Counted<'a>>) -> Share<'a> {
    Share { customer_id, window, transactions }
}

fn totals(customer_id: &str, window: Window, event_count: u64, total_amount: &str) -> WindowTotals {
    WindowTotals {
        customer_id: customer_id.to_owned(),
        window,
        event_count,
        total_amount: Money::sum(total_amount).unwrap(),
        sum_complete: true,
        dedup_complete: true,
    }
}

async fn add(store: &impl AggregateStore, addition: &Addition<'_>) -> Added {
    store.add(addition, soon()).await.unwrap()
}

/// What every store does. Each part uses customers of its own.
async fn keeps_the_contract(store: &impl AggregateStore) {
    an_addition_makes_a_row_and_the_next_is_added_to_it(store).await;
    what_was_added_is_never_added_again(store).await;
    an_addition_of_which_a_part_is_known_changes_nothing(store).await;
    sums_are_exact_to_the_last_digit(store).await;
    a_sum_that_lacks_an_amount_once_says_so_for_good(store).await;
    an_addition_has_one_to_a_hundred_transactions(store).await;
    a_row_that_is_not_full_takes_no_addition_that_supposes_so(store).await;
    a_row_takes_no_addition_that_supposes_the_other_kind(store).await;
    a_row_for_windows_of_another_length_is_not_touched(store).await;
    a_store_is_held_to_the_first_rule_and_its_customers_keep_their_windows(store).await;
    of_many_who_add_the_same_at_once_one_does(store).await;
    recent_windows_come_newest_first_and_only_the_customers_own(store).await;
    all_windows_come_by_customer_and_time(store).await;
}

async fn an_addition_makes_a_row_and_the_next_is_added_to_it(store: &impl AggregateStore) {
    let (first, second) = (addends(0..2, "0.1"), addends(2..3, "0.30"));
    let expected = totals("sum", window(0), 2, "0.2");
    assert_eq!(add(store, &addition("sum", window(0), &first)).await, Added::Done(expected.clone()));
    assert_eq!(store.recent("sum", 9, soon()).await, Ok(vec![expected]));
    let expected = totals("sum", window(0), 3, "0.5");
    assert_eq!(add(store, &addition("sum", window(0), &second)).await, Added::Done(expected.clone()));
    assert_eq!(store.recent("sum", 9, soon()).await, Ok(vec![expected]));
}

async fn what_was_added_is_never_added_again(store: &impl AggregateStore) {
    let transactions = addends(0..3, "1.5");
    let addition = addition("again", window(0), &transactions);
    assert!(matches!(add(store, &addition).await, Added::Done(_)));
    let remembered = transactions.iter().map(|addend| addend.hash).collect();
    let counted_by = CountedBy::Content;
    let state = RowState { totals: totals("again", window(0), 3, "4.5"), counted_by, remembered };
    for _ in 0..2 {
        assert_eq!(add(store, &addition).await, Added::Refused(Some(state.clone())));
    }
    assert_eq!(store.recent("again", 9, soon()).await, Ok(vec![state.totals]));
}

async fn an_addition_of_which_a_part_is_known_changes_nothing(store: &impl AggregateStore) {
    let (known, both) = (addends(0..1, "1"), addends([7, 0], "1"));
    assert!(matches!(add(store, &addition("part", window(0), &known)).await, Added::Done(_)));
    let before = totals("part", window(0), 1, "1");
    let Added::Refused(Some(state)) = add(store, &addition("part", window(0), &both)).await else {
        panic!("it was added");
    };
    assert_eq!(state.totals, before);
    assert!(state.remembered.contains(&both[1].hash) && !state.remembered.contains(&both[0].hash));
    assert_eq!(store.recent("part", 9, soon()).await, Ok(vec![before]));
}

async fn sums_are_exact_to_the_last_digit(store: &impl AggregateStore) {
    let most = addends(0..100, "999999999999999999.999999999999");
    let least = addends(100..101, "0.000000000001");
    add(store, &addition("exact", window(0), &most)).await;
    let expected = totals("exact", window(0), 101, "99999999999999999999.999999999901");
    assert_eq!(add(store, &addition("exact", window(0), &least)).await, Added::Done(expected));
}

async fn a_sum_that_lacks_an_amount_once_says_so_for_good(store: &impl AggregateStore) {
    for (customer, amounts) in [("lacks first", ["1e18", "1", "1"]), ("lacks later", ["1", "1e18", "1"])] {
        let mut complete = true;
        for (number, amount) in amounts.into_iter().enumerate() {
            let transactions = addends(number..number + 1, amount);
            let Added::Done(added) = add(store, &addition(customer, window(0), &transactions)).await else {
                panic!("refused");
            };
            complete &= amount != "1e18";
            assert_eq!((added.event_count, added.sum_complete), (number as u64 + 1, complete), "{customer}");
        }
        let expected = WindowTotals { sum_complete: false, ..totals(customer, window(0), 3, "2") };
        assert!(!expected.is_exact());
        assert_eq!(store.recent(customer, 9, soon()).await, Ok(vec![expected]));
    }
}

async fn an_addition_has_one_to_a_hundred_transactions(store: &impl AggregateStore) {
    for count in [0, 101] {
        let transactions = addends(0..count, "1");
        let added = store.add(&addition("size", window(0), &transactions), soon()).await;
        assert_eq!(added, Err(AggregateFault::AdditionSize { count }));
    }
    let transactions = addends(0..100, "1");
    let expected = totals("size", window(0), 100, "100");
    assert_eq!(add(store, &addition("size", window(0), &transactions)).await, Added::Done(expected));
}

async fn a_row_that_is_not_full_takes_no_addition_that_supposes_so(store: &impl AggregateStore) {
    let transactions = addends(0..1, "1");
    let supposing = Addition { memory: Memory::IsFull, ..addition("not full", window(0), &transactions) };
    assert_eq!(add(store, &supposing).await, Added::Refused(None));
    add(store, &addition("not full", window(0), &transactions)).await;
    assert!(matches!(add(store, &supposing).await, Added::Refused(Some(_))));
}

async fn a_row_takes_no_addition_that_supposes_the_other_kind(store: &impl AggregateStore) {
    let (first, second) = (addends(0..1, "1"), addends(1..2, "1"));
    let supposing = |transactions, memory| Addition {
        counted_by: CountedBy::Identity,
        memory,
        ..addition("kind", window(0), transactions)
    };
    for memory in [Memory::HasRoom, Memory::IsFull] {
        assert_eq!(add(store, &supposing(&first, memory)).await, Added::Refused(None));
    }
    assert!(matches!(add(store, &addition("kind", window(0), &first)).await, Added::Done(_)));
    let Added::Refused(Some(row)) = add(store, &supposing(&second, Memory::HasRoom)).await else {
        panic!("it was added");
    };
    assert_eq!((row.counted_by, row.totals), (CountedBy::Content, totals("kind", window(0), 1, "1")));
}

async fn a_row_for_windows_of_another_length_is_not_touched(store: &impl AggregateStore) {
    let (first, second) = (addends(0..1, "1"), addends(1..2, "1"));
    add(store, &addition("length", window(0), &first)).await;
    let hour = Window::containing(at(0), NonZeroU32::new(3600).unwrap());
    assert_eq!(hour.start_seconds(), window(0).start_seconds());
    for memory in [Memory::HasRoom, Memory::IsFull] {
        let other = Addition { memory, ..addition("length", hour, &second) };
        let fault = AggregateFault::UnreadableRow { attribute: "window_seconds" };
        assert_eq!(store.add(&other, soon()).await, Err(fault));
    }
    let expected = totals("length", window(0), 1, "1");
    assert_eq!(store.recent("length", 9, soon()).await, Ok(vec![expected]));
}

async fn a_store_is_held_to_the_first_rule_and_its_customers_keep_their_windows(store: &impl AggregateStore) {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let bounds = EventTimeBounds { max_age: hours(168), max_ahead: hours(1) };
    let rule = WindowRule { seconds: FIVE_MINUTES, time: WindowTime::Event, bounds };
    let rows = store.all(soon()).await.unwrap();
    assert!(!rows.is_empty(), "there are rows of before, which does not matter");
    for _ in 0..2 {
        assert_eq!(store.hold_to(&rule, soon()).await, Ok(()));
    }
    let standing =
        "WINDOW_SECONDS=300 WINDOW_TIME=event EVENT_TIME_MAX_AGE_HOURS=168 EVENT_TIME_MAX_AHEAD_HOURS=1";
    for other in [
        WindowRule { seconds: NonZeroU32::new(60).unwrap(), ..rule },
        WindowRule { time: WindowTime::Arrival, ..rule },
        WindowRule { bounds: EventTimeBounds { max_age: None, ..bounds }, ..rule },
        WindowRule { bounds: EventTimeBounds { max_ahead: hours(2), ..bounds }, ..rule },
    ] {
        match store.hold_to(&other, soon()).await {
            Err(AggregateFault::OtherRule { standing: told, asked }) => {
                assert_eq!(told, standing);
                assert_ne!(asked, standing);
            }
            answer => panic!("{other:?}: {answer:?}"),
        }
    }
    assert_eq!(store.hold_to(&rule, soon()).await, Ok(()));
    assert_eq!(store.all(soon()).await.unwrap(), rows, "the rule is no window");
    let transactions = addends(0..1, "1");
    add(store, &addition("window rule", window(0), &transactions)).await;
    assert_eq!(
        store.recent("window rule", 9, soon()).await,
        Ok(vec![totals("window rule", window(0), 1, "1")])
    );
}

async fn of_many_who_add_the_same_at_once_one_does(store: &impl AggregateStore) {
    let transactions = addends(0..20, "1");
    let addition = addition("race", window(0), &transactions);
    let answers = join_all((0..20).map(|_| add(store, &addition))).await;
    assert_eq!(answers.iter().filter(|answer| matches!(answer, Added::Done(_))).count(), 1);
    assert_eq!(store.recent("race", 9, soon()).await, Ok(vec![totals("race", window(0), 20, "20")]));
}

async fn recent_windows_come_newest_first_and_only_the_customers_own(store: &impl AggregateStore) {
    let transactions = addends(0..1, "1");
    let before_1970 =
        Window::containing(exact_text::timestamp::Timestamp::from_millis(-1).unwrap(), FIVE_MINUTES);
    let windows = [window(2), before_1970, window(0), window(1)];
    for (customer, window) in
        windows.iter().map(|&window| ("recent", window)).chain([("recen", window(7)), ("recentt", window(8))])
    {
        add(store, &addition(customer, window, &transactions)).await;
    }
    let expected =
        [window(2), window(1), window(0), before_1970].map(|window| totals("recent", window, 1, "1"));
    assert_eq!(store.recent("recent", 9, soon()).await.unwrap(), expected);
    assert_eq!(store.recent("recent", 4, soon()).await.unwrap(), expected);
    assert_eq!(store.recent("recent", 2, soon()).await.unwrap(), expected[..2]);
    assert_eq!(store.recent("recent", 0, soon()).await.unwrap(), []);
    assert_eq!(store.recent("nobody", 9, soon()).await.unwrap(), []);
}

async fn all_windows_come_by_customer_and_time(store: &impl AggregateStore) {
    let all = store.all(soon()).await.unwrap();
    assert!(all.len() > 10);
    assert!(all.is_sorted());
    let recent = all.iter().filter(|totals| totals.customer_id == "recent");
    assert_eq!(recent.map(|totals| totals.window.start_seconds()).collect::<Vec<_>>(), {
        let starts = [window(0), window(1), window(2)].map(|window| window.start_seconds());
        [&[-300], &starts[..]].concat()
    });
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(&MemoryAggregates::default()).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract() {
    let (_aws, table) = table::start().await;
    keeps_the_contract(&table).await;
}

#[tokio::test]
async fn adding_to_a_table_makes_the_ports_calls() {
    let (aws, table) = table::start().await;
    let transactions = addends(0..2, "1");
    let addition = addition("C1", window(0), &transactions);
    let bounds = EventTimeBounds { max_age: None, max_ahead: None };
    let rule = WindowRule { seconds: FIVE_MINUTES, time: WindowTime::Arrival, bounds };
    assert_eq!(table.hold_to(&rule, soon()).await, Ok(()));
    assert!(matches!(add(&table, &addition).await, Added::Done(_)));
    assert!(matches!(add(&table, &addition).await, Added::Refused(_)));
    crate::testing::assert_calls_are_those_of(PORT, &aws);
}
