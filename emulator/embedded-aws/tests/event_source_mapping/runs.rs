//! Beginning, stopping, going on, and delivering twice.

use std::time::Duration;

use embedded_aws::event_source_mapping::{EventSourceMapping, Settings};

use crate::support::{Answer, Log, drain, function, settings, stream};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_second_run_delivers_only_what_has_come_since() {
    let stream = stream(2);
    let (done, log) = function(|_, _| Answer::Done);
    let mapping = EventSourceMapping::new(stream.clone(), done, settings()).unwrap();

    mapping.run_until_drained().await.unwrap();
    stream.put("key", "2").unwrap();
    mapping.run_until_drained().await.unwrap();

    assert_eq!(log.batches(), ["0 1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_mapping_replays_the_stream_from_its_beginning() {
    let stream = stream(2);
    let (done, log) = function(|_, _| Answer::Done);

    drain(&stream, &done, settings()).await;
    drain(&stream, &done, settings()).await;

    assert_eq!(log.batches(), ["0 1", "0 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_takes_over_begins_behind_the_checkpoints() {
    let stream = stream(4);
    let (stuck, first_log) =
        function(|_, records| if records[0].data == "2" { Answer::Error } else { Answer::Done });
    let settings = || Settings { batch_size: 2, ..settings() };
    let first = EventSourceMapping::new(stream.clone(), stuck, settings()).unwrap();
    assert!(tokio::time::timeout(60 * SECOND, first.run_until_drained()).await.is_err());
    let (done, log) = function(|_, _| Answer::Done);

    let second = EventSourceMapping::new(stream, done, settings())
        .unwrap()
        .starting_behind(first.report().checkpoints);
    second.run_until_drained().await.unwrap();

    assert_eq!(first_log.batches()[..2], ["0 1", "2 3"]);
    assert_eq!(log.batches(), ["2 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_in_mid_invocation_delivers_the_batch_again_in_the_next() {
    let (slow, log) = function(|number, _| match number {
        1 => Answer::Hang,
        _ => Answer::Done,
    });
    let settings = Settings { batch_size: 1, function_timeout: 900 * SECOND, ..settings() };
    let mapping = EventSourceMapping::new(stream(3), slow, settings).unwrap();

    assert!(tokio::time::timeout(SECOND, mapping.run_until_drained()).await.is_err());
    mapping.run_until_drained().await.unwrap();

    assert_eq!(log.batches(), ["0", "1", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_mapping_follows_its_stream_until_it_is_stopped() {
    let stream = stream(1);
    let (done, log) = function(|_, _| Answer::Done);
    let mapping = EventSourceMapping::new(stream.clone(), done, settings()).unwrap();
    let producer = async {
        for n in 1..4 {
            tokio::time::sleep(10 * SECOND).await;
            stream.put("key", n.to_string()).unwrap();
        }
        tokio::time::sleep(10 * SECOND).await;
    };

    let report = mapping.run(producer).await.unwrap();

    assert_eq!(log.batches(), ["0", "1", "2", "3"]);
    assert_eq!(report.records_delivered, 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_invocation_under_way_finish_and_begins_no_other() {
    let (slow, log) = function(|_, _| Answer::DoneAfter(2 * SECOND));
    let mapping = EventSourceMapping::new(stream(3), slow, Settings { batch_size: 1, ..settings() }).unwrap();

    let report = mapping.run(tokio::time::sleep(SECOND)).await.unwrap();

    assert_eq!((log.batches(), report.records_delivered), (vec!["0".to_owned()], 1));
    mapping.run_until_drained().await.unwrap();
    assert_eq!(log.batches(), ["0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_retries_without_end() {
    let (failing, log) = function(|_, _| Answer::Error);
    let mapping = EventSourceMapping::new(stream(1), failing, settings()).unwrap();

    let report = mapping.run(tokio::time::sleep(600 * SECOND)).await.unwrap();

    assert!(log.batches().len() > 5);
    assert_eq!((report.records_delivered, report.discarded_records), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_succeeded_can_come_again_and_goes_on_behind_it() {
    let redelivered = async |seed| {
        let (done, log): (_, Log) = function(|_, _| Answer::Done);
        let settings = Settings { batch_size: 4, redelivery_probability: 1.0, seed, ..settings() };
        let report = drain(&stream(8), done, settings).await;
        assert_eq!(report.redeliveries, 2);
        log.batches()
    };
    let mut tails = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let batches = redelivered(seed).await;
        assert_eq!((batches.len(), &*batches[0], &*batches[2]), (4, "0 1 2 3", "4 5 6 7"));
        assert!("0 1 2 3".ends_with(&batches[1]) && "4 5 6 7".ends_with(&batches[3]), "{batches:?}");
        tails.insert(batches[1].len());
    }

    assert!(tails.len() > 1 && tails.contains(&7), "{tails:?}");
    assert_eq!(redelivered(3).await, redelivered(3).await);
}
