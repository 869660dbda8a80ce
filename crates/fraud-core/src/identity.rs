//! A record's identity: the same text in the lake, in the alert and in the aggregates.

use std::fmt;

pub use stream_position::Position;

/// What makes a record the same record wherever and however often it comes.
///
/// Its text is `<customer id>/<transaction id>` where the transaction has an id (the customer id is empty where there
/// is none), else `@<stream>/<shard>/<sequence number>`, followed by `/<sub-sequence number>` where that is not 0.
/// Inside the parts `%`, `/` and a leading `@` are percent-encoded, so that no two records share a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity<'a> {
    /// The producer named the transaction.
    Transaction {
        /// The customer's id, empty if there is none.
        customer_id: &'a str,
        /// The transaction's id.
        transaction_id: &'a str,
    },
    /// Only its place names the record.
    Position(Position<'a>),
}

impl<'a> Identity<'a> {
    /// The identity of a record; `None` for one without a transaction id that came from no stream.
    pub fn of(
        customer_id: Option<&'a str>,
        transaction_id: Option<&'a str>,
        position: Option<Position<'a>>,
    ) -> Option<Self> {
        match transaction_id {
            Some(transaction_id) => {
                Some(Identity::Transaction { customer_id: customer_id.unwrap_or_default(), transaction_id })
            }
            None => position.map(Identity::Position),
        }
    }

    /// Calls `write` with the text, piece by piece.
    pub fn pieces(&self, mut write: impl FnMut(&str)) {
        match self {
            Identity::Transaction { customer_id, transaction_id } => {
                encoded_part(customer_id, &mut write);
                write("/");
                encoded_part(transaction_id, &mut write);
            }
            Identity::Position(position) => {
                write("@");
                encoded_part(position.stream, &mut write);
                write("/");
                encoded_part(position.shard, &mut write);
                write("/");
                encoded_part(position.sequence_number, &mut write);
                if position.sub_sequence_number > 0 {
                    write("/");
                    write(&position.sub_sequence_number.to_string());
                }
            }
        }
    }
}

impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.pieces(|piece| result = result.and_then(|()| f.write_str(piece)));
        result
    }
}

fn encoded_part(part: &str, write: &mut impl FnMut(&str)) {
    let mut rest = part;
    if let Some(after) = rest.strip_prefix('@') {
        write("%40");
        rest = after;
    }
    while let Some(at) = memchr::memchr2(b'%', b'/', rest.as_bytes()) {
        let (plain, special) = rest.split_at(at);
        write(plain);
        write(if special.starts_with('%') { "%25" } else { "%2F" });
        rest = &special[1..];
    }
    write(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn position(sub_sequence_number: u64) -> Position<'static> {
        Position {
            stream: "transactions",
            shard: "shardId-000000000000",
            sequence_number: "495",
            sub_sequence_number,
        }
    }

    #[test]
    fn a_transaction_id_names_the_record_and_its_position_does_otherwise() {
        let text = |customer, transaction, place| {
            Identity::of(customer, transaction, place).map(|id| id.to_string())
        };
        assert_eq!(text(Some("C1"), Some("T1"), Some(position(3))).unwrap(), "C1/T1");
        assert_eq!(text(None, Some("T1"), None).unwrap(), "/T1");
        assert_eq!(
            text(Some("C1"), None, Some(position(0))).unwrap(),
            "@transactions/shardId-000000000000/495"
        );
        assert_eq!(text(None, None, Some(position(2))).unwrap(), "@transactions/shardId-000000000000/495/2");
        assert_eq!(text(Some("C1"), None, None), None);
    }

    #[test]
    fn separators_inside_a_part_are_percent_encoded() {
        let id = Identity::of(Some("@a/b%2F"), Some("@/@"), None).unwrap();
        assert_eq!(id.to_string(), "%40a%2Fb%252F/%40%2F@");
    }

    proptest! {
        #[test]
        fn no_two_records_share_a_text(a in "[@%/2F5ab]{0,5}", b in "[@%/2F5ab]{1,5}", c in "[@%/2F5ab]{0,5}", d in "[@%/2F5ab]{1,5}") {
            let first = Identity::of(Some(&a), Some(&b), None).unwrap();
            let second = Identity::of(Some(&c), Some(&d), None).unwrap();
            prop_assert_eq!(first == second, first.to_string() == second.to_string());
            prop_assert!(!first.to_string().starts_with('@'));
        }
    }
}
