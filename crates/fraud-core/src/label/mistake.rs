//! What is wrong with a label.

use std::fmt;

use super::MAX_KEY_BYTES;

/// One thing that is wrong with a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelMistake {
    /// It is not a JSON object.
    #[error("it is not a JSON object in UTF-8")]
    NotAnObject,
    /// Nothing names a transaction.
    #[error("it names no transaction: give alert_id, decision_id, or customer_id and transaction_id")]
    NoTransaction,
    /// Its ids name different transactions.
    #[error("`{0}` names another transaction than `{1}`")]
    TwoTransactions(&'static str, &'static str),
    /// The transaction's identity is longer than any.
    #[error("`{0}` has more than {MAX_KEY_BYTES} bytes: no transaction has such an identity")]
    IdTooLong(&'static str),
    /// A member that must be there is not.
    #[error("`{member}` is missing; it is {accepts}")]
    Missing {
        /// The member.
        member: &'static str,
        /// What it accepts.
        accepts: &'static str,
    },
    /// A member has a value that cannot be used.
    #[error("`{member}` cannot be used: it is {accepts}")]
    Unusable {
        /// The member.
        member: &'static str,
        /// What it accepts.
        accepts: &'static str,
    },
}

/// All that is wrong with a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMistakes(pub Vec<LabelMistake>);

impl std::error::Error for LabelMistakes {}

impl fmt::Display for LabelMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, mistake) in self.0.iter().enumerate() {
            let joint = if place == 0 { "" } else { "; " };
            write!(f, "{joint}{mistake}")?;
        }
        Ok(())
    }
}
