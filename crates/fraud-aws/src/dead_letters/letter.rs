//! A dead letter and its text.

use std::borrow::Cow;

use crate::reason::FailureReason;
use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;
use fraud_core::identity::{Identity, Position};

/// The most bytes of a message (Amazon SQS API reference, SendMessage).
pub const MAX_BODY_BYTES: usize = 1_048_576;

/// A record that can never be processed.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter<'a> {
    /// The function that could not process it.
    pub function: &'a str,
    /// Why not.
    pub reason: FailureReason,
    /// The record's position.
    pub position: Position<'a>,
    /// When it arrived, where that is known.
    pub arrival: Option<Timestamp>,
    /// Its data: base64, or for [`FailureReason::BadBase64`] the text that the event has in place of base64.
    pub data: Cow<'a, str>,
}

impl DeadLetter<'_> {
    /// The letter's id: a position's [identity](fraud_core::identity), so that the same record always has the same.
    pub fn id(&self) -> String {
        Identity::Position(self.position).to_string()
    }

    /// The letter as text of at most `max_bytes`: one line, a JSON object with the members `id`, `reason`, `function`,
    /// `stream`, `shard`, `sequence_number` (a string: it has more digits than numbers can hold), `sub_sequence_number`
    /// (for a record inside an aggregate, but for the first), `arrival` (RFC 3339 in UTC, null where it is not known),
    /// `size` (of the record's data in bytes; of its text where that is not base64) and `data`, as described at
    /// [`DeadLetter::data`].
    ///
    /// Where it would be longer, it has `"data_omitted":true` and no data, which then is in the stream and in its raw
    /// backup only.
    pub fn body(&self, max_bytes: usize) -> String {
        if self.data.len() <= max_bytes {
            let mut letter = self.without_data();
            letter.text("data", &self.data);
            let body = letter.finish();
            if body.len() <= max_bytes {
                return body;
            }
        }
        let mut letter = self.without_data();
        letter.json("data_omitted", "true");
        letter.finish()
    }

    fn without_data(&self) -> ObjectWriter {
        let position = self.position;
        let arrival = self.arrival.map(|arrival| arrival.to_string());
        let mut letter = ObjectWriter::new();
        letter
            .text("id", &self.id())
            .text("reason", self.reason.as_str())
            .text("function", self.function)
            .text("stream", position.stream)
            .text("shard", position.shard)
            .text("sequence_number", position.sequence_number);
        if position.sub_sequence_number > 0 {
            letter.json("sub_sequence_number", &position.sub_sequence_number.to_string());
        }
        letter.text_or_null("arrival", arrival.as_deref()).json("size", &self.size().to_string());
        letter
    }

    fn size(&self) -> usize {
        match self.reason {
            FailureReason::BadBase64 => self.data.len(),
            // Four characters of base64 are three bytes.
            _ => self.data.trim_end_matches('=').len() * 3 / 4,
        }
    }
}
