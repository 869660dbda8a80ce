//! Configuration from the environment: one variable per port, value `scheme:rest`.
//!
//! Nothing here reads the process's environment by itself: a function's `main` hands over how to look a variable up,
//! and tests hand over another way.

use std::str::FromStr;

mod aggregating;
mod alerting;
mod common;
mod entities;
mod history;
mod policy;
mod schema;
mod variable;

pub use aggregating::{AggregateSinkTarget, AggregatesTarget, WINDOW_RULE, window_rule};
pub use alerting::{AlertLedgerTarget, AlertSinkTarget, DeadLettersTarget, UnalertedLettersTarget};
pub use common::{
    CacheSettings, EVENT_TIME_BOUNDS, METRICS_NAMESPACE, ProfileSource, event_time_bounds, metrics_namespace,
};
pub use entities::{EntitySource, LABEL_DELAY, label_delay};
pub use history::HistoryTarget;
pub use policy::{PolicySource, PolicySources, policy_store};
pub use schema::{SchemaError, SchemaSource};
pub use variable::Variable;

pub(crate) use aggregating::{AGGREGATE_SINK, AGGREGATES, WINDOW_SECONDS, WINDOW_TIME};
pub(crate) use alerting::{ALERT_LEDGER, ALERT_SINK, DEAD_LETTERS, UNALERTED_LETTERS};
pub(crate) use common::{EVENT_TIME_MAX_AGE_HOURS, EVENT_TIME_MAX_AHEAD_HOURS, PROFILE_SOURCE};
pub(crate) use entities::ENTITY_SOURCE;
pub(crate) use history::HISTORY;
pub(crate) use policy::{FRAUD_POLICY, POLICY_STORE, SHADOW_POLICY};

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

    /// The variable's value, if it is set.
    pub fn get(&self, variable: &str) -> Option<String> {
        (self.0)(variable).filter(|value| !value.is_empty())
    }

    /// The value of a variable, or its default.
    fn value(&self, variable: &Variable) -> Result<String, ConfigError> {
        let value = self.get(variable.name).or_else(|| variable.default.map(str::to_owned));
        value.ok_or(ConfigError::Missing { variable: variable.name, accepts: variable.accepts })
    }

    /// A variable of the form `scheme:rest`, read by `parse` from these two.
    ///
    /// # Errors
    /// [`ConfigError`] if it must be set and is not, if its scheme is not one of the variable's, or if `parse` gives
    /// nothing.
    fn port<T>(
        &self,
        variable: &Variable,
        parse: impl FnOnce(&str, &str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let value = self.value(variable)?;
        let parsed = value.split_once(':').filter(|(scheme, _)| variable.schemes.contains(scheme));
        let parsed = parsed.and_then(|(scheme, rest)| parse(scheme, rest));
        parsed.ok_or_else(|| variable.refuses(value))
    }

    /// A number.
    ///
    /// # Errors
    /// [`ConfigError`] if it is not a number of this type.
    fn number<T: FromStr>(&self, variable: &Variable) -> Result<T, ConfigError> {
        let value = self.value(variable)?;
        value.parse().map_err(|_| variable.refuses(value))
    }
}

impl Variable {
    fn refuses(&self, value: String) -> ConfigError {
        ConfigError::Invalid { variable: self.name, value, accepts: self.accepts }
    }
}

/// `rest` if it names something: a table, a path, a topic.
pub fn named(rest: &str) -> Option<String> {
    (!rest.is_empty()).then(|| rest.to_owned())
}

#[cfg(test)]
mod tests;
