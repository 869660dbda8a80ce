//! The event of a single user record that is delivered again, such as one out of the dead letters.

use std::borrow::Cow;

use exact_text::timestamp::Timestamp;
use lambda_events::kinesis_json::{EventRecord, event_json};
use stream_position::Position;

/// A user record as it came the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery<'a> {
    /// Its position. The stream's name has no `/` and the shard's id no `:`.
    pub position: Position<'a>,
    /// When it arrived at the stream, where that is known.
    pub arrival: Option<Timestamp>,
    /// Its data, and only its own: base64, or what the first event had in place of it.
    pub data: &'a str,
}

impl Redelivery<'_> {
    /// The event: [`Batch::read`](crate::Batch::read) makes one item of it, at the same position, with the same arrival
    /// and the same data.
    pub fn event(&self) -> String {
        let Position { stream, shard, sequence_number, sub_sequence_number } = self.position;
        let record = EventRecord {
            shard,
            sequence_number,
            partition_key: None,
            data: Cow::Borrowed(self.data),
            arrival: self.arrival,
            sub_sequence_number: Some(sub_sequence_number),
        };
        // Only the stream's name is known, and nothing else of the ARN is read.
        event_json(&format!("arn:aws:kinesis:::stream/{stream}"), [record])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Batch;
    use crate::testing::aggregate;
    use lambda_events::InvalidEvent;

    fn position(sub_sequence_number: u64) -> Position<'static> {
        Position {
            stream: "transactions",
            shard: "shardId-000000000006",
            sequence_number: "49590338271490256608559692538361571095921575989136588898",
            sub_sequence_number,
        }
    }

    fn base64(payload: &[u8]) -> String {
        base64_simd::STANDARD.encode_to_string(payload)
    }

    proptest! {
        #[test]
        fn a_record_that_comes_again_stands_where_it_stood_and_holds_what_it_held(
            sub_sequence_number: u64,
            millis in -62_135_596_800_000i64..253_402_300_800_000,
            amount: u32,
        ) {
            let payload = format!("{{\"amount\":{amount}}}");
            let (position, arrival) = (position(sub_sequence_number), Timestamp::from_millis(millis));
            let event = Redelivery { position, arrival, data: &base64(payload.as_bytes()) }.event();
            let batch = Batch::read(&event).unwrap();
            let [(0, received)] = batch.records().collect::<Vec<_>>()[..] else { panic!("{batch:?}") };
            prop_assert_eq!(received.position(), position);
            prop_assert_eq!(received.arrival(), arrival);
            prop_assert_eq!(received.payload().unwrap(), payload.as_bytes());
        }

        #[test]
        fn a_record_that_is_poison_again_makes_the_letter_that_it_came_from(
            sub_sequence_number in 0..3u64,
            known: bool,
            data in "(?s).{0,30}",
            is_base64: bool,
        ) {
            let data = if is_base64 { base64(data.as_bytes()) } else { data };
            let arrival = Timestamp::from_millis(1_705_287_600_123).filter(|_| known);
            let event = Redelivery { position: position(sub_sequence_number), arrival, data: &data }.event();
            let batch = Batch::read(&event).unwrap();
            prop_assert_eq!(batch.len(), 1);
            let letter = batch.letter(0, "not JSON").unwrap();
            prop_assert_eq!((letter.position, letter.arrival, &*letter.data), (position(sub_sequence_number), arrival, &*data));
        }
    }

    #[test]
    fn a_user_record_that_looks_like_an_aggregate_is_not_taken_apart() {
        let data = base64(&aggregate(&[b"{}", b"{}"]));
        let event = Redelivery { position: position(3), arrival: None, data: &data }.event();
        assert_eq!(Batch::read(&event).unwrap().len(), 1);
    }

    #[test]
    fn a_place_that_is_none_fails_the_event_for_its_record_would_get_another_identity() {
        let event = Redelivery { position: position(3), arrival: None, data: "e30=" }.event();
        for place in ["-1", "1.5", "\"3\"", "null", "99999999999999999999"] {
            let event = event.replace("SubSequenceNumber\":3", &format!("SubSequenceNumber\":{place}"));
            assert!(matches!(Batch::read(&event), Err(InvalidEvent::OtherKind { .. })), "{event}");
        }
    }
}
