//! What is delivered again after a failed invocation, when, and in which order.

use std::time::Duration;

use embedded_aws::event_source_mapping::{Backoff, Settings};

use crate::support::{Answer, FOREVER, drain, function, settings, stream};

#[tokio::test(start_paused = true)]
async fn a_batch_that_failed_comes_again_whole_before_anything_behind_it() {
    let (flaky, log) = function(|number, _| if number < 2 { Answer::Error } else { Answer::Done });

    let report = drain(&stream(4), flaky, Settings { batch_size: 2, ..settings() }).await;

    assert_eq!(log.batches(), ["0 1", "0 1", "0 1", "2 3"]);
    assert_eq!((report.failed_invocations, report.retries, report.timeouts), (2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn panics_and_timeouts_are_failures() {
    let (flaky, log) = function(|number, _| match number {
        0 => Answer::Panic,
        1 => Answer::Hang,
        _ => Answer::Done,
    });
    let settings = Settings { function_timeout: Duration::from_secs(60), ..settings() };

    let report = drain(&stream(1), flaky, settings).await;

    assert_eq!(log.batches(), ["0", "0", "0"]);
    assert_eq!((report.failed_invocations, report.timeouts), (2, 1));
    assert!(log.pauses()[1] >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn a_function_that_is_aborted_goes_no_further() {
    let reached = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let function = {
        let reached = reached.clone();
        move |_: embedded_aws::event_source_mapping::Invocation| {
            let reached = reached.clone();
            async move {
                for step in 0..5 {
                    reached.lock().unwrap().push(step);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Ok(String::new())
            }
        }
    };
    let settings = Settings {
        function_timeout: Duration::from_millis(2_500),
        maximum_retry_attempts: Some(0),
        ..settings()
    };
    let mapping =
        embedded_aws::event_source_mapping::EventSourceMapping::new(stream(1), function, settings).unwrap();

    mapping.run_until_drained().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!(*reached.lock().unwrap(), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_pauses_between_retries_double_up_to_a_limit() {
    let (flaky, log) = function(|number, _| if number < 6 { Answer::Error } else { Answer::Done });
    let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(8) };

    drain(&stream(1), flaky, Settings { backoff, ..settings() }).await;

    let pauses = log.pauses();
    assert_eq!(pauses.len(), 6);
    for (pause, longest) in pauses.iter().zip([1, 2, 4, 8, 8, 8]) {
        let longest = Duration::from_secs(longest);
        assert!((longest / 2..=longest + Duration::from_millis(1)).contains(pause), "{pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_pauses() {
    let pauses = async |seed| {
        let (flaky, log) = function(|number, _| if number < 4 { Answer::Error } else { Answer::Done });
        drain(&stream(1), flaky, Settings { seed, ..settings() }).await;
        log.pauses()
    };

    assert_eq!(pauses(7).await, pauses(7).await);
    assert_ne!(pauses(7).await, pauses(8).await);
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_record_that_always_fails_blocks_its_shard() {
    let (poisoned, log) = function(|_, _| Answer::Error);
    let stream = stream(2);

    let run = drain(&stream, poisoned, Settings { batch_size: 1, ..settings() });

    assert!(tokio::time::timeout(FOREVER, run).await.is_err());
    assert!(log.batches().iter().all(|batch| batch == "0"));
}

#[tokio::test(start_paused = true)]
async fn a_split_batch_comes_in_halves_the_first_until_it_succeeds() {
    // Records 1 and 2 fail in company.
    let (picky, log) = function(|_, records| {
        let alone = records.len() == 1;
        if !alone && records.iter().any(|record| ["1", "2"].contains(&record.data.as_str())) {
            Answer::Error
        } else {
            Answer::Done
        }
    });
    let settings = Settings { bisect_batch_on_function_error: true, batch_size: 5, ..settings() };

    let report = drain(&stream(6), picky, settings).await;

    assert_eq!(log.batches(), ["0 1 2 3 4", "0 1", "0", "1", "2 3 4", "2", "3 4", "5"]);
    assert_eq!((report.bisections, report.retries, report.records_delivered), (3, 0, 6));
}

#[tokio::test(start_paused = true)]
async fn a_split_uses_up_no_retry_attempt() {
    let (poisoned, log) =
        function(
            |_, records| {
                if records.iter().any(|record| record.data == "2") { Answer::Error } else { Answer::Done }
            },
        );
    let settings =
        Settings { bisect_batch_on_function_error: true, maximum_retry_attempts: Some(1), ..settings() };

    let report = drain(&stream(4), poisoned, settings).await;

    assert_eq!(log.batches(), ["0 1 2 3", "0 1", "2 3", "2", "2", "3"]);
    assert_eq!((report.retries, report.bisections), (1, 2));
    assert_eq!((report.records_delivered, report.discarded_records), (3, 1));
}
