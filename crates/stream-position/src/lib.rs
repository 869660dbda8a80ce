#![doc = include_str!("../README.md")]

use std::fmt;

/// A record's place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position<'a> {
    /// The stream's name, never its ARN or a consumer's.
    pub stream: &'a str,
    /// The shard's id.
    pub shard: &'a str,
    /// The sequence number's digits.
    pub sequence_number: &'a str,
    /// The place within a KPL aggregate, from 0; also 0 for a record that is not aggregated. Firehose reports 0 for both,
    /// so that telling them apart would give one record two identities; as no sequence number is both, 0 is left out
    /// of the text and nothing is lost.
    pub sub_sequence_number: u64,
}

/// `<shard>/<sequence number>`, followed by `/<sub-sequence number>` if that is not 0: what log lines name a record by.
impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.pieces(|piece| result = result.and_then(|()| f.write_str(piece)));
        result
    }
}

impl Position<'_> {
    /// Calls `write` with the text, piece by piece.
    pub fn pieces(&self, mut write: impl FnMut(&str)) {
        write(self.shard);
        write("/");
        write(self.sequence_number);
        if self.sub_sequence_number > 0 {
            write("/");
            write(&self.sub_sequence_number.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(sub_sequence_number: u64) -> Position<'static> {
        Position {
            stream: "transactions",
            shard: "shardId-000000000000",
            sequence_number: "495",
            sub_sequence_number,
        }
    }

    #[test]
    fn a_position_is_written_without_its_stream() {
        assert_eq!(position(0).to_string(), "shardId-000000000000/495");
        assert_eq!(position(2).to_string(), "shardId-000000000000/495/2");
    }
}
