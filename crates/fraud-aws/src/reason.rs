//! Why a record was not scored, or its score not delivered.

use std::fmt;

use exact_text::base64::DataFault;
use fraud_core::refusal::Refusal;

/// The closed list of reasons. Logs, metrics and dead letters carry these words and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FailureReason {
    /// The event gives the record no data.
    MissingData,
    /// The record's data is not base64.
    BadBase64,
    /// The payload is not a transaction that can be scored.
    Refused(Refusal),
    /// The event does not say when the record arrived.
    MissingArrivalTime,
    /// The scored record no longer fits into the function's response.
    ResponseTooLarge,
    /// The alert is larger than the sink or the ledger takes.
    AlertTooLarge,
    /// The sink does not accept the alert, or the ledger cannot read what it holds of it.
    AlertRefused,
    /// `amount` is too large to be added up exactly, see [`Money`](fraud_core::money::Money).
    AmountOutOfRange,
    /// What the aggregates hold in place of the window's row cannot be added to.
    AggregateRefused,
}

impl FailureReason {
    /// Every reason, in the order of declaration.
    pub fn all() -> impl Iterator<Item = Self> {
        let before = [FailureReason::MissingData, FailureReason::BadBase64];
        let after = [
            FailureReason::MissingArrivalTime,
            FailureReason::ResponseTooLarge,
            FailureReason::AlertTooLarge,
            FailureReason::AlertRefused,
            FailureReason::AmountOutOfRange,
            FailureReason::AggregateRefused,
        ];
        before.into_iter().chain(Refusal::ALL.map(FailureReason::Refused)).chain(after)
    }

    /// Whether the record has a high score that nobody was alerted of. Its letter is a matter of hours; those of other
    /// reasons can wait.
    pub fn is_unalerted(self) -> bool {
        matches!(self, FailureReason::AlertTooLarge | FailureReason::AlertRefused)
    }

    /// The reason as logs, metrics and dead letters write it.
    pub fn as_str(self) -> &'static str {
        match self {
            FailureReason::MissingData => "missing_data",
            FailureReason::BadBase64 => "bad_base64",
            FailureReason::Refused(refusal) => refusal.as_str(),
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

impl From<Refusal> for FailureReason {
    fn from(refusal: Refusal) -> Self {
        FailureReason::Refused(refusal)
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
