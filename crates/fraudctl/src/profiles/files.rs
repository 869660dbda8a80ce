//! Profiles from a file, as every command takes them.

use std::collections::HashMap;
use std::path::Path;

use anyhow::anyhow;
use aws_sdk_dynamodb::types::AttributeValue;
use fraud_aws::profiles::FileProfiles;
use fraud_aws::profiles::rows::{self, Row, Rows, Value};
use fraud_aws::profiles::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};

use super::ProfileItem;
use crate::Failure;
use crate::input;
use crate::row_notes::{tell_left_out, tell_problems};

/// The profiles of a file.
#[derive(Debug, Clone, Default)]
pub struct LoadedProfiles {
    /// To look customers up in.
    pub profiles: FileProfiles,
    /// The same as a table holds them.
    pub items: Vec<ProfileItem>,
}

/// Reads the rows of a file, decompressed if it is gzip.
///
/// # Errors
/// [`Failure::Input`] if it cannot be read, or is of no kind that is read.
pub(super) fn read(path: &Path) -> Result<Rows, Failure> {
    let bytes = input::read_file(path).map_err(Failure::input)?;
    rows::read(&bytes).map_err(|error| {
        Failure::input(anyhow!(error).context(format!("cannot read the profiles in {}", path.display())))
    })
}

/// Reads a file to score by. Tells of rows that the functions would not use as they are meant.
///
/// # Errors
/// [`Failure::Input`] if it cannot be read, or a row of it cannot.
pub fn load(path: &Path) -> Result<LoadedProfiles, Failure> {
    let rows = read(path)?;
    let profiles = FileProfiles::of_rows(&rows).map_err(|error| {
        Failure::input(anyhow!(error).context(format!("cannot read the profiles in {}", path.display())))
    })?;
    tell_problems(path, rows.rows.iter().filter_map(|(place, row)| Some((place, row.problem()?))));
    tell_left_out(path, &rows.left_out, "a profile");
    Ok(LoadedProfiles { profiles, items: items(&rows) })
}

/// The rows as a table holds them, nothing judged: the functions must see in the table what they would see in the file. Of
/// a customer with several rows the last counts.
pub fn items(rows: &Rows) -> Vec<ProfileItem> {
    last_of_each(rows.rows.iter().map(|(_, row)| row)).into_iter().map(item).collect()
}

/// Of each customer the last row, in the order of the first.
pub(super) fn last_of_each<'r>(rows: impl Iterator<Item = &'r Row>) -> Vec<&'r Row> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut last: Vec<&Row> = Vec::new();
    for row in rows {
        match places.get(row.customer_id.as_str()).and_then(|place| last.get_mut(*place)) {
            Some(earlier) => *earlier = row,
            None => {
                places.insert(&row.customer_id, last.len());
                last.push(row);
            }
        }
    }
    last
}

/// A row as a table holds it. What is neither text nor number becomes null, which the functions cannot use either.
pub(super) fn item(row: &Row) -> ProfileItem {
    let attribute = |value: &Value| match value {
        Value::Missing => None,
        Value::Text(text) => Some(AttributeValue::S(text.clone())),
        Value::Number(digits) => Some(AttributeValue::N(digits.clone())),
        Value::Other => Some(AttributeValue::Null(true)),
    };
    let attributes = [
        (CUSTOMER_ID, Some(AttributeValue::S(row.customer_id.clone()))),
        (SEGMENT, attribute(&row.segment)),
        (LIFETIME_VALUE, attribute(&row.lifetime_value)),
        (RISK_SCORE, attribute(&row.risk_score)),
    ];
    attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_digits_are_kept_the_rest_is_null_and_of_two_rows_the_last_counts() {
        let rows = rows::read(
            b"[{\"customer_id\":\"C1\"},{\"customer_id\":\"C1\",\"segment\":\"gold\",\"risk_score\":0.90,\"lifetime_value\":[1]}]",
        );
        let expected = [
            ("customer_id", AttributeValue::S("C1".to_owned())),
            ("segment", AttributeValue::S("gold".to_owned())),
            ("risk_score", AttributeValue::N("0.90".to_owned())),
            ("lifetime_value", AttributeValue::Null(true)),
        ];
        assert_eq!(items(&rows.unwrap()), [expected.map(|(name, value)| (name.to_owned(), value)).into()]);
    }
}
