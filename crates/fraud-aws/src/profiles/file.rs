//! Profiles from a JSON file, for development and tests.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fraud_core::profile::{Attribute, Profile};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::{Answer, Lookup, ProfileStore};

/// The profiles of a file `{"<customer_id>": {"segment": "gold", "lifetime_value": 1234.50, "risk_score": 0.9}, ...}`.
/// Attributes may be missing; others are ignored.
#[derive(Debug, Clone)]
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
    /// The file is not in the form.
    #[error("the profiles in {path} are not in the form {{\"<customer_id>\": {{...}}}}: {error}", path = path.display())]
    Form {
        /// The file's path.
        path: PathBuf,
        /// What is wrong, and where.
        error: serde_json::Error,
    },
}

/// One customer's attributes as the file has them; raw, so that numbers keep their digits.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    segment: Option<&'a RawValue>,
    #[serde(borrow)]
    lifetime_value: Option<&'a RawValue>,
    #[serde(borrow)]
    risk_score: Option<&'a RawValue>,
}

impl FileProfiles {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ProfileFileError`] where it cannot be read or is not in the form.
    pub fn load(path: &Path) -> Result<Self, ProfileFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ProfileFileError::Read { path: path.to_owned(), error })?;
        Self::parse(&text).map_err(|error| ProfileFileError::Form { path: path.to_owned(), error })
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Where it is not in the form.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let entries: HashMap<String, Entry<'_>> = serde_json::from_str(text)?;
        let profiles = entries.into_iter().map(|(customer, entry)| (customer, Arc::new(entry.profile())));
        Ok(FileProfiles(profiles.collect()))
    }

    /// The profile of one customer.
    pub fn get(&self, customer: &str) -> Option<&Arc<Profile>> {
        self.0.get(customer)
    }
}

impl Entry<'_> {
    fn profile(&self) -> Profile {
        let texts = [self.segment, self.lifetime_value, self.risk_score]
            .map(|raw| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()));
        let [segment, lifetime_value, risk_score] = &texts;
        Profile::new(
            attribute(self.segment, segment),
            attribute(self.lifetime_value, lifetime_value),
            attribute(self.risk_score, risk_score),
        )
    }
}

fn attribute<'a>(raw: Option<&'a RawValue>, text: &'a Option<String>) -> Attribute<'a> {
    match (raw.map(RawValue::get), text) {
        (None, _) => Attribute::Missing,
        (_, Some(text)) => Attribute::Text(text),
        (Some(digits), _) if digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            Attribute::Number(digits)
        }
        _ => Attribute::Other,
    }
}

impl ProfileStore for FileProfiles {
    async fn lookup(&self, customers: &[&str], _deadline: Instant) -> Answer {
        let known = |customer: &&str| Lookup::from(self.get(customer).cloned());
        Answer {
            profiles: customers.iter().map(known).collect(),
            looked_up: customers.len(),
            ..Answer::default()
        }
    }
}
