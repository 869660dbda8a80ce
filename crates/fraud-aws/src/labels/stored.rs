//! What is stored of a transaction, as text.

use exact_text::json::{JsonError, ObjectWriter, Scanner, Value};
use fraud_core::label::{CountedFraud, Labelled, Statement, statement_of};

use super::StoredLabels;
use super::table::{CHANGED_AT, CHANGED_BY, DAY, DECISION_ID, MERCHANT_ID, ORDINARY, STATEMENTS, VERSION};

/// Deeper than a row is.
const MAX_DEPTH: usize = 8;

/// The statements as a JSON array.
pub(super) fn statements_json(labelled: &Labelled) -> String {
    let statements: Vec<String> = labelled.statements().iter().map(Statement::to_json).collect();
    format!("[{}]", statements.join(","))
}

/// The statements of a JSON array; `None` if it is not one of statements.
pub(super) fn statements_of(json: &str) -> Option<Vec<Statement>> {
    let mut statements = Vec::new();
    let mut scanner = Scanner::new(json, MAX_DEPTH);
    let read = scanner.array(|scanner| {
        let value = scanner.value()?;
        statements.push(match value {
            Value::Object(object) => statement_of(object.as_bytes()).ok(),
            _ => None,
        });
        Ok::<_, JsonError>(())
    });
    read.and_then(|()| scanner.end()).ok()?;
    statements.into_iter().collect()
}

/// A row as one line of JSON.
pub(super) fn line(key: &str, stored: &StoredLabels) -> String {
    let mut object = ObjectWriter::new();
    object.text(DECISION_ID, key).json(VERSION, &stored.version.to_string());
    object.json(STATEMENTS, &statements_json(&stored.labelled));
    if let Some(CountedFraud { merchant_id, day, ordinary }) = stored.labelled.counted() {
        object.text(MERCHANT_ID, merchant_id).json(DAY, &day.to_string()).bool(ORDINARY, *ordinary);
    }
    object.text(CHANGED_BY, &stored.changed_by).text(CHANGED_AT, &stored.changed_at);
    object.finish()
}

/// The row of a line, and its key; else the member that cannot be read.
pub(super) fn of_line(line: &str) -> Result<(String, StoredLabels), &'static str> {
    let (mut key, mut version, mut statements) = (None, None, None);
    let (mut merchant_id, mut day, mut ordinary) = (None, None, None);
    let (mut changed_by, mut changed_at) = (String::new(), String::new());
    let mut scanner = Scanner::new(line, MAX_DEPTH);
    let text = |value: Value<'_>| value.as_str().map(std::borrow::Cow::into_owned);
    let read = scanner.object(|name, scanner| {
        let value = scanner.value()?;
        match name.decode().as_deref() {
            Some(DECISION_ID) => key = text(value),
            Some(VERSION) => version = value.as_digits().and_then(|digits| digits.parse().ok()),
            Some(STATEMENTS) => {
                statements = match value {
                    Value::Array(json) => statements_of(json),
                    _ => None,
                }
            }
            Some(MERCHANT_ID) => merchant_id = text(value),
            Some(DAY) => day = value.as_digits().and_then(|digits| digits.parse().ok()),
            Some(ORDINARY) => ordinary = Some(matches!(value, Value::Bool(true))),
            Some(CHANGED_BY) => changed_by = text(value).unwrap_or_default(),
            Some(CHANGED_AT) => changed_at = text(value).unwrap_or_default(),
            _ => {}
        }
        Ok::<_, JsonError>(())
    });
    read.and_then(|()| scanner.end()).map_err(|_| "JSON")?;
    let labelled = labelled(statements, (merchant_id, day, ordinary))?;
    let stored = StoredLabels { version: version.ok_or(VERSION)?, labelled, changed_by, changed_at };
    Ok((key.ok_or(DECISION_ID)?, stored))
}

/// What is said and what counts, from a row's attributes; else the one that cannot be read.
pub(super) fn labelled(
    statements: Option<Vec<Statement>>,
    counted: (Option<String>, Option<i32>, Option<bool>),
) -> Result<Labelled, &'static str> {
    let counted = match counted {
        (Some(merchant_id), Some(day), Some(ordinary)) => Some(CountedFraud { merchant_id, day, ordinary }),
        (None, None, None) => None,
        (None, ..) => return Err(MERCHANT_ID),
        (_, None, _) => return Err(DAY),
        (_, _, None) => return Err(ORDINARY),
    };
    Ok(Labelled::stored(statements.ok_or(STATEMENTS)?, counted))
}
