//! The same over DynamoDB and Kinesis in process: the real SDK, the machine's clock, faults on order.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use aws_calls::sdk::Sdk;
use embedded_aws::event_source_mapping::{
    Backoff, Clock, EventSourceMapping, FunctionError, Invocation, MemoryStream, RecordSource, Settings,
};
use embedded_aws::{EmbeddedAws, Entries, Fault, KeyType, REGION, Service, TableDefinition, When};
use fraud_aws::aggregate_sink::KinesisTotals;
use fraud_aws::aggregates::{AggregateStore, DynamoDbAggregates};
use fraud_core::window::WindowTime;
use proptest::prelude::*;
use tokio::time::Instant;

use super::items::{Expected, Item, items};
use super::ports::{Fates, FlakyDeadLetters, Log, MappingClock};
use super::world::rule;
use crate::{Analytics, Ports};

const TABLE: &str = "customer_aggregates";
/// Far more than a case takes on a slow machine.
const LONGEST_CASE: Duration = Duration::from_secs(120);
const TOTALS: &str = "customer-aggregates";

async fn start() -> EmbeddedAws {
    let table = TableDefinition::new(TABLE, "customer_id", KeyType::String);
    let table = table.sort_key("window_start", KeyType::Number);
    let services = EmbeddedAws::builder().services([Service::DynamoDb, Service::Kinesis]);
    services.table_definition(table).stream(TOTALS, 2).start().await.unwrap()
}

/// Each kind of fault at some of the calls: those that pass quickly by chance, those that cost seconds once.
fn order_faults(aws: &EmbeddedAws, seed: u64) {
    let faults = aws.faults();
    let updates = || When::calls(Service::DynamoDb, "UpdateItem");
    let puts = || When::calls(Service::Kinesis, "PutRecords");
    let add = |when: When, fault: Fault| {
        faults.add(when, fault).unwrap();
    };
    add(updates().nth(5), Fault::Hang);
    add(updates().nth(9), Fault::HoldAnswer);
    // More in a row than the client tries.
    add(updates().matching(ten_in_a_row()), Fault::InternalError);
    add(updates().nth(13), Fault::EmptyAnswer);
    add(updates().nth(17), Fault::CutAnswer);
    add(updates().with_probability(0.1, seed), Fault::LoseAnswer);
    add(updates().with_probability(0.03, seed ^ 7), Fault::EmptyAnswer);
    add(updates().with_probability(0.03, seed ^ 8), Fault::CutAnswer);
    add(updates().with_probability(0.05, seed ^ 1), Fault::Throttle);
    add(updates().with_probability(0.05, seed ^ 2), Fault::InternalError);
    add(updates().with_probability(0.05, seed ^ 3), Fault::DropConnection);
    add(puts().nth(2), Fault::LoseAnswer);
    add(puts().nth(3), Fault::InternalError);
    add(puts().with_probability(0.5, seed ^ 4), Fault::FailEntries(Entries::with_probability(0.3, seed)));
}

/// The calls from the twentieth on, ten of them.
fn ten_in_a_row() -> impl Fn(&embedded_aws::Call) -> bool + Send + Sync + 'static {
    let seen = AtomicUsize::new(0);
    move |_| (20..30).contains(&seen.fetch_add(1, Ordering::Relaxed))
}

async fn run(seed: u64, parts: &[Vec<Item>]) {
    let aws = start().await;
    let dynamodb = Sdk::at(aws.endpoint(Service::DynamoDb).unwrap(), REGION).await;
    let kinesis = Sdk::at(aws.endpoint(Service::Kinesis).unwrap(), REGION).await;
    let clock = Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_705_291_200));
    let (fates, log) = (Fates::kind(), Log::default());
    let table =
        DynamoDbAggregates::new(dynamodb.config().await, TABLE, Duration::from_secs(400 * 24 * 60 * 60));
    let ports = Ports {
        aggregates: table.clone(),
        sink: Some(KinesisTotals::new(kinesis.config().await, TOTALS)),
        dead_letters: FlakyDeadLetters { fates, log: log.clone() },
        clock: MappingClock(clock),
    };
    let rule = rule(WindowTime::Event);
    let analytics = Analytics::new(ports, rule);
    let stream = Arc::new(MemoryStream::new("transactions", 2, clock));
    for (part, items) in parts.iter().enumerate() {
        if part > 0 {
            stream.split(&stream.shards().await.unwrap().last().unwrap().id).unwrap();
        }
        for item in items {
            stream.put(&item.partition_key(), item.data()).unwrap();
        }
    }
    order_faults(&aws, seed);
    let worker = async |seed: u64| {
        let function = async |invocation: Invocation| {
            let remaining = invocation.deadline.saturating_duration_since(Instant::now());
            let handled = analytics.handle(&invocation.event, remaining).await;
            handled.map(|handled| handled.response).map_err(|error| FunctionError::new(error.to_string()))
        };
        let settings = Settings {
            batch_size: 20,
            parallelization_factor: 2,
            bisect_batch_on_function_error: true,
            report_batch_item_failures: true,
            function_timeout: Duration::from_secs(5),
            backoff: Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(100) },
            redelivery_probability: 0.2,
            seed,
            clock,
            ..Settings::default()
        };
        let mapping = EventSourceMapping::new(stream.clone(), function, settings).unwrap();
        assert_eq!(mapping.run_until_drained().await.unwrap().discarded_records, 0);
    };
    tokio::join!(worker(seed), worker(seed ^ 5));
    worker(seed ^ 6).await;

    aws.faults().clear();
    let expected = Expected::of(&stream.records(), rule);
    let soon = Instant::now() + Duration::from_secs(10);
    assert_eq!(table.all(soon).await.unwrap(), expected.totals);
    let read = totals_read(&aws).await;
    let lines: Vec<String> = expected.totals.iter().map(|totals| totals.to_json()).collect();
    assert_eq!(read, lines.into_iter().collect());
    aws.shutdown().await;
}

/// What a reader of the totals has in the end: of each window the line with the highest count.
async fn totals_read(aws: &EmbeddedAws) -> BTreeSet<String> {
    let source = aws.record_source(TOTALS);
    let mut highest: HashMap<(String, String), (u64, String)> = HashMap::new();
    for shard in source.shards().await.unwrap() {
        let mut after: Option<String> = None;
        loop {
            let page = source.read(&shard.id, after.as_deref(), 10_000).await.unwrap();
            let Some(last) = page.records.last() else { break };
            after = Some(last.sequence_number.clone());
            for record in page.records {
                let line = String::from_utf8(record.data.to_vec()).unwrap();
                let totals: serde_json::Value = serde_json::from_str(&line).unwrap();
                let text = |name: &str| totals[name].as_str().unwrap().to_owned();
                assert_eq!(record.partition_key, text("customer_id"));
                let count = totals["event_count"].as_u64().unwrap();
                let known = highest.entry((text("customer_id"), text("event_window_start"))).or_default();
                if count > known.0 {
                    *known = (count, line);
                }
            }
        }
    }
    highest.into_values().map(|(_, line)| line).collect()
}

proptest! {
    // Each case takes seconds of the machine's clock.
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn a_table_that_fails_in_every_way_ends_as_a_fold_over_distinct_transactions(
        seed in any::<u64>(),
        parts in prop::collection::vec(items(60), 1..3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A mapping tries again without end what fails for ever.
        let ended = runtime.block_on(async { tokio::time::timeout(LONGEST_CASE, run(seed, &parts)).await });
        prop_assert!(ended.is_ok(), "no end after {:?}", LONGEST_CASE);
    }
}
