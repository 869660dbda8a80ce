//! Why a record was not scored, or its score not delivered.

use std::fmt;

use exact_text::base64::DataFault;

/// The closed list of reasons. Logs, metrics and dead letters carry these words and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureReason {
    /// The event gives the record no data.
    MissingData,
    /// The record's data is not base64.
    BadBase64,
    /// The payload is not UTF-8.
    NotUtf8,
    /// The payload is not one JSON text (RFC 8259).
    NotJson,
    /// The payload is JSON, but no object.
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
    /// The event does not say when the record arrived.
    MissingArrivalTime,
    /// The scored record no longer fits into the function's response.
    ResponseTooLarge,
    /// The alert is larger than the sink or the ledger takes.
    AlertTooLarge,
    /// The sink does not accept the alert, or the ledger cannot read what it holds of it.
    AlertRefused,
    /// `amount` is too large to be added up exactly, see [`Money`](crate::money::Money).
    AmountOutOfRange,
    /// What the aggregates hold in place of the window's row cannot be added to.
    AggregateRefused,
}

impl FailureReason {
    /// Every reason, in the order of declaration.
    pub const ALL: [FailureReason; 16] = [
        FailureReason::MissingData,
        FailureReason::BadBase64,
        FailureReason::NotUtf8,
        FailureReason::NotJson,
        FailureReason::NotAnObject,
        FailureReason::NotATransaction,
        FailureReason::NestedTooDeep,
        FailureReason::InvalidTransactionId,
        FailureReason::InvalidCustomerId,
        FailureReason::InvalidAmount,
        FailureReason::MissingArrivalTime,
        FailureReason::ResponseTooLarge,
        FailureReason::AlertTooLarge,
        FailureReason::AlertRefused,
        FailureReason::AmountOutOfRange,
        FailureReason::AggregateRefused,
    ];

    /// The reason as logs, metrics and dead letters write it.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureReason::MissingData => "missing_data",
            FailureReason::BadBase64 => "bad_base64",
            FailureReason::NotUtf8 => "not_utf8",
            FailureReason::NotJson => "not_json",
            FailureReason::NotAnObject => "not_an_object",
            FailureReason::NotATransaction => "not_a_transaction",
            FailureReason::NestedTooDeep => "nested_too_deep",
            FailureReason::InvalidTransactionId => "invalid_transaction_id",
            FailureReason::InvalidCustomerId => "invalid_customer_id",
            FailureReason::InvalidAmount => "invalid_amount",
            FailureReason::MissingArrivalTime => "missing_arrival_time",
            FailureReason::ResponseTooLarge => "response_too_large",
            FailureReason::AlertTooLarge => "alert_too_large",
            FailureReason::AlertRefused => "alert_refused",
            FailureReason::AmountOutOfRange => "amount_out_of_range",
            FailureReason::AggregateRefused => "aggregate_refused",
        }
    }
}

impl From<DataFault> for FailureReason {
    fn from(fault: DataFault) -> Self {
        match fault {
            DataFault::Missing => FailureReason::MissingData,
            DataFault::NotBase64 => FailureReason::BadBase64,
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
