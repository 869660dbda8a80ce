//! What is in an event.

use std::sync::Arc;
use std::time::Duration;

use embedded_aws::event_source_mapping::{Clock, EventSourceMapping, MemoryStream, Settings, SettingsError};
use serde_json::Value;

use crate::support::{Answer, drain, function, noon, settings, stream};

#[tokio::test(start_paused = true)]
async fn a_batch_has_at_most_batch_size_records_in_the_shards_order() {
    let (done, log) = function(|_, _| Answer::Done);

    let report = drain(&stream(7), done, Settings { batch_size: 3, ..settings() }).await;

    assert_eq!(log.batches(), ["0 1 2", "3 4 5", "6"]);
    assert_eq!((report.records_read, report.records_delivered, report.invocations), (7, 7, 3));
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_ten_thousand_comes_in_one_invocation() {
    let (done, log) = function(|_, _| Answer::Done);

    drain(&stream(10_001), done, Settings { batch_size: 10_000, ..settings() }).await;

    assert_eq!(log.invocations().iter().map(|(_, records)| records.len()).collect::<Vec<_>>(), [10_000, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_event_has_at_most_6_mb_and_not_much_less_if_there_is_more() {
    let stream = stream(0);
    for _ in 0..30 {
        stream.put("key", vec![b'x'; 500_000]).unwrap();
    }
    let sizes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let function = {
        let sizes = sizes.clone();
        move |invocation: embedded_aws::event_source_mapping::Invocation| {
            sizes.lock().unwrap().push(invocation.event.len());
            std::future::ready(Ok(String::new()))
        }
    };
    let mapping = EventSourceMapping::new(stream, function, settings()).unwrap();

    mapping.run_until_drained().await.unwrap();

    let sizes = sizes.lock().unwrap().clone();
    let (last, full) = sizes.split_last().unwrap();
    assert!(full.iter().all(|size| (5_600_000..=6 * 1024 * 1024).contains(size)), "{full:?}");
    assert!(*last <= 6 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn events_bear_the_streams_arn_or_the_consumers() {
    for (consumer, expected) in [
        (None, "arn:aws:kinesis:us-east-1:123456789012:stream/transactions"),
        (
            Some("alerts".to_owned()),
            "arn:aws:kinesis:us-east-1:123456789012:stream/transactions/consumer/alerts:1800014400",
        ),
    ] {
        let events = Arc::new(std::sync::Mutex::new(Vec::new()));
        let function = {
            let events = events.clone();
            move |invocation: embedded_aws::event_source_mapping::Invocation| {
                events.lock().unwrap().push(invocation);
                std::future::ready(Ok(String::new()))
            }
        };
        let settings = Settings { consumer, ..settings() };
        let (timeout, clock) = (settings.function_timeout, settings.clock);
        let mapping = EventSourceMapping::new(stream(1), function, settings).unwrap();

        mapping.run_until_drained().await.unwrap();

        let invocation = events.lock().unwrap().remove(0);
        let event: Value = serde_json::from_str(&invocation.event).unwrap();
        let record = &event["Records"][0];
        assert_eq!(record["eventSourceARN"], expected);
        assert_eq!(record["awsRegion"], "us-east-1");
        let sequence_number = record["kinesis"]["sequenceNumber"].as_str().unwrap();
        assert_eq!(sequence_number.len(), 56);
        assert_eq!(record["eventID"], format!("shardId-000000000000:{sequence_number}"));
        assert_eq!(record["kinesis"]["approximateArrivalTimestamp"], 1_800_014_400.0);
        assert_eq!(invocation.deadline_at, clock.now() + timeout);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_not_full_waits_for_the_window_to_pass() {
    let stream = stream(2);
    let (done, log) = function(|_, _| Answer::Done);
    let settings = Settings { batch_size: 3, batching_window: Duration::from_secs(60), ..settings() };
    let mapping = EventSourceMapping::new(stream.clone(), done, settings).unwrap();
    let begin = tokio::time::Instant::now();
    let producer = async {
        tokio::time::sleep(Duration::from_secs(90)).await;
        for n in 2..6 {
            stream.put("key", n.to_string()).unwrap();
        }
        tokio::time::sleep(Duration::from_secs(90)).await;
    };

    mapping.run(producer).await.unwrap();

    assert_eq!(log.batches(), ["0 1", "2 3 4", "5"]);
    let times: Vec<_> = log.invocations().iter().map(|(at, _)| (*at - begin).as_secs()).collect();
    assert_eq!(times[0], 60);
    assert!((90..=91).contains(&times[1]) && (150..=152).contains(&times[2]), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn settings_beyond_lambdas_ranges_are_refused() {
    let refused = |settings: Settings| {
        let (done, _) = function(|_, _| Answer::Done);
        EventSourceMapping::new(stream(0), done, settings).map(|_| ()).unwrap_err()
    };
    let seconds = Duration::from_secs;

    for batch_size in [0, 10_001] {
        assert_eq!(refused(Settings { batch_size, ..settings() }), SettingsError::BatchSize(batch_size));
    }
    for parallelization_factor in [0, 11] {
        assert_eq!(
            refused(Settings { parallelization_factor, ..settings() }),
            SettingsError::ParallelizationFactor(parallelization_factor)
        );
    }
    for age in [59, 604_801].map(seconds) {
        assert_eq!(
            refused(Settings { maximum_record_age: Some(age), ..settings() }),
            SettingsError::MaximumRecordAge(age)
        );
    }
    let attempts = Settings { maximum_retry_attempts: Some(10_001), ..settings() };
    assert_eq!(refused(attempts), SettingsError::MaximumRetryAttempts(10_001));
    let window = Settings { batching_window: seconds(301), ..settings() };
    assert_eq!(refused(window), SettingsError::BatchingWindow(seconds(301)));
    for timeout in [0, 901].map(seconds) {
        assert_eq!(
            refused(Settings { function_timeout: timeout, ..settings() }),
            SettingsError::FunctionTimeout(timeout)
        );
    }
    let probability = Settings { redelivery_probability: 1.5, ..settings() };
    assert_eq!(refused(probability), SettingsError::Probability(1.5));
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_sent_to_another_thread() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }
    let stream = Arc::new(MemoryStream::new("transactions", 1, Clock::starting_at(noon())));
    let function = |_: embedded_aws::event_source_mapping::Invocation| std::future::ready(Ok(String::new()));
    let mapping = EventSourceMapping::new(stream, function, settings()).unwrap();

    let report = assert_send(mapping.run_until_drained()).await.unwrap();

    assert_eq!(report.invocations, 0);
}
