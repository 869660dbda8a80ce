//! The real SDK against a Kinesis in process.

use aws_calls::fault::CallFault;
use embedded_aws::event_source_mapping::{Record, RecordSource};
use embedded_aws::{EmbeddedAws, Entries, Fault, Service, When};

use super::*;

const STREAM: &str = "customer-aggregates";

pub(super) async fn start() -> (EmbeddedAws, KinesisTotals) {
    let aws = EmbeddedAws::builder().services([Service::Kinesis]).stream(STREAM, 3).start().await.unwrap();
    let sink = KinesisTotals::new(&crate::testing::for_embedded(&aws, Service::Kinesis).await, STREAM);
    (aws, sink)
}

async fn records(aws: &EmbeddedAws) -> Vec<Record> {
    let source = aws.record_source(STREAM);
    let mut records = Vec::new();
    for shard in source.shards().await.unwrap() {
        let mut after: Option<String> = None;
        loop {
            let page = source.read(&shard.id, after.as_deref(), 10_000).await.unwrap();
            let Some(last) = page.records.last() else { break };
            after = Some(last.sequence_number.clone());
            records.extend(page.records);
        }
    }
    records
}

pub(super) async fn lines(aws: &EmbeddedAws) -> Vec<String> {
    records(aws).await.iter().map(|record| String::from_utf8(record.data.to_vec()).unwrap()).collect()
}

/// What arrived, as often as it did.
async fn sorted_lines(aws: &EmbeddedAws) -> Vec<String> {
    let mut lines = lines(aws).await;
    lines.sort();
    lines
}

fn sorted(totals: &[WindowTotals]) -> Vec<String> {
    let mut lines = super::lines(totals);
    lines.sort();
    lines
}

fn calls(aws: &EmbeddedAws) -> usize {
    aws.calls().count(Service::Kinesis, "PutRecords")
}

#[tokio::test]
async fn totals_go_five_hundred_at_a_time_under_their_customers_id() {
    let (aws, sink) = start().await;
    let totals = totals(1201);
    assert_eq!(sink.send(&totals, soon()).await, vec![Ok(()); 1201]);
    assert_eq!(calls(&aws), 3);
    assert_eq!(sorted_lines(&aws).await, sorted(&totals));
    for record in records(&aws).await {
        let line: serde_json::Value = serde_json::from_slice(&record.data).unwrap();
        assert_eq!(line["customer_id"], record.partition_key);
    }
}

#[tokio::test]
async fn what_a_call_refuses_in_part_is_sent_again_and_nothing_else_is() {
    let (aws, sink) = start().await;
    let put_records = || When::calls(Service::Kinesis, "PutRecords");
    aws.faults().add(put_records().nth(1), Fault::FailEntries(Entries::at([1, 3]))).unwrap();
    aws.faults().add(put_records().nth(2), Fault::FailEntries(Entries::at([1]))).unwrap();
    let totals = totals(5);
    assert_eq!(sink.send(&totals, soon()).await, vec![Ok(()); 5]);
    assert_eq!(calls(&aws), 3);
    assert_eq!(sorted_lines(&aws).await, sorted(&totals));
}

#[tokio::test]
async fn what_is_refused_every_time_is_told_by_its_place() {
    let (aws, sink) = start().await;
    let refused = Entries::matching(|entry| entry.key == "C2");
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords"), Fault::FailEntries(refused)).unwrap();
    let totals = totals(501);
    let results = sink.send(&totals, soon()).await;
    let places: Vec<_> = results.iter().enumerate().filter(|(_, result)| result.is_err()).collect();
    let [(2, Err(CallFault { code, .. }))] = &places[..] else { panic!("{places:?}") };
    assert_eq!(code, "ProvisionedThroughputExceededException");
    assert_eq!(lines(&aws).await.len(), 500);
}

#[tokio::test]
async fn after_a_call_that_failed_as_a_whole_nothing_more_is_begun() {
    let (aws, sink) = start().await;
    let put_records = || When::calls(Service::Kinesis, "PutRecords");
    aws.faults().add(put_records().from_nth(2), Fault::InternalError).unwrap();
    let results = sink.send(&totals(1600), soon()).await;
    assert_eq!(results[..500], vec![Ok(()); 500]);
    assert!(results[500..].iter().all(Result::is_err) && results.len() == 1600);
    assert_eq!(calls(&aws), 1 + 5, "the second call is tried five times");
    assert_eq!(lines(&aws).await.len(), 500);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_made_again() {
    let (aws, sink) = start().await;
    aws.faults().add(When::calls(Service::Kinesis, "PutRecords").nth(1), Fault::LoseAnswer).unwrap();
    let totals = totals(2);
    assert_eq!(sink.send(&totals, soon()).await, vec![Ok(()); 2]);
    assert_eq!(sorted_lines(&aws).await, sorted(&[totals.clone(), totals].concat()));
}

#[tokio::test]
async fn a_stream_that_never_answers_takes_no_longer_than_the_deadline() {
    let (aws, sink) = start().await;
    aws.faults().add(When::any_call_to(Service::Kinesis), Fault::Hang).unwrap();
    let start = Instant::now();
    let results = sink.send(&totals(1000), start + Duration::from_millis(300)).await;
    assert_eq!(results, vec![Err(CallFault::deadline()); 1000]);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_a_fault() {
    let (aws, _sink) = start().await;
    let config = crate::testing::for_embedded(&aws, Service::Kinesis).await;
    let sink = KinesisTotals::new(&config, "no-such-stream");
    let [Err(fault)] = &sink.send(&totals(1), soon()).await[..] else { panic!("taken") };
    assert_eq!(fault.code, "ResourceNotFoundException");
}

#[tokio::test]
async fn any_customers_id_can_be_a_partition_key() {
    let (aws, sink) = start().await;
    let mut totals = totals(3);
    for (totals, id) in totals.iter_mut().zip(["\u{10FFFF}", "ä", "\u{0}"]) {
        totals.customer_id = id.repeat(256);
    }
    assert_eq!(sink.send(&totals, soon()).await, vec![Ok(()); 3]);
    let mut lengths: Vec<_> =
        records(&aws).await.iter().map(|record| record.partition_key.chars().count()).collect();
    lengths.sort();
    assert_eq!(lengths, [128, 256, 256]);
    let longest =
        totals.iter().map(|totals| totals.to_json().len() + totals.customer_id.len()).max().unwrap();
    assert!(500 * longest < 10 * 1024 * 1024, "{longest}");
}

#[tokio::test]
async fn totals_whose_answer_says_nothing_are_sent_again_and_never_count_as_sent() {
    for fault in crate::testing::answers_that_say_nothing() {
        let (aws, sink) = start().await;
        let put_records = || When::calls(Service::Kinesis, "PutRecords");
        let rule = aws.faults().add(put_records().nth(1), fault.clone()).unwrap();
        let totals = totals(2);
        assert_eq!(sink.send(&totals, soon()).await, vec![Ok(()); 2]);
        assert_eq!(sorted_lines(&aws).await, sorted(&[totals.clone(), totals.clone()].concat()));
        aws.faults().remove(rule);
        aws.calls().clear();
        aws.faults().add(put_records(), fault).unwrap();
        for result in sink.send(&totals, soon()).await {
            crate::testing::assert_is_in_doubt(&result.unwrap_err());
        }
        assert_eq!(calls(&aws), 5, "a record is tried five times");
    }
}
