//! Profiles as people keep them: rows of a CSV or NDJSON file, each held to what the functions can use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use aws_sdk_dynamodb::types::AttributeValue;
use fraud_core::json::{JsonError, Scanner, Value, is_number};
use fraud_core::profile::{Attribute, Profile};

use super::table::Item;
use crate::input::{self, Lines};

/// One customer's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The customer, 1 to 256 characters.
    pub customer_id: String,
    /// The segment.
    pub segment: Option<String>,
    /// The lifetime value's digits.
    pub lifetime_value: Option<String>,
    /// The risk score's digits, 0 to 1.
    pub risk_score: Option<String>,
}

impl Row {
    /// The row as the table holds it.
    pub fn into_item(self) -> Item {
        let attributes = [
            ("customer_id", Some(AttributeValue::S(self.customer_id))),
            ("segment", self.segment.map(AttributeValue::S)),
            ("lifetime_value", self.lifetime_value.map(AttributeValue::N)),
            ("risk_score", self.risk_score.map(AttributeValue::N)),
        ];
        attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// From 1, the header of a CSV file being line 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
}

const COLUMNS: [&str; 4] = ["customer_id", "segment", "lifetime_value", "risk_score"];

/// The rows of a file: CSV where its name ends in `.csv`, else NDJSON.
///
/// # Errors
/// Where the file cannot be read, or the header of a CSV file lacks `customer_id` or names an unknown column.
pub fn read(path: &Path) -> anyhow::Result<Vec<Result<Row, BadRow>>> {
    let file = input::open(path)?;
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let rows = if is_csv { read_csv(file) } else { read_ndjson(Lines::new(Box::new(file))) };
    rows.with_context(|| format!("cannot read {}", path.display()))
}

fn read_csv(file: impl std::io::Read) -> anyhow::Result<Vec<Result<Row, BadRow>>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let header = reader.headers().context("line 1")?.clone();
    for column in &header {
        anyhow::ensure!(
            COLUMNS.contains(&column),
            "line 1: unknown column `{column}`; known are {}",
            COLUMNS.join(", ")
        );
    }
    anyhow::ensure!(
        header.iter().any(|column| column == "customer_id"),
        "line 1: there is no column `customer_id`"
    );
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => return Ok(rows),
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                let fields = header.iter().zip(record.iter()).filter(|(_, value)| !value.is_empty());
                rows.push(row(fields.map(|(name, value)| (name, value.to_owned())).collect(), line));
            }
            Err(error) if error.is_io_error() => return Err(error.into()),
            Err(error) => rows.push(Err(BadRow { line, message: problem(&error) })),
        }
    }
}

/// What is wrong with a CSV row, in words that name no byte offsets.
fn problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn read_ndjson(lines: Lines) -> anyhow::Result<Vec<Result<Row, BadRow>>> {
    let mut rows = Vec::new();
    for line in lines {
        let line = line?;
        let bad = |message: &str| BadRow { line: line.number, message: message.to_owned() };
        let fields = std::str::from_utf8(&line.bytes)
            .map_err(|_| bad("not UTF-8"))
            .and_then(|text| members(text).map_err(|error| bad(&error.to_string())));
        rows.push(fields.and_then(|fields| row(fields, line.number)));
    }
    Ok(rows)
}

/// What is wrong with a line of NDJSON.
#[derive(Debug, thiserror::Error)]
enum MemberError {
    #[error(transparent)]
    Json(#[from] JsonError),
    #[error("no JSON object")]
    NoObject,
    #[error("unknown member `{0}`; known are {known}", known = COLUMNS.join(", "))]
    Unknown(String),
    #[error("`{0}` is of a wrong type")]
    WrongType(&'static str),
}

/// The columns of a JSON object: numbers by their digits, ids also as text.
fn members(text: &str) -> Result<HashMap<&'static str, String>, MemberError> {
    let mut members = HashMap::new();
    let mut scanner = Scanner::new(text, 16);
    if scanner.peek() != Some(b'{') {
        return Err(MemberError::NoObject);
    }
    scanner.object(|key, scanner| {
        let value = scanner.value()?;
        let key = key.decode().unwrap_or_default();
        let Some(column) = COLUMNS.into_iter().find(|column| *column == key) else {
            return Err(MemberError::Unknown(key.into_owned()));
        };
        let text = match (column, value) {
            (_, Value::Null) => return Ok(()),
            ("customer_id" | "segment", Value::String(text)) => text.decode().map(Cow::into_owned),
            ("customer_id" | "lifetime_value" | "risk_score", Value::Number(digits)) => {
                Some(digits.to_owned())
            }
            _ => None,
        };
        members.insert(column, text.ok_or(MemberError::WrongType(column))?);
        Ok(())
    })?;
    scanner.end()?;
    Ok(members)
}

/// A row, if the functions can use it.
fn row(mut fields: HashMap<&str, String>, line: u64) -> Result<Row, BadRow> {
    let mut take = |column: &str| fields.remove(column);
    let bad = |message: String| Err(BadRow { line, message });
    let Some(customer_id) = take("customer_id").filter(|id| !id.is_empty()) else {
        return bad("`customer_id` is missing".to_owned());
    };
    if customer_id.chars().count() > 256 {
        return bad("`customer_id` has more than 256 characters".to_owned());
    }
    let row = Row {
        customer_id,
        segment: take("segment"),
        lifetime_value: take("lifetime_value"),
        risk_score: take("risk_score"),
    };
    for (column, digits) in [("lifetime_value", &row.lifetime_value), ("risk_score", &row.risk_score)] {
        if let Some(digits) = digits.as_deref().filter(|digits| !is_number(digits)) {
            return bad(format!("`{column}` is no number: {digits}"));
        }
    }
    if let Some(digits) =
        row.lifetime_value.as_deref().filter(|digits| digits.bytes().filter(u8::is_ascii_digit).count() > 38)
    {
        return bad(format!("`lifetime_value` has more than the 38 digits that DynamoDB holds: {digits}"));
    }
    let number = |digits: &Option<String>| digits.clone().unwrap_or_else(|| "0".to_owned());
    let risk = number(&row.risk_score);
    // The functions' own judgement, so that what is imported is what they accept.
    if !Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number(&risk)).is_valid() {
        return bad(format!("`risk_score` is not between 0 and 1: {risk}"));
    }
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &'static str) -> Vec<Result<Row, BadRow>> {
        read_csv(text.as_bytes()).unwrap()
    }

    fn ndjson(text: &'static str) -> Vec<Result<Row, BadRow>> {
        read_ndjson(Lines::new(Box::new(text.as_bytes()))).unwrap()
    }

    fn good(id: &str, segment: Option<&str>, value: Option<&str>, risk: Option<&str>) -> Result<Row, BadRow> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(Row {
            customer_id: id.to_owned(),
            segment: owned(segment),
            lifetime_value: owned(value),
            risk_score: owned(risk),
        })
    }

    fn bad(line: u64, message: &str) -> Result<Row, BadRow> {
        Err(BadRow { line, message: message.to_owned() })
    }

    #[test]
    fn both_formats_give_the_same_rows_with_their_digits() {
        let expected = [good("C1", Some("gold"), Some("12.50"), Some("0.90")), good("42", None, None, None)];
        assert_eq!(
            csv("customer_id,risk_score,segment,lifetime_value\nC1,0.90,gold,12.50\n42,,,\n"),
            expected
        );
        assert_eq!(
            ndjson(
                "{\"customer_id\":\"C1\",\"segment\":\"gold\",\"lifetime_value\":12.50,\"risk_score\":0.90}\r\n\n{\"customer_id\":42,\"segment\":null}"
            ),
            expected
        );
    }

    #[test]
    fn bad_rows_are_told_by_line_and_the_others_stay() {
        assert_eq!(
            csv("customer_id,risk_score\nC1,1.5\n,0.5\nC3,high\nC4\nC5,0.5\n"),
            [
                bad(2, "`risk_score` is not between 0 and 1: 1.5"),
                bad(3, "`customer_id` is missing"),
                bad(4, "`risk_score` is no number: high"),
                bad(5, "1 fields where the first line has 2"),
                good("C5", None, None, Some("0.5")),
            ]
        );
        assert_eq!(
            ndjson(
                "{\"customer_id\":\"C1\",\"risk_score\":\"0.5\"}\n[]\n{\"customer_id\":\n{\"customer_id\":\"C4\",\"risk\":1}\n{\"customer_id\":\"C5\"}"
            ),
            [
                bad(1, "`risk_score` is of a wrong type"),
                bad(2, "no JSON object"),
                bad(3, "not JSON at byte 15"),
                bad(4, "unknown member `risk`; known are customer_id, segment, lifetime_value, risk_score"),
                good("C5", None, None, None),
            ]
        );
    }

    #[test]
    fn a_header_without_the_customers_id_is_refused() {
        assert!(read_csv("segment\ngold\n".as_bytes()).unwrap_err().to_string().contains("`customer_id`"));
        assert!(read_csv("customer_id,riks\nC1,1\n".as_bytes()).unwrap_err().to_string().contains("`riks`"));
    }
}
