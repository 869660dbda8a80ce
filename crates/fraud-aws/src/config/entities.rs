//! Where entities come from.

use std::path::PathBuf;

use super::{ConfigError, Environment, Variable, named};

pub(crate) const ENTITY_SOURCE: Variable = Variable::port(
    "ENTITY_SOURCE",
    &["dynamodb", "file", "none"],
    "`dynamodb:<table>`, `file:<path to JSON>` or `none:`",
)
.or("none:");

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
