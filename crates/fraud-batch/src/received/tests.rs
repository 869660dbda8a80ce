use fraud_core::refusal::Refusal;
use fraud_core::transaction::PLAIN;
use proptest::prelude::*;

use super::*;
use crate::testing::{aggregate, event};

fn transaction(id: usize) -> Vec<u8> {
    format!("{{\"transaction_id\":\"T{id}\"}}").into_bytes()
}

/// The positions of a batch's items, and the transaction ids or what is wrong with them.
fn contents(event: &str) -> Vec<(String, u64, Result<String, FailureReason>)> {
    let batch = Batch::read(event).unwrap();
    let id = |received: &Result<Received<'_>, FailureReason>| match received {
        Ok(received) => Ok(received.transaction.transaction_id.as_deref().unwrap().to_owned()),
        Err(reason) => Err(*reason),
    };
    let transactions = transactions(&batch, &PLAIN);
    assert_eq!(transactions.len(), batch.len());
    let records = batch.records().map(|(_, record)| record.position());
    records
        .zip(&transactions)
        .map(|(position, received)| {
            assert!(
                received.as_ref().is_ok_and(|received| received.position == position) || received.is_err()
            );
            (position.sequence_number.to_owned(), position.sub_sequence_number, id(received))
        })
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

proptest! {
    #[test]
    fn whatever_the_bytes_every_record_is_a_transaction_or_has_a_reason(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..8),
    ) {
        let event = event(&payloads.iter().map(|payload| &payload[..]).collect::<Vec<_>>());
        let batch = Batch::read(&event).unwrap();
        prop_assert_eq!(transactions(&batch, &PLAIN).len(), batch.len());
    }
}
