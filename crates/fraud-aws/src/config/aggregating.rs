//! The variables of the function that keeps aggregates.

use std::num::NonZeroU32;
use std::time::Duration;

use fraud_core::window::{WindowRule, WindowTime};

use crate::aggregates::MOST_REMEMBERED;

use super::{
    ConfigError, EVENT_TIME_MAX_AGE_HOURS, EVENT_TIME_MAX_AHEAD_HOURS, Environment, Variable,
    event_time_bounds, named,
};

pub(crate) const AGGREGATES: Variable =
    Variable::port("AGGREGATES", &["dynamodb", "memory"], "`dynamodb:<table>` or `memory:`");
const AGGREGATE_DAYS: Variable =
    Variable::setting("AGGREGATE_DAYS", "400", "a whole number of days, at least 1");
const AGGREGATE_REMEMBERED: Variable =
    Variable::setting("AGGREGATE_REMEMBERED", "3000", "a whole number of transactions, 1 to 20000");
pub(crate) const AGGREGATE_SINK: Variable = Variable::port(
    "AGGREGATE_SINK",
    &["kinesis", "stdout", "none"],
    "`kinesis:<stream>`, `stdout:` or `none:`",
)
.or("none:");
/// By default the tutorial's five minutes.
pub(crate) const WINDOW_SECONDS: Variable =
    Variable::setting("WINDOW_SECONDS", "300", "a whole number of seconds, 1 to 86400");
pub(crate) const WINDOW_TIME: Variable = Variable::setting("WINDOW_TIME", "event", "`event` or `arrival`");

/// The variables of the [window rule](window_rule).
pub const WINDOW_RULE: &[Variable] =
    &[WINDOW_SECONDS, WINDOW_TIME, EVENT_TIME_MAX_AGE_HOURS, EVENT_TIME_MAX_AHEAD_HOURS];

/// A day: a longer span is not a window of a stream.
const MAX_WINDOW_SECONDS: u32 = 86_400;

/// `AGGREGATES`, `AGGREGATE_DAYS` and `AGGREGATE_REMEMBERED`: where customers' windows are kept, for how long, and how many
/// transactions each remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AggregatesTarget {
    /// A DynamoDB table with the key `customer_id` and `window_start`.
    DynamoDb {
        /// The table's name.
        table: String,
        /// How long a row is kept after it was last added to.
        retention: Duration,
        /// How many transactions a row remembers.
        remembered: u64,
    },
    /// The process's memory, for development.
    Memory {
        /// How many transactions a row remembers.
        remembered: u64,
    },
}

impl AggregatesTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[AGGREGATES, AGGREGATE_DAYS, AGGREGATE_REMEMBERED];

    /// Reads the variables. `AGGREGATE_DAYS` unset is 400: longer than a stream can keep its records (365 days: Amazon
    /// Kinesis developer guide, "Change the data retention period") and an event time may be old by default (7 days)
    /// together. A record that is read again, or sent again by its producer, then still finds the row that counted it;
    /// with fewer days than that it would begin a new row, with less in it than there was. A deployment whose stream
    /// keeps its records for a day and that wants to pay for less storage is safe with 9.
    ///
    /// # Errors
    /// [`ConfigError`] if `AGGREGATES` is not set or names no store, or another is not a number that it accepts.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let days: NonZeroU32 = environment.number(&AGGREGATE_DAYS)?;
        let retention = Duration::from_secs(u64::from(days.get()) * 24 * 60 * 60);
        let remembered: u64 = environment.number(&AGGREGATE_REMEMBERED)?;
        if !(1..=MOST_REMEMBERED).contains(&remembered) {
            return Err(AGGREGATE_REMEMBERED.refuses(remembered.to_string()));
        }
        environment.port(&AGGREGATES, |scheme, rest| match (scheme, rest) {
            ("dynamodb", table) => {
                named(table).map(|table| AggregatesTarget::DynamoDb { table, retention, remembered })
            }
            ("memory", "") => Some(AggregatesTarget::Memory { remembered }),
            _ => None,
        })
    }
}

/// `AGGREGATE_SINK`: where windows' totals are sent whenever they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AggregateSinkTarget {
    /// A Kinesis stream.
    Kinesis {
        /// The stream's name.
        stream: String,
    },
    /// Standard output, for development.
    Stdout,
    /// Nowhere.
    None,
}

impl AggregateSinkTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[AGGREGATE_SINK];

    /// Reads the variable; unset, nowhere.
    ///
    /// # Errors
    /// [`ConfigError`] if it names no sink.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&AGGREGATE_SINK, |scheme, rest| match (scheme, rest) {
            ("kinesis", stream) => named(stream).map(|stream| AggregateSinkTarget::Kinesis { stream }),
            ("stdout", "") => Some(AggregateSinkTarget::Stdout),
            ("none", "") => Some(AggregateSinkTarget::None),
            _ => None,
        })
    }
}

/// `WINDOW_SECONDS`, `WINDOW_TIME` and the [bounds of event times](event_time_bounds): which window a transaction
/// is in. Unset, the windows are 300 seconds long and the event time decides. A table holds windows of one length: one with
/// another length needs another table.
///
/// # Errors
/// [`ConfigError`] if one of them is not what it accepts.
pub fn window_rule(environment: Environment<'_>) -> Result<WindowRule, ConfigError> {
    let seconds: NonZeroU32 = environment.number(&WINDOW_SECONDS)?;
    if seconds.get() > MAX_WINDOW_SECONDS {
        return Err(WINDOW_SECONDS.refuses(seconds.to_string()));
    }
    Ok(WindowRule { seconds, time: window_time(environment)?, bounds: event_time_bounds(environment)? })
}

fn window_time(environment: Environment<'_>) -> Result<WindowTime, ConfigError> {
    let value = environment.value(&WINDOW_TIME)?;
    match value.as_str() {
        "event" => Ok(WindowTime::Event),
        "arrival" => Ok(WindowTime::Arrival),
        _ => Err(WINDOW_TIME.refuses(value)),
    }
}
