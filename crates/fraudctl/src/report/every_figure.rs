//! The JSON of a result as tables: every number as it is there.

use exact_text::json::{JsonError, Scanner, Value};
use page::{Column, Html, Table};

/// Objects within objects of a back-test's JSON.
const DEPTH: usize = 16;

/// The JSON's members.
pub(super) fn html(json: &str) -> Html {
    let mut html = Html::new();
    object(json, &mut html);
    html
}

fn object(json: &str, html: &mut Html) {
    let members = members(json);
    let plain = members.iter().filter(|(_, value)| !matches!(value, Value::Object(_) | Value::Array(_)));
    html.facts(plain.map(|(name, value)| (name, text(*value))));
    for (name, value) in &members {
        match value {
            Value::Object(inner) => {
                html.heading(3, name);
                object(inner, html);
            }
            Value::Array(inner) => list(name, inner, html),
            _ => {}
        }
    }
}

/// A list of objects as a table; what they hold of their own is set in a line.
fn list(name: &str, json: &str, html: &mut Html) {
    let mut rows: Vec<Vec<(String, Value<'_>)>> = Vec::new();
    let mut scanner = Scanner::new(json, DEPTH);
    // The text is our own: what cannot be read is left out.
    let _ = scanner.array(|scanner| {
        if let Value::Object(inner) = scanner.value()? {
            rows.push(members(inner));
        }
        Ok::<_, JsonError>(())
    });
    let Some(first) = rows.first() else { return };
    let is_number = |value: &Value<'_>| matches!(value, Value::Number(_) | Value::Null);
    let columns: Vec<Column> = first
        .iter()
        .map(|(name, value)| if is_number(value) { Column::number(name) } else { Column::text(name) })
        .collect();
    let mut table = Table::new(name, columns);
    for row in &rows {
        table.row(row.iter().map(|(_, value)| text(*value)));
    }
    html.table(&table);
}

fn members(json: &str) -> Vec<(String, Value<'_>)> {
    let mut members = Vec::new();
    let mut scanner = Scanner::new(json, DEPTH);
    let _ = scanner.object(|key, scanner| {
        members.push((key.raw().to_owned(), scanner.value()?));
        Ok::<_, JsonError>(())
    });
    members
}

fn text(value: Value<'_>) -> String {
    match value {
        Value::Number(digits) => digits.to_owned(),
        Value::Bool(flag) => if flag { "yes" } else { "no" }.to_owned(),
        Value::Null => "-".to_owned(),
        Value::Array(json) | Value::Object(json) => json.to_owned(),
        Value::String(text) => text.decode().map_or_else(|| text.raw().to_owned(), |text| text.into_owned()),
    }
}
