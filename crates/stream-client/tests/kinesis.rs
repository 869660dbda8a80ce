//! The producer over Kinesis in process: the real SDK, the service's limits, and partial failures on order.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};

use aws_calls::sdk::Sdk;
use aws_sdk_kinesis::Client;
use embedded_aws::event_source_mapping::RecordSource;
use embedded_aws::{EmbeddedAws, Entries, Fault, REGION, Service, When};
use stream_client::firehose::DeliveryStream;
use stream_client::kinesis::KinesisStream;
use stream_client::producer::{Failure, Record, SendResult, Settings, send};

const SEED: u64 = 7;

async fn stream() -> (EmbeddedAws, KinesisStream) {
    let aws =
        EmbeddedAws::builder().services([Service::Kinesis]).stream("transactions", 4).start().await.unwrap();
    let sdk = Sdk::at(aws.endpoint(Service::Kinesis).unwrap(), REGION).await;
    let target = KinesisStream::new(Client::new(sdk.config().await), "transactions");
    (aws, target)
}

fn records(count: u64, customers: u64) -> Vec<Record> {
    let record = |tag: u64| {
        let customer = format!("C{}", tag * 7 % customers);
        let data = format!("{{\"transaction_id\":{tag},\"customer_id\":\"{customer}\"}}");
        Record { key: Some(customer), data: data.into(), tag }
    };
    (0..count).map(record).collect()
}

async fn sent(target: &KinesisStream, settings: &Settings, records: Vec<Record>) -> Vec<SendResult> {
    let mut outcomes = Vec::new();
    send(target, settings, futures_util::stream::iter(records), |outcome| outcomes.push(outcome)).await;
    outcomes
}

/// What is on the stream, by partition key in the order of the shard.
async fn arrived(aws: &EmbeddedAws) -> BTreeMap<String, Vec<String>> {
    let source = aws.record_source("transactions");
    let mut arrived: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for shard in source.shards().await.unwrap() {
        let mut after = None;
        loop {
            let page = source.read(&shard.id, after.as_deref(), 10_000).await.unwrap();
            let Some(last) = page.records.last() else { break };
            after = Some(last.sequence_number.clone());
            for record in page.records {
                let data = String::from_utf8(record.data.to_vec()).unwrap();
                arrived.entry(record.partition_key).or_default().push(data);
            }
        }
    }
    arrived
}

fn expected(records: &[Record]) -> BTreeMap<String, Vec<String>> {
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in records {
        let data = String::from_utf8(record.data.to_vec()).unwrap();
        expected.entry(record.key.clone().unwrap()).or_default().push(data);
    }
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_arrives_in_full_batches_and_in_the_order_of_its_key() {
    let (aws, target) = stream().await;
    let records = records(2000, 1000);
    let outcomes = sent(&target, &Settings::default(), records.clone()).await;
    assert!(outcomes.iter().all(|outcome| outcome.result == Ok(()) && outcome.attempts == 1));
    assert_eq!(arrived(&aws).await, expected(&records));
    assert_eq!(aws.calls().count(Service::Kinesis, "PutRecords"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_failed_entries_are_sent_again_and_each_keys_order_holds() {
    let (aws, target) = stream().await;
    let fails = Fault::FailEntries(Entries::with_probability(0.3, SEED));
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords"), fails).unwrap();
    let throttled = When::calls(Service::Kinesis, "PutRecords").with_probability(0.1, SEED);
    aws.faults().add(throttled, Fault::Throttle).unwrap();
    let records = records(1500, 200);
    let settings =
        Settings { attempts: 30, first_pause: std::time::Duration::from_millis(5), ..Settings::default() };
    let outcomes = sent(&target, &settings, records.clone()).await;
    assert!(outcomes.iter().all(|outcome| outcome.result == Ok(())), "seed {SEED}");
    // Each record once: nothing that had arrived was sent again.
    assert_eq!(arrived(&aws).await, expected(&records), "seed {SEED}");
    assert!(
        outcomes.iter().any(|outcome| outcome.attempts > 2),
        "no entry failed twice: the test shows nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_however_often_comes_back_with_its_error_and_the_rest_arrives() {
    let (aws, target) = stream().await;
    let unlucky = Entries::matching(|entry| entry.key == "C3");
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords"), Fault::FailEntries(unlucky)).unwrap();
    let records = records(100, 10);
    let settings =
        Settings { attempts: 3, first_pause: std::time::Duration::from_millis(1), ..Settings::default() };
    let outcomes = sent(&target, &settings, records.clone()).await;
    let failures: HashMap<u64, &Failure> = outcomes
        .iter()
        .filter_map(|outcome| Some((outcome.record.tag, outcome.result.as_ref().err()?)))
        .collect();
    let code = "ProvisionedThroughputExceededException".to_owned();
    assert_eq!(failures.len(), 10);
    assert!(
        failures.values().all(|failure| **failure == Failure::Exhausted { attempts: 3, code: code.clone() })
    );
    let mut expected = expected(&records);
    expected.remove("C3");
    assert_eq!(arrived(&aws).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_up_to_the_limits_arrive_and_those_beyond_are_refused_by_themselves() {
    let (aws, target) = stream().await;
    let big = |tag: u64, bytes: usize| Record {
        key: Some(format!("k{tag:03}")),
        data: vec![b'x'; bytes].into(),
        tag,
    };
    const LIMIT: usize = 1024 * 1024;
    // Twelve of a megabyte do not fit into one call.
    let mut records: Vec<Record> = (0..12).map(|tag| big(tag, LIMIT - 4)).collect();
    records.push(big(12, LIMIT - 3));
    let outcomes = sent(&target, &Settings::default(), records).await;
    let refused: Vec<_> = outcomes.iter().filter(|outcome| outcome.result.is_err()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].record.tag, 12);
    assert_eq!(refused[0].result, Err(Failure::TooLarge { size: LIMIT + 1, limit: LIMIT }));
    assert_eq!(arrived(&aws).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_there_refuses_every_record_at_once() {
    let (aws, _) = stream().await;
    let sdk = Sdk::at(aws.endpoint(Service::Kinesis).unwrap(), REGION).await;
    let target = KinesisStream::new(Client::new(sdk.config().await), "nowhere");
    let outcomes = sent(&target, &Settings::default(), records(3, 3)).await;
    assert_eq!(outcomes.len(), 3);
    for outcome in outcomes {
        let failure = outcome.result.unwrap_err().to_string();
        assert!(failure.starts_with("ResourceNotFoundException: "), "{failure}");
    }
}

/// Answers that say nothing, and whether the call is done.
fn answers_that_say_nothing() -> [(Fault, bool); 4] {
    let page = |done| Fault::CodelessError { status: 403, body: "<html/>".to_owned(), done };
    [(Fault::CutAnswer, true), (Fault::EmptyAnswer, true), (page(true), true), (page(false), false)]
}

#[tokio::test(flavor = "multi_thread")]
async fn records_whose_answer_says_nothing_are_sent_again() {
    for (fault, is_done) in answers_that_say_nothing() {
        let (aws, target) = stream().await;
        aws.faults().add(When::calls(Service::Kinesis, "PutRecords").nth(1), fault.clone()).unwrap();
        let records = records(10, 10);
        let outcomes = sent(&target, &Settings::default(), records.clone()).await;
        assert_eq!(outcomes.len(), 10);
        for outcome in outcomes {
            assert_eq!((outcome.result, outcome.attempts), (Ok(()), 2), "{fault:?}");
        }
        let copies: Vec<usize> = arrived(&aws).await.values().map(Vec::len).collect();
        assert_eq!(copies, vec![if is_done { 2 } else { 1 }; 10], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_for_a_delivery_stream_whose_answer_says_nothing_are_sent_again() {
    for (fault, is_done) in answers_that_say_nothing() {
        let builder = EmbeddedAws::builder().services([Service::Firehose]).delivery_stream("lake");
        let aws = builder.start().await.unwrap();
        let sdk = Sdk::at(aws.endpoint(Service::Firehose).unwrap(), REGION).await;
        let target = DeliveryStream::new(aws_sdk_firehose::Client::new(sdk.config().await), "lake");
        let puts = When::calls(Service::Firehose, "PutRecordBatch").nth(1);
        aws.faults().add(puts, fault.clone()).unwrap();
        let mut outcomes = Vec::new();
        let records = futures_util::stream::iter(records(10, 10));
        send(&target, &Settings::default(), records, |outcome| outcomes.push(outcome)).await;
        assert_eq!(outcomes.len(), 10);
        assert!(outcomes.iter().all(|outcome| outcome.result == Ok(()) && outcome.attempts == 2));
        let accepted = aws.direct_put("lake").unwrap().records().len();
        assert_eq!(accepted, if is_done { 20 } else { 10 }, "{fault:?}");
    }
}
