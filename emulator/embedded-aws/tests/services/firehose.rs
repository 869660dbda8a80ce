//! Firehose, as the unmodified SDK sees it.

use aws_sdk_firehose::Client;
use aws_sdk_firehose::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_firehose::operation::put_record_batch::{PutRecordBatchError, PutRecordBatchOutput};
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::{DeliveryStreamStatus, DeliveryStreamType, Record};
use embedded_aws::delivery_stream::{DeliveryStream, MemoryObjects, Settings};
use embedded_aws::event_source_mapping::Invocation;
use embedded_aws::{EmbeddedAws, Entries, Fault, Service, StartError, When};

const UNAVAILABLE: &str = "ServiceUnavailableException";

async fn aws() -> (EmbeddedAws, Client) {
    let builder = EmbeddedAws::builder().services([Service::Firehose]);
    let aws = builder.delivery_stream("lake").start().await.unwrap();
    let client = crate::support::firehose(&aws);
    (aws, client)
}

fn record(data: impl Into<Vec<u8>>) -> Record {
    Record::builder().data(Blob::new(data)).build().unwrap()
}

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|n| record(n.to_string())).collect()
}

async fn put(
    client: &Client,
    records: Vec<Record>,
) -> Result<PutRecordBatchOutput, SdkError<PutRecordBatchError>> {
    client.put_record_batch().delivery_stream_name("lake").set_records(Some(records)).send().await
}

/// Which records failed, and with what.
fn failed(answer: &PutRecordBatchOutput) -> Vec<(usize, &str)> {
    let codes = answer.request_responses().iter().map(|record| record.error_code());
    codes.enumerate().filter_map(|(index, code)| Some((index, code?))).collect()
}

fn accepted(aws: &EmbeddedAws) -> Vec<Vec<u8>> {
    aws.direct_put("lake").unwrap().records().iter().map(|data| data.to_vec()).collect()
}

#[tokio::test]
async fn records_are_taken_one_by_one_and_in_batches_in_their_order() {
    let (aws, client) = aws().await;

    let batch = put(&client, records(3)).await.unwrap();
    let single = client.put_record().delivery_stream_name("lake").record(record([0, 255]));
    let single = single.send().await.unwrap();

    assert_eq!((batch.failed_put_count(), batch.request_responses().len()), (0, 3));
    assert!(batch.request_responses().iter().all(|record| record.record_id().is_some()));
    assert!(!single.record_id().is_empty());
    assert_eq!(accepted(&aws), [b"0".to_vec(), b"1".to_vec(), b"2".to_vec(), vec![0, 255]]);
}

#[tokio::test]
async fn half_a_batch_and_chosen_records_fail_in_their_places_inside_a_success() {
    let (aws, client) = aws().await;
    let puts = || When::calls(Service::Firehose, "PutRecordBatch");
    aws.faults().add(puts().nth(1), Fault::Half).unwrap();
    aws.faults().add(puts().nth(2), Fault::FailEntries(Entries::at([0, 2]))).unwrap();
    aws.faults()
        .add(puts().nth(3), Fault::FailEntries(Entries::matching(|entry| entry.content == b"1")))
        .unwrap();

    let half = put(&client, records(5)).await.unwrap();
    let chosen = put(&client, records(3)).await.unwrap();
    let by_content = put(&client, records(2)).await.unwrap();

    assert_eq!(half.failed_put_count(), 3);
    assert_eq!(failed(&half), [(2, UNAVAILABLE), (3, UNAVAILABLE), (4, UNAVAILABLE)]);
    assert_eq!(failed(&chosen), [(0, UNAVAILABLE), (2, UNAVAILABLE)]);
    assert_eq!(failed(&by_content), [(1, UNAVAILABLE)]);
    assert_eq!(accepted(&aws), [b"0", b"1", b"1", b"0"]);
}

#[tokio::test]
async fn throttling_and_a_missing_delivery_stream_are_errors_that_the_sdk_knows() {
    let (aws, client) = aws().await;
    aws.faults().add(When::calls(Service::Firehose, "PutRecordBatch").nth(1), Fault::Throttle).unwrap();

    let throttled = put(&client, records(1)).await.unwrap_err().into_service_error();
    let missing = client.put_record().delivery_stream_name("nothing").record(record("a")).send().await;
    let described = client.describe_delivery_stream().delivery_stream_name("nothing").send().await;

    assert!(throttled.is_service_unavailable_exception());
    assert!(missing.unwrap_err().into_service_error().is_resource_not_found_exception());
    assert!(described.unwrap_err().into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn a_batch_is_held_to_the_limits_of_firehose() {
    let (aws, client) = aws().await;
    let big = |size: usize| record(vec![0; size]);
    let code = async |records| put(&client, records).await.err().and_then(|e| e.code().map(str::to_owned));
    let invalid = Some("ValidationException".to_owned());

    assert_eq!(code(vec![]).await, invalid);
    assert_eq!(code(records(500)).await, None);
    assert_eq!(code(records(501)).await, invalid);
    assert_eq!(code(vec![big(1_024_000)]).await, None);
    assert_eq!(code(vec![big(1_024_001)]).await, invalid);
    let full = |rest: usize| (0..4).map(|_| big(1_024_000)).chain([big(rest)]).collect::<Vec<_>>();
    let rest = 4 * 1_048_576 - 4 * 1_024_000;
    assert_eq!(code(full(rest)).await, None);
    assert_eq!(code(full(rest + 1)).await.as_deref(), Some("InvalidArgumentException"));
    assert_eq!(accepted(&aws).len(), 506);
}

#[tokio::test]
async fn delivery_streams_are_described_and_listed() {
    let builder = EmbeddedAws::builder().services([Service::Firehose]);
    let aws = builder.delivery_stream("b").delivery_stream("a").delivery_stream("c").start().await.unwrap();
    let client = crate::support::firehose(&aws);

    let described = client.describe_delivery_stream().delivery_stream_name("a").send().await.unwrap();
    let first = client.list_delivery_streams().limit(2).send().await.unwrap();
    let rest = client.list_delivery_streams().exclusive_start_delivery_stream_name("b").send().await.unwrap();

    let described = described.delivery_stream_description.unwrap();
    assert_eq!(described.delivery_stream_arn(), "arn:aws:firehose:us-east-1:123456789012:deliverystream/a");
    assert_eq!(*described.delivery_stream_status(), DeliveryStreamStatus::Active);
    assert_eq!(*described.delivery_stream_type(), DeliveryStreamType::DirectPut);
    assert_eq!(
        (first.delivery_stream_names(), first.has_more_delivery_streams()),
        (&["a".into(), "b".into()][..], true)
    );
    assert_eq!((rest.delivery_stream_names(), rest.has_more_delivery_streams()), (&["c".into()][..], false));
}

#[tokio::test]
async fn a_delivery_stream_that_cannot_be_is_refused_at_the_start() {
    for names in [&["a b"][..], &["a", "a"]] {
        let builder =
            names.iter().fold(EmbeddedAws::builder(), |builder, name| builder.delivery_stream(*name));
        assert!(matches!(builder.start().await, Err(StartError::DeliveryStream(..))), "{names:?}");
    }
}

#[tokio::test]
async fn what_a_producer_put_goes_through_the_function_into_objects() {
    let (aws, client) = aws().await;
    put(&client, records(3)).await.unwrap();
    let unchanged = async |invocation: Invocation| {
        let mut event: serde_json::Value = serde_json::from_str(&invocation.event).unwrap();
        for record in event["records"].as_array_mut().unwrap() {
            record["result"] = "Ok".into();
        }
        Ok(event.to_string())
    };
    let objects = MemoryObjects::default();
    let source = aws.direct_put("lake").unwrap();
    let settings = Settings { prefix: "all/".to_owned(), ..Settings::default() };
    let delivery = DeliveryStream::of_direct_put(source, unchanged, objects.clone(), settings).unwrap();

    let report = delivery.run_until_drained().await.unwrap();

    assert_eq!((report.records_in, report.ok), (3, 3));
    assert_eq!(objects.concatenated("all/"), b"012");
}
