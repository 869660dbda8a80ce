//! The variables that more than one function reads.

use std::path::PathBuf;
use std::time::Duration;

use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;

use super::{ConfigError, Environment, Variable, named};

pub(crate) const PROFILE_SOURCE: Variable = Variable::port(
    "PROFILE_SOURCE",
    &["dynamodb", "file"],
    "`dynamodb:<table>` or `file:<path to JSON or CSV>`",
);
const FRAUD_POLICY: Variable =
    Variable::port("FRAUD_POLICY", &["builtin", "file"], "`builtin:default` or `file:<path to TOML>`")
        .or("builtin:default");
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

/// `FRAUD_POLICY`: which policy scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// The policy that is compiled in.
    BuiltinDefault,
    /// A TOML file.
    File {
        /// The file's path.
        path: PathBuf,
    },
}

/// A policy that could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file could not be read.
    #[error("FRAUD_POLICY: cannot read {path}: {error}", path = path.display())]
    Read {
        /// The file's path.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The policy is not valid.
    #[error("FRAUD_POLICY: {source_name}: {error}")]
    Invalid {
        /// The file's path, or the name of the policy that is compiled in.
        source_name: String,
        /// What is wrong, and on which line.
        error: fraud_core::policy::PolicyError,
    },
}

impl PolicySource {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[FRAUD_POLICY];

    /// Reads the variable; unset, the default policy.
    ///
    /// # Errors
    /// [`ConfigError`] if it names no policy.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&FRAUD_POLICY, |scheme, rest| match (scheme, rest) {
            ("builtin", "default") => Some(PolicySource::BuiltinDefault),
            ("file", path) => named(path).map(|path| PolicySource::File { path: path.into() }),
            _ => None,
        })
    }

    /// Loads and validates the policy.
    ///
    /// # Errors
    /// [`PolicyError`] if the file cannot be read or the policy is not valid.
    pub fn load(&self) -> Result<Policy, PolicyError> {
        let (source_name, policy) = match self {
            PolicySource::BuiltinDefault => ("builtin:default".to_owned(), Policy::builtin_default()),
            PolicySource::File { path } => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| PolicyError::Read { path: path.clone(), error })?;
                (path.display().to_string(), Policy::parse(&text))
            }
        };
        policy.map_err(|error| PolicyError::Invalid { source_name, error })
    }
}

/// `PROFILE_CACHE_SECONDS`, `PROFILE_CACHE_ENTRIES` and `PROFILE_CACHE_MEGABYTES`: how long and how many profiles are
/// remembered.
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
