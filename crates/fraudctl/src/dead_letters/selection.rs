//! Which letters a command is about.

use clap::Args;
use fraud_aws::dead_letters::StoredLetter;

/// Without any of these: all letters.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Only letters of this function.
    #[arg(long, value_name = "NAME", value_parser = [kinesis_alerts::FUNCTION, customer_analytics::FUNCTION])]
    pub(super) function: Option<String>,
    /// Only letters with this reason, such as `aggregate_refused`.
    #[arg(long, value_name = "REASON")]
    pub(super) reason: Option<String>,
}

impl Selection {
    /// Whether this is about every message, whatever it holds.
    pub(super) fn is_all(&self) -> bool {
        self.function.is_none() && self.reason.is_none()
    }

    /// Whether it is about this letter.
    pub(super) fn takes(&self, letter: &StoredLetter) -> bool {
        self.function.as_ref().is_none_or(|function| *function == letter.function)
            && self.reason.as_ref().is_none_or(|reason| *reason == letter.reason)
    }
}
