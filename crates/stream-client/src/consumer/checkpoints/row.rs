//! The rows of a table of checkpoints. Its key is that of the tutorial's, `shard_id` (S) and `consumer_name` (S).
//!
//! | attribute | type | of a shard | of the lease |
//! |---|---|---|---|
//! | `shard_id` | S | the shard's id | `lease` |
//! | `consumer_name` | S | `<stream>/<name>`: shards of different streams have the same ids | the same |
//! | `owner` | S | the process that claimed it last | the process that holds it; none when it was given up |
//! | `updated_at` | S | when it was last written, RFC 3339; for people alone | the same |
//! | `sequence_number` | S | handled up to here: padded with zeros on the left to 129 digits, so that it sorts, or `SHARD_END`, which sorts behind | |
//! | `term` | N | that of the lease under which it was claimed | |
//! | `lease_counter` | N | | grows with each renewal and each new holder, whose term is its value then |
//! | `lease_ms` | N | | how long it holds without being renewed, milliseconds |
//! | `start` | S | | where the consumer began: `TRIM_HORIZON` or a time, RFC 3339 |
//! | `stream_created_at` | S | | when the stream was created, RFC 3339 |

use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use exact_text::timestamp::Timestamp;

use super::table::*;
use super::{Checkpoint, CheckpointFault, Lease, Standing, Start};
use crate::consumer::record::SequenceNumber;

/// The lease's `shard_id`; no shard is called so.
pub(super) const LEASE: &str = "lease";
/// What a row has instead of a sequence number if its shard was handled to the end, as in the KCL.
const SHARD_END: &str = "SHARD_END";
/// What a row has instead of a time.
const TRIM_HORIZON: &str = "TRIM_HORIZON";

/// A row as the table gave it.
#[derive(Debug, Default)]
pub(super) struct Row(pub(super) HashMap<String, AttributeValue>);

impl Row {
    /// Who holds it, if anybody.
    pub(super) fn owner(&self) -> Result<Option<String>, CheckpointFault> {
        match self.0.get(OWNER) {
            None => Ok(None),
            Some(_) => self.text(OWNER).map(|owner| Some(owner.to_owned())),
        }
    }

    /// The lease of its holder, if it was taken just now.
    pub(super) fn lease(&self) -> Result<Lease, CheckpointFault> {
        let attribute = START;
        let start = match self.text(attribute)? {
            TRIM_HORIZON => Start::TrimHorizon,
            time => Start::Time(read_time(time).ok_or_else(|| self.unreadable(attribute))?),
        };
        Ok(Lease { term: self.number(LEASE_COUNTER)?, start })
    }

    /// The lease in somebody's hands.
    pub(super) fn standing(&self, owner: String) -> Result<Standing, CheckpointFault> {
        let length = Duration::from_millis(self.number(LEASE_MS)?);
        Ok(Standing { owner, counter: self.number(LEASE_COUNTER)?, length })
    }

    /// When the stream was created whose consumer the row belongs to.
    pub(super) fn stream_created_at(&self) -> Result<Timestamp, CheckpointFault> {
        let attribute = STREAM_CREATED_AT;
        read_time(self.text(attribute)?).ok_or_else(|| self.unreadable(attribute))
    }

    /// The term under which a shard was claimed.
    pub(super) fn term(&self) -> Result<u64, CheckpointFault> {
        self.number(TERM)
    }

    /// How far a shard was handled.
    pub(super) fn checkpoint(&self) -> Result<Option<Checkpoint>, CheckpointFault> {
        let attribute = SEQUENCE_NUMBER;
        if !self.0.contains_key(attribute) {
            return Ok(None);
        }
        match self.text(attribute)? {
            SHARD_END => Ok(Some(Checkpoint::ShardEnd)),
            digits => match SequenceNumber::parse(digits) {
                Some(number) => Ok(Some(Checkpoint::After(number))),
                None => Err(self.unreadable(attribute)),
            },
        }
    }

    fn text(&self, attribute: &'static str) -> Result<&str, CheckpointFault> {
        let text = self.0.get(attribute).and_then(|value| value.as_s().ok());
        text.map(String::as_str).ok_or_else(|| self.unreadable(attribute))
    }

    fn number<N: FromStr>(&self, attribute: &'static str) -> Result<N, CheckpointFault> {
        let number = self.0.get(attribute).and_then(|value| value.as_n().ok()?.parse().ok());
        number.ok_or_else(|| self.unreadable(attribute))
    }

    fn unreadable(&self, attribute: &'static str) -> CheckpointFault {
        let shard_id = self.0.get(SHARD_ID).and_then(|value| value.as_s().ok()).cloned();
        CheckpointFault::Unreadable { shard_id: shard_id.unwrap_or_default(), attribute }
    }
}

/// A checkpoint as the table has it: texts sort as checkpoints do.
pub(super) fn checkpoint(checkpoint: &Checkpoint) -> String {
    match checkpoint {
        Checkpoint::After(number) => number.padded(),
        Checkpoint::ShardEnd => SHARD_END.to_owned(),
    }
}

/// A start as the table has it.
pub(super) fn start(start: Start) -> String {
    match start {
        Start::TrimHorizon => TRIM_HORIZON.to_owned(),
        Start::Time(time) => time.to_string(),
    }
}

fn read_time(text: &str) -> Option<Timestamp> {
    exact_text::written_time::parse(text).map(|time| time.instant)
}
