//! What the tests of this module share.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{WindowRule, WindowTime};
use crate::event_time::EventTimeBounds;
use crate::identity::{Identity, Position};
use crate::transaction::Transaction;
use exact_text::timestamp::Timestamp;

/// Five minutes of event time that lies up to a week before arrival and up to an hour after it.
pub(super) fn rule() -> WindowRule {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    WindowRule {
        seconds: NonZeroU32::new(300).unwrap(),
        time: WindowTime::Event,
        bounds: EventTimeBounds { max_age: hours(168), max_ahead: hours(1) },
    }
}

pub(super) fn transaction(payload: &str) -> Transaction<'_> {
    Transaction::parse(payload.as_bytes()).unwrap()
}

/// Seconds after 2024-01-15T03:00:00Z.
pub(super) fn arrival(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_705_287_600_000 + seconds * 1000).unwrap()
}

/// The identity of a transaction at a place of its own.
pub(super) fn identity<'a>(transaction: &'a Transaction<'_>, place: u64) -> Identity<'a> {
    let place = Position {
        stream: "transactions",
        shard: "shardId-000000000000",
        sequence_number: "1",
        sub_sequence_number: place,
    };
    transaction.identity_at(place)
}
