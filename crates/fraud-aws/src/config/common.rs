//! The variables that more than one function reads.

use std::path::PathBuf;
use std::time::Duration;

use fraud_core::event_time::EventTimeBounds;

use super::{ConfigError, Environment, Variable, named};

pub(crate) const PROFILE_SOURCE: Variable = Variable::port(
    "PROFILE_SOURCE",
    &["dynamodb", "file"],
    "`dynamodb:<table>` or `file:<path to JSON or CSV>`",
);
const PROFILE_CACHE_SECONDS: Variable =
    Variable::setting("PROFILE_CACHE_SECONDS", "60", "a whole number of seconds");
const PROFILE_CACHE_ENTRIES: Variable =
    Variable::setting("PROFILE_CACHE_ENTRIES", "100000", "a whole number of entries");
const PROFILE_CACHE_MEGABYTES: Variable =
    Variable::setting("PROFILE_CACHE_MEGABYTES", "64", "a whole number of megabytes");
pub(crate) const EVENT_TIME_MAX_AGE_HOURS: Variable =
    Variable::setting("EVENT_TIME_MAX_AGE_HOURS", "168", "a whole number of hours, 0 for no bound");
pub(crate) const EVENT_TIME_MAX_AHEAD_HOURS: Variable =
    Variable::setting("EVENT_TIME_MAX_AHEAD_HOURS", "1", "a whole number of hours, 0 for no bound");

const DEFAULT_NAMESPACE: &str = "FraudStream";
/// The variable of the CloudWatch namespace that metrics are written under.
pub const METRICS_NAMESPACE: Variable =
    Variable::setting("METRICS_NAMESPACE", DEFAULT_NAMESPACE, "the name of a CloudWatch namespace");

/// The variables of the [bounds of event times](event_time_bounds).
pub const EVENT_TIME_BOUNDS: &[Variable] = &[EVENT_TIME_MAX_AGE_HOURS, EVENT_TIME_MAX_AHEAD_HOURS];

/// `PROFILE_SOURCE`: where customer profiles come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileSource {
    /// A DynamoDB table with the key `customer_id`.
    DynamoDb {
        /// The table's name.
        table: String,
    },
    /// A JSON file, read once at the start.
    File {
        /// The file's path.
        path: PathBuf,
    },
}

impl ProfileSource {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[PROFILE_SOURCE];

    /// Reads the variable.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not set or names no source.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&PROFILE_SOURCE, |scheme, rest| match scheme {
            "dynamodb" => named(rest).map(|table| ProfileSource::DynamoDb { table }),
            "file" => named(rest).map(|path| ProfileSource::File { path: path.into() }),
            _ => None,
        })
    }
}

/// `PROFILE_CACHE_SECONDS`, `PROFILE_CACHE_ENTRIES` and `PROFILE_CACHE_MEGABYTES`: how long and how many profiles are
/// remembered, and how long and how many entities: each in a memory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// The age from which an entry is looked up again.
    pub max_age: Duration,
    /// The most entries held.
    pub max_entries: usize,
    /// The most memory that they take, in bytes.
    pub max_bytes: usize,
}

impl CacheSettings {
    /// What is read.
    pub const VARIABLES: &[Variable] =
        &[PROFILE_CACHE_SECONDS, PROFILE_CACHE_ENTRIES, PROFILE_CACHE_MEGABYTES];

    /// Reads the variables; unset, 60 seconds, 100,000 entries and 64 megabytes.
    ///
    /// # Errors
    /// [`ConfigError`] if one is not a whole number.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let seconds = environment.number(&PROFILE_CACHE_SECONDS)?;
        let max_entries = environment.number(&PROFILE_CACHE_ENTRIES)?;
        let megabytes: u32 = environment.number(&PROFILE_CACHE_MEGABYTES)?;
        let max_bytes = usize::try_from(u64::from(megabytes) << 20).unwrap_or(usize::MAX);
        Ok(CacheSettings { max_age: Duration::from_secs(seconds), max_entries, max_bytes })
    }
}

/// `EVENT_TIME_MAX_AGE_HOURS` and `EVENT_TIME_MAX_AHEAD_HOURS`: how far an event time may be before and after arrival
/// and still decide the partition and the window; 0 means no bound; unset, 168 and 1.
///
/// # Errors
/// [`ConfigError`] if one is not a whole number.
pub fn event_time_bounds(environment: Environment<'_>) -> Result<EventTimeBounds, ConfigError> {
    let hours = |variable| {
        let hours: u32 = environment.number(variable)?;
        Ok((hours > 0).then(|| Duration::from_secs(u64::from(hours) * 3600)))
    };
    Ok(EventTimeBounds {
        max_age: hours(&EVENT_TIME_MAX_AGE_HOURS)?,
        max_ahead: hours(&EVENT_TIME_MAX_AHEAD_HOURS)?,
    })
}

/// `METRICS_NAMESPACE`: the CloudWatch namespace that metrics are written under; unset, `FraudStream`.
pub fn metrics_namespace(environment: Environment<'_>) -> String {
    environment.get(METRICS_NAMESPACE.name).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
}
