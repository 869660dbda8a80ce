//! Kinesis, as the unmodified SDK sees it.

use std::time::{Duration, SystemTime};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::put_records::{PutRecordsError, PutRecordsOutput};
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{
    MetricsName, PutRecordsRequestEntry, ShardIteratorType, StreamMode, StreamModeDetails, StreamStatus,
};
use embedded_aws::{EmbeddedAws, Entries, Fault, FaultError, Service, StartError, When};

const THROTTLED: &str = "ProvisionedThroughputExceededException";
const FIRST: &str = "shardId-000000000000";

async fn aws(shards: u32) -> (EmbeddedAws, Client) {
    let aws = EmbeddedAws::builder()
        .services([Service::Kinesis])
        .stream("transactions", shards)
        .start()
        .await
        .unwrap();
    let client = crate::support::kinesis(&aws);
    (aws, client)
}

fn entry(key: &str, data: impl Into<Vec<u8>>) -> PutRecordsRequestEntry {
    PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data)).build().unwrap()
}

fn entries(count: usize) -> Vec<PutRecordsRequestEntry> {
    (0..count).map(|n| entry(&format!("key-{n}"), n.to_string())).collect()
}

async fn put(
    client: &Client,
    entries: Vec<PutRecordsRequestEntry>,
) -> Result<PutRecordsOutput, SdkError<PutRecordsError>> {
    client.put_records().stream_name("transactions").set_records(Some(entries)).send().await
}

/// Which records failed, and with what.
fn failed(answer: &PutRecordsOutput) -> Vec<(usize, &str)> {
    let codes = answer.records().iter().map(|record| record.error_code());
    codes.enumerate().filter_map(|(index, code)| Some((index, code?))).collect()
}

async fn iterator(client: &Client, shard: &str) -> String {
    let answer = client
        .get_shard_iterator()
        .stream_name("transactions")
        .shard_id(shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await;
    answer.unwrap().shard_iterator.unwrap()
}

async fn read(client: &Client, iterator: impl Into<String>) -> GetRecordsOutput {
    client.get_records().shard_iterator(iterator).send().await.unwrap()
}

fn texts(answer: &GetRecordsOutput) -> Vec<String> {
    let text = |data: &Blob| String::from_utf8(data.as_ref().to_vec()).unwrap();
    answer.records().iter().map(|record| text(record.data())).collect()
}

async fn active(client: &Client, stream: &str) {
    // Resharding is done by the time the next call arrives, or the one after it.
    for _ in 0..100 {
        let answer = client.describe_stream_summary().stream_name(stream).send().await.unwrap();
        if *answer.stream_description_summary().unwrap().stream_status() == StreamStatus::Active {
            return;
        }
    }
    panic!("{stream} does not become active");
}

#[tokio::test]
async fn records_come_back_in_order_with_key_data_position_and_the_millisecond_of_their_arrival() {
    let (aws, client) = aws(1).await;
    let before = SystemTime::now() - Duration::from_millis(1);

    let answer = put(&client, entries(3)).await.unwrap();
    let single = client.put_record().stream_name("transactions").partition_key("é").data(Blob::new([0, 255]));
    let single = single.send().await.unwrap();

    let read = read(&client, iterator(&client, FIRST).await).await;
    let numbers: Vec<_> = read.records().iter().map(|record| record.sequence_number()).collect();
    let mut put: Vec<_> = answer.records().iter().map(|record| record.sequence_number().unwrap()).collect();
    put.push(single.sequence_number());
    assert_eq!((answer.failed_record_count(), numbers), (Some(0), put));
    assert_eq!(single.shard_id(), FIRST);
    assert_eq!(read.records()[1].partition_key(), Some("key-1"));
    assert_eq!(read.records()[1].data().as_ref(), b"1");
    assert_eq!(read.records()[3].data().as_ref(), [0, 255]);
    for record in read.records() {
        let arrival = SystemTime::try_from(*record.approximate_arrival_timestamp().unwrap()).unwrap();
        assert!(before <= arrival && arrival <= SystemTime::now(), "{arrival:?}");
    }
    assert_eq!((read.millis_behind_latest(), read.child_shards().len()), (Some(0), 0));
    aws.shutdown().await;
}

#[tokio::test]
async fn a_reader_that_begins_at_a_time_gets_what_arrived_then_or_later() {
    let (_aws, client) = aws(1).await;
    put(&client, entries(2)).await.unwrap();
    let first = read(&client, iterator(&client, FIRST).await).await.records()[0].clone();
    let arrived = *first.approximate_arrival_timestamp().unwrap();
    let from = async |time: DateTime| {
        let iterator = client.get_shard_iterator().stream_name("transactions").shard_id(FIRST);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(time);
        iterator.send().await.unwrap().shard_iterator.unwrap()
    };
    assert_eq!(texts(&read(&client, from(arrived).await).await), ["0", "1"]);
    // The SDK reads seconds with a fraction, and may end up below the millisecond.
    let later = DateTime::from_millis(arrived.to_millis().unwrap() + 2);
    // A time that has not come is refused.
    while SystemTime::now() <= SystemTime::try_from(later).unwrap() {
        tokio::task::yield_now().await;
    }
    let behind = from(later).await;
    assert_eq!(texts(&read(&client, behind.clone()).await), [""; 0]);
    put(&client, vec![entry("key", "2")]).await.unwrap();
    assert_eq!(texts(&read(&client, behind).await), ["2"]);
}

#[tokio::test]
async fn a_stream_that_is_created_again_has_none_of_the_records_before() {
    let (_aws, client) = aws(1).await;
    put(&client, entries(2)).await.unwrap();
    client.delete_stream().stream_name("transactions").send().await.unwrap();
    // It is gone by the time the next call arrives, or one after it.
    while client.describe_stream_summary().stream_name("transactions").send().await.is_ok() {}
    client.create_stream().stream_name("transactions").shard_count(1).send().await.unwrap();
    active(&client, "transactions").await;
    put(&client, vec![entry("key", "new")]).await.unwrap();
    assert_eq!(texts(&read(&client, iterator(&client, FIRST).await).await), ["new"]);
}

#[tokio::test]
async fn half_of_put_records_puts_the_first_half_and_throttles_the_others_in_their_places() {
    let (aws, client) = aws(2).await;
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords").nth(1), Fault::Half).unwrap();

    let answer = put(&client, entries(5)).await.unwrap();

    assert_eq!(answer.failed_record_count(), Some(3));
    assert_eq!(failed(&answer), [(2, THROTTLED), (3, THROTTLED), (4, THROTTLED)]);
    assert!(answer.records()[3].error_message().unwrap().contains("shardId-"));
    assert!(answer.records()[1].sequence_number().is_some());
    let mut read_back = Vec::new();
    for shard in [FIRST, "shardId-000000000001"] {
        read_back.extend(texts(&read(&client, iterator(&client, shard).await).await));
    }
    read_back.sort();
    assert_eq!(read_back, ["0", "1"]);
}

#[tokio::test]
async fn chosen_entries_fail_by_place_by_content_and_by_chance() {
    let (aws, client) = aws(1).await;
    let faults = aws.faults();
    let puts = || When::calls(Service::Kinesis, "PutRecords");
    let outcome = async |entries: Entries| {
        let rule = faults.add(puts(), Fault::FailEntries(entries)).unwrap();
        let answer = put(&client, self::entries(6)).await.unwrap();
        faults.remove(rule);
        failed(&answer).into_iter().map(|(index, _)| index).collect::<Vec<_>>()
    };

    assert_eq!(outcome(Entries::at([5, 0])).await, [0, 5]);
    assert_eq!(outcome(Entries::matching(|entry| entry.key == "key-3")).await, [3]);
    assert_eq!(outcome(Entries::matching(|entry| entry.content == b"4" || entry.index == 1)).await, [1, 4]);
    assert_eq!(outcome(Entries::with_probability(0.0, 1)).await, [0; 0]);
    let by_chance = outcome(Entries::with_probability(0.5, 3)).await;
    assert_eq!(outcome(Entries::with_probability(0.5, 3)).await, by_chance);
    assert!((1..6).contains(&by_chance.len()), "{by_chance:?}");

    let everything = When::calls(Service::Kinesis, "PutRecord");
    let refused = faults.add(everything, Fault::FailEntries(Entries::at([0])));
    assert!(matches!(refused, Err(FaultError::NoEntries { operation, .. }) if operation == "PutRecord"));
    let refused = faults.add(puts(), Fault::FailEntries(Entries::with_probability(2.0, 0)));
    assert!(matches!(refused, Err(FaultError::Probability(_))));
}

#[tokio::test]
async fn throttling_and_a_missing_stream_are_errors_that_the_sdk_knows() {
    let (aws, client) = aws(1).await;
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords").nth(1), Fault::Throttle).unwrap();

    let throttled = put(&client, entries(1)).await.unwrap_err().into_service_error();
    let missing = client.put_records().stream_name("nothing").set_records(Some(entries(1))).send().await;

    assert!(throttled.is_provisioned_throughput_exceeded_exception());
    assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_request_is_held_to_the_limits_of_kinesis() {
    let (_aws, client) = aws(16).await;
    let big = |size: usize| entry("key", vec![0; size]);
    let code = async |entries| put(&client, entries).await.err().and_then(|e| e.code().map(str::to_owned));
    let invalid = Some("ValidationException".to_owned());
    let largest = 1_048_576 - "key".len();

    assert_eq!(code(vec![]).await, invalid);
    assert_eq!(code(entries(500)).await, None);
    assert_eq!(code(entries(501)).await, invalid);
    assert_eq!(code(vec![big(largest)]).await, None);
    assert_eq!(code(vec![big(largest + 1)]).await, invalid);
    assert_eq!(code(vec![entry("", "a")]).await, invalid);
    assert_eq!(code(vec![entry(&"é".repeat(256), "a")]).await, None);
    assert_eq!(code(vec![entry(&"é".repeat(257), "a")]).await, invalid);
    assert_eq!(code((0..10).map(|_| big(largest)).collect()).await, None);
    let too_much = (0..10).map(|_| big(largest)).chain([entry("k", "")]).collect();
    assert_eq!(code(too_much).await.as_deref(), Some("InvalidArgumentException"));
}

#[tokio::test]
async fn a_shard_takes_a_thousand_records_a_second_unless_its_limits_are_off() {
    let (_aws, client) = aws(1).await;
    let off = EmbeddedAws::builder()
        .services([Service::Kinesis])
        .stream("transactions", 1)
        .shard_write_limits(false)
        .start()
        .await
        .unwrap();
    let unlimited = crate::support::kinesis(&off);

    let mut throttled = 0;
    for _ in 0..10 {
        throttled += failed(&put(&client, entries(500)).await.unwrap()).len();
        assert_eq!(put(&unlimited, entries(500)).await.unwrap().failed_record_count(), Some(0));
    }

    // However slow the machine, not all of 5,000 can have had a second of their own.
    assert!(throttled > 0);
}

#[tokio::test]
async fn after_a_split_and_a_merge_every_shard_ends_by_naming_its_children() {
    let (_aws, client) = aws(1).await;
    put(&client, entries(20)).await.unwrap();
    let split = client.split_shard().stream_name("transactions").shard_to_split(FIRST);
    split.new_starting_hash_key((1_u128 << 127).to_string()).send().await.unwrap();
    active(&client, "transactions").await;
    put(&client, entries(20)).await.unwrap();
    let merge = client.merge_shards().stream_name("transactions").shard_to_merge("shardId-000000000001");
    merge.adjacent_shard_to_merge("shardId-000000000002").send().await.unwrap();
    active(&client, "transactions").await;
    put(&client, entries(20)).await.unwrap();

    let mut todo = vec![FIRST.to_owned()];
    let mut seen = Vec::new();
    let mut records = 0;
    while let Some(shard) = todo.pop() {
        let mut next = Some(iterator(&client, &shard).await);
        while let Some(iterator) = next {
            let page = client.get_records().shard_iterator(iterator).limit(7).send().await.unwrap();
            records += page.records().len();
            let caught_up = page.records().is_empty() && page.millis_behind_latest() == Some(0);
            todo.extend(page.child_shards().iter().map(|child| child.shard_id().to_owned()));
            next = page.next_shard_iterator.filter(|_| !caught_up);
        }
        seen.push(shard);
    }
    seen.sort();
    seen.dedup();

    assert_eq!(seen, [0, 1, 2, 3].map(|n| format!("shardId-{n:012}")));
    // The merged shard is the child of both its parents, and was read twice.
    assert_eq!(records, 80);
}

#[tokio::test]
async fn shards_are_listed_in_pages_and_open_ones_alone() {
    let (_aws, client) = aws(5).await;
    let split = client.split_shard().stream_name("transactions").shard_to_split(FIRST);
    split.new_starting_hash_key((1_u128 << 124).to_string()).send().await.unwrap();
    active(&client, "transactions").await;

    let shards = client.list_shards().stream_name("transactions").send().await.unwrap().shards.unwrap();
    let range = shards[1].hash_key_range().unwrap();
    assert_eq!(range.starting_hash_key(), "68056473384187692692674921486353642291");
    let mut pages = Vec::new();
    let mut page = client.list_shards().stream_name("transactions").max_results(3).send().await.unwrap();
    loop {
        pages.push(page.shards().len());
        let Some(token) = page.next_token else { break };
        page = client.list_shards().next_token(token).max_results(3).send().await.unwrap();
    }
    let filter = |kind| aws_sdk_kinesis::types::ShardFilter::builder().r#type(kind).build().unwrap();
    let latest = filter(aws_sdk_kinesis::types::ShardFilterType::AtLatest);
    let open = client.list_shards().stream_name("transactions").shard_filter(latest).send().await.unwrap();

    assert_eq!(pages, [3, 3, 1]);
    assert_eq!(open.shards().len(), 6);
    assert!(open.shards().iter().all(|shard| shard.shard_id() != FIRST));
}

#[tokio::test]
async fn a_stream_is_created_described_and_changed() {
    let (_aws, client) = aws(1).await;
    client.create_stream().stream_name("more").shard_count(3).send().await.unwrap();
    active(&client, "more").await;

    client
        .increase_stream_retention_period()
        .stream_name("more")
        .retention_period_hours(48)
        .send()
        .await
        .unwrap();
    let monitoring = client.enable_enhanced_monitoring().stream_name("more");
    monitoring.shard_level_metrics(MetricsName::IncomingBytes).send().await.unwrap();
    let summary = client.describe_stream_summary().stream_name("more").send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    let on_demand = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();
    let mode = client.update_stream_mode().stream_arn(summary.stream_arn()).stream_mode_details(on_demand);
    mode.send().await.unwrap();
    let names = client.list_streams().send().await.unwrap().stream_names;
    let again = client.create_stream().stream_name("more").shard_count(1).send().await;

    assert_eq!((summary.open_shard_count(), summary.retention_period_hours()), (3, 48));
    assert_eq!(summary.enhanced_monitoring()[0].shard_level_metrics(), [MetricsName::IncomingBytes]);
    assert_eq!(names, ["more", "transactions"]);
    assert!(again.unwrap_err().into_service_error().is_resource_in_use_exception());
    let changed = client.describe_stream_summary().stream_name("more").send().await.unwrap();
    let mode = changed.stream_description_summary.unwrap().stream_mode_details.unwrap();
    assert_eq!(*mode.stream_mode(), StreamMode::OnDemand);
}

#[tokio::test]
async fn a_stream_that_cannot_be_is_refused_at_the_start() {
    for (name, shards) in [("", 1), ("a b", 1), ("a", 0)] {
        let started = EmbeddedAws::builder().stream(name, shards).start().await;
        assert!(matches!(started, Err(StartError::Stream(..))), "{name:?} {shards}");
    }
    let twice = EmbeddedAws::builder().stream("a", 1).stream("a", 1).start().await;
    assert!(
        matches!(twice, Err(StartError::Stream(name, error)) if name == "a" && error.code == "ResourceInUseException")
    );
}

#[tokio::test]
async fn an_on_demand_stream_begins_with_four_shards() {
    let (_aws, client) = aws(1).await;
    let on_demand = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().unwrap();

    client.create_stream().stream_name("elastic").stream_mode_details(on_demand).send().await.unwrap();
    active(&client, "elastic").await;

    let summary = client.describe_stream_summary().stream_name("elastic").send().await.unwrap();
    let summary = summary.stream_description_summary.unwrap();
    assert_eq!(summary.open_shard_count(), 4);
    assert_eq!(*summary.stream_mode_details().unwrap().stream_mode(), StreamMode::OnDemand);
}
