//! Entities as people keep them in files: CSV, NDJSON, an array, an object with a member for each entity, and DynamoDB's
//! export. A row names its entity as `entity`, or as `kind` and `id`.

use std::collections::{BTreeMap, BTreeSet};

use exact_text::json::Value as Json;
use fraud_core::entity::{Entity, EntityKind, LIST_PREFIX};
use fraud_core::merchant::Bucket;

use super::table::{CHANGED_AT, CHANGED_BY, COUNTED, ENTITY, RISK, THROUGH, is_list_name};
use super::{MAX_ID_CHARACTERS, key_of, parse_key};
use crate::rows::csv::{has_decimal_commas, header, id, number, records, text};
use crate::rows::json::{Piece, attribute, id_of, pieces};
pub use crate::rows::{BadRow, FormError, Place, Value};
use crate::rows::{Content, MAX_DIGITS, Shape, shortened};

const KIND: &str = "kind";
const ID: &str = "id";

const ACCEPTED: &str = "accepted are CSV with a header (entity,risk,list_<name> or kind,id,risk,list_<name>), one JSON object a \
                        line, {\"merchant/M1\": {...}} and DynamoDB's export";
const SHAPE: Shape = Shape { keys: &[ENTITY, KIND], accepted: ACCEPTED };

/// The entities of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// The rows that could be read, in the file's order. An entity may have several.
    pub rows: Vec<(Place, Row)>,
    /// Those that could not.
    pub bad: Vec<BadRow>,
    /// Columns or members that are not attributes of an entity, and were left out.
    pub left_out: BTreeSet<String>,
    /// The last day through which merchants' transactions are counted, if a row says so.
    pub through: Option<i32>,
}

/// One entity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// The entity's key.
    pub entity: String,
    /// `risk`, `list_<name>` and the counts of days, those that are not missing.
    pub attributes: BTreeMap<String, Value>,
}

/// How a row names its entity.
#[derive(Debug, Default)]
struct Named {
    entity: Option<String>,
    kind: Option<String>,
    id: Option<String>,
    /// Of the row that says through which day merchants' transactions are counted.
    through: Option<String>,
}

/// Reads a file's bytes. What kind of file they are, they tell themselves.
///
/// # Errors
/// [`FormError`] if they are not of a kind that is read.
pub fn read(bytes: &[u8]) -> Result<Rows, FormError> {
    match Content::of(bytes, &SHAPE)? {
        Content::Json(text) => read_json(text),
        Content::Csv(bytes) => read_csv(bytes),
    }
}

impl Rows {
    fn take(&mut self, place: Place, named: Result<(Named, Row), String>) {
        if let Ok((Named { entity: Some(entity), through, .. }, _)) = &named
            && entity == COUNTED
        {
            self.through = through.as_deref().and_then(|day| day.parse().ok()).or(self.through);
            return;
        }
        let row = named.and_then(|(named, row)| Ok(Row { entity: named.key()?, ..row }));
        match row {
            Ok(row) => self.rows.push((place, row)),
            Err(message) => self.bad.push(BadRow { place, message }),
        }
    }
}

impl Named {
    fn key(self) -> Result<String, String> {
        let is_key = |key: &String| parse_key(key).is_some();
        match self {
            Named { entity: Some(entity), .. } if is_key(&entity) => Ok(entity),
            Named { entity: Some(entity), .. } => {
                Err(format!("`{ENTITY}` is `{}`: {}", shortened(&entity), accepted_keys()))
            }
            Named { kind: Some(kind), id: Some(id), .. } => match EntityKind::of_name(&kind) {
                Some(kind) => Some(key_of(kind, &id)).filter(is_key).ok_or_else(|| {
                    format!("`{ID}` is empty or has more than {MAX_ID_CHARACTERS} characters")
                }),
                None => Err(format!("`{KIND}` is `{}`: {}", shortened(&kind), accepted_keys())),
            },
            _ => Err(format!("it names no entity: neither `{ENTITY}` nor `{KIND}` and `{ID}`")),
        }
    }
}

/// What an entity's key can be, for people.
pub fn accepted_keys() -> String {
    let kinds: Vec<_> = EntityKind::ALL.iter().map(|kind| kind.as_str()).collect();
    format!("write it as merchant/M0976; kinds are {}", kinds.join(", "))
}

/// Whether a name is that of an attribute of entities.
fn is_attribute(name: &str) -> bool {
    name == RISK || name.starts_with(LIST_PREFIX) || Bucket::of_attribute(name).is_some()
}

/// Whether it is one that is written anew with every change.
fn is_of_change(name: &str) -> bool {
    [CHANGED_BY, CHANGED_AT].contains(&name)
}

fn read_json(text: &str) -> Result<Rows, FormError> {
    let mut rows = Rows::default();
    for piece in pieces(text, &SHAPE)? {
        let row = of_json(&piece, &mut rows.left_out);
        rows.take(piece.place, row);
    }
    Ok(rows)
}

fn of_json(piece: &Piece<'_>, left_out: &mut BTreeSet<String>) -> Result<(Named, Row), String> {
    let (mut named, mut row) = (Named::default(), Row::default());
    for (name, value) in piece.members(&SHAPE)? {
        match name.as_str() {
            ENTITY => named.entity = text_of(ENTITY, value)?,
            KIND => named.kind = text_of(KIND, value)?,
            ID => named.id = id_of(ID, value)?,
            _ if is_attribute(&name) => row.insert(name, attribute(value)),
            _ if is_of_change(&name) => {}
            THROUGH => named.through = value.and_then(Json::as_digits).map(std::borrow::Cow::into_owned),
            _ => drop(left_out.insert(name)),
        }
    }
    if let Some(name) = &piece.name {
        named = Named { entity: Some(name.clone()), through: named.through, ..Named::default() };
    }
    Ok((named, row))
}

fn text_of(name: &str, value: Option<Json<'_>>) -> Result<Option<String>, String> {
    match value {
        Some(Json::Null | Json::String(_)) => id_of(name, value),
        _ => Err(format!("`{name}` is not text")),
    }
}

fn read_csv(bytes: &[u8]) -> Result<Rows, FormError> {
    let (separator, columns) = header(bytes, |name| SHAPE.keys.contains(&name), ENTITY, &SHAPE)?;
    for (place, column) in columns.iter().enumerate() {
        let is_known = is_attribute(column) || [ENTITY, KIND, ID].contains(&column.as_str());
        if is_known && columns.iter().skip(place + 1).any(|later| later == column) {
            return Err(FormError::RepeatedColumn { column: column.clone() });
        }
    }
    let is_left_out = |name: &&String| {
        !name.is_empty()
            && !is_attribute(name)
            && !is_of_change(name)
            && name.as_str() != THROUGH
            && ![ENTITY, KIND, ID].contains(&name.as_str())
    };
    let mut rows =
        Rows { left_out: columns.iter().filter(is_left_out).cloned().collect(), ..Rows::default() };
    let mut read = Vec::new();
    for record in records(bytes, separator) {
        let fields = record.and_then(|(place, record)| {
            let fields: Result<Vec<_>, _> = record.iter().map(|field| text(place, field)).collect();
            Ok((place, fields?))
        });
        match fields {
            Ok(row) => read.push(row),
            Err(bad) => rows.bad.push(bad),
        }
    }
    let numbers = read.iter().flat_map(|(_, fields)| columns.iter().zip(fields));
    let numbers = numbers.filter(|(column, _)| is_attribute(column)).map(|(_, field)| field.as_str());
    let decimal_commas = has_decimal_commas(separator, numbers);
    for (place, fields) in read {
        rows.take(place, of_fields(&columns, fields, decimal_commas));
    }
    rows.bad.sort_by_key(|bad| bad.place);
    Ok(rows)
}

fn of_fields(columns: &[String], fields: Vec<String>, decimal_commas: bool) -> Result<(Named, Row), String> {
    let (mut named, mut row) = (Named::default(), Row::default());
    for (column, field) in columns.iter().zip(fields) {
        match column.as_str() {
            ENTITY => named.entity = Some(field).filter(|field| !field.is_empty()),
            KIND => named.kind = Some(field).filter(|field| !field.is_empty()),
            ID => named.id = Some(id(ID, field)?).filter(|field| !field.is_empty()),
            THROUGH => named.through = Some(field),
            _ if is_attribute(column) => row.insert(column.clone(), number(field, decimal_commas)),
            _ => {}
        }
    }
    Ok((named, row))
}

impl Row {
    fn insert(&mut self, name: String, value: Value) {
        if value != Value::Missing {
            self.attributes.insert(name, value);
        }
    }

    /// The entity as the functions see it.
    pub fn entity(&self) -> Entity {
        Entity::new(self.attributes.iter().map(|(name, value)| (name.as_str(), value.attribute())))
    }

    /// Why the functions cannot use the row as it is meant, if they cannot: what is wrong, and what to do.
    pub fn problem(&self) -> Option<String> {
        for (name, value) in &self.attributes {
            // The functions' own judgement, of each attribute alone.
            let is_usable = Entity::new([(name.as_str(), value.attribute())]).is_valid();
            let list = name.strip_prefix(LIST_PREFIX);
            if let Some(list) = list.filter(|list| !is_list_name(list)) {
                return Some(format!(
                    "`{}` is not a list's name: lower-case letters, digits and _, 1 to 64 of them",
                    shortened(list)
                ));
            }
            if matches!(value, Value::Number(digits) if digits.bytes().filter(u8::is_ascii_digit).count() > MAX_DIGITS)
            {
                return Some(format!("`{name}` has more than the {MAX_DIGITS} digits that DynamoDB holds"));
            }
            if !is_usable {
                let accepted = match list {
                    None if Bucket::of_attribute(name).is_some() => "a whole number of at least 0",
                    Some(_) => "the second since the epoch at which the entity leaves the list, 0 for never",
                    None => "a number from 0 to 1; a percentage is written as 0.95",
                };
                return Some(format!("`{name}` is not {accepted}"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
