//! A letter as it is read back from where it was sent.

use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_core::identity::{Identity, Position};
use serde::Deserialize;

/// A dead letter, read from its [body](super::DeadLetter::body).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredLetter {
    /// The function that could not process the record.
    pub function: String,
    /// Why not: the text of a [`FailureReason`](crate::reason::FailureReason), perhaps one of another version.
    pub reason: String,
    /// The stream's name.
    pub stream: String,
    /// The shard's id.
    pub shard: String,
    /// The sequence number's digits.
    pub sequence_number: String,
    /// The place within an aggregate, from 0; 0 for a record that stood alone.
    pub sub_sequence_number: u64,
    /// When the record arrived, where that is known.
    pub arrival: Option<Timestamp>,
    /// The size of the record's data in bytes.
    pub size: u64,
    /// The record's data, as in [`DeadLetter::data`](super::DeadLetter::data); `None` if it was left out.
    pub data: Option<String>,
}

/// Why a text is not a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotALetter {
    /// It is not JSON, or a member is missing or of another type.
    #[error("{0}")]
    Form(String),
    /// A member's value is none that a letter has.
    #[error("`{0}` is none that a letter has")]
    Member(&'static str),
}

#[derive(Deserialize)]
struct Body {
    id: String,
    reason: String,
    function: String,
    stream: String,
    shard: String,
    sequence_number: String,
    #[serde(default)]
    sub_sequence_number: u64,
    arrival: Option<String>,
    size: u64,
    data: Option<String>,
    #[serde(default)]
    data_omitted: bool,
}

impl StoredLetter {
    /// Reads a letter. Its `id` must be that of its position: what is sent again must be the record that it was.
    ///
    /// # Errors
    /// [`NotALetter`]
    pub fn read(body: &str) -> Result<Self, NotALetter> {
        let body: Body = serde_json::from_str(body).map_err(|error| NotALetter::Form(error.to_string()))?;
        let arrival = match body.arrival.as_deref() {
            None => None,
            Some(text) => Some(written_time::parse(text).ok_or(NotALetter::Member("arrival"))?.instant),
        };
        if body.data.is_none() != body.data_omitted {
            return Err(NotALetter::Member("data"));
        }
        let letter = StoredLetter {
            function: body.function,
            reason: body.reason,
            stream: body.stream,
            shard: body.shard,
            sequence_number: body.sequence_number,
            sub_sequence_number: body.sub_sequence_number,
            arrival,
            size: body.size,
            data: body.data,
        };
        letter.check_position()?;
        if letter.id() != body.id { Err(NotALetter::Member("id")) } else { Ok(letter) }
    }

    /// The record's position.
    pub fn position(&self) -> Position<'_> {
        Position {
            stream: &self.stream,
            shard: &self.shard,
            sequence_number: &self.sequence_number,
            sub_sequence_number: self.sub_sequence_number,
        }
    }

    /// The letter's id, see [`DeadLetter::id`](super::DeadLetter::id).
    pub fn id(&self) -> String {
        Identity::Position(self.position()).to_string()
    }

    /// Whether every part of the position is one that Kinesis gives out, so that an event can carry it.
    fn check_position(&self) -> Result<(), NotALetter> {
        let named = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
        };
        let digits = &self.sequence_number;
        if !named(&self.stream) {
            Err(NotALetter::Member("stream"))
        } else if !named(&self.shard) {
            Err(NotALetter::Member("shard"))
        } else if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            Err(NotALetter::Member("sequence_number"))
        } else {
            Ok(())
        }
    }
}
