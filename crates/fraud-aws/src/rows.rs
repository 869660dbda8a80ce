//! Rows as people keep them in files, whatever they are of: CSV, NDJSON, an array, an object with a member for each row,
//! and DynamoDB's export.

use std::borrow::Cow;
use std::fmt;

use exact_text::json::is_number;
use fraud_core::profile::Attribute;

pub(crate) mod csv;
pub(crate) mod json;

pub use csv::SEPARATORS;

/// What the rows of a kind of file have in common.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The members of which a row has one at least, with a text or a number.
    pub(crate) keys: &'static [&'static str],
    /// The forms that are read, for people.
    pub(crate) accepted: &'static str,
}

/// The most digits of a number in DynamoDB (Amazon DynamoDB developer guide, "Data types").
pub(crate) const MAX_DIGITS: usize = 38;

/// An attribute as a file has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// It is absent, empty or null.
    #[default]
    Missing,
    /// A text that is not a number.
    Text(String),
    /// A number's digits, be they written as a number or as text.
    Number(String),
    /// Anything else.
    Other,
}

/// Where a row is in its file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The line on which it begins.
    Line(u64),
    /// The element of an array.
    Element(u64),
    /// The member of the object that has one for each row.
    Member(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(number) => write!(f, "line {number}"),
            Place::Element(number) => write!(f, "element {number}"),
            Place::Member(number) => write!(f, "member {number}"),
        }
    }
}

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// Where it is.
    pub place: Place,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Why a file holds no rows that can be read. `accepted` are the forms that are read, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// There is nothing in it.
    #[error("it is empty; {accepted}")]
    Empty {
        #[allow(missing_docs, reason = "see above")]
        accepted: &'static str,
    },
    /// It is packed.
    #[error("it is packed with gzip: unpack it first (gunzip)")]
    Packed,
    /// It is not UTF-8 text.
    #[error("it is not UTF-8 text: save it as CSV or JSON in UTF-8; {accepted}")]
    NotText {
        #[allow(missing_docs, reason = "see above")]
        accepted: &'static str,
    },
    /// It begins as JSON, and is not JSON.
    #[error("it is not JSON from line {line}, byte {byte} on; {accepted}")]
    NotJson {
        /// From 1.
        line: usize,
        /// The byte in the line, from 1.
        byte: usize,
        #[allow(missing_docs, reason = "see above")]
        accepted: &'static str,
    },
    /// The header cannot be read.
    #[error("its first line is not a header: {message}; {accepted}")]
    Header {
        /// What is wrong with it.
        message: String,
        #[allow(missing_docs, reason = "see above")]
        accepted: &'static str,
    },
    /// The header has no column for the rows' keys, or is not a header. It is not shown: it may be a customer's row, and a
    /// function's log has no customer's id.
    #[error("its first line names no column `{column}`; {accepted}")]
    NoKeyColumn {
        /// The column.
        column: &'static str,
        #[allow(missing_docs, reason = "see above")]
        accepted: &'static str,
    },
    /// The header of a file of profiles has a column that is not a profile's, and none for the risk.
    #[error(
        "its first line has a column `{column}` and none for `risk_score`: if it is the risk rename it, else delete it or add \
         `risk_score`"
    )]
    UnknownColumn {
        /// The column.
        column: String,
    },
    /// The header names a column twice.
    #[error("its first line names the column `{column}` twice: delete one of them")]
    RepeatedColumn {
        /// The column.
        column: String,
    },
}

/// What a file's bytes are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'b> {
    Json(&'b str),
    Csv(&'b [u8]),
}

impl<'b> Content<'b> {
    /// What kind of file bytes are, they tell themselves.
    ///
    /// # Errors
    /// [`FormError`] if they are not of a kind that is read.
    pub(crate) fn of(bytes: &'b [u8], Shape { accepted, .. }: &Shape) -> Result<Self, FormError> {
        if bytes.starts_with(b"\x1f\x8b") {
            return Err(FormError::Packed);
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match bytes.trim_ascii_start().first() {
            None => Err(FormError::Empty { accepted }),
            Some(b'{' | b'[') => {
                std::str::from_utf8(bytes).map(Content::Json).map_err(|_| FormError::NotText { accepted })
            }
            Some(_) if bytes.contains(&0) => Err(FormError::NotText { accepted }),
            Some(_) => Ok(Content::Csv(bytes)),
        }
    }
}

impl Value {
    /// A text: a number if it is one, and nothing if it is empty.
    pub(crate) fn of_text(text: String) -> Self {
        match text.trim_ascii() {
            "" => Value::Missing,
            digits if is_number(digits) => Value::Number(digits.to_owned()),
            _ => Value::Text(text),
        }
    }

    /// A text, whatever it looks like; nothing if it is empty.
    pub(crate) fn of_words(text: String) -> Self {
        if text.is_empty() { Value::Missing } else { Value::Text(text) }
    }

    /// The attribute as `fraud-core` takes it.
    pub fn attribute(&self) -> Attribute<'_> {
        match self {
            Value::Missing => Attribute::Missing,
            Value::Text(text) => Attribute::Text(text),
            Value::Number(digits) => Attribute::Number(digits),
            Value::Other => Attribute::Other,
        }
    }
}

/// The beginning of a text that somebody else wrote.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}
