//! Putting rows together from their columns.
//!
//! A column's entry tells by its levels how much of the way down to its value is there, and which list it continues
//! (<https://parquet.apache.org/docs/file-format/nestedencoding/>).

use super::column::{Column, ColumnFault};
use super::layout::{Layout, Member, Node, Shape};
use super::value;

type Written = Result<(), ColumnFault>;

/// Appends the next row as a JSON object.
pub(super) fn write(layout: &Layout, columns: &mut [Column], out: &mut Vec<u8>) -> Written {
    if let Some(column) = columns.iter().find(|column| column.repetition() != 0) {
        return Err(column.fault("continues a list of the row before: the file is damaged"));
    }
    object(&layout.0, columns, out)
}

/// Appends an object; members without a value are left out.
fn object(members: &[Member], columns: &mut [Column], out: &mut Vec<u8>) -> Written {
    out.push(b'{');
    let empty = out.len();
    for Member { key, node } in members {
        if is_absent(node, columns)? {
            pass_over(node, columns);
            continue;
        }
        if out.len() > empty {
            out.push(b',');
        }
        out.extend_from_slice(key);
        present(node, columns, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// Appends a value of a list or map, where its place must be kept.
fn value_or_null(node: &Node, columns: &mut [Column], out: &mut Vec<u8>) -> Written {
    match is_absent(node, columns)? {
        false => present(node, columns, out),
        true => {
            pass_over(node, columns);
            out.extend_from_slice(b"null");
            Ok(())
        }
    }
}

fn present(node: &Node, columns: &mut [Column], out: &mut Vec<u8>) -> Written {
    match &node.shape {
        Shape::Value(leaf) => {
            let Some(column) = columns.get_mut(node.columns.start) else { return Ok(()) };
            let cell = column.value().ok_or_else(|| column.fault("lacks a value: the file is damaged"))?;
            value::write(*leaf, cell, out).map_err(|what| column.fault(what))?;
            column.advance(true);
            Ok(())
        }
        Shape::Object(members) => object(members, columns, out),
        Shape::List { element, repetition } => {
            out.push(b'[');
            each(node, *repetition, columns, out, |columns, out| value_or_null(element, columns, out))?;
            out.push(b']');
            Ok(())
        }
        Shape::Map { key, value, repetition } => {
            out.push(b'{');
            each(node, *repetition, columns, out, |columns, out| {
                let start = out.len();
                value_or_null(key, columns, out)?;
                // A key that is not text is named by the text of its JSON.
                if out.get(start) != Some(&b'"') {
                    let text = String::from_utf8_lossy(&out.split_off(start)).into_owned();
                    out.push(b'"');
                    exact_text::json::push_escaped(out, &text);
                    out.push(b'"');
                }
                out.push(b':');
                value_or_null(value, columns, out)
            })?;
            out.push(b'}');
            Ok(())
        }
    }
}

/// Appends each element of a list with `write`.
fn each(
    list: &Node,
    repetition: i16,
    columns: &mut [Column],
    out: &mut Vec<u8>,
    mut write: impl FnMut(&mut [Column], &mut Vec<u8>) -> Written,
) -> Written {
    // The level of an element is the next after that of a list without one.
    if definition(list, columns)? <= list.definition {
        pass_over(list, columns);
        return Ok(());
    }
    loop {
        write(columns, out)?;
        let first = columns.get(list.columns.start);
        let next = first.map_or(0, Column::repetition);
        if next < repetition {
            return Ok(());
        }
        if let Some(column) = first.filter(|_| next > repetition) {
            return Err(column.fault("continues a list that has not begun: the file is damaged"));
        }
        out.push(b',');
    }
}

/// How deep the next entry of what a node is made of is defined.
fn definition(node: &Node, columns: &[Column]) -> Result<i16, ColumnFault> {
    let Some(column) = columns.get(node.columns.start) else { return Ok(0) };
    column.definition().ok_or_else(|| column.fault("ends within a row: the file is damaged"))
}

fn is_absent(node: &Node, columns: &[Column]) -> Result<bool, ColumnFault> {
    Ok(definition(node, columns)? < node.definition)
}

/// Passes over the entry that each column has for something that is not there.
fn pass_over(node: &Node, columns: &mut [Column]) {
    for column in columns.get_mut(node.columns.clone()).unwrap_or_default() {
        column.advance(false);
    }
}
