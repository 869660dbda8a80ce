//! Profiles as JSON.

use std::collections::HashMap;

use exact_text::json::{JsonError, Scanner, Value as Json, is_number};

use super::{ATTRIBUTES, BadRow, CUSTOMER_ID, FormError, Place, Row, Rows, SEGMENT, Value, customer_id};

/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// What a row is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Members with the attributes' values.
    Plain,
    /// DynamoDB's: each value in an object that names its type.
    DynamoDb,
}

/// Reads a file that begins as JSON does.
///
/// # Errors
/// [`FormError::NotJson`] if it is not JSON as a whole. Of one object a line each line is read alone.
pub(super) fn read(text: &str) -> Result<Rows, FormError> {
    let mut scanner = Scanner::new(text, MAX_DEPTH);
    let first = scanner.value();
    let is_single = first.is_ok() && scanner.peek().is_none();
    match first {
        Ok(Json::Array(_)) if is_single => array(text, text),
        Ok(Json::Object(object)) if is_single => single(text, object),
        Ok(Json::Object(object)) if object.contains('\n') => objects(text),
        Ok(Json::Object(_)) => Ok(lines(text)),
        Err(_) if is_by_line(text) => Ok(lines(text)),
        Ok(_) => Err(not_json(text, scanner.offset())),
        Err(JsonError::Syntax(at)) => Err(not_json(text, at)),
        Err(JsonError::TooDeep) => Err(not_json(text, scanner.offset())),
    }
}

/// Whether the second line begins an object as the first does: then it is one object a line, and the first is bad.
fn is_by_line(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.by_ref().take(2).filter(|line| line.starts_with('{')).count() == 2
}

fn not_json(text: &str, at: usize) -> FormError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    FormError::NotJson { line, byte: before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1 }
}

/// An object that is all there is: a row, or a member for each customer.
fn single(text: &str, object: &str) -> Result<Rows, FormError> {
    let members = members(object).map_err(|_| not_json(text, 0))?;
    let is_row = members
        .iter()
        .any(|(name, value)| name == CUSTOMER_ID && matches!(value, Json::String(_) | Json::Number(_)));
    let item = members.iter().find(|(name, value)| name == "Item" && is_item(value));
    // What `aws dynamodb scan` prints.
    let items = members.iter().find_map(|(name, value)| match value {
        Json::Array(items) if name == "Items" => Some(*items),
        _ => None,
    });
    if let Some(items) = items {
        return array(text, items);
    }
    let mut rows = Rows::default();
    if is_row || item.is_some() {
        rows.take(Place::Line(1), row_of(object));
        return Ok(rows);
    }
    for (number, (customer, value)) in (1..).zip(members) {
        let row = match value {
            Json::Object(attributes) => attributes_of(attributes, Form::Plain).map(|mut row| {
                row.id = Some(customer);
                row
            }),
            _ => Err("it is not an object".to_owned()),
        };
        rows.take(Place::Member(number), row.and_then(Attributes::into_row));
    }
    Ok(rows)
}

fn is_item(value: &Json<'_>) -> bool {
    let Json::Object(item) = value else { return false };
    members(item).is_ok_and(|members| {
        members.iter().any(|(name, value)| name == CUSTOMER_ID && matches!(value, Json::Object(_)))
    })
}

fn array(text: &str, array: &str) -> Result<Rows, FormError> {
    let mut rows = Rows::default();
    let mut number = 0;
    let read = Scanner::new(array, MAX_DEPTH).array(|scanner| {
        let value = scanner.value()?;
        number += 1;
        let row = match value {
            Json::Object(object) => row_of(object),
            _ => Err("it is not an object".to_owned()),
        };
        rows.take(Place::Element(number), row);
        Ok::<_, JsonError>(())
    });
    read.map_err(|_| not_json(text, 0))?;
    Ok(rows)
}

/// Objects over several lines each.
fn objects(text: &str) -> Result<Rows, FormError> {
    let mut rows = Rows::default();
    let mut scanner = Scanner::new(text, MAX_DEPTH);
    while scanner.peek().is_some() {
        let start = scanner.offset();
        let line = text.get(..start).unwrap_or_default().matches('\n').count() as u64 + 1;
        let row = match scanner.value() {
            Ok(Json::Object(object)) => row_of(object),
            Ok(_) => Err("it is not an object".to_owned()),
            Err(JsonError::Syntax(at)) => return Err(not_json(text, at)),
            Err(JsonError::TooDeep) => return Err(not_json(text, start)),
        };
        rows.take(Place::Line(line), row);
    }
    Ok(rows)
}

/// One object a line.
fn lines(text: &str) -> Rows {
    let mut rows = Rows::default();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let mut scanner = Scanner::new(line, MAX_DEPTH);
        let row = match scanner.value().and_then(|value| scanner.end().map(|()| value)) {
            Ok(Json::Object(object)) => row_of(object),
            Ok(_) => Err("it is not an object".to_owned()),
            Err(JsonError::Syntax(at)) => Err(format!("not JSON from byte {} on", at + 1)),
            Err(error @ JsonError::TooDeep) => Err(error.to_string()),
        };
        rows.take(Place::Line(number), row);
    }
    rows
}

impl Rows {
    fn take(&mut self, place: Place, row: Result<Row, String>) {
        match row {
            Ok(row) => {
                self.left_out.extend(row.others.iter().cloned());
                self.rows.push((place, row));
            }
            Err(message) => self.bad.push(BadRow { place, message }),
        }
    }
}

/// The members of an object; of a name that comes twice the last.
fn members(object: &str) -> Result<Vec<(String, Json<'_>)>, JsonError> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut members: Vec<(String, Json<'_>)> = Vec::new();
    Scanner::new(object, MAX_DEPTH).object(|key, scanner| {
        let value = scanner.value()?;
        let key = key.decode().unwrap_or_default().into_owned();
        match places.get(&key).and_then(|place| members.get_mut(*place)) {
            Some(member) => member.1 = value,
            None => {
                places.insert(key.clone(), members.len());
                members.push((key, value));
            }
        }
        Ok::<_, JsonError>(())
    })?;
    Ok(members)
}

/// A row's attributes, its id unjudged.
#[derive(Default)]
struct Attributes {
    id: Option<String>,
    row: Row,
}

impl Attributes {
    fn into_row(self) -> Result<Row, String> {
        Ok(Row { customer_id: customer_id(self.id)?, ..self.row })
    }
}

/// A row from an object, plain or as DynamoDB exports it.
fn row_of(object: &str) -> Result<Row, String> {
    let members = members(object).map_err(|error| error.to_string())?;
    let id = members.iter().find(|(name, _)| name == CUSTOMER_ID).map(|(_, value)| *value);
    let item = members.iter().find_map(|(name, value)| match value {
        Json::Object(item) if name == "Item" && is_item(value) => Some(*item),
        _ => None,
    });
    let attributes = match (id, item) {
        (None, Some(item)) => attributes_of(item, Form::DynamoDb)?,
        (Some(Json::Object(_)), _) => attributes_of(object, Form::DynamoDb)?,
        _ => attributes_of(object, Form::Plain)?,
    };
    attributes.into_row()
}

fn attributes_of(object: &str, form: Form) -> Result<Attributes, String> {
    let mut found = Attributes::default();
    for (name, value) in members(object).map_err(|error| error.to_string())? {
        let value = match form {
            Form::Plain => Some(value),
            Form::DynamoDb => typed(value),
        };
        if name == CUSTOMER_ID {
            found.id = id_of(value)?;
            continue;
        }
        let text = |text: exact_text::json::Text<'_>| text.decode().map(|text| text.into_owned());
        let attribute = match value {
            Some(Json::Null) => Value::Missing,
            Some(Json::Number(digits)) => Value::Number(digits.to_owned()),
            Some(Json::String(raw)) if name == SEGMENT => text(raw).map_or(Value::Other, Value::of_segment),
            Some(Json::String(raw)) => text(raw).map_or(Value::Other, Value::of_text),
            _ => Value::Other,
        };
        match ATTRIBUTES.iter().position(|attribute| *attribute == name) {
            Some(0) => found.row.segment = attribute,
            Some(1) => found.row.lifetime_value = attribute,
            Some(_) => found.row.risk_score = attribute,
            None => found.row.others.push(name),
        }
    }
    Ok(found)
}

/// A customer's id: text, or a whole number as its digits.
fn id_of(value: Option<Json<'_>>) -> Result<Option<String>, String> {
    match value {
        Some(Json::Null) => Ok(None),
        Some(Json::Number(digits)) if !digits.contains(['.', 'e', 'E']) => Ok(Some(digits.to_owned())),
        Some(Json::String(text)) if text.decode().is_some() => Ok(text.decode().map(|id| id.into_owned())),
        _ => Err("`customer_id` is neither text nor a whole number".to_owned()),
    }
}

/// The value in an object that names its type: `{"S": "gold"}`, `{"N": "0.9"}`, `{"NULL": true}`. `None` for another type.
fn typed(value: Json<'_>) -> Option<Json<'_>> {
    let Json::Object(object) = value else { return None };
    let members = members(object).ok()?;
    let [(name, value)] = members.as_slice() else { return None };
    match (name.as_str(), value) {
        ("S", Json::String(_)) => Some(*value),
        // DynamoDB writes digits as text.
        ("N", Json::String(text)) if is_number(text.raw()) => Some(Json::Number(text.raw())),
        ("NULL", Json::Bool(true)) => Some(Json::Null),
        _ => None,
    }
}
