//! Which policies score.

use std::path::PathBuf;

use super::{ConfigError, Environment, Variable, named};

pub(crate) const FRAUD_POLICY: Variable = Variable::port(
    "FRAUD_POLICY",
    &["builtin", "file", "store"],
    "`builtin:default`, `file:<path to TOML>` or `store:<id of a policy in POLICY_STORE>`",
)
.or("builtin:default");
pub(crate) const SHADOW_POLICY: Variable = Variable::port(
    "SHADOW_POLICY",
    &["builtin", "file", "store", "none"],
    "`builtin:default`, `file:<path to TOML>`, `store:<id of a policy in POLICY_STORE>` or `none:`",
)
.or("none:");
pub(crate) const POLICY_STORE: Variable =
    Variable::port("POLICY_STORE", &["dynamodb", "none"], "`dynamodb:<table>` or `none:`").or("none:");

/// `FRAUD_POLICY`: which policy decides; `SHADOW_POLICY`: which one is scored beside it and never alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySources {
    /// The policy that decides.
    pub active: PolicySource,
    /// The one in its shadow.
    pub shadow: Option<PolicySource>,
}

impl PolicySources {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[FRAUD_POLICY, SHADOW_POLICY, POLICY_STORE];

    /// Reads the variables; unset, the default policy, and none in its shadow.
    ///
    /// # Errors
    /// [`ConfigError`] if they name no policy.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let active = PolicySource::from_environment(environment)?;
        let store = policy_store(environment)?;
        let shadow = environment.port(&SHADOW_POLICY, |scheme, rest| match (scheme, rest) {
            ("none", "") => Some(Ok(None)),
            _ => PolicySource::of(scheme, rest, store).map(|source| source.map(Some)),
        })??;
        Ok(PolicySources { active, shadow })
    }
}

/// Where a policy is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// The policy that is compiled in.
    BuiltinDefault,
    /// A TOML file.
    File {
        /// The file's path.
        path: PathBuf,
    },
    /// A published policy.
    Store {
        /// Its id.
        id: String,
        /// The table's name.
        table: String,
    },
}

impl PolicySource {
    /// What is read.
    pub const VARIABLES: &[Variable] = &[FRAUD_POLICY, POLICY_STORE];

    /// Reads the variables; unset, the default policy.
    ///
    /// # Errors
    /// [`ConfigError`] if they name no policy.
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let store = policy_store(environment)?;
        environment.port(&FRAUD_POLICY, |scheme, rest| PolicySource::of(scheme, rest, store))?
    }

    /// The policy that `scheme:rest` names, one of the store's if it says so; `None` if it names none.
    fn of(scheme: &str, rest: &str, store: Option<String>) -> Option<Result<Self, ConfigError>> {
        match (scheme, rest) {
            ("builtin", "default") => Some(Ok(PolicySource::BuiltinDefault)),
            ("file", path) => named(path).map(|path| Ok(PolicySource::File { path: path.into() })),
            ("store", id) => named(id).map(|id| match store {
                Some(table) => Ok(PolicySource::Store { id, table }),
                None => Err(ConfigError::Missing { variable: POLICY_STORE.name, accepts: STORE_NEEDED }),
            }),
            _ => None,
        }
    }
}

const STORE_NEEDED: &str = "`dynamodb:<table>`, which a policy `store:<id>` needs";

/// `POLICY_STORE`: the table of published policies; unset, there is none.
///
/// # Errors
/// [`ConfigError`] if it names no store.
pub fn policy_store(environment: Environment<'_>) -> Result<Option<String>, ConfigError> {
    environment.port(&POLICY_STORE, |scheme, rest| match (scheme, rest) {
        ("dynamodb", table) => named(table).map(Some),
        ("none", "") => Some(None),
        _ => None,
    })
}
