//! Tables that exist from the start.

use dynoxide::Database;
use serde_json::json;

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    /// `S`
    String,
    /// `N`
    Number,
    /// `B`
    Binary,
}

impl KeyType {
    fn name(self) -> &'static str {
        match self {
            Self::String => "S",
            Self::Number => "N",
            Self::Binary => "B",
        }
    }
}

/// A table with on-demand capacity and no secondary index.
#[derive(Debug, Clone)]
pub struct TableDefinition {
    name: String,
    partition_key: (String, KeyType),
    sort_key: Option<(String, KeyType)>,
    time_to_live: Option<String>,
}

impl TableDefinition {
    /// A table by its name (3 to 255 of `a-z A-Z 0-9 _ . -`) and its partition key.
    pub fn new(name: impl Into<String>, partition_key: impl Into<String>, key_type: KeyType) -> Self {
        Self {
            name: name.into(),
            partition_key: (partition_key.into(), key_type),
            sort_key: None,
            time_to_live: None,
        }
    }

    /// The same table with a sort key.
    #[must_use]
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.sort_key = Some((name.into(), key_type));
        self
    }

    /// The same table with time to live on this attribute. What expires is not deleted, but it is described so.
    #[must_use]
    pub fn time_to_live(mut self, attribute: impl Into<String>) -> Self {
        self.time_to_live = Some(attribute.into());
        self
    }

    /// Creates the table. The error is the database's own words.
    pub(crate) fn create(&self, database: &Database) -> Result<(), String> {
        let keys = || std::iter::once(&self.partition_key).chain(&self.sort_key);
        let schema: Vec<_> = keys()
            .zip(["HASH", "RANGE"])
            .map(|((name, _), role)| json!({ "AttributeName": name, "KeyType": role }))
            .collect();
        let attributes: Vec<_> = keys()
            .map(|(name, key_type)| json!({ "AttributeName": name, "AttributeType": key_type.name() }))
            .collect();
        let request = json!({
            "TableName": self.name,
            "KeySchema": schema,
            "AttributeDefinitions": attributes,
            "BillingMode": "PAY_PER_REQUEST",
        });
        let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        database.create_table(request).map_err(|error| words(&error.to_string()))?;
        let Some(attribute) = &self.time_to_live else { return Ok(()) };
        let specification = json!({ "AttributeName": attribute, "Enabled": true });
        let request = json!({ "TableName": self.name, "TimeToLiveSpecification": specification });
        let request = serde_json::from_value(request).map_err(|error| error.to_string())?;
        database.update_time_to_live(request).map(drop).map_err(|error| words(&error.to_string()))
    }
}

/// An error without the mark that the emulator's HTTP side takes off; called directly, it is still there.
fn words(error: &str) -> String {
    error.strip_prefix("VALIDATION:").unwrap_or(error).to_owned()
}
