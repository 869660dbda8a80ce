//! Simulated arrivals: everyone who reads a record is told the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::{Blob, DateTime};
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};
use embedded_aws::delivery_stream::{self, DeliveryStream, MemoryObjects};
use embedded_aws::event_source_mapping::{
    EventSourceMapping, FunctionError, Invocation, RecordSource, Settings,
};
use embedded_aws::{Arrivals, EmbeddedAws, Service, Simulation};
use serde_json::Value;

const STREAM: &str = "transactions";
const HOUR: u64 = 3600;
/// An hour lies between two records.
const RECORDS: u64 = 60 * 24;
const LONGEST_DELAY: Duration = Duration::from_secs(6);

/// Whole milliseconds of arrival by data.
type Told = BTreeMap<String, BTreeSet<u64>>;

/// Data is the hour.
fn event_time(data: &[u8]) -> Option<SystemTime> {
    let hours: u64 = std::str::from_utf8(data).ok()?.parse().ok()?;
    Some(UNIX_EPOCH + Duration::from_secs(hours * HOUR))
}

async fn put_all(client: &Client) {
    for first in (1..=RECORDS).step_by(480) {
        let entry = |hour: u64| {
            let entry = PutRecordsRequestEntry::builder().partition_key(format!("key-{}", hour % 17));
            entry.data(Blob::new(hour.to_string())).build().unwrap()
        };
        let entries = (first..first + 480).map(entry).collect();
        let answer = client.put_records().stream_name(STREAM).set_records(Some(entries)).send().await;
        assert_eq!(answer.unwrap().failed_record_count(), Some(0));
    }
}

fn data(record: &Value) -> String {
    let data = record["data"].as_str().unwrap();
    String::from_utf8(base64_simd::STANDARD.decode_to_vec(data).unwrap()).unwrap()
}

/// The arrivals that GetRecords tells, shard by shard in their order.
async fn read(client: &Client, shards: &[String]) -> Vec<(String, u64)> {
    let mut read = Vec::new();
    for shard in shards {
        let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(shard);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
        let answer = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await.unwrap();
        let of_shard = answer.records().iter().map(|record| {
            // `to_millis` cuts what the fraction's nearest binary number lacks.
            let seconds = record.approximate_arrival_timestamp().unwrap().as_secs_f64();
            let arrival = (seconds * 1000.0).round() as u64;
            (String::from_utf8(record.data().as_ref().to_vec()).unwrap(), arrival)
        });
        let of_shard: Vec<_> = of_shard.collect();
        assert!(of_shard.is_sorted_by_key(|(_, arrival)| *arrival), "{shard}");
        read.extend(of_shard);
    }
    read
}

#[tokio::test]
async fn months_arrive_in_a_moment_and_everyone_is_told_the_same_arrivals_however_often() {
    let simulation = Simulation::new(UNIX_EPOCH, Duration::ZERO..LONGEST_DELAY, 1, event_time);
    let builder = EmbeddedAws::builder().services([Service::Kinesis]).shard_write_limits(false);
    let aws = builder.stream(STREAM, 2).arrivals(Arrivals::Simulated(simulation)).start().await.unwrap();
    assert!(aws.simulates_arrivals());
    let client = crate::support::kinesis(&aws);
    put_all(&client).await;

    let (mapped, delivered) = (Mutex::new(Told::new()), Mutex::new(Told::new()));
    let (calls, times) = (Mutex::new(0), Mutex::new(0));
    let function = async |invocation: Invocation| {
        let event: Value = serde_json::from_str(&invocation.event).unwrap();
        for record in event["Records"].as_array().unwrap() {
            let seconds = record["kinesis"]["approximateArrivalTimestamp"].as_f64().unwrap();
            let mut mapped = mapped.lock().unwrap();
            mapped.entry(data(&record["kinesis"])).or_default().insert((seconds * 1000.0).round() as u64);
            *times.lock().unwrap() += 1;
        }
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls % 2 == 1 { Err(FunctionError::new("an error")) } else { Ok(String::new()) }
    };
    let settings = Settings {
        batch_size: 100,
        backoff: embedded_aws::event_source_mapping::Backoff {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(1),
        },
        redelivery_probability: 0.5,
        ..Settings::default()
    };
    let mapping = EventSourceMapping::new(aws.record_source(STREAM), function, settings).unwrap();
    let report = mapping.run_until_drained().await.unwrap();
    assert!(report.retries > 0 && report.redeliveries > 0);

    let transform = async |invocation: Invocation| {
        let mut event: Value = serde_json::from_str(&invocation.event).unwrap();
        for record in event["records"].as_array_mut().unwrap() {
            let arrival = record["approximateArrivalTimestamp"].as_u64().unwrap();
            assert_eq!(record["kinesisRecordMetadata"]["approximateArrivalTimestamp"], arrival);
            delivered.lock().unwrap().entry(data(record)).or_default().insert(arrival);
            record["result"] = "Ok".into();
        }
        Ok(event.to_string())
    };
    let settings = delivery_stream::Settings { prefix: "x/".to_owned(), ..Default::default() };
    let delivery =
        DeliveryStream::of_stream(aws.record_source(STREAM), transform, MemoryObjects::default(), settings);
    delivery.unwrap().run_until_drained().await.unwrap();

    let shards = aws.record_source(STREAM).shards().await.unwrap();
    let shards: Vec<String> = shards.into_iter().map(|shard| shard.id).collect();
    let read = read(&client, &shards).await;
    assert_eq!(read.len() as u64, RECORDS);
    for (hour, arrival) in &read {
        let event_time = hour.parse::<u64>().unwrap() * HOUR * 1000;
        assert!((event_time..event_time + LONGEST_DELAY.as_millis() as u64).contains(arrival), "{hour}");
    }
    // A reader that begins at a time.
    let begin = Duration::from_secs(30 * 24 * HOUR);
    let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id(&shards[0]);
    let iterator = iterator.shard_iterator_type(ShardIteratorType::AtTimestamp);
    let iterator =
        iterator.timestamp(DateTime::from_secs(begin.as_secs().cast_signed())).send().await.unwrap();
    let answer = client.get_records().set_shard_iterator(iterator.shard_iterator).send().await.unwrap();
    let first = str::from_utf8(answer.records()[0].data().as_ref()).unwrap().parse::<u64>().unwrap();
    assert!((30 * 24..31 * 24).contains(&first), "{first}");

    let read: Told = read.into_iter().map(|(data, arrival)| (data, BTreeSet::from([arrival]))).collect();
    assert!(*times.lock().unwrap() > 2 * RECORDS, "too little was delivered again");
    let differing =
        |told: &Told| read.iter().filter(|(data, arrival)| told.get(*data) != Some(arrival)).count();
    assert_eq!(differing(&mapped.lock().unwrap()), 0);
    assert_eq!(differing(&delivered.lock().unwrap()), 0);
}

#[tokio::test]
async fn without_a_simulation_records_arrive_by_the_clock() {
    let builder = EmbeddedAws::builder().services([Service::Kinesis]).shard_write_limits(false);
    let aws = builder.stream(STREAM, 1).start().await.unwrap();
    let client = crate::support::kinesis(&aws);
    let before = SystemTime::now() - Duration::from_millis(1);
    put_all(&client).await;
    let page = aws.record_source(STREAM).read("shardId-000000000000", None, 10_000).await.unwrap();
    assert!(!aws.simulates_arrivals() && page.records.len() as u64 == RECORDS);
    assert!(
        page.records.iter().all(|record| (before..=SystemTime::now()).contains(&record.approximate_arrival))
    );
}
