//! What a row looks like: the file's schema as the tree of the objects that are written.
//!
//! Lists and maps in each of the ways that writers have had
//! (<https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#nested-types>).

use std::ops::Range;

use ::parquet::basic::{ConvertedType, LogicalType, Repetition};
use ::parquet::schema::types::{SchemaDescriptor, Type};
use exact_text::json::push_escaped;

use super::ParquetFault;
use super::value::LeafType;
use crate::input::scan::MAX_DEPTH;

/// The members of a row.
#[derive(Debug)]
pub(super) struct Layout(pub(super) Vec<Member>);

#[derive(Debug)]
pub(super) struct Member {
    /// `"name":`
    pub(super) key: Vec<u8>,
    pub(super) node: Node,
}

/// A value of a row.
#[derive(Debug)]
pub(super) struct Node {
    /// From which level on it is there.
    pub(super) definition: i16,
    /// The columns that it is made of, side by side.
    pub(super) columns: Range<usize>,
    pub(super) shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    Value(LeafType),
    Object(Vec<Member>),
    List { element: Box<Node>, repetition: i16 },
    Map { key: Box<Node>, value: Box<Node>, repetition: i16 },
}

/// The levels of what is around a value.
#[derive(Debug, Clone, Copy)]
struct Levels {
    definition: i16,
    repetition: i16,
    depth: u32,
}

impl Levels {
    fn optional(self) -> Self {
        Levels { definition: self.definition + 1, ..self }
    }

    fn repeated(self) -> Self {
        Levels { definition: self.definition + 1, repetition: self.repetition + 1, ..self }
    }
}

struct Builder<'a> {
    schema: &'a SchemaDescriptor,
    next_column: usize,
}

impl Layout {
    pub(super) fn of(schema: &SchemaDescriptor) -> Result<Self, ParquetFault> {
        let mut builder = Builder { schema, next_column: 0 };
        let levels = Levels { definition: 0, repetition: 0, depth: 1 };
        Ok(Layout(builder.members(schema.root_schema(), levels)?))
    }
}

impl Builder<'_> {
    fn members(&mut self, group: &Type, levels: Levels) -> Result<Vec<Member>, ParquetFault> {
        let member = |field: &std::sync::Arc<Type>| {
            let mut key = vec![b'"'];
            push_escaped(&mut key, field.name());
            key.extend_from_slice(b"\":");
            Ok(Member { key, node: self.field(field, levels)? })
        };
        group.get_fields().iter().map(member).collect()
    }

    /// A field of a group, with the repetition that it has there.
    fn field(&mut self, field: &Type, levels: Levels) -> Result<Node, ParquetFault> {
        match field.get_basic_info().repetition() {
            Repetition::REQUIRED => self.present(field, levels),
            Repetition::OPTIONAL => self.present(field, levels.optional()),
            Repetition::REPEATED => self.list(levels, |builder, inner| builder.present(field, inner)),
        }
    }

    fn list(
        &mut self,
        levels: Levels,
        element: impl FnOnce(&mut Self, Levels) -> Result<Node, ParquetFault>,
    ) -> Result<Node, ParquetFault> {
        let (first, inner) = (self.next_column, levels.repeated());
        let element = Box::new(element(self, inner)?);
        let shape = Shape::List { element, repetition: inner.repetition };
        Ok(Node { definition: levels.definition, columns: first..self.next_column, shape })
    }

    /// What a field is where it is there.
    fn present(&mut self, field: &Type, levels: Levels) -> Result<Node, ParquetFault> {
        let levels = Levels { depth: levels.depth + 1, ..levels };
        let wrong = |what| ParquetFault::Column { column: field.name().to_owned(), what };
        if levels.depth > MAX_DEPTH {
            return Err(wrong("is nested too deep"));
        }
        let first = self.next_column;
        if field.is_primitive() {
            self.next_column += 1;
            let leaf = LeafType::of(&self.schema.column(first)).map_err(wrong)?;
            let columns = first..self.next_column;
            return Ok(Node { definition: levels.definition, columns, shape: Shape::Value(leaf) });
        }
        let info = field.get_basic_info();
        let (converted, logical) = (info.converted_type(), info.logical_type_ref());
        let is_list = converted == ConvertedType::LIST || logical == Some(&LogicalType::List);
        let is_map = matches!(converted, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE)
            || logical == Some(&LogicalType::Map);
        let repeated = match field.get_fields() {
            [child] if child.get_basic_info().repetition() == Repetition::REPEATED => Some(child),
            _ => None,
        };
        match repeated {
            Some(repeated) if is_list => self.list(levels, |builder, inner| match repeated.is_primitive() {
                false if !is_element(repeated) => match repeated.get_fields() {
                    [element] => builder.field(element, inner),
                    _ => builder.present(repeated, inner),
                },
                _ => builder.present(repeated, inner),
            }),
            Some(pairs) if is_map && !pairs.is_primitive() => match pairs.get_fields() {
                [keys] => self.list(levels, |builder, inner| builder.field(keys, inner)),
                [key, value] => {
                    let inner = levels.repeated();
                    let key = Box::new(self.field(key, inner)?);
                    let value = Box::new(self.field(value, inner)?);
                    let shape = Shape::Map { key, value, repetition: inner.repetition };
                    Ok(Node { definition: levels.definition, columns: first..self.next_column, shape })
                }
                _ => Err(wrong("is a map of something else than keys and values")),
            },
            _ => {
                let members = self.members(field, levels)?;
                let columns = first..self.next_column;
                match columns.is_empty() {
                    true => Err(wrong("is a group without columns")),
                    false => {
                        Ok(Node { definition: levels.definition, columns, shape: Shape::Object(members) })
                    }
                }
            }
        }
    }
}

/// Whether a list's repeated group is its element, as older writers had it, and not what is around the element.
fn is_element(repeated: &Type) -> bool {
    match repeated.get_fields() {
        [only] => {
            let holds_list = only.get_basic_info().repetition() == Repetition::REPEATED;
            !holds_list && (repeated.name() == "array" || repeated.name().ends_with("_tuple"))
        }
        _ => true,
    }
}
