//! Rows as JSON.

use std::collections::HashMap;

use exact_text::json::{JsonError, Scanner, Value as Json, is_number};

use super::{FormError, Place, Shape, Value};

/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 64;

/// A row, its members not yet looked at.
#[derive(Debug)]
pub(crate) struct Piece<'t> {
    pub(crate) place: Place,
    /// The name of the member that the row is, in an object with a member for each.
    pub(crate) name: Option<String>,
    object: Result<&'t str, String>,
}

/// The members of a row in their order; `None` is a value that no attribute can have.
pub(crate) type Members<'t> = Vec<(String, Option<Json<'t>>)>;

/// Takes a file apart that begins as JSON does.
///
/// # Errors
/// [`FormError::NotJson`] if it is not JSON as a whole. Of one object a line each line is read alone.
pub(crate) fn pieces<'t>(text: &'t str, shape: &Shape) -> Result<Vec<Piece<'t>>, FormError> {
    let mut scanner = Scanner::new(text, MAX_DEPTH);
    let first = scanner.value();
    let is_single = first.is_ok() && scanner.peek().is_none();
    match first {
        Ok(Json::Array(_)) if is_single => array(text, text, shape),
        Ok(Json::Object(object)) if is_single => single(text, object, shape),
        Ok(Json::Object(object)) if object.contains('\n') => objects(text, shape),
        Ok(Json::Object(_)) => Ok(lines(text)),
        Err(_) if is_by_line(text) => Ok(lines(text)),
        Ok(_) => Err(not_json(text, scanner.offset(), shape)),
        Err(JsonError::Syntax(at)) => Err(not_json(text, at, shape)),
        Err(JsonError::TooDeep) => Err(not_json(text, scanner.offset(), shape)),
    }
}

/// Whether the second line begins an object as the first does: then it is one object a line, and the first is bad.
fn is_by_line(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.by_ref().take(2).filter(|line| line.starts_with('{')).count() == 2
}

fn not_json(text: &str, at: usize, shape: &Shape) -> FormError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let byte = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
    FormError::NotJson { line, byte, accepted: shape.accepted }
}

impl<'t> Piece<'t> {
    fn new(place: Place, value: Json<'t>) -> Self {
        let object = match value {
            Json::Object(object) => Ok(object),
            _ => Err("it is not an object".to_owned()),
        };
        Piece { place, name: None, object }
    }

    /// The row's members, those that name types, as DynamoDB's export does, without them.
    ///
    /// # Errors
    /// What is wrong with the row.
    pub(crate) fn members(&self, shape: &Shape) -> Result<Members<'t>, String> {
        let object = self.object.clone()?;
        let found = members(object).map_err(|error| error.to_string())?;
        let key = found.iter().find(|(name, _)| shape.is_key(name)).map(|(_, value)| *value);
        let item = found.iter().find_map(|(name, value)| match value {
            Json::Object(item) if name == "Item" && is_item(value, shape) => Some(*item),
            _ => None,
        });
        let plain = |found: Vec<(String, Json<'t>)>| {
            found.into_iter().map(|(name, value)| (name, Some(value))).collect()
        };
        let of_types = |found: Vec<(String, Json<'t>)>| {
            found.into_iter().map(|(name, value)| (name, typed(value))).collect()
        };
        Ok(match (&self.name, key, item) {
            (None, None, Some(item)) => of_types(members(item).map_err(|error| error.to_string())?),
            (None, Some(Json::Object(_)), _) => of_types(found),
            _ => plain(found),
        })
    }
}

impl Shape {
    fn is_key(&self, name: &str) -> bool {
        self.keys.contains(&name)
    }
}

/// An object that is all there is: a row, or a member for each.
fn single<'t>(text: &'t str, object: &'t str, shape: &Shape) -> Result<Vec<Piece<'t>>, FormError> {
    let members = members(object).map_err(|_| not_json(text, 0, shape))?;
    let is_row = members
        .iter()
        .any(|(name, value)| shape.is_key(name) && matches!(value, Json::String(_) | Json::Number(_)));
    let item = members.iter().find(|(name, value)| name == "Item" && is_item(value, shape));
    // What `aws dynamodb scan` prints.
    let items = members.iter().find_map(|(name, value)| match value {
        Json::Array(items) if name == "Items" => Some(*items),
        _ => None,
    });
    if let Some(items) = items {
        return array(text, items, shape);
    }
    if is_row || item.is_some() {
        return Ok(vec![Piece::new(Place::Line(1), Json::Object(object))]);
    }
    let piece =
        |(number, (name, value))| Piece { name: Some(name), ..Piece::new(Place::Member(number), value) };
    Ok((1..).zip(members).map(piece).collect())
}

fn is_item(value: &Json<'_>, shape: &Shape) -> bool {
    let Json::Object(item) = value else { return false };
    members(item).is_ok_and(|members| {
        members.iter().any(|(name, value)| shape.is_key(name) && matches!(value, Json::Object(_)))
    })
}

fn array<'t>(text: &str, array: &'t str, shape: &Shape) -> Result<Vec<Piece<'t>>, FormError> {
    let mut pieces = Vec::new();
    let read = Scanner::new(array, MAX_DEPTH).array(|scanner| {
        let place = Place::Element(pieces.len() as u64 + 1);
        pieces.push(Piece::new(place, scanner.value()?));
        Ok::<_, JsonError>(())
    });
    read.map_err(|_| not_json(text, 0, shape))?;
    Ok(pieces)
}

/// Objects over several lines each.
fn objects<'t>(text: &'t str, shape: &Shape) -> Result<Vec<Piece<'t>>, FormError> {
    let mut pieces = Vec::new();
    let mut scanner = Scanner::new(text, MAX_DEPTH);
    while scanner.peek().is_some() {
        let start = scanner.offset();
        let line = text.get(..start).unwrap_or_default().matches('\n').count() as u64 + 1;
        match scanner.value() {
            Ok(value) => pieces.push(Piece::new(Place::Line(line), value)),
            Err(JsonError::Syntax(at)) => return Err(not_json(text, at, shape)),
            Err(JsonError::TooDeep) => return Err(not_json(text, start, shape)),
        }
    }
    Ok(pieces)
}

/// One object a line.
fn lines(text: &str) -> Vec<Piece<'_>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let piece = |(number, line)| {
        let (place, mut scanner) = (Place::Line(number), Scanner::new(line, MAX_DEPTH));
        let bad = |message| Piece { place, name: None, object: Err(message) };
        match scanner.value().and_then(|value| scanner.end().map(|()| value)) {
            Ok(value) => Piece::new(place, value),
            Err(JsonError::Syntax(at)) => bad(format!("not JSON from byte {} on", at + 1)),
            Err(error @ JsonError::TooDeep) => bad(error.to_string()),
        }
    };
    lines.map(piece).collect()
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

/// An attribute's value.
pub(crate) fn attribute(value: Option<Json<'_>>) -> Value {
    match value {
        Some(Json::Null) => Value::Missing,
        Some(Json::Number(digits)) => Value::Number(digits.to_owned()),
        Some(Json::String(text)) => {
            text.decode().map_or(Value::Other, |text| Value::of_text(text.into_owned()))
        }
        _ => Value::Other,
    }
}

/// The value of an attribute that is a text whatever it looks like.
pub(crate) fn words(value: Option<Json<'_>>) -> Value {
    match value {
        Some(Json::String(text)) => {
            text.decode().map_or(Value::Other, |text| Value::of_words(text.into_owned()))
        }
        value => attribute(value),
    }
}

/// The id under this name: text, or a whole number as its digits.
pub(crate) fn id_of(name: &str, value: Option<Json<'_>>) -> Result<Option<String>, String> {
    match value {
        Some(Json::Null) => Ok(None),
        Some(Json::Number(digits)) if !digits.contains(['.', 'e', 'E']) => Ok(Some(digits.to_owned())),
        Some(Json::String(text)) if text.decode().is_some() => Ok(text.decode().map(|id| id.into_owned())),
        _ => Err(format!("`{name}` is neither text nor a whole number")),
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
