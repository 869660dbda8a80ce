//! Dynamic partitioning by the function's keys.

use serde_json::{Value, json};

use embedded_aws::delivery_stream::Settings;

use crate::support::{Reply, buffering, drain, errors, function, ok, ok_in, raw, settings, source, text};

fn by_day() -> Settings {
    let prefix = "scored/year=!{partitionKeyFromLambda:year}/day=!{partitionKeyFromLambda:day}/".to_owned();
    Settings { prefix, ..settings() }
}

#[tokio::test(start_paused = true)]
async fn each_partition_has_objects_of_its_own_under_its_evaluated_prefix() {
    let (by_parity, _) = function(|_, records| {
        let day = |index: usize| if index.is_multiple_of(2) { "01" } else { "02" };
        let records = records.iter().enumerate();
        let keys = |index| json!({ "year": "2026", "day": day(index), "other": 1 });
        Reply::Records(records.map(|(index, record)| ok_in(record, &keys(index))).collect())
    });

    let (report, objects) = drain(source(["a", "b", "c", "d"]), by_parity, by_day()).await;

    assert_eq!(text(&objects, "scored/year=2026/day=01/lake-1-"), "ac");
    assert_eq!(text(&objects, "scored/year=2026/day=02/lake-1-"), "bd");
    assert_eq!(report.objects, 2);
    assert_eq!(report.prefixes["scored/year=2026/day=02/"].records, 2);
}

#[tokio::test(start_paused = true)]
async fn a_record_without_all_the_prefixs_keys_is_error_output() {
    let keys = |year: Value| json!({ "year": year, "day": "01" });
    let (partly, _) = function(move |_, records| {
        Reply::Records(vec![
            ok_in(&records[0], &keys("2026".into())),
            ok_in(&records[1], &keys("".into())),
            ok_in(&records[2], &keys(Value::Null)),
            ok_in(&records[3], &json!({ "day": "01" })),
            ok(&records[4], "e"),
        ])
    });

    let (report, objects) = drain(source(["a", "b", "c", "d", "e"]), partly, by_day()).await;

    let lines = errors(&objects, "errors/metadata-extraction-failed/");
    assert_eq!(lines.iter().map(raw).collect::<String>(), "bcde");
    let code = "DynamicPartitioning.MetadataExtractionFailed";
    assert!(lines.iter().all(|line| line["errorCode"] == code), "{lines:?}");
    assert_eq!((report.ok, report.processing_failed), (1, 4));
    assert_eq!(report.failures[code], 4);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_active_partitions_a_record_is_error_output_until_one_was_written() {
    let (own, _) = function(|_, records| {
        let keys = |text: &str| json!({ "year": "2026", "day": text });
        Reply::Records(records.iter().map(|record| ok_in(record, &keys(&record.text))).collect())
    });
    let settings = Settings {
        active_partitions: 2,
        transform_buffering: buffering(1024 * 1024, 0),
        buffering: buffering(1024 * 1024, 10),
        ..by_day()
    };
    let put = source(["1", "2", "3", "1"]);
    let objects = embedded_aws::delivery_stream::MemoryObjects::default();
    let delivery = embedded_aws::delivery_stream::DeliveryStream::of_direct_put(
        put.clone(),
        own,
        objects.clone(),
        settings,
    )
    .unwrap();
    let producer = async {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        put.put("3").unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    };

    let report = delivery.run(producer).await.unwrap();

    let lines = errors(&objects, "errors/activePartitionExceeded/");
    assert_eq!(lines.iter().map(raw).collect::<Vec<_>>(), ["3"]);
    assert_eq!(text(&objects, "scored/year=2026/day=1/"), "11");
    assert_eq!(text(&objects, "scored/year=2026/day=3/"), "3");
    assert_eq!((report.ok, report.processing_failed), (4, 1));
}
