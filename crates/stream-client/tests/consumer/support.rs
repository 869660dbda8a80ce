//! Services, a handler that keeps what it was given, and consumers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_calls::sdk::Sdk;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::StreamStatus;
use embedded_aws::{EmbeddedAws, KeyType, REGION, Service, TableDefinition};
use serde_json::Value;
use stream_client::consumer::checkpoints::DynamoDbCheckpoints;
use stream_client::consumer::{
    Backoff, Batch, Consumer, ConsumerError, Handled, Handler, HandlerError, KinesisSource, Settings, Until,
};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

pub(crate) const STREAM: &str = "transactions";
pub(crate) const TABLE: &str = "checkpoints";
pub(crate) const NAME: &str = "alerts";
/// Short, so that tests need not wait long for it; each is renewed three times as often.
pub(crate) const LEASE: Duration = Duration::from_millis(1500);

pub(crate) struct World {
    pub(crate) aws: EmbeddedAws,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
}

pub(crate) async fn world(shards: u32) -> World {
    let keys =
        TableDefinition::new(TABLE, "shard_id", KeyType::String).sort_key("consumer_name", KeyType::String);
    let builder = EmbeddedAws::builder()
        .services([Service::DynamoDb, Service::Kinesis])
        .stream(STREAM, shards)
        .shard_write_limits(false)
        .table_definition(keys);
    let aws = builder.start().await.unwrap();
    let sdk = async |service| Sdk::at(aws.endpoint(service).unwrap(), REGION).await;
    let kinesis = aws_sdk_kinesis::Client::new(sdk(Service::Kinesis).await.config().await);
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk(Service::DynamoDb).await.config().await);
    World { aws, kinesis, dynamodb }
}

/// `shardId-00000000000n`
pub(crate) fn shard(n: usize) -> String {
    format!("shardId-{n:012}")
}

impl World {
    /// Puts a record for each number, on one of seven keys.
    pub(crate) async fn put(&self, numbers: impl IntoIterator<Item = usize>) {
        for n in numbers {
            self.put_record(&format!("key-{}", n % 7), n.to_string()).await;
        }
    }

    /// Puts one record, and gives its sequence number.
    pub(crate) async fn put_record(&self, key: &str, data: impl Into<Vec<u8>>) -> String {
        let put = self.kinesis.put_record().stream_name(STREAM).partition_key(key).data(Blob::new(data));
        put.send().await.unwrap().sequence_number
    }

    pub(crate) async fn split(&self, n: usize) {
        let shards = self.kinesis.list_shards().stream_name(STREAM).send().await.unwrap().shards.unwrap();
        let range = shards[n].hash_key_range().unwrap();
        let (first, last): (u128, u128) =
            (range.starting_hash_key().parse().unwrap(), range.ending_hash_key().parse().unwrap());
        let middle = first + (last - first) / 2 + 1;
        let split = self.kinesis.split_shard().stream_name(STREAM).shard_to_split(shard(n));
        split.new_starting_hash_key(middle.to_string()).send().await.unwrap();
        self.active().await;
    }

    pub(crate) async fn merge(&self, lower: usize, upper: usize) {
        let merge = self.kinesis.merge_shards().stream_name(STREAM).shard_to_merge(shard(lower));
        merge.adjacent_shard_to_merge(shard(upper)).send().await.unwrap();
        self.active().await;
    }

    pub(crate) async fn active(&self) {
        // Resharding is done by the time the next call arrives, or the one after it.
        for _ in 0..100 {
            let answer = self.kinesis.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
            if *answer.stream_description_summary().unwrap().stream_status() == StreamStatus::Active {
                return;
            }
        }
        panic!("the stream does not become active");
    }

    pub(crate) fn consumer(&self, handler: &Recorder, settings: Settings) -> TestConsumer {
        let checkpoints = DynamoDbCheckpoints::new(self.dynamodb.clone(), TABLE, STREAM, &settings.name);
        let source = KinesisSource::new(&self.kinesis, STREAM);
        Consumer::new(source, checkpoints, handler.clone(), settings)
    }

    /// Handles all that is there.
    pub(crate) async fn catch_up(&self, handler: &Recorder) {
        self.consumer(handler, settings(Until::CaughtUp)).run(std::future::pending()).await.unwrap();
    }

    /// Runs a consumer until it is told to stop, or killed.
    pub(crate) fn start(&self, handler: &Recorder) -> Running {
        self.start_with(handler, settings(Until::Stopped))
    }

    pub(crate) fn start_with(&self, handler: &Recorder, settings: Settings) -> Running {
        let consumer = Arc::new(self.consumer(handler, settings));
        let (stop, stopped) = oneshot::channel::<()>();
        let run = {
            let consumer = Arc::clone(&consumer);
            async move { consumer.run(async { drop(stopped.await) }).await }
        };
        Running { consumer, task: tokio::spawn(run), stop }
    }

    /// The checkpoints of a shard in the order in which they were written.
    pub(crate) fn written(&self, shard_id: &str) -> Vec<String> {
        let calls = self.aws.calls().of(Service::DynamoDb, "UpdateItem");
        let to = |call: &Value| {
            let values = &call["ExpressionAttributeValues"];
            let is_of_shard = call["Key"]["shard_id"]["S"] == shard_id;
            values[":to"]["S"].as_str().filter(|_| is_of_shard).map(str::to_owned)
        };
        calls.iter().filter_map(|call| to(&call.json()?)).collect()
    }

    /// The checkpoint of a shard as it is in the table.
    pub(crate) async fn checkpoint(&self, shard_id: &str) -> Option<String> {
        use aws_sdk_dynamodb::types::AttributeValue::S;
        let get = self.dynamodb.get_item().table_name(TABLE).key("shard_id", S(shard_id.to_owned()));
        let answer = get.key("consumer_name", S(format!("{STREAM}/{NAME}"))).send().await.unwrap();
        answer.item?.get("sequence_number")?.as_s().ok().cloned()
    }
}

/// A sequence number as a checkpoint holds it.
pub(crate) fn padded(sequence_number: &str) -> String {
    format!("{sequence_number:0>129}")
}

pub(crate) type TestConsumer = Consumer<KinesisSource, DynamoDbCheckpoints, Recorder>;

pub(crate) fn settings(until: Until) -> Settings {
    Settings {
        until,
        batch_size: 10,
        read_interval: Duration::from_millis(10),
        poll_interval: Duration::from_millis(20),
        lease: LEASE,
        backoff: Backoff { first: Duration::from_millis(10), longest: Duration::from_millis(100) },
        ..Settings::new(NAME, "test")
    }
}

/// A consumer at work.
pub(crate) struct Running {
    pub(crate) consumer: Arc<TestConsumer>,
    pub(crate) task: JoinHandle<Result<(), ConsumerError>>,
    stop: oneshot::Sender<()>,
}

impl Running {
    pub(crate) async fn stop(self) -> Result<(), ConsumerError> {
        drop(self.stop);
        self.task.await.unwrap()
    }

    /// As if the process were killed.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// How it ends by itself.
    pub(crate) async fn ended(self) -> Result<(), ConsumerError> {
        self.task.await.unwrap()
    }
}

/// A record as a handler got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) shard: String,
    pub(crate) key: String,
    pub(crate) data: String,
    pub(crate) sequence_number: String,
    pub(crate) attempt: u32,
}

type Verdict = dyn Fn(&Batch<'_>) -> Result<Handled, HandlerError> + Send + Sync;

/// Keeps every record that it is given, and answers as it was told. A cloneable handle.
#[derive(Clone)]
pub(crate) struct Recorder {
    seen: Arc<watch::Sender<Vec<Seen>>>,
    done: Arc<watch::Sender<Vec<Seen>>>,
    verdict: Arc<Verdict>,
    open: Arc<watch::Sender<bool>>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self::answering(|_| Ok(Handled::All))
    }

    pub(crate) fn answering(
        verdict: impl Fn(&Batch<'_>) -> Result<Handled, HandlerError> + Send + Sync + 'static,
    ) -> Self {
        Recorder {
            seen: Arc::new(watch::Sender::new(Vec::new())),
            done: Arc::new(watch::Sender::new(Vec::new())),
            verdict: Arc::new(verdict),
            open: Arc::new(watch::Sender::new(true)),
        }
    }

    /// From now on batches are taken and not answered, until [`Self::open`].
    pub(crate) fn close(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    /// What was handed over, in that order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// What was handed over and done.
    pub(crate) fn done(&self) -> Vec<Seen> {
        self.done.borrow().clone()
    }

    /// The numbers that were done, by key in their order.
    pub(crate) fn numbers(&self) -> BTreeMap<String, Vec<usize>> {
        let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for seen in self.done() {
            numbers.entry(seen.key).or_default().push(seen.data.parse().unwrap());
        }
        numbers
    }

    /// Waits until so many records are done.
    pub(crate) async fn wait_until_done(&self, count: usize) {
        self.done.subscribe().wait_for(|done| done.len() >= count).await.unwrap();
    }

    /// Waits until so many records have been handed over.
    pub(crate) async fn wait_for(&self, count: usize) {
        self.seen.subscribe().wait_for(|seen| seen.len() >= count).await.unwrap();
    }
}

impl Handler for Recorder {
    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, HandlerError> {
        assert_eq!(batch.stream_arn, "arn:aws:kinesis:us-east-1:123456789012:stream/transactions");
        let records: Vec<Seen> = batch
            .records
            .iter()
            .map(|record| Seen {
                shard: batch.shard_id.to_owned(),
                key: record.partition_key.clone(),
                data: String::from_utf8_lossy(&record.data).into_owned(),
                sequence_number: record.sequence_number.to_string(),
                attempt: batch.attempt,
            })
            .collect();
        self.seen.send_modify(|seen| seen.extend(records.iter().cloned()));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        let handled = (self.verdict)(batch)?;
        let done = match &handled {
            Handled::All => records.len(),
            Handled::AgainFrom(first) => {
                batch.records.iter().position(|record| record.sequence_number == *first).unwrap_or(0)
            }
        };
        self.done.send_modify(|all| all.extend(records.into_iter().take(done)));
        Ok(handled)
    }
}

/// What `World::put` put, by key.
pub(crate) fn numbers(all: std::ops::Range<usize>) -> BTreeMap<String, Vec<usize>> {
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for n in all {
        numbers.entry(format!("key-{}", n % 7)).or_default().push(n);
    }
    numbers
}
