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
}

impl TableDefinition {
    /// A table by its name (3 to 255 of `a-z A-Z 0-9 _ . -`) and its partition key.
    pub fn new(name: impl Into<String>, partition_key: impl Into<String>, key_type: KeyType) -> Self {
        Self { name: name.into(), partition_key: (partition_key.into(), key_type), sort_key: None }
    }

    /// The same table with a sort key.
    #[must_use]
    pub fn sort_key(mut self, name: impl Into<String>, key_type: KeyType) -> Self {
        self.sort_key = Some((name.into(), key_type));
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
        match database.create_table(request) {
            Ok(_) => Ok(()),
            Err(error) => {
                // The emulator's HTTP side takes off this mark; called directly, it is still there.
                let error = error.to_string();
                Err(error.strip_prefix("VALIDATION:").unwrap_or(&error).to_owned())
            }
        }
    }
}
