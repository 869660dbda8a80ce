//! From where on a batch must be retried.

use std::fmt;

use serde_json::json;

use crate::batch::Batch;

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

/// How far a batch has got: the first of its items that must be retried, and why.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    stop: Option<(usize, RetryReason)>,
}

impl Progress {
    /// The item at `index` must be retried, and with it all behind it. Nothing there is to be started any
    /// more.
    pub fn stop_at(&mut self, index: usize, reason: RetryReason) {
        if self.allows(index) {
            self.stop = Some((index, reason));
        }
    }

    /// Whether the item at `index` is before the first that must be retried.
    pub fn allows(&self, index: usize) -> bool {
        self.stop.is_none_or(|(stop, _)| index < stop)
    }

    /// Why the batch stopped, where it did.
    pub fn retry_reason(&self) -> Option<RetryReason> {
        self.stop.map(|(_, reason)| reason)
    }

    /// The number of items that are retried. They are all those of the first one's stream record and behind it, for
    /// Lambda knows stream records only.
    pub fn items_to_retry(&self, batch: &Batch<'_>) -> usize {
        self.stop.map_or(0, |(stop, _)| batch.len() - batch.first_item_beside(stop))
    }

    /// The answer to Lambda.
    pub fn response(&self, batch: &Batch<'_>) -> String {
        let failure = self.stop.and_then(|(stop, _)| batch.stream_record(stop));
        let failures: Vec<_> =
            failure.iter().map(|record| json!({ "itemIdentifier": record.sequence_number })).collect();
        json!({ "batchItemFailures": failures }).to_string()
    }
}
