//! `TRANSACTION_SCHEMA`: how producers write their transactions.

use std::path::PathBuf;

use fraud_core::schema::{Schema, SchemaErrors};

use super::{ConfigError, Environment, Variable, named};

const TRANSACTION_SCHEMA: Variable =
    Variable::port("TRANSACTION_SCHEMA", &["builtin", "file"], "`builtin:default` or `file:<path to TOML>`")
        .or("builtin:default");

/// `TRANSACTION_SCHEMA`: the schema that transactions are read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaSource {
    /// The schema that is compiled in: our names at the top level.
    BuiltinDefault,
    /// A TOML file.
    File {
        /// The file's path.
        path: PathBuf,
    },
}

/// A schema that could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file could not be read.
    #[error("TRANSACTION_SCHEMA: cannot read {path}: {error}", path = path.display())]
    Read {
        /// The file's path.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The schema is not valid.
    #[error("TRANSACTION_SCHEMA: {path}: {error}", path = path.display())]
    Invalid {
        /// The file's path.
        path: PathBuf,
        /// Everything that is wrong, each with its line.
        error: SchemaErrors,
    },
}

impl SchemaSource {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[TRANSACTION_SCHEMA];

    /// Reads the variable; unset, the default schema.
    ///
    /// # Errors
    /// [`ConfigError`] if it names no schema.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        environment.port(&TRANSACTION_SCHEMA, |scheme, rest| match (scheme, rest) {
            ("builtin", "default") => Some(SchemaSource::BuiltinDefault),
            ("file", path) => named(path).map(|path| SchemaSource::File { path: path.into() }),
            _ => None,
        })
    }

    /// The source that an optional path names: without one the default.
    pub fn of_path(path: Option<PathBuf>) -> Self {
        path.map_or(SchemaSource::BuiltinDefault, |path| SchemaSource::File { path })
    }

    /// Loads and validates the schema.
    ///
    /// # Errors
    /// [`SchemaError`] if the file cannot be read or the schema is not valid.
    pub fn load(&self) -> Result<Schema, SchemaError> {
        let SchemaSource::File { path } = self else { return Ok(Schema::builtin_default()) };
        let text =
            std::fs::read_to_string(path).map_err(|error| SchemaError::Read { path: path.clone(), error })?;
        Schema::parse(&text).map_err(|error| SchemaError::Invalid { path: path.clone(), error })
    }
}
