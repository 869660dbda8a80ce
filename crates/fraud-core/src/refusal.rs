//! Why a payload is not a transaction that can be scored.

use std::fmt;

/// The closed list. Logs, metrics and dead letters carry these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// The payload is not UTF-8.
    NotUtf8,
    /// The payload is not one JSON text (RFC 8259).
    NotJson,
    /// The payload is JSON, but not an object.
    NotAnObject,
    /// The object has none of `transaction_id`, `customer_id` and `amount`: it is something else, such as an envelope
    /// around a transaction.
    NotATransaction,
    /// Objects and arrays nest deeper than [`MAX_DEPTH`](crate::transaction::MAX_DEPTH).
    NestedTooDeep,
    /// `transaction_id` is neither a string of up to 256 bytes nor an integer of up to 256 digits.
    InvalidTransactionId,
    /// `customer_id` is neither a string of up to 256 characters nor an integer of up to 256 digits.
    InvalidCustomerId,
    /// `amount` is not a finite number of at most 64 characters.
    InvalidAmount,
    /// The reader contradicts itself, which no payload makes it do: the record is refused rather than written in part.
    InternalFault,
}

impl Refusal {
    /// Every refusal, in the order of declaration.
    pub const ALL: [Refusal; 9] = [
        Refusal::NotUtf8,
        Refusal::NotJson,
        Refusal::NotAnObject,
        Refusal::NotATransaction,
        Refusal::NestedTooDeep,
        Refusal::InvalidTransactionId,
        Refusal::InvalidCustomerId,
        Refusal::InvalidAmount,
        Refusal::InternalFault,
    ];

    /// The word that logs, metrics and dead letters carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::NotUtf8 => "not_utf8",
            Refusal::NotJson => "not_json",
            Refusal::NotAnObject => "not_an_object",
            Refusal::NotATransaction => "not_a_transaction",
            Refusal::NestedTooDeep => "nested_too_deep",
            Refusal::InvalidTransactionId => "invalid_transaction_id",
            Refusal::InvalidCustomerId => "invalid_customer_id",
            Refusal::InvalidAmount => "invalid_amount",
            Refusal::InternalFault => "internal_fault",
        }
    }

    /// What is accepted in place of what was refused, for people.
    pub fn accepts(self) -> &'static str {
        match self {
            Refusal::NotUtf8 => "text must be UTF-8",
            Refusal::NotJson => "a record is one JSON object, and nothing beside it",
            Refusal::NotAnObject => "a record is a JSON object",
            Refusal::NotATransaction => {
                "a transaction has `transaction_id`, `customer_id` or `amount` at its top level; a schema says where they are \
                 in an envelope"
            }
            Refusal::NestedTooDeep => "objects and arrays may nest 64 deep",
            Refusal::InvalidTransactionId => {
                "`transaction_id` must be text of at most 256 bytes, or an integer of at most 256 digits"
            }
            Refusal::InvalidCustomerId => {
                "`customer_id` must be text of at most 256 characters, or an integer of at most 256 digits"
            }
            Refusal::InvalidAmount => {
                "`amount` must be a number such as 12.50; a schema (`text = true`) reads it from text"
            }
            Refusal::InternalFault => "this is a fault of the reader: please report it",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
