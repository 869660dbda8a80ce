//! What an input is made of.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The most bytes of an entry. No record of any service can hold that many.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024 * 1024;

/// An object, or what is found instead of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it begins.
    pub location: SourceLocation,
    /// The object from brace to brace, as it is written, or as a row of a CSV or Parquet file makes it; of a malformed entry
    /// its line, or its row of CSV. Empty if it is [too long](Fault::TooLong).
    pub bytes: Bytes,
    /// Why it is not an object; `None` if it is one.
    pub fault: Option<Fault>,
    /// Whether the input ends within it: its line break is missing.
    pub is_open: bool,
}

/// Where an entry begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceLocation {
    /// The file, if the input has several.
    pub file: Option<Arc<str>>,
    /// From 1. Of a Parquet file the row.
    pub line: u64,
    /// The byte within the line, from 1.
    pub byte: u64,
    /// Whether only white space is before it on its line.
    pub begins_line: bool,
    /// Whether it is a row of a Parquet file.
    pub is_row: bool,
}

impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}, ")?;
        }
        match (self.is_row, self.begins_line) {
            (true, _) => write!(f, "row {}", self.line),
            (false, true) => write!(f, "line {}", self.line),
            (false, false) => write!(f, "line {}, byte {}", self.line, self.byte),
        }
    }
}

/// Why an entry is not an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// It is not JSON (RFC 8259) from this byte on, counted from 1.
    #[error("not JSON from byte {0} on")]
    NotJson(usize),
    /// The input ends within it.
    #[error("not JSON: the input ends within it")]
    CutOff,
    /// It is JSON, but no object.
    #[error("JSON, but not an object")]
    NotAnObject,
    /// It is an object after something malformed, and neither begins a line nor names a field of a transaction: it may
    /// be a part of what is malformed.
    #[error("a part of something malformed before it")]
    Part,
    /// It has more than [`MAX_ENTRY_BYTES`]; the rest of its line, or of its row, was passed over.
    #[error("more than {MAX_ENTRY_BYTES} bytes; the rest of its line, {0} bytes in all, was passed over")]
    TooLong(u64),
    /// A row of CSV has another number of fields than the header.
    #[error(
        "{found} fields, but the header names {expected} columns; a field that holds the separator is written in quotes"
    )]
    Fields {
        /// The row's fields.
        found: usize,
        /// The header's.
        expected: usize,
    },
    /// A quote in a row of CSV is out of place. Where the row ends is unknown: reading goes on at the next line.
    #[error(
        "a quote is not closed, or text follows a closing one; a quote within a field in quotes is written twice"
    )]
    Quotes,
}
