//! Several shards, splits and merges.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use embedded_aws::event_source_mapping::{
    Clock, EventSourceMapping, MemoryStream, RecordSource, Settings, StreamError,
};

use crate::support::{Answer, FOREVER, drain, function, noon, settings};

const FIRST: &str = "shardId-000000000000";

fn stream(shards: u32) -> Arc<MemoryStream> {
    Arc::new(MemoryStream::new("transactions", shards, Clock::starting_at(noon())))
}

/// Puts the records `<key> <n>` for 20 keys.
fn put(stream: &MemoryStream, n: usize) {
    for key in 0..20 {
        stream.put(&format!("key-{key}"), n.to_string()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_batch_is_of_one_shard_and_the_shards_go_on_side_by_side() {
    let stream = stream(4);
    put(&stream, 0);
    let (slow, log) = function(|_, _| Answer::DoneAfter(Duration::from_secs(1)));
    let begin = tokio::time::Instant::now();

    let report = drain(&stream, slow, settings()).await;

    assert_eq!(report.invocations, 4);
    assert!(begin.elapsed() < Duration::from_secs(2));
    assert_eq!(report.checkpoints.len(), 4);
    assert_eq!(log.invocations().iter().map(|(_, records)| records.len()).sum::<usize>(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_is_stuck_holds_up_no_other_shard() {
    let stream = stream(2);
    put(&stream, 0);
    let stuck = stream.records()[0].sequence_number.clone();
    let (poisoned, _) =
        function(
            move |_, records| {
                if records[0].sequence_number == stuck { Answer::Error } else { Answer::Done }
            },
        );
    let mapping = EventSourceMapping::new(stream, poisoned, settings()).unwrap();

    assert!(tokio::time::timeout(FOREVER, mapping.run_until_drained()).await.is_err());

    let report = mapping.report();
    assert_eq!(report.checkpoints.len(), 1);
    assert!(report.records_delivered > 0 && report.records_delivered < 20);
}

#[tokio::test(start_paused = true)]
async fn after_splits_and_merges_the_records_of_a_key_still_come_in_order() {
    let stream = stream(1);
    put(&stream, 0);
    stream.split(FIRST).unwrap();
    put(&stream, 1);
    stream.merge("shardId-000000000001", "shardId-000000000002").unwrap();
    put(&stream, 2);
    let (flaky, log) = function(|number, _| if number % 2 == 0 { Answer::Error } else { Answer::Done });

    let report =
        drain(&stream, flaky, Settings { batch_size: 3, parallelization_factor: 3, ..settings() }).await;

    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in log.invocations().into_iter().flat_map(|(_, records)| records) {
        by_key.entry(record.key).or_default().push(record.data);
    }
    assert_eq!(report.records_delivered, 60);
    assert_eq!(by_key.len(), 20);
    for values in by_key.values_mut() {
        assert!(values.is_sorted(), "{values:?}");
        values.dedup();
        assert_eq!(*values, ["0", "1", "2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_split_while_the_mapping_follows_the_stream_is_followed_too() {
    let stream = stream(1);
    let (done, log) = function(|_, _| Answer::Done);
    let mapping = EventSourceMapping::new(stream.clone(), done, settings()).unwrap();
    let producer = async {
        put(&stream, 0);
        tokio::time::sleep(Duration::from_secs(10)).await;
        stream.split(FIRST).unwrap();
        put(&stream, 1);
        tokio::time::sleep(Duration::from_secs(10)).await;
    };

    let report = mapping.run(producer).await.unwrap();

    assert_eq!((report.records_delivered, report.checkpoints.len()), (40, 3));
    assert_eq!(log.batches().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_what_kinesis_takes() {
    let stream = stream(1);
    let largest = vec![0; 1_048_576 - "key".len()];

    assert!(stream.put("key", largest.clone()).is_ok());
    assert!(stream.put(&"é".repeat(256), "").is_ok());
    assert_eq!(stream.put("key+", largest), Err(StreamError::TooLarge(1_048_577)));
    assert_eq!(stream.put("", "a"), Err(StreamError::PartitionKey(0)));
    assert_eq!(stream.put(&"k".repeat(257), "a"), Err(StreamError::PartitionKey(257)));
    assert!(matches!(stream.split("shardId-000000000009"), Err(StreamError::NoSuchShard(_))));
    assert!(matches!(stream.merge(FIRST, FIRST), Err(StreamError::NotAdjacent(..))));
    let numbers: Vec<_> = stream.records().into_iter().map(|record| record.sequence_number).collect();
    assert!(numbers[0] < numbers[1] && numbers.iter().all(|number| number.len() == 56));
}

#[tokio::test(start_paused = true)]
async fn a_shard_is_read_in_pages_and_says_when_it_is_at_its_end() {
    let stream = stream(1);
    put(&stream, 0);

    let first = stream.read(FIRST, None, 15).await.unwrap();
    let last_read = first.records.last().unwrap().sequence_number.clone();
    let rest = stream.read(FIRST, Some(&last_read), 15).await.unwrap();
    stream.split(FIRST).unwrap();
    let closed = stream.read(FIRST, None, 20).await.unwrap();

    assert_eq!((first.records.len(), first.caught_up), (15, false));
    assert_eq!((rest.records.len(), rest.caught_up, rest.closed), (5, true, false));
    assert!(closed.closed);
    let parents: Vec<_> = stream.shards().await.unwrap().into_iter().map(|shard| shard.parents).collect();
    assert_eq!(parents, [vec![], vec![FIRST.to_owned()], vec![FIRST.to_owned()]]);
}
