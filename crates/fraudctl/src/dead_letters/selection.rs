//! Selects the letters that a command works on.

use anyhow::anyhow;
use clap::Args;
use fraud_aws::dead_letters::StoredLetter;
use fraud_aws::reason::FailureReason;

use crate::Failure;

/// Without any of these options all letters are selected.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Take only letters of this function.
    #[arg(long, value_name = "NAME", value_parser = [kinesis_alerts::FUNCTION, customer_analytics::FUNCTION])]
    pub(super) function: Option<String>,
    /// Take only letters with this reason, such as `aggregate_refused`.
    #[arg(long, value_name = "REASON")]
    pub(super) reason: Option<String>,
}

/// Why Lambda gives up a batch, as its invocation record says.
const CONDITIONS: [&str; 2] = ["RecordAgeExceeded", "RetryAttemptsExhausted"];

impl Selection {
    /// Refuses a reason that no letter, or no given-up batch, can have.
    ///
    /// # Errors
    /// [`Failure::Input`], which lists the accepted reasons.
    pub(super) fn check_reason(&self, of_batches: bool) -> Result<(), Failure> {
        let known: Vec<&str> = if of_batches {
            CONDITIONS.to_vec()
        } else {
            FailureReason::all().map(FailureReason::as_str).collect()
        };
        match &self.reason {
            Some(reason) if !known.contains(&reason.as_str()) => Err(Failure::input(anyhow!(
                "--reason is `{reason}`; {} have {}",
                if of_batches { "given-up batches" } else { "letters" },
                known.join(", ")
            ))),
            _ => Ok(()),
        }
    }

    /// Whether every message is selected, whatever it holds.
    pub(super) fn is_all(&self) -> bool {
        self.function.is_none() && self.reason.is_none()
    }

    /// Whether this letter is selected.
    pub(super) fn takes(&self, letter: &StoredLetter) -> bool {
        self.function.as_ref().is_none_or(|function| *function == letter.function)
            && self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
    }
}
