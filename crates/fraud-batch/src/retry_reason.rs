//! Why a record must be retried.

use std::fmt;

/// Why a record must be retried. Logs and metrics carry these words and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RetryReason {
    /// The customer's profile could not be looked up.
    ProfilesUnavailable,
    /// An entity that the policy asks for could not be looked up.
    EntitiesUnavailable,
    /// The customer's history could not be read or written.
    HistoryUnavailable,
    /// The alert ledger did not answer, or refused.
    LedgerUnavailable,
    /// Another invocation holds the claim to the record's alert and may still send it.
    ClaimInForce,
    /// The alert sink did not answer, or refused.
    AlertSinkUnavailable,
    /// The aggregates did not answer, or refused.
    AggregatesUnavailable,
    /// The sink for windows' totals did not answer, or refused.
    AggregateSinkUnavailable,
    /// The dead-letter sink did not answer, or refused.
    DeadLettersUnavailable,
    /// The invocation's time was used up.
    OutOfTime,
}

impl RetryReason {
    /// The reason as logs and metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            RetryReason::ProfilesUnavailable => "profiles_unavailable",
            RetryReason::EntitiesUnavailable => "entities_unavailable",
            RetryReason::HistoryUnavailable => "history_unavailable",
            RetryReason::LedgerUnavailable => "ledger_unavailable",
            RetryReason::ClaimInForce => "claim_in_force",
            RetryReason::AlertSinkUnavailable => "alert_sink_unavailable",
            RetryReason::AggregatesUnavailable => "aggregates_unavailable",
            RetryReason::AggregateSinkUnavailable => "aggregate_sink_unavailable",
            RetryReason::DeadLettersUnavailable => "dead_letters_unavailable",
            RetryReason::OutOfTime => "out_of_time",
        }
    }
}

impl fmt::Display for RetryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
