//! An event source mapping over a stream that SDK clients write to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, StreamStatus};
use embedded_aws::delivery_stream::{self, DeliveryStream, MemoryObjects};
use embedded_aws::event_source_mapping::{EventSourceMapping, Invocation, RecordSource, Settings};
use embedded_aws::{EmbeddedAws, Service, SourceError};
use tokio::sync::watch;

const LONG: Duration = Duration::from_secs(30);
const KEYS: usize = 20;

/// What was delivered: key and value of each record, in the order of delivery.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<(String, usize)>>>, watch::Sender<usize>);

impl Log {
    fn new() -> Self {
        Self(Arc::default(), watch::Sender::new(0))
    }

    fn add(&self, invocation: &Invocation) {
        let event: serde_json::Value = serde_json::from_str(&invocation.event).unwrap();
        let mut log = self.0.lock().unwrap();
        for record in event["Records"].as_array().unwrap() {
            let kinesis = &record["kinesis"];
            let data = base64_simd::STANDARD.decode_to_vec(kinesis["data"].as_str().unwrap()).unwrap();
            let value = String::from_utf8(data).unwrap().parse().unwrap();
            log.push((kinesis["partitionKey"].as_str().unwrap().to_owned(), value));
        }
        self.1.send_replace(log.len());
    }

    async fn reaches(&self, count: usize) {
        let mut len = self.1.subscribe();
        let reached = tokio::time::timeout(LONG, len.wait_for(|len| *len >= count)).await;
        reached.expect("the records arrive").unwrap();
    }

    /// The values of each key in the order of delivery.
    fn by_key(&self) -> BTreeMap<String, Vec<usize>> {
        let mut by_key = BTreeMap::<_, Vec<usize>>::new();
        for (key, value) in self.0.lock().unwrap().iter() {
            by_key.entry(key.clone()).or_default().push(*value);
        }
        by_key
    }
}

async fn aws(shards: u32) -> (EmbeddedAws, Client) {
    let builder = EmbeddedAws::builder().services([Service::Kinesis]).shard_write_limits(false);
    let aws = builder.stream("transactions", shards).start().await.unwrap();
    let client = crate::support::kinesis(&aws);
    (aws, client)
}

/// Puts one record for each key.
async fn put(client: &Client, value: usize) {
    let entry = |key: usize| {
        let entry = PutRecordsRequestEntry::builder().partition_key(format!("key-{key}"));
        entry.data(Blob::new(value.to_string())).build().unwrap()
    };
    let entries = (0..KEYS).map(entry).collect();
    let answer = client.put_records().stream_name("transactions").set_records(Some(entries)).send().await;
    assert_eq!(answer.unwrap().failed_record_count(), Some(0));
}

async fn active(client: &Client) {
    for _ in 0..100 {
        let answer = client.describe_stream_summary().stream_name("transactions").send().await.unwrap();
        if *answer.stream_description_summary().unwrap().stream_status() == StreamStatus::Active {
            return;
        }
    }
    panic!("the stream does not become active");
}

async fn split(client: &Client, shard: u32, at: u128) {
    let split =
        client.split_shard().stream_name("transactions").shard_to_split(format!("shardId-{shard:012}"));
    split.new_starting_hash_key(at.to_string()).send().await.unwrap();
    active(client).await;
}

async fn merge(client: &Client, lower: u32, upper: u32) {
    let merge = client.merge_shards().stream_name("transactions");
    let merge = merge.shard_to_merge(format!("shardId-{lower:012}"));
    merge.adjacent_shard_to_merge(format!("shardId-{upper:012}")).send().await.unwrap();
    active(client).await;
}

#[tokio::test]
async fn through_splits_and_merges_every_record_is_delivered_once_and_each_keys_in_order() {
    let (aws, client) = aws(1).await;
    let log = Log::new();
    let function = async |invocation: Invocation| {
        log.add(&invocation);
        Ok(String::new())
    };
    let polling_interval = Duration::from_millis(5);
    let settings =
        Settings { batch_size: 7, parallelization_factor: 3, polling_interval, ..Settings::default() };
    let mapping = EventSourceMapping::new(aws.record_source("transactions"), function, settings).unwrap();
    let producer = async {
        let mut value = 0;
        let mut put_some = async |rounds: usize| {
            for _ in 0..rounds {
                put(&client, value).await;
                value += 1;
            }
        };
        put_some(5).await;
        split(&client, 0, 1 << 127).await;
        put_some(5).await;
        log.reaches(6 * KEYS).await;
        split(&client, 2, (1 << 127) + (1 << 126)).await;
        put_some(5).await;
        merge(&client, 1, 3).await;
        put_some(5).await;
        log.reaches(20 * KEYS).await;
    };

    let report = mapping.run(producer).await.unwrap();

    let by_key = log.by_key();
    assert_eq!(by_key.len(), KEYS);
    for (key, values) in &by_key {
        assert_eq!(*values, (0..20).collect::<Vec<_>>(), "{key}");
    }
    assert_eq!((report.records_delivered, report.failed_invocations), (20 * KEYS as u64, 0));
    assert_eq!(report.checkpoints.len(), 6);
}

#[tokio::test]
async fn a_second_mapping_goes_on_behind_the_checkpoints_of_the_first() {
    let (aws, client) = aws(2).await;
    put(&client, 0).await;
    let log = Log::new();
    let mapping = || {
        let log = log.clone();
        let function = move |invocation: Invocation| {
            log.add(&invocation);
            std::future::ready(Ok(String::new()))
        };
        EventSourceMapping::new(aws.record_source("transactions"), function, Settings::default()).unwrap()
    };
    let first = mapping().run_until_drained().await.unwrap();
    put(&client, 1).await;

    let second = mapping().starting_behind(first.checkpoints).run_until_drained().await.unwrap();

    assert_eq!((first.records_delivered, second.records_delivered), (KEYS as u64, KEYS as u64));
    assert!(log.by_key().values().all(|values| *values == [0, 1]));
}

#[tokio::test]
async fn a_shard_is_read_in_pages_with_the_sequence_numbers_that_the_producer_was_told() {
    let (aws, client) = aws(1).await;
    let before = SystemTime::now() - Duration::from_millis(1);
    put(&client, 0).await;
    let told = client.put_record().stream_name("transactions").partition_key("é").data(Blob::new([0, 255]));
    let told = told.send().await.unwrap().sequence_number;
    let source = aws.record_source("transactions");

    let first = source.read("shardId-000000000000", None, KEYS).await.unwrap();
    let last = &first.records[KEYS - 1].sequence_number;
    let rest = source.read("shardId-000000000000", Some(last), KEYS).await.unwrap();

    assert_eq!((first.records.len(), first.caught_up), (KEYS, false));
    let [record] = &rest.records[..] else { panic!("{rest:?}") };
    assert_eq!((rest.caught_up, rest.closed), (true, false));
    assert_eq!(
        (&record.sequence_number, record.partition_key.as_str(), &record.data[..]),
        (&told, "é", &[0, 255][..])
    );
    assert!(before <= record.approximate_arrival && record.approximate_arrival <= SystemTime::now());
    assert_eq!(source.stream_arn(), "arn:aws:kinesis:us-east-1:123456789012:stream/transactions");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_read() {
    let (aws, _client) = aws(1).await;
    let without = EmbeddedAws::builder().services([]).start().await.unwrap();
    let first = "shardId-000000000000";

    let stream = aws.record_source("nothing").shards().await;
    let shard = aws.record_source("transactions").read("shardId-000000000001", None, 1).await;
    let number = aws.record_source("transactions").read(first, Some("x"), 1).await;

    assert!(matches!(stream, Err(SourceError::Service(error)) if error.code == "ResourceNotFoundException"));
    assert!(matches!(shard, Err(SourceError::Service(error)) if error.code == "ResourceNotFoundException"));
    assert_eq!(number, Err(SourceError::SequenceNumber("x".to_owned())));
    assert_eq!(without.record_source("transactions").shards().await, Err(SourceError::NotRunning));
}

#[tokio::test]
async fn a_mapping_and_a_delivery_stream_over_an_embedded_stream_can_run_as_tasks() {
    let (aws, client) = aws(2).await;
    put(&client, 0).await;
    let source = aws.record_source("transactions");
    let done = |_: Invocation| std::future::ready(Ok(String::new()));
    let mapping = EventSourceMapping::new(source.clone(), done, Settings::default()).unwrap();
    let nothing = |_: Invocation| std::future::ready(Ok("{}".to_owned()));
    let objects = MemoryObjects::default();
    let settings = delivery_stream::Settings::default();
    let delivery = DeliveryStream::of_stream(source, nothing, objects, settings).unwrap();

    let mapping = tokio::spawn(async move { mapping.run_until_drained().await });
    let delivery = tokio::spawn(async move { delivery.run_until_drained().await });

    assert_eq!(mapping.await.unwrap().unwrap().records_delivered, KEYS as u64);
    assert_eq!(delivery.await.unwrap().unwrap().processing_failed, KEYS as u64);
}
