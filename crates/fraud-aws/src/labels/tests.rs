use std::collections::BTreeMap;
use std::future::Future;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, Service, When};
use fraud_core::label::{Details, LabelSource, LabelledId, Statement, Verdict, fold};
use fraud_core::merchant::{Bucket, LabelDelay, MerchantDays};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::testing::{answers_that_say_nothing, assert_is_a_row_of, at, for_embedded, soon};

const LABELS: &str = "labels";
const ENTITIES: &str = "entities";
/// The day of [`at`]'s moments: 2024-01-15.
const TODAY: i32 = 19_737;

fn counting() -> Counting {
    Counting::at(at(0).millis() / 1000, LabelDelay::default(), None)
}

fn label(transaction: &str, minute: i64, source: LabelSource, verdict: Verdict, details: Details) -> Label {
    let statement = Statement { reported_at: at(minute * 60), source, verdict, details };
    Label { of: LabelledId::Decision(transaction.to_owned()), statement }
}

fn details(merchant: &str, days_ago: i32, amount: &str) -> Details {
    Details {
        merchant_id: Some(merchant.to_owned()),
        event_time: Some((i64::from(TODAY - days_ago) * 86_400).to_string()),
        amount: Some(amount.to_owned()),
        outlier: None,
    }
}

fn fraud(transaction: &str, minute: i64, merchant: &str) -> Label {
    label(transaction, minute, LabelSource::Cardholder, Verdict::Fraud, details(merchant, 1, "5"))
}

async fn apply(store: &impl LabelStore, label: &Label) -> Taken {
    store.apply(write(label, &counting()), soon()).await.unwrap()
}

fn write<'a>(label: &'a Label, counting: &'a Counting) -> LabelWrite<'a> {
    LabelWrite { label, counting, by: "ana", at: at(0) }
}

/// Merchant, day, frauds, ordinary ones; without days of which nothing counts.
type Counts = Vec<(String, i32, u32, u32)>;

fn counts(merchants: BTreeMap<String, MerchantDays>) -> Counts {
    let days = merchants.into_iter().flat_map(|(merchant, days)| {
        let days = days.days().to_vec();
        days.into_iter().map(move |day| (merchant.clone(), day.day, day.frauds, day.ordinary))
    });
    days.filter(|(_, _, frauds, ordinary)| frauds + ordinary > 0).collect()
}

/// Labels of few transactions, so that they meet; each run draws the same.
fn drawn(prefix: &str, number: usize) -> Vec<Label> {
    let prefix = prefix.to_owned();
    let drawn = (
        0..6_u8,
        0..4_i64,
        prop::sample::select(&LabelSource::ALL[..]),
        prop::sample::select(&Verdict::ALL[..]),
        (prop::sample::select(vec!["A", "B"]), prop::sample::select(vec![-1, 0, 2, 66, 69]), any::<bool>()),
    );
    let labels =
        drawn.prop_map(move |(transaction, minute, source, verdict, (merchant, days_ago, small))| {
            let amount = if small { "5" } else { "500" };
            let details = details(&format!("{prefix}{merchant}"), days_ago, amount);
            label(&format!("{prefix}/{transaction}"), minute, source, verdict, details)
        });
    let mut runner = TestRunner::deterministic();
    prop::collection::vec(labels, number).new_tree(&mut runner).unwrap().current()
}

/// What every store does; `merchants` tells the days of all merchants.
async fn keeps_the_contract<S: LabelStore, M: Future<Output = BTreeMap<String, MerchantDays>>>(
    store: &S,
    merchants: impl Fn() -> M,
) {
    let of = |prefix: &'static str| {
        let merchants = merchants();
        async move {
            let all = merchants.await;
            counts(all.into_iter().filter(|(merchant, _)| merchant.starts_with(prefix)).collect())
        }
    };
    // A label counts once, and is taken back.
    let first = fraud("once/1", 0, "once");
    assert!(matches!(apply(store, &first).await, Taken::Holds(_)));
    assert_eq!(apply(store, &first).await, Taken::Known);
    assert_eq!(of("once").await, [("once".to_owned(), TODAY - 1, 1, 1)]);
    let stored = store.read("once/1", soon()).await.unwrap();
    assert_eq!((stored.version, &*stored.changed_by), (1, "ana"));
    assert_eq!(stored.labelled.verdict(), Some(&first.statement));
    let retracted = label("once/1", 1, LabelSource::Cardholder, Verdict::Retracted, Details::default());
    assert!(matches!(apply(store, &retracted).await, Taken::Holds(_)));
    assert_eq!(apply(store, &first).await, Taken::Superseded);
    assert_eq!(of("once").await, []);
    assert_eq!(store.read("never", soon()).await.unwrap(), StoredLabels::default());

    // Another merchant, another day, another amount.
    apply(store, &fraud("moved/1", 0, "movedA")).await;
    let other = label("moved/1", 1, LabelSource::Analyst, Verdict::Fraud, details("movedB", 3, "200"));
    apply(store, &other).await;
    assert_eq!(of("moved").await, [("movedB".to_owned(), TODAY - 3, 1, 0)]);

    // Any labels, one after the other and all at once, count as the fold says.
    let (one_by_one, at_once) = (drawn("serial", 60), drawn("parallel", 40));
    for label in &one_by_one {
        apply(store, label).await;
    }
    futures_util::future::join_all(at_once.iter().chain(&at_once).map(|label| apply(store, label))).await;
    for (prefix, labels) in [("serial", one_by_one), ("parallel", at_once)] {
        let expected = counts(fold::fold(&labels, &counting()));
        assert!(!expected.is_empty());
        assert_eq!(of(prefix).await, expected);
    }
}

async fn start() -> (EmbeddedAws, DynamoDbLabels, Client) {
    let aws = EmbeddedAws::builder()
        .services([Service::DynamoDb])
        .table(LABELS, "decision_id")
        .table(ENTITIES, "entity")
        .start()
        .await
        .unwrap();
    let config = for_embedded(&aws, Service::DynamoDb).await;
    (aws, DynamoDbLabels::new(&config, LABELS, ENTITIES), Client::new(&config))
}

/// The days of all merchants of a table. Fails if a count is not a whole number of at least 0.
async fn merchants_of(client: &Client) -> BTreeMap<String, MerchantDays> {
    let rows = client.scan().table_name(ENTITIES).send().await.unwrap().items.unwrap();
    let rows = rows.into_iter().map(|row| {
        let entity = <fraud_core::entity::Entity as crate::lookup::Row>::of_item(&row);
        assert!(entity.is_valid(), "{row:?}");
        let merchant = row["entity"].as_s().unwrap().strip_prefix("merchant/").unwrap().to_owned();
        (merchant, entity.days().cloned().unwrap_or_default())
    });
    rows.collect()
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    let store = MemoryLabels::default();
    keeps_the_contract(&store, || async { store.merchants() }).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract() {
    let (_aws, store, client) = start().await;
    keeps_the_contract(&store, || merchants_of(&client)).await;
}

#[tokio::test]
async fn files_keep_the_contract_through_every_save() {
    let folder = Folder::new("contract");
    let (labels, entities) = (folder.file("labels.ndjson"), folder.file("entities.ndjson"));
    let store = FileLabels::open(&labels, &entities).unwrap();
    keeps_the_contract(&store, || async {
        store.save(&counting()).unwrap();
        merchants_of_file(&entities)
    })
    .await;
    drop(store);
    // What was saved is there for the next who opens it.
    let before = std::fs::read(&labels).unwrap();
    let store = FileLabels::open(&labels, &entities).unwrap();
    for label in drawn("serial", 60) {
        assert!(matches!(apply(&store, &label).await, Taken::Known | Taken::Superseded));
    }
    store.save(&counting()).unwrap();
    assert_eq!(std::fs::read(&labels).unwrap(), before);
}

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("fraud-labels-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn merchants_of_file(path: &std::path::Path) -> BTreeMap<String, MerchantDays> {
    let rows = crate::entities::rows::read(&std::fs::read(path).unwrap()).unwrap();
    let rows = rows.rows.into_iter().filter_map(|(_, row)| {
        let entity = row.entity();
        assert!(entity.is_valid(), "{row:?}");
        let merchant = row.entity.strip_prefix("merchant/")?.to_owned();
        Some((merchant, entity.days().cloned().unwrap_or_default()))
    });
    rows.collect()
}

#[tokio::test]
async fn files_keep_what_else_is_known_and_mend_what_a_process_that_died_left() {
    let folder = Folder::new("mend");
    let (labels, entities) = (folder.file("labels.ndjson"), folder.file("entities.ndjson"));
    let old = i64::from(TODAY - 80);
    std::fs::write(
        &entities,
        format!(
            "{{\"entity\":\"merchant/M1\",\"risk\":0.25,\"list_x\":0,\"n{}\":7,\"n{old}\":9}}\n\
             {{\"entity\":\"device/D1\",\"risk\":\"0.5\"}}\n\
             {{\"entity\":\"count/merchants\",\"through\":{}}}\n",
            TODAY - 1,
            TODAY - 1,
        ),
    )
    .unwrap();
    let store = FileLabels::open(&labels, &entities).unwrap();
    let busy = FileLabels::open(&labels, &entities).unwrap_err().to_string();
    assert!(busy.contains("another process is writing it"), "{busy}");
    apply(&store, &fraud("C1/T1", 0, "M1")).await;
    store.save(&counting()).unwrap();
    let expected = format!(
        "{{\"entity\":\"device/D1\",\"risk\":0.5}}\n\
         {{\"entity\":\"merchant/M1\",\"f{day}\":1,\"list_x\":0,\"n{day}\":7,\"o{day}\":1,\"risk\":0.25}}\n\
         {{\"entity\":\"count/merchants\",\"through\":{day}}}\n",
        day = TODAY - 1,
    );
    assert_eq!(std::fs::read_to_string(&entities).unwrap(), expected);
    drop(store);
    // It died after the labels were written and before the entities were.
    std::fs::write(&entities, "{\"entity\":\"device/D1\",\"risk\":\"0.5\"}\n").unwrap();
    FileLabels::open(&labels, &entities).unwrap().save(&counting()).unwrap();
    assert_eq!(counts(merchants_of_file(&entities)), [("M1".to_owned(), TODAY - 1, 1, 1)]);
}

#[tokio::test]
async fn a_row_has_the_tables_attributes_and_ends_400_days_after_its_last_write() {
    let (_aws, store, client) = start().await;
    apply(&store, &fraud("C1/T1", 0, "M1")).await;
    let key = AttributeValue::S("C1/T1".to_owned());
    let get = client.get_item().table_name(LABELS).key("decision_id", key);
    let item = get.send().await.unwrap().item.unwrap();
    assert_is_a_row_of(TABLE, &item);
    assert_eq!(item.len(), TABLE.attributes.len() + 1);
    let ttl = at(0).millis() / 1000 + 400 * 86_400;
    assert_eq!(item["ttl"], AttributeValue::N(ttl.to_string()));
}

#[tokio::test]
async fn a_label_counts_once_whatever_answers_are_lost() {
    let (aws, store, client) = start().await;
    let mut faults = vec![Fault::LoseAnswer, Fault::Throttle];
    faults.extend(answers_that_say_nothing());
    for (number, fault) in faults.into_iter().enumerate() {
        let name = format!("{fault:?}");
        aws.faults().add(When::calls(Service::DynamoDb, "TransactWriteItems").nth(1), fault).unwrap();
        let label = fraud(&format!("C1/{number}"), 0, &format!("M{number}"));
        let taken = store.apply(write(&label, &counting()), soon()).await;
        assert!(matches!(taken, Ok(Taken::Holds(_))), "{name}: {taken:?}");
        assert_eq!(apply(&store, &label).await, Taken::Known, "{name}");
        aws.faults().clear();
        let merchants = counts(merchants_of(&client).await);
        assert_eq!(merchants.get(number), Some(&(format!("M{number}"), TODAY - 1, 1, 1)), "{name}");
    }
}

#[tokio::test]
async fn a_label_that_was_given_up_in_the_middle_is_applied_again_once() {
    let (aws, store, client) = start().await;
    let label = fraud("C1/T1", 0, "M1");
    // The write is made, and the answer stays away until the deadline.
    aws.faults().add(When::calls(Service::DynamoDb, "TransactWriteItems"), Fault::LoseAnswer).unwrap();
    let deadline = Instant::now() + std::time::Duration::from_millis(300);
    let given_up = store.apply(write(&label, &counting()), deadline).await;
    aws.faults().clear();
    assert!(matches!(given_up, Ok(Taken::Holds(_)) | Err(LabelFault::Call(_))), "{given_up:?}");
    assert_eq!(apply(&store, &label).await, Taken::Known);
    assert_eq!(counts(merchants_of(&client).await), [("M1".to_owned(), TODAY - 1, 1, 1)]);
}

#[tokio::test]
async fn days_that_nobody_counts_any_more_leave_with_the_next_write_and_all_else_stays() {
    let (_aws, store, client) = start().await;
    let number = |number: i32| AttributeValue::N(number.to_string());
    // 67 days are kept, and two more are left alone.
    let put = client
        .put_item()
        .table_name(ENTITIES)
        .item("entity", AttributeValue::S("merchant/M1".to_owned()))
        .item(Bucket::Transactions.attribute(TODAY - 70), number(3))
        .item(Bucket::Frauds.attribute(TODAY - 200), number(3))
        .item(Bucket::Transactions.attribute(TODAY - 69), number(3))
        .item("list_trusted", number(0))
        .item("changed_by", AttributeValue::S("bob".to_owned()));
    put.send().await.unwrap();
    apply(&store, &fraud("C1/T1", 0, "M1")).await;
    let rows = client.scan().table_name(ENTITIES).send().await.unwrap().items.unwrap();
    let mut names: Vec<_> = rows[0].keys().cloned().collect();
    names.sort();
    let (kept, day) = (Bucket::Transactions.attribute(TODAY - 69), TODAY - 1);
    let expected = ["changed_by", "entity", &format!("f{day}"), "list_trusted", &kept, &format!("o{day}")];
    assert_eq!(names, expected);
    assert_eq!(rows[0]["changed_by"], AttributeValue::S("bob".to_owned()), "who changed the lists");
}

#[tokio::test]
async fn what_cannot_be_counted_is_told_and_nothing_is_written() {
    let (_aws, store, client) = start().await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = client.put_item().table_name(ENTITIES).item("entity", text("merchant/M1"));
    put.item(Bucket::Frauds.attribute(TODAY - 1), text("many")).send().await.unwrap();
    let fault = store.apply(write(&fraud("C1/T1", 0, "M1"), &counting()), soon()).await.unwrap_err();
    assert!(matches!(&fault, LabelFault::Count(merchant) if merchant == "merchant/M1"), "{fault:?}");
    assert_eq!(store.read("C1/T1", soon()).await.unwrap().version, 0);
    for (version, statements, expected) in
        [(text("1"), "[]", "version"), (AttributeValue::N("1".to_owned()), "[{}]", "statements")]
    {
        let put = client.put_item().table_name(LABELS).item("decision_id", text("C1/T2"));
        put.item("version", version).item("statements", text(statements)).send().await.unwrap();
        let fault = store.apply(write(&fraud("C1/T2", 0, "M2"), &counting()), soon()).await.unwrap_err();
        assert!(matches!(fault, LabelFault::UnreadableRow(name) if name == expected), "{fault:?}");
    }
}
