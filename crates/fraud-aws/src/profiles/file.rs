//! Profiles from a file, for development, tests and the tool.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fraud_core::profile::Profile;
use tokio::time::Instant;

use super::ProfileAnswer;
use super::rows::{self, BadRow, FormError, Rows};
use crate::lookup::Store;

/// The profiles of a file in any of the forms that [`rows::read`] reads. Of a customer with several rows the last counts.
/// An attribute that cannot be used makes the profile invalid, as it does in a table; a row that cannot be read makes the
/// file unusable.
#[derive(Debug, Clone, Default)]
pub struct FileProfiles(HashMap<String, Arc<Profile>>);

/// A profile file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFileError {
    /// The file could not be read.
    #[error("cannot read the profiles in {path}: {error}", path = path.display())]
    Read {
        /// The file's path.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// What is in the file cannot be used.
    #[error("cannot read the profiles in {path}: {error}", path = path.display())]
    Content {
        /// The file's path.
        path: PathBuf,
        /// What is wrong, and where.
        error: ProfilesError,
    },
}

/// Profiles that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfilesError {
    /// They are in no form that is read.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Rows cannot be read.
    #[error("rows that cannot be read: {count}, the first of them {first}")]
    Rows {
        /// The first of them.
        first: BadRow,
        /// How many there are.
        count: usize,
    },
}

impl FileProfiles {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ProfileFileError`] if it cannot be read or used.
    pub fn load(path: &Path) -> Result<Self, ProfileFileError> {
        let bytes =
            std::fs::read(path).map_err(|error| ProfileFileError::Read { path: path.to_owned(), error })?;
        Self::parse(&bytes).map_err(|error| ProfileFileError::Content { path: path.to_owned(), error })
    }

    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`ProfilesError`] if they cannot be used.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self, ProfilesError> {
        Self::of_rows(&rows::read(bytes.as_ref())?)
    }

    /// The profiles of rows.
    ///
    /// # Errors
    /// [`ProfilesError::Rows`] if some could not be read.
    pub fn of_rows(rows: &Rows) -> Result<Self, ProfilesError> {
        if let Some(first) = rows.bad.first() {
            return Err(ProfilesError::Rows { first: first.clone(), count: rows.bad.len() });
        }
        let profiles = rows.rows.iter().map(|(_, row)| (row.customer_id.clone(), Arc::new(row.profile())));
        Ok(FileProfiles(profiles.collect()))
    }

    /// The profile of one customer.
    pub fn get(&self, customer: &str) -> Option<&Arc<Profile>> {
        self.0.get(customer)
    }
}

impl Store for FileProfiles {
    type Known = Profile;

    async fn lookup(&self, customers: &[&str], _deadline: Instant) -> ProfileAnswer {
        ProfileAnswer::from_all(&self.0, customers)
    }
}
