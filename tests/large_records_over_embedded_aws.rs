//! Records of 1 to 10 MiB, which a stream takes if its `MaxRecordSizeInKiB` says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use aws_calls::sdk::Sdk;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType;
use embedded_aws::{EmbeddedAws, REGION, Service};
use fraud_aws::alerts::message;
use fraud_batch::{Batch, Redelivery, transactions};
use fraud_core::alert::Alert;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::record::RecordEncoder;
use fraud_core::transaction::PLAIN;

const STREAM: &str = "transactions";
const MIB: usize = 1 << 20;
/// The largest alert message: an SNS message has at most 256 KiB (Amazon SNS API reference, Publish).
const MAX_MESSAGE: usize = 262_144;

async fn stream() -> (EmbeddedAws, Client) {
    let builder = EmbeddedAws::builder().services([Service::Kinesis]).stream(STREAM, 1);
    // A shard takes a mebibyte a second, and burst by burst more.
    let aws = builder.shard_write_limits(false).start().await.unwrap();
    let sdk = Sdk::at(aws.endpoint(Service::Kinesis).unwrap(), REGION).await;
    let client = Client::new(sdk.config().await);
    (aws, client)
}

/// A transaction of this many bytes.
fn payload(size: usize) -> Vec<u8> {
    let open = r#"{"transaction_id":"T1","customer_id":"C1","amount":20000,"event_time":"2026-01-15T01:03:14Z","note":""#;
    format!("{open}{}\"}}", "x".repeat(size - open.len() - 2)).into_bytes()
}

async fn put(client: &Client, data: Vec<u8>) -> bool {
    client.put_record().stream_name(STREAM).partition_key("C").data(Blob::new(data)).send().await.is_ok()
}

#[tokio::test]
async fn a_stream_takes_a_mebibyte_and_no_more_until_it_is_told_to() {
    let (_aws, client) = stream().await;
    assert!(put(&client, payload(MIB - 1)).await);
    assert!(!put(&client, payload(MIB + 1)).await);
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    let arn = summary.stream_description_summary.unwrap().stream_arn;
    client.update_max_record_size().stream_arn(arn).max_record_size_in_kib(10_240).send().await.unwrap();
    assert!(put(&client, payload(MIB + 1)).await);
    assert!(put(&client, payload(10 * MIB - 1)).await);
    assert!(!put(&client, payload(10 * MIB + 1)).await);
}

#[tokio::test]
async fn a_record_of_any_size_that_a_stream_takes_is_scored_and_raises_an_alert_that_fits() {
    let (_aws, client) = stream().await;
    let summary = client.describe_stream_summary().stream_name(STREAM).send().await.unwrap();
    let arn = summary.stream_description_summary.unwrap().stream_arn;
    client.update_max_record_size().stream_arn(arn).max_record_size_in_kib(10_240).send().await.unwrap();
    let sizes = [MIB, 2 * MIB, 4 * MIB + MIB / 2, 6 * MIB, 10 * MIB - 1];
    for size in sizes {
        assert!(put(&client, payload(size)).await, "{size}");
    }
    let policy = Policy::builtin_default().unwrap();
    let encoder = RecordEncoder::new(&policy.clone().into());
    let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED);
    let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number("1"));
    let iterator = client.get_shard_iterator().stream_name(STREAM).shard_id("shardId-000000000000");
    let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
    let mut iterator = iterator.shard_iterator;
    let mut alerted = Vec::new();
    while alerted.len() < sizes.len() {
        let page = client.get_records().set_shard_iterator(iterator).send().await.unwrap();
        iterator = page.next_shard_iterator;
        for record in page.records {
            let data = base64_simd::STANDARD.encode_to_string(record.data().as_ref());
            let position = fraud_core::identity::Position {
                stream: STREAM,
                shard: "shardId-000000000000",
                sequence_number: record.sequence_number(),
                sub_sequence_number: 0,
            };
            let arrival = exact_text::timestamp::Timestamp::from_millis(1_768_438_994_000);
            let event = Redelivery { position, arrival, data: &data }.event();
            let batch = Batch::read(&event).unwrap();
            let transactions = transactions(&batch, &PLAIN);
            let received = transactions[0].as_ref().unwrap();
            let (transaction, arrival) = (&received.transaction, received.arrival);
            let enrichment = Enrichment::Profile(&profile);
            let decision = decider.decide(transaction, enrichment, arrival, Some(received.position));
            assert!(decider.alerts(&decision));
            let alert = Alert::new(transaction, &decision, &decider, received.position);
            assert!(message::size(&alert) <= MAX_MESSAGE, "{}", message::size(&alert));
            let mut line = Vec::new();
            encoder.encode(transaction, &decision, Some(received.position), &mut line);
            assert!(line.len() > record.data().as_ref().len());
            alerted.push(record.data().as_ref().len());
        }
    }
    assert_eq!(alerted, sizes);
}
