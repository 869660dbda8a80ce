//! Where the customers' history is kept.

use super::{ConfigError, Environment, Variable, named};

pub(crate) const HISTORY: Variable =
    Variable::port("HISTORY", &["dynamodb", "memory", "none"], "`dynamodb:<table>`, `memory:` or `none:`")
        .or("none:");

/// `HISTORY`: where it is kept what the customers did before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryTarget {
    /// A DynamoDB table with the key `customer_id`.
    DynamoDb {
        /// The table's name.
        table: String,
    },
    /// The process's memory, for development.
    Memory,
    /// Nowhere: only for policies that do not look at it.
    None,
}

impl HistoryTarget {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[HISTORY];

    /// Reads the variable; unset, there is no history.
    ///
    /// # Errors
    /// [`ConfigError`] if it names nothing that keeps one.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&HISTORY, |scheme, rest| match (scheme, rest) {
            ("dynamodb", table) => named(table).map(|table| HistoryTarget::DynamoDb { table }),
            ("memory", "") => Some(HistoryTarget::Memory),
            ("none", "") => Some(HistoryTarget::None),
            _ => None,
        })
    }
}
