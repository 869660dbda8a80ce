use super::*;
use crate::progress::{Progress, RetryReason};
use crate::testing::{aggregate, event};
use fraud_core::refusal::Refusal;
use fraud_core::transaction::PLAIN;
use proptest::prelude::*;

fn transaction(id: usize) -> Vec<u8> {
    format!("{{\"transaction_id\":\"T{id}\"}}").into_bytes()
}

/// The positions of a batch's items, and the transaction ids or what is wrong with them.
fn contents(event: &str) -> Vec<(String, u64, Result<String, FailureReason>)> {
    let batch = Batch::read(event).unwrap();
    let place = |index| {
        let (sub, _) = batch.place_in_aggregate(index).unwrap();
        (batch.stream_record(index).unwrap().sequence_number.to_string(), sub)
    };
    let id = |received: &Result<Received<'_>, FailureReason>| match received {
        Ok(received) => Ok(received.transaction.transaction_id.as_deref().unwrap().to_owned()),
        Err(reason) => Err(*reason),
    };
    let transactions = batch.transactions(&PLAIN);
    transactions
        .iter()
        .enumerate()
        .map(|(index, received)| (place(index).0, place(index).1, id(received)))
        .collect()
}

#[test]
fn an_aggregate_is_as_many_items_as_it_holds_and_each_knows_its_place() {
    let [a, b, c, d] = [1, 2, 3, 4].map(transaction);
    let inner = aggregate(&[&b, b"junk", &c]);
    let ok = |id: &str| Ok(id.to_owned());
    assert_eq!(
        contents(&event(&[&a, &inner, &d])),
        [
            ("1000".to_owned(), 0, ok("T1")),
            ("1001".to_owned(), 0, ok("T2")),
            ("1001".to_owned(), 1, Err(FailureReason::Refused(Refusal::NotJson))),
            ("1001".to_owned(), 2, ok("T3")),
            ("1002".to_owned(), 0, ok("T4")),
        ]
    );
}

#[test]
fn an_aggregate_whose_checksum_does_not_match_is_ordinary_data() {
    let mut broken = aggregate(&[&transaction(1)]).to_vec();
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(
        contents(&event(&[&broken])),
        [("1000".to_owned(), 0, Err(FailureReason::Refused(Refusal::NotUtf8)))]
    );
}

#[test]
fn a_record_that_does_not_say_when_it_arrived_is_refused_for_itself() {
    let event = event(&[&transaction(1), &transaction(2)]).replacen("1705291200.250", "null", 1);
    let outcomes: Vec<_> = contents(&event).into_iter().map(|(_, _, outcome)| outcome).collect();
    assert_eq!(outcomes, [Err(FailureReason::MissingArrivalTime), Ok("T2".to_owned())]);
}

#[test]
fn the_answer_names_the_stream_record_of_the_first_item_that_must_come_again() {
    let [a, b, c] = [1, 2, 3].map(transaction);
    let inner = aggregate(&[&a, &b]);
    let event = event(&[&c, &inner, &c]);
    let batch = Batch::read(&event).unwrap();
    let mut progress = Progress::default();
    assert_eq!(progress.response(&batch), r#"{"batchItemFailures":[]}"#);
    assert_eq!(progress.items_to_retry(&batch), 0);
    progress.stop_at(3, RetryReason::OutOfTime);
    assert_eq!(progress.response(&batch), r#"{"batchItemFailures":[{"itemIdentifier":"1002"}]}"#);
    assert_eq!(progress.items_to_retry(&batch), 1);
    progress.stop_at(2, RetryReason::LedgerUnavailable);
    assert_eq!(progress.response(&batch), r#"{"batchItemFailures":[{"itemIdentifier":"1001"}]}"#);
    // The aggregate is retried as a whole.
    assert_eq!(progress.items_to_retry(&batch), 3);
    // What is behind the stop does not move it.
    progress.stop_at(3, RetryReason::OutOfTime);
    assert_eq!(progress.retry_reason(), Some(RetryReason::LedgerUnavailable));
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
        prop_assert_eq!(batch.transactions(&PLAIN).len(), batch.len());
    }
}
