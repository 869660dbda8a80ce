//! The variables of the functions that alert, and of those that keep what they cannot read.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{ConfigError, Environment, Variable, named};

pub(crate) const ALERT_SINK: Variable =
    Variable::port("ALERT_SINK", &["sns", "stdout"], "`sns:<topic arn>` or `stdout:`");
pub(crate) const ALERT_LEDGER: Variable =
    Variable::port("ALERT_LEDGER", &["dynamodb", "memory"], "`dynamodb:<table>` or `memory:`");
const ALERT_LEDGER_DAYS: Variable =
    Variable::setting("ALERT_LEDGER_DAYS", "400", "a whole number of days, at least 1");
pub(crate) const DEAD_LETTERS: Variable =
    Variable::port("DEAD_LETTERS", &["sqs", "stdout"], "`sqs:<queue url>` or `stdout:`");
pub(crate) const UNALERTED_LETTERS: Variable = Variable::port(
    "UNALERTED_LETTERS",
    &["sqs", "stdout", "dead_letters"],
    "`sqs:<queue url>`, `stdout:` or `dead_letters:`",
)
.or("dead_letters:");

/// `ALERT_SINK`: where alerts are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertSinkTarget {
    /// An SNS topic.
    Sns {
        /// The topic's ARN.
        topic_arn: String,
    },
    /// Standard output, for development.
    Stdout,
}

impl AlertSinkTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[ALERT_SINK];

    /// Reads the variable.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not set or names no sink.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&ALERT_SINK, |scheme, rest| match (scheme, rest) {
            ("sns", arn) if arn.starts_with("arn:") => {
                Some(AlertSinkTarget::Sns { topic_arn: arn.to_owned() })
            }
            ("stdout", "") => Some(AlertSinkTarget::Stdout),
            _ => None,
        })
    }
}

/// `ALERT_LEDGER` and `ALERT_LEDGER_DAYS`: what remembers the alerts that were sent, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertLedgerTarget {
    /// A DynamoDB table with the key `alert_id`.
    DynamoDb {
        /// The table's name.
        table: String,
        /// How long a row is kept.
        retention: Duration,
    },
    /// The process's memory, for development.
    Memory,
}

impl AlertLedgerTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[ALERT_LEDGER, ALERT_LEDGER_DAYS];

    /// Reads the variables. `ALERT_LEDGER_DAYS` unset is 400: a Kinesis stream can keep its records for 365 days (Amazon
    /// Kinesis developer guide, "Change the data retention period"), and a record that is read again after its alert was
    /// forgotten is alerted again.
    ///
    /// # Errors
    /// [`ConfigError`] if `ALERT_LEDGER` is not set or names no ledger, or `ALERT_LEDGER_DAYS` is not a whole number of at
    /// least 1.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let days: NonZeroU32 = environment.number(&ALERT_LEDGER_DAYS)?;
        let retention = Duration::from_secs(u64::from(days.get()) * 24 * 60 * 60);
        environment.port(&ALERT_LEDGER, |scheme, rest| match (scheme, rest) {
            ("dynamodb", table) => named(table).map(|table| AlertLedgerTarget::DynamoDb { table, retention }),
            ("memory", "") => Some(AlertLedgerTarget::Memory),
            _ => None,
        })
    }
}

/// `DEAD_LETTERS`: where records that can never be processed are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLettersTarget {
    /// An SQS queue.
    Sqs {
        /// The queue's URL.
        queue_url: String,
    },
    /// Standard output, for development.
    Stdout,
}

impl DeadLettersTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[DEAD_LETTERS];

    /// Reads the variable.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not set or names no sink.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&DEAD_LETTERS, Self::of)
    }

    fn of(scheme: &str, rest: &str) -> Option<Self> {
        match (scheme, rest) {
            ("sqs", url) if url.starts_with("https://") || url.starts_with("http://") => {
                Some(DeadLettersTarget::Sqs { queue_url: url.to_owned() })
            }
            ("stdout", "") => Some(DeadLettersTarget::Stdout),
            _ => None,
        }
    }
}

/// `UNALERTED_LETTERS`: where the records are sent whose high score nobody was alerted of, so that a flood of other letters
/// does not bury them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnalertedLettersTarget {
    /// A sink of their own.
    Own(DeadLettersTarget),
    /// Where all other letters go.
    DeadLetters,
}

impl UnalertedLettersTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[UNALERTED_LETTERS];

    /// Reads the variable; unset, where `DEAD_LETTERS` go.
    ///
    /// # Errors
    /// [`ConfigError`] if it names no sink.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&UNALERTED_LETTERS, |scheme, rest| match (scheme, rest) {
            ("dead_letters", "") => Some(UnalertedLettersTarget::DeadLetters),
            _ => DeadLettersTarget::of(scheme, rest).map(UnalertedLettersTarget::Own),
        })
    }
}
