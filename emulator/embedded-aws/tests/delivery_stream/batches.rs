//! Batches: what the function receives, when, and how many at once.

use std::time::Duration;

use embedded_aws::delivery_stream::{DeliveryStream, MemoryObjects, Settings, SettingsError};
use tokio::time::Instant;

use crate::support::{Reply, buffering, drain, errors, function, noon, settings, source, text};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_event_is_firehoses_own() {
    let (unchanged, log) = function(|_, _| Reply::Ok);

    drain(source(["a"]), unchanged, settings()).await;

    let event = log.invocations()[0].event.clone();
    assert_eq!(event["deliveryStreamArn"], "arn:aws:firehose:us-east-1:123456789012:deliverystream/lake");
    assert_eq!(event["region"], "us-east-1");
    assert_eq!(event["invocationId"].as_str().unwrap().len(), 36);
    let milliseconds = noon().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    assert_eq!(event["records"][0]["approximateArrivalTimestamp"].to_string(), milliseconds.to_string());
    let keys: Vec<_> = event["records"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["approximateArrivalTimestamp", "data", "recordId"]);
    assert!(event.get("sourceKinesisStreamArn").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_out_when_its_size_is_reached_the_record_that_goes_over_included() {
    let (unchanged, log) = function(|_, _| Reply::Ok);
    let record = "x".repeat(100_000);
    let transform_buffering = buffering(1024 * 1024 / 5, 900);

    let (report, _) = drain(
        source(vec![record; 7]),
        unchanged,
        Settings { transform_buffering, concurrency: 1, ..settings() },
    )
    .await;

    assert_eq!(log.sizes(), [3, 3, 1]);
    assert_eq!((report.records_in, report.ok, report.invocations), (7, 7, 3));
}

#[tokio::test(start_paused = true)]
async fn an_event_has_at_most_six_megabytes_of_json_however_small_its_records_are() {
    let (unchanged, log) = function(|_, _| Reply::Ok);
    let transform_buffering = buffering(3 * 1024 * 1024, 900);

    let (report, objects) = drain(
        source((0..60_000).map(|n| format!("{n:05} {}\n", "x".repeat(44)))),
        unchanged,
        Settings { transform_buffering, ..settings() },
    )
    .await;

    let sizes = log.invocations().iter().map(|invoked| invoked.event.to_string().len()).collect::<Vec<_>>();
    assert!(sizes.len() == 2 && sizes.iter().all(|size| *size <= 6 * 1024 * 1024), "{sizes:?}");
    assert_eq!((report.ok, text(&objects, "all/").lines().count()), (60_000, 60_000));
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_out_when_its_first_record_has_waited_long_enough() {
    let (unchanged, log) = function(|_, _| Reply::Ok);
    let put = source(["0"]);
    let settings = Settings { transform_buffering: buffering(1024 * 1024, 10), ..settings() };
    let delivery =
        DeliveryStream::of_direct_put(put.clone(), unchanged, MemoryObjects::default(), settings).unwrap();
    let begin = Instant::now();
    let producer = async {
        for n in 1..=4 {
            tokio::time::sleep(4 * SECOND).await;
            put.put(n.to_string()).unwrap();
        }
        tokio::time::sleep(20 * SECOND).await;
    };

    delivery.run(producer).await.unwrap();

    assert_eq!(log.batches(), ["0 1 2", "3 4"]);
    let at: Vec<_> = log.invocations().iter().map(|invoked| (invoked.at - begin).as_secs()).collect();
    // The source is looked at once a second.
    assert!((10..=11).contains(&at[0]) && (22..=24).contains(&at[1]), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn invocations_go_on_side_by_side_up_to_their_limit() {
    for (concurrency, seconds) in [(1, 6), (2, 3), (6, 1)] {
        let (slow, _) = function(|_, _| Reply::OkAfter(SECOND));
        let transform_buffering = buffering(1024 * 1024 / 5, 900);
        let begin = Instant::now();

        drain(
            source(vec!["x".repeat(300_000); 6]),
            slow,
            Settings { transform_buffering, concurrency, ..settings() },
        )
        .await;

        assert_eq!(begin.elapsed().as_secs(), seconds, "{concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_invocation_is_tried_again_with_the_same_records_under_another_id() {
    let replies = [Reply::Error, Reply::Panic, Reply::Hang, Reply::Ok];
    let (flaky, log) = function(move |number, _| replies[number].clone());

    let (report, objects) = drain(source(["a", "b"]), flaky, settings()).await;

    let invocations = log.invocations();
    assert_eq!(log.batches(), ["a b"; 4]);
    assert!(invocations.windows(2).all(|pair| pair[0].records == pair[1].records));
    assert!(
        invocations.windows(2).all(|pair| pair[0].event["invocationId"] != pair[1].event["invocationId"])
    );
    assert!(invocations.windows(2).all(|pair| pair[0].at < pair[1].at));
    assert_eq!((report.invocations, report.failed_invocations, report.ok), (4, 3, 2));
    assert_eq!(text(&objects, "all/"), "ab");
}

#[tokio::test(start_paused = true)]
async fn when_the_retries_are_used_up_the_batch_is_error_output() {
    let (broken, _) = function(|_, _| Reply::Error);

    let (report, objects) = drain(source(["a", "b"]), broken, settings()).await;

    assert_eq!((report.invocations, report.failed_invocations), (4, 4));
    assert_eq!((report.ok, report.processing_failed), (0, 2));
    let lines = errors(&objects, "errors/processing-failed/");
    assert_eq!(lines.iter().map(crate::support::raw).collect::<Vec<_>>(), ["a", "b"]);
    assert!(
        lines.iter().all(|line| line["errorCode"] == "Lambda.FunctionError" && line["attemptsMade"] == 4)
    );
    assert!(text(&objects, "all/").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_stream_that_is_stopped_delivers_what_it_has_and_goes_on_behind_it() {
    let (unchanged, log) = function(|_, _| Reply::Ok);
    let put = source(["0"]);
    let objects = MemoryObjects::default();
    let delivery =
        DeliveryStream::of_direct_put(put.clone(), unchanged, objects.clone(), settings()).unwrap();

    let first = delivery.run(tokio::time::sleep(2 * SECOND)).await.unwrap();
    put.put("1").unwrap();
    let second = delivery.run_until_drained().await.unwrap();

    assert_eq!((first.ok, first.objects, second.ok, second.objects), (1, 1, 2, 2));
    assert_eq!(log.batches(), ["0", "1"]);
}

#[test]
fn a_setting_beyond_its_range_is_refused() {
    let refused = |settings: Settings| {
        let (function, _) = function(|_, _| Reply::Ok);
        let source = source([""; 0]);
        let made = DeliveryStream::of_direct_put(source, function, MemoryObjects::default(), settings);
        made.err().expect("beyond its range")
    };
    for transform_buffering in [buffering(209_714, 0), buffering(3_145_729, 0), buffering(1_048_576, 901)] {
        let error = refused(Settings { transform_buffering, ..settings() });
        assert_eq!(error, SettingsError::TransformBuffering(transform_buffering));
    }
    for buffering in [buffering(1_048_575, 0), buffering(128 * 1_048_576 + 1, 0), buffering(1_048_576, 901)] {
        assert_eq!(refused(Settings { buffering, ..settings() }), SettingsError::Buffering(buffering));
    }
    let function_timeout = 301 * SECOND;
    let error = refused(Settings { function_timeout, ..settings() });
    assert_eq!(error, SettingsError::FunctionTimeout(function_timeout));
    assert_eq!(refused(Settings { concurrency: 0, ..settings() }), SettingsError::Concurrency);
    let error = refused(Settings { active_partitions: 5001, ..settings() });
    assert_eq!(error, SettingsError::ActivePartitions(5001));
    let error = refused(Settings { prefix: "!{a}".to_owned(), ..settings() });
    assert!(matches!(error, SettingsError::Prefix(_)));
    let error = refused(Settings { error_output_prefix: "errors/".to_owned(), ..settings() });
    assert!(matches!(error, SettingsError::ErrorOutputPrefix(_)));
}
