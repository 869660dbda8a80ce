//! Configuration from the environment: one variable per port, value `scheme:rest`.
//!
//! Nothing here reads the process's environment by itself: a function's `main` hands over how to look a variable up,
//! and tests hand over another way.

use std::str::FromStr;

mod aggregating;
mod alerting;
mod common;

pub use aggregating::{AggregateSinkTarget, AggregatesTarget, window_rule};
pub use alerting::{AlertLedgerTarget, AlertSinkTarget, DeadLettersTarget};
pub use common::{
    CacheSettings, PolicyError, PolicySource, ProfileSource, event_time_bounds, metrics_namespace,
};

/// A variable that keeps the function from starting. Its text is one line that names the variable and what it accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A required variable is not set, or is empty.
    #[error("{variable} is not set; it accepts {accepts}")]
    Missing {
        /// The variable's name.
        variable: &'static str,
        /// What it accepts.
        accepts: &'static str,
    },
    /// A variable's value is not one that it accepts.
    #[error("{variable} is `{value}`; it accepts {accepts}")]
    Invalid {
        /// The variable's name.
        variable: &'static str,
        /// The value found.
        value: String,
        /// What it accepts.
        accepts: &'static str,
    },
}

/// Looks variables up. An empty value counts as not set.
#[derive(Clone, Copy)]
pub struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Environment<'a> {
    /// An environment in which `lookup` gives a variable's value.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Environment(lookup)
    }

    /// The variable's value, where it is set.
    pub fn get(&self, variable: &str) -> Option<String> {
        (self.0)(variable).filter(|value| !value.is_empty())
    }

    /// A required variable, read by `parse` from its scheme and what follows the colon.
    ///
    /// # Errors
    /// [`ConfigError`] where it is not set or `parse` knows no such value.
    pub fn port<T>(
        &self,
        variable: &'static str,
        accepts: &'static str,
        parse: impl FnOnce(&str, &str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = self.get(variable).ok_or(ConfigError::Missing { variable, accepts })?;
        let parsed = value.split_once(':').and_then(|(scheme, rest)| parse(scheme, rest));
        parsed.ok_or(ConfigError::Invalid { variable, value, accepts })
    }

    /// An optional number.
    ///
    /// # Errors
    /// [`ConfigError`] where the value is none.
    pub fn number<T: FromStr>(
        &self,
        variable: &'static str,
        accepts: &'static str,
        default: T,
    ) -> Result<T, ConfigError> {
        let Some(value) = self.get(variable) else { return Ok(default) };
        value.parse().map_err(|_| ConfigError::Invalid { variable, value, accepts })
    }
}

/// `rest` where it names something: a table, a path, a topic.
pub fn named(rest: &str) -> Option<String> {
    (!rest.is_empty()).then(|| rest.to_owned())
}

#[cfg(test)]
mod tests;
