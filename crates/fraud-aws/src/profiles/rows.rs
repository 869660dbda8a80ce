//! Profiles as people keep them in files: CSV, NDJSON, an array, an object with a member for each customer, and
//! DynamoDB's export. Whoever takes a profile file reads it here, so that the rules are the same everywhere.
//!
//! What a row must be for the functions to use it as it is meant, [`Row::problem`] says.

use std::collections::BTreeSet;

use fraud_core::profile::{Attribute, Profile};

use super::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};

mod csv;
mod json;

pub use crate::rows::{BadRow, FormError, Place, Value};
use crate::rows::{Content, MAX_DIGITS, Shape, shortened};

/// The attributes of a profile, beside the customer's id, which every row must have.
const ATTRIBUTES: [&str; 3] = [SEGMENT, LIFETIME_VALUE, RISK_SCORE];

/// The longest id and the longest segment, in characters.
const MAX_CHARACTERS: usize = 256;

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

const ACCEPTED: &str = "accepted are CSV with a header (customer_id,segment,lifetime_value,risk_score), one JSON object a line, \
                        {\"<customer_id>\": {...}} and DynamoDB's export";

/// What rows of profiles have in common.
const SHAPE: Shape = Shape { keys: &[CUSTOMER_ID], accepted: ACCEPTED };

/// Reads a file's bytes. What kind of file they are, they tell themselves.
///
/// # Errors
/// [`FormError`] if they are not of a kind that is read.
pub fn read(bytes: &[u8]) -> Result<Rows, FormError> {
    match Content::of(bytes, &SHAPE)? {
        Content::Json(text) => json::read(text),
        Content::Csv(bytes) => csv::read(bytes),
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

#[cfg(test)]
mod tests;
