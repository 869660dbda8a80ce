use proptest::prelude::*;

use super::*;
use crate::progress::Progress;
use crate::testing::{aggregate, event};

/// The sequence number and place of a user record, its partition key, and its bytes or why it has none.
type Content = (String, u64, Option<String>, Result<Vec<u8>, DataFault>);

fn contents(event: &str) -> Vec<Content> {
    let batch = Batch::read(event).unwrap();
    let records = batch.records().map(|(_, record)| {
        let Position { sequence_number, sub_sequence_number, .. } = record.position();
        let key = record.partition_key().map(Cow::into_owned);
        (
            sequence_number.to_owned(),
            sub_sequence_number,
            key,
            record.payload().map(|payload| payload.to_vec()),
        )
    });
    records.collect()
}

#[test]
fn an_aggregate_is_as_many_items_as_it_holds_and_each_knows_its_place_and_key() {
    let inner = aggregate(&[b"b", b"", b"c"]);
    let event = event(&[b"a", &inner, b"d"]);
    let event = event.replacen("\"data\"", "\"partitionKey\":\"k\\u0030\",\"data\"", 1);
    let key = |key: &str| Some(key.to_owned());
    assert_eq!(
        contents(&event),
        [
            ("1000".to_owned(), 0, key("k0"), Ok(b"a".to_vec())),
            ("1001".to_owned(), 0, key("C1"), Ok(b"b".to_vec())),
            ("1001".to_owned(), 1, key("C1"), Ok(b"".to_vec())),
            ("1001".to_owned(), 2, key("C1"), Ok(b"c".to_vec())),
            ("1002".to_owned(), 0, None, Ok(b"d".to_vec())),
        ]
    );
}

#[test]
fn an_aggregate_whose_checksum_does_not_match_is_ordinary_data() {
    let mut broken = aggregate(&[b"a"]).to_vec();
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(contents(&event(&[&broken])), [("1000".to_owned(), 0, None, Ok(broken))]);
}

#[test]
fn a_record_whose_data_cannot_be_decoded_fails_for_itself() {
    let event = event(&[b"a", b"b"]).replacen("\"YQ==\"", "\"?\"", 1);
    let payloads: Vec<_> = contents(&event).into_iter().map(|(.., payload)| payload).collect();
    assert_eq!(payloads, [Err(DataFault::NotBase64), Ok(b"b".to_vec())]);
}

#[test]
fn the_answer_names_the_stream_record_of_the_first_item_that_must_come_again() {
    let inner = aggregate(&[b"a", b"b"]);
    let event = event(&[b"c", &inner, b"c"]);
    let batch = Batch::read(&event).unwrap();
    let mut progress = Progress::default();
    assert_eq!(progress.response(&batch), r#"{"batchItemFailures":[]}"#);
    assert_eq!(progress.items_to_retry(&batch), 0);
    progress.stop_at(3, "out of time");
    assert_eq!(progress.response(&batch), r#"{"batchItemFailures":[{"itemIdentifier":"1002"}]}"#);
    assert_eq!(progress.items_to_retry(&batch), 1);
    progress.stop_at(2, "no table");
    assert_eq!(progress.response(&batch), r#"{"batchItemFailures":[{"itemIdentifier":"1001"}]}"#);
    // The aggregate is retried as a whole.
    assert_eq!(progress.items_to_retry(&batch), 3);
    // What is behind the stop does not move it.
    progress.stop_at(3, "out of time");
    assert_eq!(progress.retry_reason(), Some("no table"));
    assert!(progress.allows(1) && !progress.allows(2) && !progress.allows(3));
}

proptest! {
    #[test]
    fn whatever_the_bytes_every_record_is_at_least_one_item_in_order(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8),
        aggregated in prop::collection::vec(any::<bool>(), 8),
    ) {
        let stored: Vec<Vec<u8>> = payloads
            .iter()
            .zip(&aggregated)
            .map(|(payload, aggregated)| match aggregated {
                true => aggregate(&[payload, payload]).to_vec(),
                false => payload.clone(),
            })
            .collect();
        let event = event(&stored.iter().map(|payload| &payload[..]).collect::<Vec<_>>());
        let batch = Batch::read(&event).unwrap();
        let expected: usize = payloads.iter().zip(&aggregated).map(|(_, aggregated)| 1 + usize::from(*aggregated)).sum();
        prop_assert_eq!(batch.len(), expected);
        let sequence: Vec<_> = (0..batch.len()).map(|index| batch.items[index].record).collect();
        prop_assert!(sequence.is_sorted());
        prop_assert_eq!(batch.records().count(), batch.len());
    }
}
