//! Profiles as people keep them in files: CSV, NDJSON, an array, an object with a member for each customer, and
//! DynamoDB's export. Whoever takes a profile file reads it here, so that the rules are the same everywhere.
//!
//! What a row must be for the functions to use it as it is meant, [`Row::problem`] says.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use exact_text::json::is_number;
use fraud_core::profile::{Attribute, Profile};

use super::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};

mod csv;
mod json;

/// The attributes of a profile, beside the customer's id, which every row must have.
const ATTRIBUTES: [&str; 3] = [SEGMENT, LIFETIME_VALUE, RISK_SCORE];

/// The longest id and the longest segment, in characters.
const MAX_CHARACTERS: usize = 256;
/// The most digits of a number in DynamoDB (Amazon DynamoDB developer guide, "Data types").
const MAX_DIGITS: usize = 38;

/// The profiles of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// The rows that could be read, in the file's order. A customer may have several.
    pub rows: Vec<(Place, Row)>,
    /// Those that could not.
    pub bad: Vec<BadRow>,
    /// Columns or members that are not attributes of a profile, and were left out.
    pub left_out: BTreeSet<String>,
}

/// One customer's profile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// The customer, 1 to 256 characters.
    pub customer_id: String,
    /// The segment.
    pub segment: Value,
    /// The lifetime value.
    pub lifetime_value: Value,
    /// The risk score.
    pub risk_score: Value,
    /// What the row has besides.
    others: Vec<String>,
}

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
    /// The member of the object that has one for each customer.
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

/// Why a file holds no profiles that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// There is nothing in it.
    #[error("it is empty; {ACCEPTED}")]
    Empty,
    /// It is packed.
    #[error("it is packed with gzip: unpack it first (gunzip)")]
    Packed,
    /// It is not UTF-8 text.
    #[error("it is not UTF-8 text: save it as CSV or JSON in UTF-8; {ACCEPTED}")]
    NotText,
    /// It begins as JSON, and is not JSON.
    #[error("it is not JSON from line {line}, byte {byte} on; {ACCEPTED}")]
    NotJson {
        /// From 1.
        line: usize,
        /// The byte in the line, from 1.
        byte: usize,
    },
    /// The header cannot be read.
    #[error("its first line is not a header: {message}; {ACCEPTED}")]
    Header {
        /// What is wrong with it.
        message: String,
    },
    /// The header has no column for the customers' ids, or is not a header. It is not shown: it may be a customer's row, and a
    /// function's log has no customer's id.
    #[error("its first line names no column `customer_id`; {ACCEPTED}")]
    NoCustomerColumn,
    /// The header has a column that is not a profile's, and none for the risk.
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

const ACCEPTED: &str = "accepted are CSV with a header (customer_id,segment,lifetime_value,risk_score), one JSON object a line, \
                        {\"<customer_id>\": {...}} and DynamoDB's export";

/// Reads a file's bytes. What kind of file they are, they tell themselves.
///
/// # Errors
/// [`FormError`] if they are not of a kind that is read.
pub fn read(bytes: &[u8]) -> Result<Rows, FormError> {
    if bytes.starts_with(b"\x1f\x8b") {
        return Err(FormError::Packed);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.trim_ascii_start().first() {
        None => Err(FormError::Empty),
        Some(b'{' | b'[') => json::read(std::str::from_utf8(bytes).map_err(|_| FormError::NotText)?),
        Some(_) if bytes.contains(&0) => Err(FormError::NotText),
        Some(_) => csv::read(bytes),
    }
}

impl Row {
    /// The profile as the functions see it.
    pub fn profile(&self) -> Profile {
        Profile::new(self.segment.attribute(), self.lifetime_value.attribute(), self.risk_score.attribute())
    }

    /// Why the functions cannot use the row as it is meant, if they cannot: what is wrong, and what to do.
    pub fn problem(&self) -> Option<String> {
        if let Value::Text(segment) = &self.segment
            && segment.chars().count() > MAX_CHARACTERS
        {
            return Some(format!("`{SEGMENT}` has more than {MAX_CHARACTERS} characters"));
        }
        if matches!(self.segment, Value::Number(_) | Value::Other) {
            return Some(format!("`{SEGMENT}` is not text: write it in quotes"));
        }
        for (column, value) in [(LIFETIME_VALUE, &self.lifetime_value), (RISK_SCORE, &self.risk_score)] {
            match value {
                Value::Missing => {}
                Value::Text(text) => {
                    return Some(format!(
                        "`{column}` is not a number: `{}`; write it as 1234.5, without separators, signs or units",
                        shortened(text)
                    ));
                }
                Value::Other => return Some(format!("`{column}` is neither a number nor text")),
                Value::Number(digits) if digits.bytes().filter(u8::is_ascii_digit).count() > MAX_DIGITS => {
                    return Some(format!(
                        "`{column}` has more than the {MAX_DIGITS} digits that DynamoDB holds: {}",
                        shortened(digits)
                    ));
                }
                Value::Number(_) => {}
            }
        }
        if let Value::Number(digits) = &self.risk_score
            // The functions' own judgement.
            && !Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number(digits)).is_valid()
        {
            let digits = shortened(digits);
            return Some(format!(
                "`risk_score` is not between 0 and 1: {digits}; a percentage is written as 0.95"
            ));
        }
        match (&self.risk_score, self.others.first()) {
            (Value::Missing, Some(other)) => Some(format!(
                "there is `{other}` and no `risk_score`: if it is the risk rename it, else delete it or add `risk_score`"
            )),
            _ => None,
        }
    }
}

impl Value {
    /// A text: a number if it is one, and nothing if it is empty.
    fn of_text(text: String) -> Self {
        match text.trim_ascii() {
            "" => Value::Missing,
            digits if is_number(digits) => Value::Number(digits.to_owned()),
            _ => Value::Text(text),
        }
    }

    /// A segment: a text whatever it looks like.
    fn of_segment(text: String) -> Self {
        if text.is_empty() { Value::Missing } else { Value::Text(text) }
    }

    fn attribute(&self) -> Attribute<'_> {
        match self {
            Value::Missing => Attribute::Missing,
            Value::Text(text) => Attribute::Text(text),
            Value::Number(digits) => Attribute::Number(digits),
            Value::Other => Attribute::Other,
        }
    }
}

/// An id, if it can be one.
///
/// # Errors
/// What is wrong with it.
fn customer_id(id: Option<String>) -> Result<String, String> {
    match id.filter(|id| !id.is_empty()) {
        None => Err("`customer_id` is missing".to_owned()),
        Some(id) if id.chars().count() > MAX_CHARACTERS => {
            Err(format!("`customer_id` has more than {MAX_CHARACTERS} characters"))
        }
        Some(id) => Ok(id),
    }
}

/// The beginning of a text that somebody else wrote.
fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}...", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
