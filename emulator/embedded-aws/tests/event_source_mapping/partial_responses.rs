//! `ReportBatchItemFailures`: answers that say what is done.

use embedded_aws::event_source_mapping::{Discarded, Settings};

use crate::support::{Answer, drain, function, settings, stream};

#[tokio::test(start_paused = true)]
async fn everything_from_the_reported_record_on_comes_again() {
    let (partial, log) = function(|number, _| match number {
        0 => Answer::FailedAt(2),
        1 => Answer::FailedAt(0),
        _ => Answer::Done,
    });

    let report = drain(&stream(5), partial, settings()).await;

    assert_eq!(log.batches(), ["0 1 2 3 4", "2 3 4", "2 3 4"]);
    assert_eq!((report.partial_successes, report.failed_invocations, report.retries), (2, 0, 2));
    assert_eq!(report.records_delivered, 5);
}

#[tokio::test(start_paused = true)]
async fn of_several_reported_records_the_lowest_is_the_checkpoint() {
    let (partial, log) = function(|number, records| match number {
        0 => Answer::Says(format!(
            r#"{{"batchItemFailures":[{{"itemIdentifier":"{}"}},{{"itemIdentifier":"{}"}}]}}"#,
            records[3].sequence_number, records[1].sequence_number
        )),
        _ => Answer::Done,
    });

    drain(&stream(4), partial, settings()).await;

    assert_eq!(log.batches(), ["0 1 2 3", "1 2 3"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_names_no_record_of_the_batch_fails_all_of_it() {
    for answer in [
        r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#,
        "not JSON",
    ] {
        let (odd, log) = function(|number, _| match number {
            0 => Answer::Says(answer.to_owned()),
            _ => Answer::Done,
        });

        let report = drain(&stream(2), odd, settings()).await;

        assert_eq!(log.batches(), ["0 1", "0 1"], "{answer}");
        assert_eq!(report.failed_invocations, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn empty_answers_are_successes() {
    for answer in ["", "null", "{}", r#"{"batchItemFailures":null}"#] {
        let (odd, log) = function(|_, _| Answer::Says(answer.to_owned()));

        drain(&stream(2), odd, settings()).await;

        assert_eq!(log.batches(), ["0 1"], "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn unless_answers_are_read_they_say_nothing() {
    let (partial, log) = function(|_, _| Answer::FailedAt(0));

    drain(&stream(2), partial, Settings { report_batch_item_failures: false, ..settings() }).await;

    assert_eq!(log.batches(), ["0 1"]);
}

#[tokio::test(start_paused = true)]
async fn with_bisect_the_batch_is_split_at_the_checkpoint_which_uses_up_no_retry_attempt() {
    // Each invocation gets one record further.
    let (partial, log) = function(|_, records| match records.len() {
        1 => Answer::Done,
        _ => Answer::FailedAt(1),
    });
    let settings =
        Settings { bisect_batch_on_function_error: true, maximum_retry_attempts: Some(0), ..settings() };

    let report = drain(&stream(4), partial, settings).await;

    assert_eq!(log.batches(), ["0 1 2 3", "1 2 3", "2 3", "3"]);
    assert_eq!((report.bisections, report.retries, report.discarded_records), (3, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn without_bisect_a_checkpoint_uses_up_a_retry_attempt_and_the_rest_is_discarded_at_last() {
    let (partial, log) = function(|_, _| Answer::FailedAt(1));
    let discarded = Discarded::default();
    let settings =
        Settings { maximum_retry_attempts: Some(1), on_failure: Some(discarded.destination()), ..settings() };

    drain(&stream(4), partial, settings).await;

    assert_eq!(log.batches(), ["0 1 2 3", "1 2 3"]);
    let [batch] = &discarded.batches()[..] else { panic!("{:?}", discarded.batches()) };
    assert_eq!(batch.records.iter().map(|record| &record.data[..]).collect::<Vec<_>>(), [b"2", b"3"]);
    assert!(!batch.function_error);
}

#[tokio::test(start_paused = true)]
async fn with_bisect_a_checkpoint_at_the_first_record_splits_nothing_and_uses_up_a_retry_attempt() {
    let (stuck, log) = function(|_, _| Answer::FailedAt(0));
    let settings =
        Settings { bisect_batch_on_function_error: true, maximum_retry_attempts: Some(1), ..settings() };

    let report = drain(&stream(2), stuck, settings).await;

    assert_eq!(log.batches(), ["0 1", "0 1"]);
    assert_eq!(report.discarded_records, 2);
}
