//! The variables of the functions that alert, and of those that keep what they cannot read.

use std::time::Duration;

use super::{ConfigError, Environment, named};

/// `ALERT_SINK`: where alerts are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlertDestination {
    /// An SNS topic.
    Sns {
        /// The topic's ARN.
        topic_arn: String,
    },
    /// Standard output, for development.
    Stdout,
}

impl AlertDestination {
    /// Reads the variable.
    ///
    /// # Errors
    /// [`ConfigError`] where it is not set or names no sink.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port("ALERT_SINK", "`sns:<topic arn>` or `stdout:`", |scheme, rest| {
            match (scheme, rest) {
                ("sns", arn) if arn.starts_with("arn:") => {
                    Some(AlertDestination::Sns { topic_arn: arn.to_owned() })
                }
                ("stdout", "") => Some(AlertDestination::Stdout),
                _ => None,
            }
        })
    }
}

/// `ALERT_LEDGER`: what remembers the alerts that were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerStore {
    /// A DynamoDB table with the key `alert_id`.
    DynamoDb {
        /// The table's name.
        table: String,
    },
    /// The process's memory, for development.
    Memory,
}

impl LedgerStore {
    /// Reads the variable.
    ///
    /// # Errors
    /// [`ConfigError`] where it is not set or names no ledger.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port("ALERT_LEDGER", "`dynamodb:<table>` or `memory:`", |scheme, rest| {
            match (scheme, rest) {
                ("dynamodb", table) => named(table).map(|table| LedgerStore::DynamoDb { table }),
                ("memory", "") => Some(LedgerStore::Memory),
                _ => None,
            }
        })
    }
}

/// `ALERT_LEDGER_DAYS`: how long an alert is remembered; unset, 400 days. A Kinesis stream can keep its records for 365
/// (Amazon Kinesis developer guide, "Change the data retention period"), and a record that is read again after its alert
/// was forgotten is alerted again.
///
/// # Errors
/// [`ConfigError`] where it is no whole number of at least 1.
pub fn ledger_retention(environment: Environment<'_>) -> Result<Duration, ConfigError> {
    let days = environment.number(
        "ALERT_LEDGER_DAYS",
        "a whole number of days, at least 1",
        // 32 bits of days cannot overflow any time below.
        Days(400),
    )?;
    Ok(Duration::from_secs(u64::from(days.0) * 24 * 60 * 60))
}

/// A whole number of days, at least 1.
struct Days(u32);

impl std::str::FromStr for Days {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().ok().filter(|&days| days > 0).map(Days).ok_or(())
    }
}

/// `DEAD_LETTERS`: where records go that can never be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterDestination {
    /// An SQS queue.
    Sqs {
        /// The queue's URL.
        queue_url: String,
    },
    /// Standard output, for development.
    Stdout,
}

impl DeadLetterDestination {
    /// Reads the variable.
    ///
    /// # Errors
    /// [`ConfigError`] where it is not set or names no sink.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port("DEAD_LETTERS", "`sqs:<queue url>` or `stdout:`", |scheme, rest| {
            match (scheme, rest) {
                ("sqs", url) if url.starts_with("https://") || url.starts_with("http://") => {
                    Some(DeadLetterDestination::Sqs { queue_url: url.to_owned() })
                }
                ("stdout", "") => Some(DeadLetterDestination::Stdout),
                _ => None,
            }
        })
    }
}
