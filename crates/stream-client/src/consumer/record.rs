//! A record of a stream, and its place there.

use std::cmp::Ordering;
use std::fmt;

use bytes::Bytes;
use exact_text::timestamp::Timestamp;

/// The most digits of a sequence number (Kinesis API reference, Record: `SequenceNumber`).
pub const SEQUENCE_NUMBER_DIGITS: usize = 129;

/// A record's place in its shard: a decimal number with more digits than any integer type holds (56 today). Ordered as
/// a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SequenceNumber(String);

impl SequenceNumber {
    /// A number from its digits, with or without leading zeros; `None` if the text is not a number, or too long.
    pub fn parse(digits: &str) -> Option<Self> {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let significant = digits.trim_start_matches('0');
        let fits = significant.len() <= SEQUENCE_NUMBER_DIGITS;
        let significant = if significant.is_empty() { "0" } else { significant };
        (is_number && fits).then(|| SequenceNumber(significant.to_owned()))
    }

    /// The digits, as Kinesis writes them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits, padded with zeros on the left so that texts sort as the numbers do.
    pub fn padded(&self) -> String {
        format!("{:0>SEQUENCE_NUMBER_DIGITS$}", self.0)
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without zeros on the left the longer is the larger.
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A record as Kinesis delivers it: one payload, or a KPL aggregate of many, which counts as one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the shard.
    pub sequence_number: SequenceNumber,
    /// The partition key that the producer gave.
    pub partition_key: String,
    /// The data, not in base64.
    pub data: Bytes,
    /// When the stream received it.
    pub approximate_arrival: Timestamp,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_number_or_too_long_is_refused() {
        for text in ["", "-1", "1.5", "1e5", " 1", "SHARD_END", &"9".repeat(130)] {
            assert_eq!(SequenceNumber::parse(text), None, "{text}");
        }
        assert_eq!(SequenceNumber::parse("000").unwrap().as_str(), "0");
        assert_eq!(SequenceNumber::parse(&format!("0{}", "9".repeat(129))).unwrap().as_str().len(), 129);
    }

    proptest! {
        #[test]
        fn numbers_sort_as_numbers_and_their_padded_texts_alike(a in 0u128.., b in 0u128..) {
            let number = |n: u128| SequenceNumber::parse(&n.to_string()).unwrap();
            prop_assert_eq!(number(a).cmp(&number(b)), a.cmp(&b));
            prop_assert_eq!(number(a).padded().cmp(&number(b).padded()), a.cmp(&b));
            prop_assert_eq!(SequenceNumber::parse(&number(a).padded()), Some(number(a)));
        }
    }
}
