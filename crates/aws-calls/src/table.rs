//! The schemas of DynamoDB tables.

use aws_sdk_dynamodb::types::KeyType;

/// What a table's rows are known by and hold. Stated once, beside the adapter that reads and writes the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// What the table is for, in one word: `profiles`.
    pub name: &'static str,
    /// The partition key.
    pub partition_key: Attribute,
    /// The sort key, if the table has one.
    pub sort_key: Option<Attribute>,
    /// The other attributes that rows can have.
    pub attributes: &'static [Attribute],
    /// The attribute that says when a row expires (seconds since the epoch), if rows do.
    pub time_to_live: Option<&'static str>,
}

/// An attribute of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
}

impl Attribute {
    /// An attribute with this name and type.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Attribute { name, kind }
    }
}

/// An attribute's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    S,
    /// A number.
    N,
    /// Bytes.
    B,
    /// A set of bytes.
    Bs,
    /// True or false.
    Bool,
}

impl Kind {
    /// The type as DynamoDB writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::S => "S",
            Kind::N => "N",
            Kind::B => "B",
            Kind::Bs => "BS",
            Kind::Bool => "BOOL",
        }
    }
}

impl Table {
    /// Partition key and sort key.
    pub fn keys(&self) -> impl Iterator<Item = (Attribute, KeyType)> {
        let sort_key = self.sort_key.map(|key| (key, KeyType::Range));
        [(self.partition_key, KeyType::Hash)].into_iter().chain(sort_key)
    }
}
