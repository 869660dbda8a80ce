use super::*;
use aws_lambda_events::firehose::KinesisFirehoseResponse;
use chrono::DateTime;
use lambda_events::firehose::FirehoseEvent;
use proptest::prelude::*;

const EVENT: &str = r#"{"records":[
    {"recordId":"a","data":"eyJh"},{"recordId":"b\u002f1","data":"not\/base64"},{"recordId":"c"}]}"#;

fn midnight() -> Timestamp {
    exact_text::written_time::parse("0987-06-05T04:03:02Z").unwrap().instant
}

#[test]
fn records_are_answered_in_order_and_in_the_form_that_firehose_reads() {
    let event = FirehoseEvent::parse(EVENT).unwrap();
    let mut writer = ResponseWriter::new(&event.records, 0, MAX_RESPONSE_BYTES).unwrap();
    assert!(writer.ok(&event.records[0], b"{}\n", midnight()));
    writer.echo(&event.records[1]);
    writer.echo(&event.records[2]);
    let response = writer.finish();
    assert_eq!(
        response,
        r#"{"records":[{"recordId":"a","result":"Ok","data":"e30K","metadata":{"partitionKeys":{"year":"0987","month":"06","day":"05","hour":"04"}}},{"recordId":"b\u002f1","result":"ProcessingFailed","data":"not\/base64"},{"recordId":"c","result":"ProcessingFailed","data":""}]}"#
    );
    let value: serde_json::Value = serde_json::from_str(&response).unwrap();
    assert_eq!(value["records"][1]["recordId"], "b/1");
}

#[test]
fn the_published_type_reads_the_answer() {
    let event = FirehoseEvent::parse(r#"{"records":[{"recordId":"a","data":"eyJh"}]}"#).unwrap();
    let record = &event.records[0];
    let mut writer = ResponseWriter::new(&event.records, 0, MAX_RESPONSE_BYTES).unwrap();
    assert!(writer.ok(record, b"{}\n", midnight()));
    let read: KinesisFirehoseResponse = serde_json::from_str(&writer.finish()).unwrap();
    assert_eq!(
        (read.records[0].record_id.as_deref(), read.records[0].result.as_deref()),
        (Some("a"), Some("Ok"))
    );
    assert_eq!(read.records[0].data.0, b"{}\n");
    assert_eq!(read.records[0].metadata.partition_keys["day"], "05");
}

#[test]
fn an_answer_never_passes_the_limit_and_always_completes() {
    let event = FirehoseEvent::parse(EVENT).unwrap();
    let line = [b'x'; 300];
    let smallest = {
        let mut writer = ResponseWriter::new(&event.records, 0, MAX_RESPONSE_BYTES).unwrap();
        event.records.iter().for_each(|record| writer.echo(record));
        writer.finish().len()
    };
    let mut seen = std::collections::BTreeSet::new();
    for limit in 0..smallest + 3 * 600 {
        let Ok(mut writer) = ResponseWriter::new(&event.records, 0, limit) else {
            // One comma is reserved that the first record does not need.
            assert!(limit < smallest + 1, "{limit} bytes are enough for {smallest}");
            continue;
        };
        let mut fitted = 0;
        for record in &event.records {
            if writer.ok(record, &line, midnight()) {
                fitted += 1;
            } else {
                writer.echo(record);
            }
        }
        let response = writer.finish();
        assert!(response.len() <= limit, "{} > {limit}", response.len());
        let value: serde_json::Value = serde_json::from_str(&response).unwrap();
        assert_eq!(value["records"].as_array().unwrap().len(), 3);
        seen.insert(fitted);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
}

proptest! {
    #[test]
    fn each_records_partition_is_the_hour_that_chrono_finds_whatever_came_before(
        // Around the ends of hours, and anywhere in the years 0001 to 9999.
        hours in prop::collection::vec((0i64..3, -2i64..2), 0..4), anywhere in -62_135_596_800_000i64..253_402_300_800_000,
    ) {
        let around = hours.iter().map(|(hour, millis)| 1_768_435_200_000 + hour * 3_600_000 + millis);
        let times: Vec<i64> = around.clone().chain([anywhere]).chain(around).collect();
        let records = vec![r#"{"recordId":"a","data":"eyJh"}"#; times.len()].join(",");
        let event = format!("{{\"records\":[{records}]}}");
        let event = FirehoseEvent::parse(&event).unwrap();
        let mut writer = ResponseWriter::new(&event.records, 0, MAX_RESPONSE_BYTES).unwrap();
        for (record, &time) in event.records.iter().zip(&times) {
            let fits = writer.ok(record, b"{}", Timestamp::saturating_from_millis(time));
            prop_assert!(fits);
        }
        let response: serde_json::Value = serde_json::from_str(&writer.finish()).unwrap();
        for (record, &time) in response["records"].as_array().unwrap().iter().zip(&times) {
            let time = DateTime::from_timestamp_millis(time).unwrap();
            let part = |format| time.format(format).to_string();
            let expected = serde_json::json!({"year": part("%Y"), "month": part("%m"), "day": part("%d"), "hour": part("%H")});
            prop_assert_eq!(&record["metadata"]["partitionKeys"], &expected);
        }
    }
}
