//! When Lambda gives up, and what it says then.

use std::time::Duration;

use embedded_aws::event_source_mapping::{Condition, Discarded, Settings};
use serde_json::{Value, json};

use crate::support::{Answer, drain, function, noon, records, settings, stream};

fn data(records: &[embedded_aws::event_source_mapping::Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn after_its_last_retry_a_batch_is_discarded_and_the_shard_moves_on() {
    let (poisoned, log) =
        function(
            |_, records| {
                if records.iter().any(|record| record.data == "1") { Answer::Error } else { Answer::Done }
            },
        );
    let discarded = Discarded::default();
    let settings = Settings {
        batch_size: 2,
        maximum_retry_attempts: Some(2),
        on_failure: Some(discarded.destination()),
        ..settings()
    };
    let stream = stream(4);

    let report = drain(&stream, poisoned, settings).await;

    assert_eq!(log.batches(), ["0 1", "0 1", "0 1", "2 3"]);
    assert_eq!(data(&discarded.records()), ["0", "1"]);
    assert_eq!((report.discarded_batches, report.discarded_records, report.records_delivered), (1, 2, 2));
    assert_eq!(report.checkpoints["shardId-000000000000"], stream.records().last().unwrap().sequence_number);
}

#[tokio::test(start_paused = true)]
async fn without_retries_a_batch_is_discarded_at_its_first_failure() {
    let (failing, log) = function(|_, _| Answer::Error);

    let report = drain(&stream(1), failing, Settings { maximum_retry_attempts: Some(0), ..settings() }).await;

    assert_eq!(log.batches(), ["0"]);
    assert_eq!(report.discarded_records, 1);
}

#[tokio::test(start_paused = true)]
async fn the_invocation_record_is_lambdas_own_and_holds_the_event_only_for_s3() {
    let (failing, _) = function(|_, _| Answer::Error);
    let discarded = Discarded::default();
    let settings =
        Settings { maximum_retry_attempts: Some(1), on_failure: Some(discarded.destination()), ..settings() };
    let stream = stream(2);

    drain(&stream, failing, settings).await;

    let batch = discarded.batches().remove(0);
    let record: Value = serde_json::from_str(&batch.invocation_record()).unwrap();
    let kept = stream.records();
    assert_eq!(
        record,
        json!({
            "requestContext": {
                "requestId": batch.request_id,
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:function",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 2,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": record["timestamp"],
            "KinesisBatchInfo": {
                "shardId": "shardId-000000000000",
                "startSequenceNumber": kept[0].sequence_number,
                "endSequenceNumber": kept[1].sequence_number,
                "approximateArrivalOfFirstRecord": "2027-01-15T12:00:00.000Z",
                "approximateArrivalOfLastRecord": "2027-01-15T12:00:00.000Z",
                "batchSize": 2,
                "streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/transactions",
            },
        })
    );
    assert!(record["timestamp"].as_str().unwrap().starts_with("2027-01-15T12:00:0"));
    let with_payload: Value = serde_json::from_str(&batch.invocation_record_with_payload()).unwrap();
    let event = with_payload["payload"].as_str().unwrap();
    assert_eq!(records(event).len(), 2);
    assert_eq!(with_payload["KinesisBatchInfo"], record["KinesisBatchInfo"]);
}

#[tokio::test(start_paused = true)]
async fn records_that_are_too_old_are_discarded_without_an_invocation_and_the_others_come() {
    let stream = stream(0);
    let ages = [7200, 3601, 3600, 10];
    for age in ages {
        stream.put_at("key", age.to_string(), noon() - Duration::from_secs(age)).unwrap();
    }
    let (done, log) = function(|_, _| Answer::Done);
    let discarded = Discarded::default();
    let settings = Settings {
        maximum_record_age: Some(Duration::from_secs(3600)),
        on_failure: Some(discarded.destination()),
        ..settings()
    };

    drain(&stream, done, settings).await;

    assert_eq!(log.batches(), ["3600 10"]);
    let [batch] = &discarded.batches()[..] else { panic!("{:?}", discarded.batches()) };
    assert_eq!(data(&batch.records), ["7200", "3601"]);
    assert_eq!((batch.condition, batch.approximate_invoke_count), (Condition::RecordAgeExceeded, 0));
    let record: Value = serde_json::from_str(&batch.invocation_record()).unwrap();
    assert_eq!(record.get("responseContext"), None);
    assert_eq!(record["requestContext"]["condition"], "RecordAgeExceeded");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_until_it_is_too_old_is_discarded_however_many_retries_are_left() {
    let (failing, log) = function(|_, _| Answer::Error);
    let discarded = Discarded::default();
    let settings = Settings {
        maximum_record_age: Some(Duration::from_secs(600)),
        on_failure: Some(discarded.destination()),
        ..settings()
    };
    let clock = settings.clock;

    drain(&stream(3), failing, settings).await;

    let [batch] = &discarded.batches()[..] else { panic!("{:?}", discarded.batches()) };
    assert_eq!((batch.condition, batch.records.len()), (Condition::RecordAgeExceeded, 3));
    assert_eq!(batch.approximate_invoke_count as usize, log.batches().len());
    let age = clock.now().duration_since(noon()).unwrap();
    assert!(age > Duration::from_secs(600) && age < Duration::from_secs(661), "{age:?}");
}

#[tokio::test(start_paused = true)]
async fn the_shard_waits_for_the_destination() {
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let destination = {
        let order = order.clone();
        embedded_aws::event_source_mapping::OnFailure::new(move |batch| {
            let order = order.clone();
            async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                order.lock().unwrap().push(format!("discarded {}", data(&batch.records).join(" ")));
            }
        })
    };
    let (failing, _) = {
        let order = order.clone();
        function(move |_, records| {
            order.lock().unwrap().push(format!("invoked {}", records[0].data));
            Answer::Error
        })
    };
    let settings = Settings {
        batch_size: 1,
        maximum_retry_attempts: Some(0),
        on_failure: Some(destination),
        ..settings()
    };

    drain(&stream(2), failing, settings).await;

    assert_eq!(*order.lock().unwrap(), ["invoked 0", "discarded 0", "invoked 1", "discarded 1"]);
}
