//! A Kinesis stream as the source.

use std::sync::Arc;

use embedded_aws::delivery_stream::{
    Compression, Deaggregate, DeliveryStream, MemoryObjects, RawBackup, Settings,
};
use embedded_aws::event_source_mapping::{Clock, MemoryStream};

use crate::support::{Reply, buffering, function, noon, settings, text};

fn stream(shards: u32) -> Arc<MemoryStream> {
    Arc::new(MemoryStream::new("transactions", shards, Clock::starting_at(noon())))
}

#[tokio::test(start_paused = true)]
async fn the_event_tells_the_stream_and_each_records_position_in_it() {
    let stream = stream(1);
    let number = stream.put("customer", "a").unwrap();
    let (unchanged, log) = function(|_, _| Reply::Ok);
    let delivery =
        DeliveryStream::of_stream(stream, unchanged, MemoryObjects::default(), settings()).unwrap();

    delivery.run_until_drained().await.unwrap();

    let event = &log.invocations()[0].event;
    assert_eq!(event["sourceKinesisStreamArn"], "arn:aws:kinesis:us-east-1:123456789012:stream/transactions");
    let record = &event["records"][0];
    assert_eq!(
        record["kinesisRecordMetadata"],
        serde_json::json!({
            "sequenceNumber": number,
            "subsequenceNumber": 0,
            "partitionKey": "customer",
            "shardId": "shardId-000000000000",
            "approximateArrivalTimestamp": record["approximateArrivalTimestamp"],
        })
    );
}

#[tokio::test(start_paused = true)]
async fn records_of_all_shards_are_delivered_once_through_splits_and_merges() {
    let stream = stream(2);
    let put = |round: usize| {
        for key in 0..10 {
            stream.put(&format!("key-{key}"), format!("{round}-{key}\n")).unwrap();
        }
    };
    let (unchanged, _) = function(|_, _| Reply::Ok);
    let objects = MemoryObjects::default();
    let delivery = DeliveryStream::of_stream(stream.clone(), unchanged, objects.clone(), settings()).unwrap();
    let producer = async {
        let pause = || tokio::time::sleep(std::time::Duration::from_secs(5));
        put(0);
        pause().await;
        stream.split("shardId-000000000000").unwrap();
        put(1);
        stream.merge("shardId-000000000003", "shardId-000000000001").unwrap();
        put(2);
        pause().await;
        put(3);
    };

    delivery.run(producer).await.unwrap();
    let report = delivery.run_until_drained().await.unwrap();

    let mut lines: Vec<_> = text(&objects, "all/").lines().map(str::to_owned).collect();
    lines.sort();
    let expected = (0..4).flat_map(|round| (0..10).map(move |key| format!("{round}-{key}")));
    assert_eq!(lines, expected.collect::<Vec<_>>());
    assert_eq!((report.records_in, report.ok), (40, 40));
}

#[tokio::test(start_paused = true)]
async fn aggregates_are_taken_apart_before_the_function_sees_them() {
    let stream = stream(1);
    stream.put("customer", "a+b+c").unwrap();
    stream.put("customer", "d").unwrap();
    let by_plus = Deaggregate::new(|data| {
        let parts = data.split(|byte| *byte == b'+').map(<[u8]>::to_vec);
        (0..).zip(parts.map(Into::into)).collect()
    });
    let (unchanged, log) = function(|_, _| Reply::Ok);
    let objects = MemoryObjects::default();
    let raw_backup = Some(RawBackup {
        prefix: "raw/".to_owned(),
        buffering: buffering(1024 * 1024, 60),
        compression: Compression::Uncompressed,
    });
    let settings = Settings { deaggregate: Some(by_plus), raw_backup, ..settings() };
    let delivery = DeliveryStream::of_stream(stream, unchanged, objects.clone(), settings).unwrap();

    let report = delivery.run_until_drained().await.unwrap();

    assert_eq!(log.batches(), ["a b c d"]);
    let metadata = |index: usize| log.invocations()[0].records[index].json["kinesisRecordMetadata"].clone();
    let numbers: Vec<_> = (0..4).map(|index| metadata(index)["subsequenceNumber"].clone()).collect();
    assert_eq!(numbers, [0, 1, 2, 0]);
    assert_eq!(metadata(0)["sequenceNumber"], metadata(2)["sequenceNumber"]);
    assert_eq!(
        (report.records_in, text(&objects, "all/"), text(&objects, "raw/")),
        (4, "abcd".into(), "abcd".into())
    );
}
