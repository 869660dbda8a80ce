//! What fills the queue of dead letters, and how a test tells what is in it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fraud_aws::dead_letters::{DeadLetter, MAX_BODY_BYTES};
use fraud_aws::reason::FailureReason;
use fraud_core::identity::Position;
use fraud_core::refusal::Refusal;

use crate::functions::{FIRST, SHARD, aggregate, event, high};
use crate::world::{LEDGER, World};

/// The answer to a batch of which nothing must be delivered again.
pub(crate) const NOTHING_AGAIN: &str = r#"{"batchItemFailures":[]}"#;

/// A batch whose third record is an aggregate, and whose second can never be a transaction.
pub(crate) fn batch() -> String {
    let (first, alone) = (high(Some("T1"), "20000.50"), high(None, "30000"));
    let (in_aggregate, named) = (high(None, "40000.25"), high(Some("T2"), "50000"));
    event(&[&first, b"no json", &aggregate(&[&alone, b"{\"amount\":\"much\"}", &in_aggregate]), &named])
}

/// A row that no ledger wrote, in place of an alert's.
pub(crate) async fn damage(world: &World, alert_id: &str) {
    let row = [("alert_id", alert_id), ("status", "unheard of")];
    let row = row.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
    world.put(LEDGER, row.into()).await;
}

/// How many letters there are by function and reason, as [`World::letters_by_reason`] tells it.
pub(crate) fn letters(expected: &[(&str, &str, usize)]) -> BTreeMap<(String, String), usize> {
    let letters =
        expected.iter().map(|(function, reason, count)| (((*function).into(), (*reason).into()), *count));
    letters.collect()
}

/// What is not a letter that could go back: too long, of another function, of another sender.
pub(crate) async fn send_strangers(world: &World) {
    let position = Position {
        stream: "transactions",
        shard: SHARD,
        sequence_number: &FIRST.to_string(),
        sub_sequence_number: 3,
    };
    let arrival = exact_text::timestamp::Timestamp::from_millis(1_705_287_600_250);
    let reason = FailureReason::Refused(Refusal::NotJson);
    let mut letter =
        DeadLetter { function: "kinesis-alerts", reason, position, arrival, data: "bm8=".into() };
    world.send_to_queue(&letter.body(0)).await;
    letter.function = "firehose-transform";
    world.send_to_queue(&letter.body(MAX_BODY_BYTES)).await;
    world.send_to_queue("{\"hello\":\"there\"}").await;
}
