//! Where a record is in time, as its customer's history orders records.

/// A record's place: the order of arrival, then that of the stream. Places of several shards are told apart by their
/// arrival, as well as that can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Milliseconds since the epoch.
    pub arrival: i64,
    /// The sequence number.
    pub sequence_number: SequenceNumber,
    /// The place within a KPL aggregate, from 0.
    pub sub_sequence_number: u64,
}

impl Place {
    /// Before everything that arrived at this millisecond.
    pub fn first_at(arrival: i64) -> Self {
        Place { arrival, sequence_number: SequenceNumber::FIRST, sub_sequence_number: 0 }
    }

    /// Behind everything that arrived at this millisecond.
    pub fn last_at(arrival: i64) -> Self {
        Place { arrival, sequence_number: SequenceNumber::LAST, sub_sequence_number: 0 }
    }
}

/// The digits that one limb of a sequence number holds.
const LIMB_DIGITS: usize = 38;
const LIMBS: usize = 4;

/// A sequence number, exact: Kinesis's have up to 129 digits
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SequenceNumber([u128; LIMBS]);

impl SequenceNumber {
    /// Less than every sequence number.
    pub const FIRST: SequenceNumber = SequenceNumber([0; LIMBS]);
    /// Greater than every sequence number.
    pub const LAST: SequenceNumber = SequenceNumber([u128::MAX; LIMBS]);

    /// Reads digits. A text that is no sequence number of Kinesis's is behind all of them.
    pub fn of(digits: &str) -> Self {
        let digits = digits.trim_start_matches('0').as_bytes();
        if digits.len() > LIMBS * LIMB_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
            return SequenceNumber::LAST;
        }
        let mut limbs = [0; LIMBS];
        for (limb, digits) in limbs.iter_mut().rev().zip(digits.rchunks(LIMB_DIGITS)) {
            *limb = digits.iter().fold(0, |value, digit| value * 10 + u128::from(digit - b'0'));
        }
        SequenceNumber(limbs)
    }

    /// The limbs, the greatest first.
    pub(super) fn limbs(self) -> [u128; LIMBS] {
        self.0
    }

    pub(super) fn of_limbs(limbs: [u128; LIMBS]) -> Self {
        SequenceNumber(limbs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sequence_numbers_are_ordered_as_numbers(one in "[1-9][0-9]{0,128}", other in "0{0,3}[1-9][0-9]{0,128}") {
            let plain = other.trim_start_matches('0');
            let expected = one.len().cmp(&plain.len()).then_with(|| one.as_str().cmp(plain));
            prop_assert_eq!(SequenceNumber::of(&one).cmp(&SequenceNumber::of(&other)), expected);
            prop_assert!(SequenceNumber::of(&one) < SequenceNumber::LAST);
            prop_assert!(SequenceNumber::FIRST < SequenceNumber::of(&one));
        }
    }

    #[test]
    fn what_is_no_sequence_number_is_behind_all() {
        for text in ["latest", "1e3", &"9".repeat(153)] {
            assert_eq!(SequenceNumber::of(text), SequenceNumber::LAST, "{text}");
        }
        assert!(SequenceNumber::of("") < SequenceNumber::of("1"));
    }
}
