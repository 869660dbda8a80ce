//! `ParallelizationFactor`: several batches of one shard at once.

use std::collections::BTreeMap;
use std::time::Duration;

use embedded_aws::event_source_mapping::{EventSourceMapping, Settings};

use crate::support::{Answer, FOREVER, drain, function, settings, stream};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn without_a_factor_one_batch_of_a_shard_is_under_way_at_a_time() {
    let (slow, log) = function(|_, _| Answer::DoneAfter(SECOND));

    drain(&stream(4), slow, Settings { batch_size: 1, ..settings() }).await;

    assert_eq!(log.batches(), ["0", "1", "2", "3"]);
    assert!(log.pauses().iter().all(|pause| *pause >= SECOND));
}

#[tokio::test(start_paused = true)]
async fn with_a_factor_as_many_batches_are_under_way_at_once() {
    let (slow, log) = function(|_, _| Answer::DoneAfter(SECOND));
    let begin = tokio::time::Instant::now();

    drain(&stream(100), slow, Settings { parallelization_factor: 10, ..settings() }).await;

    assert_eq!(log.batches().len(), 10);
    assert!(begin.elapsed() < 2 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_records_of_one_key_come_in_order_whatever_the_factor() {
    let stream = stream(0);
    for n in 0..300 {
        stream.put(&format!("key-{}", n % 17), n.to_string()).unwrap();
    }
    // The batches take different times, so that lanes overtake each other.
    let (uneven, log) = function(|number, _| Answer::DoneAfter(SECOND * (number as u32 * 7 % 5)));
    let settings =
        Settings { parallelization_factor: 4, batch_size: 3, function_timeout: 10 * SECOND, ..settings() };

    drain(&stream, uneven, settings).await;

    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for record in log.invocations().into_iter().flat_map(|(_, records)| records) {
        by_key.entry(record.key).or_default().push(record.data.parse().unwrap());
    }
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), 300);
    assert!(by_key.values().all(|numbers| numbers.is_sorted()), "{by_key:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_is_stuck_holds_up_the_checkpoint_and_not_the_other_lanes() {
    let stream = stream(20);
    let (poisoned, log) =
        function(
            |_, records| {
                if records.iter().any(|record| record.data == "3") { Answer::Error } else { Answer::Done }
            },
        );
    let settings = Settings { parallelization_factor: 10, batch_size: 1, ..settings() };
    let mapping = EventSourceMapping::new(stream.clone(), poisoned, settings).unwrap();

    assert!(tokio::time::timeout(FOREVER, mapping.run_until_drained()).await.is_err());

    let report = mapping.report();
    assert!(report.records_delivered > 10, "{report:?}");
    assert_eq!(report.checkpoints["shardId-000000000000"], stream.records()[2].sequence_number);
    assert!(log.batches().iter().filter(|batch| *batch == "3").count() > 10);
}
