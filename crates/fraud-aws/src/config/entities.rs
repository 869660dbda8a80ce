//! Where entities come from, and when the labels of merchants have come.

use std::path::PathBuf;

use fraud_core::merchant::LabelDelay;

use super::{ConfigError, Environment, Variable, named};

pub(crate) const ENTITY_SOURCE: Variable = Variable::port(
    "ENTITY_SOURCE",
    &["dynamodb", "file", "none"],
    "`dynamodb:<table>`, `file:<path to JSON>` or `none:`",
)
.or("none:");
const LABEL_DELAY_DAYS: Variable =
    Variable::setting("LABEL_DELAY_DAYS", "7", "a whole number of days, 0 to 60");

/// The variable of the [label delay](label_delay).
pub const LABEL_DELAY: &[Variable] = &[LABEL_DELAY_DAYS];

/// `LABEL_DELAY_DAYS`: after how many days the labels of a day's transactions have come; unset, 7.
///
/// # Errors
/// [`ConfigError`] if it is not a whole number of days up to 60.
pub fn label_delay(environment: Environment<'_>) -> Result<LabelDelay, ConfigError> {
    let days = environment.number(&LABEL_DELAY_DAYS)?;
    LabelDelay::of_days(days).map_err(|_| LABEL_DELAY_DAYS.refuses(days.to_string()))
}

/// `ENTITY_SOURCE`: where it is looked up what is known of merchants, devices, cards, addresses and customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntitySource {
    /// A DynamoDB table with the key `entity`.
    DynamoDb {
        /// The table's name.
        table: String,
    },
    /// A JSON file, read once at the start.
    File {
        /// The file's path.
        path: PathBuf,
    },
    /// Nowhere: only for policies that ask for no entity.
    None,
}

impl EntitySource {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[ENTITY_SOURCE];

    /// Reads the variable; unset, there is no source.
    ///
    /// # Errors
    /// [`ConfigError`] if it names no source.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&ENTITY_SOURCE, |scheme, rest| match (scheme, rest) {
            ("dynamodb", table) => named(table).map(|table| EntitySource::DynamoDb { table }),
            ("file", path) => named(path).map(|path| EntitySource::File { path: path.into() }),
            ("none", "") => Some(EntitySource::None),
            _ => None,
        })
    }
}
