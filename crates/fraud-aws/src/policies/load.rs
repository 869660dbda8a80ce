//! The policies that the configuration names.

use std::path::PathBuf;
use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use fraud_core::policy::Policy;
use fraud_core::shadow::{Policies, ShadowError};
use tokio::time::{Instant, timeout_at};

use super::{PolicyStore, StoreFault};
use crate::config::{FRAUD_POLICY, PolicySource, PolicySources, SHADOW_POLICY};

/// The longest that a store of policies is waited for, credentials and all.
pub const LOAD_TIME: Duration = Duration::from_secs(5);

/// A policy that could not be loaded. No other policy takes its place.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {fault}")]
pub struct PolicyError {
    /// The variable that names the policy.
    pub variable: &'static str,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFault {
    /// The file could not be read.
    #[error("cannot read {path}: {error}", path = path.display())]
    Read {
        /// The file's path.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The policy is not valid.
    #[error("{source_name}: {error}")]
    Invalid {
        /// The file's path, the policy's id in the store, or the name of the policy that is compiled in.
        source_name: String,
        /// What is wrong, and on which line.
        error: fraud_core::policy::PolicyError,
    },
    /// The store did not give the policy.
    #[error("store:{id} cannot be read from the table {table} (POLICY_STORE): {fault}")]
    Store {
        /// The policy's id.
        id: String,
        /// The table's name.
        table: String,
        /// Why not.
        fault: StoreFault,
    },
    /// The store has no such policy.
    #[error(
        "store:{id} is not in the table {table} (POLICY_STORE); publish it with fraudctl policy publish, or name one of fraudctl \
         policy list"
    )]
    NotPublished {
        /// The policy's id.
        id: String,
        /// The table's name.
        table: String,
    },
    /// The text that the store has under the id is another policy's.
    #[error(
        "the text of store:{id} in the table {table} (POLICY_STORE) is that of {found}; publish the policy anew and name the id \
         that fraudctl policy publish prints"
    )]
    OtherPolicy {
        /// The policy's id.
        id: String,
        /// The table's name.
        table: String,
        /// The text's id.
        found: String,
    },
    /// It cannot be the shadow of the policy that decides.
    #[error(transparent)]
    Shadow(#[from] ShadowError),
}

impl PolicySources {
    /// Loads and validates the policies. A store is read once for each, now, and waited for [`LOAD_TIME`] at most.
    ///
    /// # Errors
    /// [`PolicyError`] if a policy cannot be read, is not valid or cannot be used.
    pub async fn load(&self, sdk: &Sdk) -> Result<Policies, PolicyError> {
        let active = self.active.load(sdk).await?;
        let Some(source) = &self.shadow else { return Ok(active.into()) };
        let of_shadow = |fault| PolicyError { variable: SHADOW_POLICY.name, fault };
        let shadow = source.load_by(Instant::now() + LOAD_TIME, sdk).await.map_err(of_shadow)?;
        Policies::with_shadow(active, shadow).map_err(|error| of_shadow(error.into()))
    }
}

impl PolicySource {
    /// Loads and validates the policy. A store is read once, now, and waited for [`LOAD_TIME`] at most.
    ///
    /// # Errors
    /// [`PolicyError`] if the policy cannot be read, is not valid or cannot be used.
    pub async fn load(&self, sdk: &Sdk) -> Result<Policy, PolicyError> {
        let loaded = self.load_by(Instant::now() + LOAD_TIME, sdk).await;
        loaded.map_err(|fault| PolicyError { variable: FRAUD_POLICY.name, fault })
    }

    pub(super) async fn load_by(&self, deadline: Instant, sdk: &Sdk) -> Result<Policy, PolicyFault> {
        let (source_name, policy) = match self {
            PolicySource::BuiltinDefault => ("builtin:default".to_owned(), Policy::builtin_default()),
            PolicySource::File { path } => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| PolicyFault::Read { path: path.clone(), error })?;
                (path.display().to_string(), Policy::parse(&text))
            }
            PolicySource::Store { id, table } => {
                (format!("store:{id}"), Policy::parse(&stored(id, table, deadline, sdk).await?))
            }
        };
        let policy = policy.map_err(|error| PolicyFault::Invalid { source_name, error })?;
        match self {
            PolicySource::Store { id, table } if policy.id() != id => Err(PolicyFault::OtherPolicy {
                id: id.clone(),
                table: table.clone(),
                found: policy.id().to_owned(),
            }),
            _ => Ok(policy),
        }
    }
}

/// The text of a published policy.
async fn stored(id: &str, table: &str, deadline: Instant, sdk: &Sdk) -> Result<String, PolicyFault> {
    let got = async { PolicyStore::connect(table, sdk).await.get(id, deadline).await };
    let (id, table) = (id.to_owned(), table.to_owned());
    match timeout_at(deadline, got).await.unwrap_or_else(|_elapsed| Err(CallFault::deadline().into())) {
        Ok(Some(policy)) => Ok(policy.text),
        Ok(None) => Err(PolicyFault::NotPublished { id, table }),
        Err(fault) => Err(PolicyFault::Store { id, table, fault }),
    }
}
