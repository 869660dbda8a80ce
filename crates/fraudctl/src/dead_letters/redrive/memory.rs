//! How long a function's table prevents a record from being alerted or counted twice.

use std::time::Duration;

use exact_text::timestamp::Timestamp;
use fraud_aws::config::{AggregatesTarget, AlertLedgerTarget, Environment};

use super::result::StayReason;
use crate::Failure;
use crate::function::FunctionName;

const DAY: u64 = 24 * 60 * 60;

/// How long the functions' tables remember what they have done.
pub(super) struct DedupMemory<'e> {
    environment: Environment<'e>,
    now: Timestamp,
    /// The letters and batches that are older are taken all the same.
    goes_beyond: bool,
}

impl<'e> DedupMemory<'e> {
    /// What the environment says of the tables. With `goes_beyond` nothing is too old.
    pub(super) fn new(environment: Environment<'e>, now: Timestamp, goes_beyond: bool) -> Self {
        DedupMemory { environment, now, goes_beyond }
    }

    /// Why a record that arrived then is not to be handled again by a function: its table may have forgotten it. A record
    /// whose arrival is not known is not held to be too old.
    ///
    /// # Errors
    /// [`Failure::Input`] for a variable that is missing or wrong.
    pub(super) fn has_forgotten(
        &self,
        name: FunctionName,
        arrival: Option<Timestamp>,
    ) -> Result<Option<StayReason>, Failure> {
        let Some(arrival) = arrival.filter(|_| !self.goes_beyond) else { return Ok(None) };
        let Some((variable, kept)) = self.kept(name)? else { return Ok(None) };
        let age =
            Duration::from_millis(self.now.millis().saturating_sub(arrival.millis()).try_into().unwrap_or(0));
        Ok((age >= kept).then(|| StayReason::Forgotten {
            arrival: arrival.to_string(),
            variable,
            days: kept.as_secs() / DAY,
        }))
    }

    /// The variable that says how long a function's table remembers, and its value. `None`: it does so for as long as
    /// the process lives.
    fn kept(&self, name: FunctionName) -> Result<Option<(&'static str, Duration)>, Failure> {
        Ok(match name {
            FunctionName::Alerts => {
                match AlertLedgerTarget::from_environment(self.environment).map_err(Failure::input)? {
                    AlertLedgerTarget::DynamoDb { retention, .. } => Some(("ALERT_LEDGER_DAYS", retention)),
                    AlertLedgerTarget::Memory => None,
                }
            }
            FunctionName::Analytics => {
                match AggregatesTarget::from_environment(self.environment).map_err(Failure::input)? {
                    AggregatesTarget::DynamoDb { retention, .. } => Some(("AGGREGATE_DAYS", retention)),
                    AggregatesTarget::Memory { .. } => None,
                }
            }
        })
    }
}
