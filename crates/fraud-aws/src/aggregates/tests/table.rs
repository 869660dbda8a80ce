//! The real SDK against a DynamoDB in process.

use std::collections::HashMap;

use aws_calls::fault::CallFault;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, KeyType, Service, TableDefinition, When};

use super::*;

const TABLE: &str = "customer_aggregates";
const RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

pub(super) async fn start() -> (EmbeddedAws, DynamoDbAggregates) {
    let table = TableDefinition::new(TABLE, "customer_id", KeyType::String);
    let table = table.sort_key("window_start", KeyType::Number);
    let aws =
        EmbeddedAws::builder().services([Service::DynamoDb]).table_definition(table).start().await.unwrap();
    let config = crate::testing::for_embedded(&aws, Service::DynamoDb).await;
    (aws, DynamoDbAggregates::new(&config, TABLE, RETENTION))
}

async fn client(aws: &EmbeddedAws) -> Client {
    Client::new(&crate::testing::for_embedded(aws, Service::DynamoDb).await)
}

async fn row(aws: &EmbeddedAws, customer_id: &str, window: Window) -> HashMap<String, AttributeValue> {
    let get = client(aws).await.get_item().table_name(TABLE).consistent_read(true);
    let get = get.key("customer_id", text(customer_id)).key("window_start", number(window.start_seconds()));
    get.send().await.unwrap().item.unwrap_or_default()
}

/// Writes a row as it is once transactions with these hashes were added to it; one that counts by identity as the last
/// release did that wrote such.
pub(super) async fn put_row(
    aws: &EmbeddedAws,
    totals: &WindowTotals,
    counted_by: CountedBy,
    hashes: &[TransactionHash],
) {
    let put = client(aws).await.put_item().table_name(TABLE).item("customer_id", text(&totals.customer_id));
    let put = put
        .item("window_start", number(totals.window.start_seconds()))
        .item("event_window_start", text(totals.window.start()))
        .item("event_window_end", text(totals.window.end()))
        .item("window_seconds", number(totals.window.seconds()))
        .item("event_count", number(totals.event_count))
        .item("total_amount", number(totals.total_amount))
        .item("sum_complete", AttributeValue::Bool(totals.sum_complete))
        .item("dedup_complete", AttributeValue::Bool(totals.dedup_complete))
        .item("counted", AttributeValue::Bs(hashes.iter().map(|hash| Blob::new(hash.0)).collect()))
        .item("updated_at", text("2024-01-15T03:00:01.000Z"))
        .item("ttl", number(1_705_287_601 + 400 * 24 * 60 * 60));
    let put = match counted_by {
        CountedBy::Content => put.item("counted_by", text("fingerprint/1")),
        CountedBy::Identity => put,
    };
    put.send().await.unwrap();
}

/// Has the row of `C1` expire before this update.
pub(super) async fn expire_before_update(aws: &EmbeddedAws, nth: usize) {
    let client = client(aws).await;
    let expire = Fault::before(move |_| {
        let delete = client.delete_item().table_name(TABLE).key("customer_id", text("C1"));
        let delete = delete.key("window_start", number(window(0).start_seconds()));
        async move { drop(delete.send().await.unwrap()) }
    });
    aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem").nth(nth), expire).unwrap();
}

/// A row's size by Amazon's rule, with 21 bytes for each number.
pub(super) async fn row_bytes(aws: &EmbeddedAws, customer_id: &str, window: Window) -> usize {
    let bytes = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::Bs(set) => set.iter().map(|blob| blob.as_ref().len() + 1).sum(),
        _ => 21,
    };
    row(aws, customer_id, window).await.iter().map(|(name, value)| name.len() + bytes(value)).sum()
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn updates(aws: &EmbeddedAws) -> usize {
    aws.calls().count(Service::DynamoDb, "UpdateItem")
}

fn next_updates(aws: &EmbeddedAws, count: usize, fault: Fault) {
    aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem").next(count), fault).unwrap();
}

#[tokio::test]
async fn a_row_has_the_tutorials_names_and_what_exactness_needs() {
    let (aws, table) = start().await;
    let (first, second) = (transactions(0..2, "12.50"), transactions(2..3, "0.000000000001"));
    assert_eq!(count(&table, &share("C1", window(0), first.clone()), at(1), soon()).await.failed, None);
    assert_eq!(count(&table, &share("C1", window(0), second.clone()), at(61), soon()).await.failed, None);
    let mut row = row(&aws, "C1", window(0)).await;
    crate::testing::assert_is_a_row_of(crate::aggregates::TABLE, &row);
    let Some(AttributeValue::Bs(mut hashes)) = row.remove("counted") else { panic!("a binary set") };
    hashes.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
    let mut expected: Vec<_> = [first, second].concat().iter().map(|counted| counted.hash.0).collect();
    expected.sort();
    assert_eq!(hashes, expected.into_iter().map(Blob::new).collect::<Vec<_>>());
    let expected = HashMap::from([
        ("customer_id", text("C1")),
        ("window_start", number(1_705_287_600)),
        ("event_window_start", text("2024-01-15T03:00:00.000Z")),
        ("event_window_end", text("2024-01-15T03:05:00.000Z")),
        ("window_seconds", number(300)),
        ("event_count", number(3)),
        ("total_amount", number("25.000000000001")),
        ("sum_complete", AttributeValue::Bool(true)),
        ("counted_by", text("fingerprint/1")),
        ("dedup_complete", AttributeValue::Bool(true)),
        ("updated_at", text("2024-01-15T03:01:01.000Z")),
        ("ttl", number(1_705_287_661 + 400 * 24 * 60 * 60)),
    ]);
    assert_eq!(row, expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
}

#[tokio::test]
async fn the_largest_addition_stays_within_what_an_expression_may_have() {
    let (aws, table) = start().await;
    let transactions = addends(0..TRANSACTIONS_AT_ONCE, "1");
    for memory in [Memory::HasRoom, Memory::IsFull] {
        table.add(&Addition { memory, ..addition("C1", window(0), &transactions) }, soon()).await.unwrap();
    }
    let calls = aws.calls().of(Service::DynamoDb, "UpdateItem");
    assert_eq!(calls.len(), 2);
    for call in calls {
        let call = call.json().unwrap();
        let condition = call["ConditionExpression"].as_str().unwrap();
        let operators = ["contains(", "attribute_not_exists(", "NOT ", "AND ", "OR ", "="];
        let operators: usize = operators.iter().map(|operator| condition.matches(operator).count()).sum();
        assert!((200..=300).contains(&operators), "{operators} operators in {condition}");
        assert!(condition.len() <= 4096, "{}", condition.len());
    }
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_nothing_counts_twice() {
    let (aws, table) = start().await;
    let share = share("C1", window(0), transactions(0..3, "0.1"));
    next_updates(&aws, 1, Fault::LoseAnswer);
    let outcome = count(&table, &share, at(1), soon()).await;
    assert_eq!(outcome.failed, None);
    assert_eq!(outcome.totals, Some(totals("C1", window(0), 3, "0.3")));
    assert_eq!(updates(&aws), 2);
}

#[tokio::test]
async fn after_an_answer_that_says_nothing_what_was_added_is_known() {
    let (aws, table) = start().await;
    let share = share("C1", window(0), transactions(0..3, "0.1"));
    for answer in [Fault::EmptyAnswer, Fault::CutAnswer] {
        let added = updates(&aws);
        // As often as the client asks again by itself.
        next_updates(&aws, 5, answer.clone());
        let (left, fault) = count(&table, &share, at(1), soon()).await.failed.unwrap();
        assert_eq!(left, [0, 1, 2], "{answer:?}");
        assert!(matches!(&fault, AggregateFault::Call(fault) if fault.may_be_done()), "{fault:?}");
        assert!(updates(&aws) > added);
        aws.faults().clear();
        let again = count(&table, &share, at(1), soon()).await;
        assert_eq!((again.added, again.known, again.failed), (0, 3, None));
    }
    assert_eq!(table.recent("C1", 9, soon()).await, Ok(vec![totals("C1", window(0), 3, "0.3")]));
}

#[tokio::test]
async fn a_table_that_throttles_for_a_while_is_asked_again_and_one_that_goes_on_is_a_fault() {
    let (aws, table) = start().await;
    let share = share("C1", window(0), transactions(0..3, "0.1"));
    next_updates(&aws, 3, Fault::Throttle);
    let outcome = count(&table, &share, at(1), soon()).await;
    assert_eq!((outcome.added, outcome.failed), (3, None));
    assert_eq!(updates(&aws), 4);

    aws.faults().clear();
    aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::Throttle).unwrap();
    let is_throttled = |fault: &AggregateFault| fault.to_string() == "ProvisionedThroughputExceededException";
    let (left, fault) = count(&table, &share, at(1), soon()).await.failed.unwrap();
    assert_eq!(left, [0, 1, 2]);
    assert!(is_throttled(&fault));
    assert!(is_throttled(&table.recent("C1", 9, soon()).await.unwrap_err()));
    assert!(is_throttled(&table.all(soon()).await.unwrap_err()));
}

#[tokio::test]
async fn a_table_that_never_answers_takes_no_longer_than_the_deadline() {
    let (aws, table) = start().await;
    aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::Hang).unwrap();
    let share = share("C1", window(0), transactions(0..3, "0.1"));
    let start = Instant::now();
    let deadline = start + Duration::from_millis(300);
    let outcome = count(&table, &share, at(1), deadline).await;
    assert_eq!(outcome.failed, Some((vec![0, 1, 2], CallFault::deadline().into())));
    assert_eq!(table.recent("C1", 9, deadline).await, Err(CallFault::deadline().into()));
    assert_eq!(table.all(deadline).await, Err(CallFault::deadline().into()));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let calls = updates(&aws);
    assert_eq!(count(&table, &share, at(1), deadline).await.writes, 0);
    assert_eq!(updates(&aws), calls, "a call was begun after the deadline");
}

#[tokio::test]
async fn what_was_added_before_a_fault_stays_added_and_the_rest_is_told() {
    let (aws, table) = start().await;
    let share = share("C1", window(0), transactions(0..250, "0.1"));
    aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem").from_nth(2), Fault::Throttle).unwrap();
    let outcome = count(&table, &share, at(1), soon()).await;
    assert_eq!((outcome.added, outcome.totals), (100, Some(totals("C1", window(0), 100, "10"))));
    assert_eq!(outcome.failed.unwrap().0, (100..250).collect::<Vec<_>>());
    aws.faults().clear();
    let outcome = count(&table, &share, at(1), soon()).await;
    assert_eq!((outcome.added, outcome.known, outcome.writes), (150, 100, 3));
}

#[tokio::test]
async fn a_row_that_expires_while_it_is_added_to_begins_anew() {
    let (aws, table) = start().await;
    let first = share("C1", window(0), transactions(0..1, "1"));
    assert_eq!(count(&table, &first, at(1), soon()).await.added, 1);
    // It expires between the refusal and the second look.
    expire_before_update(&aws, 2).await;
    let both = share("C1", window(0), transactions(0..2, "1"));
    let outcome = count(&table, &both, at(2), soon()).await;
    assert_eq!((outcome.added, outcome.known), (1, 1));
    assert_eq!(outcome.totals, Some(totals("C1", window(0), 1, "1")));
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_fault() {
    let (aws, _table) = start().await;
    let config = crate::testing::for_embedded(&aws, Service::DynamoDb).await;
    let table = DynamoDbAggregates::new(&config, "no_such_table", RETENTION);
    let outcome = count(&table, &share("C1", window(0), transactions(0..1, "1")), at(1), soon()).await;
    assert_eq!(outcome.failed.unwrap().1.to_string(), "ResourceNotFoundException");
    let fault = table.recent("C1", 1, soon()).await.unwrap_err();
    assert_eq!(fault.to_string(), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_row_that_is_not_our_own_is_told_by_the_attribute_that_cannot_be_read() {
    let (aws, table) = start().await;
    let client = client(&aws).await;
    for (attribute, value) in [
        ("event_count", None),
        ("event_count", Some(text("many"))),
        ("counted", None),
        ("counted", Some(AttributeValue::Bs(vec![Blob::new([1, 2, 3])]))),
        ("counted_by", Some(text("fingerprint/2"))),
        ("counted_by", Some(number(1))),
        ("window_seconds", Some(number(0))),
        ("window_seconds", None),
    ] {
        let share = share(attribute, window(0), transactions(0..1, "1"));
        assert_eq!(count(&table, &share, at(1), soon()).await.failed, None);
        let mut row = row(&aws, attribute, window(0)).await;
        row.remove(attribute);
        row.extend(value.map(|value| (attribute.to_owned(), value)));
        client.put_item().table_name(TABLE).set_item(Some(row)).send().await.unwrap();
        // With the memory gone the first of them would be added; the count says that it is full.
        let transactions = addends(0..1, "1");
        let full = Addition { memory: Memory::IsFull, ..addition(attribute, window(0), &transactions) };
        let fault = AggregateFault::UnreadableRow { attribute };
        assert_eq!(table.add(&full, soon()).await, Err(fault));
        let delete = client.delete_item().table_name(TABLE).key("customer_id", text(attribute));
        delete.key("window_start", number(window(0).start_seconds())).send().await.unwrap();
    }
}

#[tokio::test]
async fn recent_windows_are_read_over_as_many_pages_as_there_are() {
    let (aws, table) = start().await;
    let client = client(&aws).await;
    for n in 0..12 {
        let share = share("C1", window(n), transactions(0..1, "1"));
        count(&table, &share, at(1), soon()).await;
        let mut row = row(&aws, "C1", window(n)).await;
        row.insert("filler".to_owned(), text("x".repeat(300_000)));
        client.put_item().table_name(TABLE).set_item(Some(row)).send().await.unwrap();
    }
    aws.calls().clear();
    let starts = |totals: Vec<WindowTotals>| totals.iter().map(|totals| totals.window).collect::<Vec<_>>();
    let newest: Vec<_> = (0..12).rev().map(window).collect();
    assert_eq!(starts(table.recent("C1", 10, soon()).await.unwrap()), newest[..10]);
    assert_eq!(starts(table.recent("C1", 100, soon()).await.unwrap()), newest);
    assert!(aws.calls().count(Service::DynamoDb, "Query") > 4);
    assert_eq!(table.all(soon()).await.unwrap().len(), 12);
    assert!(aws.calls().count(Service::DynamoDb, "Scan") > 2);
}

#[tokio::test]
async fn a_row_can_be_read_with_its_memory_and_goes_on_in_memory_as_it_would_in_the_table() {
    let (aws, store) = start().await;
    let counted = addends(0..3, "1.10");
    add(&store, &addition("C1", window(0), &counted)).await;
    aws.calls().clear();
    let row = store.row("C1", window(0), soon()).await.unwrap().unwrap();
    assert_eq!(row.totals, totals("C1", window(0), 3, "3.30"));
    assert_eq!(row.remembered, counted.iter().map(|addend| addend.hash).collect());
    assert_eq!(store.row("C1", window(1), soon()).await.unwrap(), None);
    let longer = Window::containing(at(0), NonZeroU32::new(600).unwrap());
    let attribute = "window_seconds";
    assert_eq!(store.row("C1", longer, soon()).await, Err(AggregateFault::UnreadableRow { attribute }));
    assert_eq!(aws.calls().count(Service::DynamoDb, "GetItem"), aws.calls().all().len());

    let memory = MemoryAggregates::default();
    memory.insert(row.clone());
    assert_eq!(add(&memory, &addition("C1", window(0), &counted[1..2])).await, Added::Refused(Some(row)));
    let more = addends(3..4, "1.10");
    let added = Added::Done(totals("C1", window(0), 4, "4.40"));
    assert_eq!(add(&memory, &addition("C1", window(0), &more)).await, added);
    // A row that is there already has more in it than one that is read again.
    memory.insert(store.row("C1", window(0), soon()).await.unwrap().unwrap());
    assert_eq!(memory.all(soon()).await.unwrap(), [totals("C1", window(0), 4, "4.40")]);
}
