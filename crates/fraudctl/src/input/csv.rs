//! CSV files as JSON objects: a row each, under the header's names.

use std::io;
use std::sync::Arc;

use super::InputError;
use super::entry::{Entry, Fault, MAX_ENTRY_BYTES, SourceLocation};
use super::window::Window;

mod header;
mod object;
mod record;

pub(super) use header::{Header, Recognised, recognise};

use record::{RecordScan, RecordStep};

/// The rows of one file.
#[derive(Debug)]
pub(super) struct CsvRows {
    window: Window,
    source_name: String,
    file: Option<Arc<str>>,
    header: Header,
    scan: RecordScan,
    /// Of the next byte, from 1.
    line: u64,
    /// Whether the last byte was a carriage return, which a line feed would belong to.
    after_cr: bool,
}

/// What is found where a record begins.
enum Found {
    /// A record of this many bytes.
    Record(usize),
    /// A quote is out of place.
    Quotes,
    TooLong,
}

impl CsvRows {
    /// The rows behind the header, which is at the beginning of the window.
    pub(super) fn new(window: Window, header: Header, name: &str, names_files: bool) -> Self {
        let mut rows = CsvRows {
            window,
            source_name: name.to_owned(),
            file: names_files.then(|| name.into()),
            scan: RecordScan::new(header.separator),
            header,
            line: 1,
            after_cr: false,
        };
        rows.consume(rows.header.length);
        rows
    }

    /// The columns' names, in their order; a column without a name is not among them.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.columns.iter().map(|column| column.name()).filter(|name| !name.is_empty())
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Option<Result<Entry, InputError>> {
        match self.read_next() {
            Ok(entry) => entry.map(Ok),
            Err(error) => Some(Err(InputError::Read { source_name: self.source_name.clone(), error })),
        }
    }

    fn read_next(&mut self) -> io::Result<Option<Entry>> {
        if !self.skip_blank_lines()? {
            return Ok(None);
        }
        let location = SourceLocation {
            file: self.file.clone(),
            line: self.line,
            byte: 1,
            begins_line: true,
            is_row: false,
        };
        let found = self.find()?;
        let (bytes, fault) = match found {
            Found::Record(length) => match self.object(length) {
                Ok(object) if object.len() > MAX_ENTRY_BYTES => {
                    self.consume(length);
                    (Vec::new(), Some(Fault::TooLong(length as u64)))
                }
                Ok(object) => {
                    self.consume(length);
                    (object, None)
                }
                Err(fault) => (self.take(length), Some(fault)),
            },
            Found::Quotes => match self.line_length()? {
                // Where the row ends is unknown.
                Some(length) => (self.take(length), Some(Fault::Quotes)),
                None => (Vec::new(), Some(Fault::TooLong(self.pass_over_line()?))),
            },
            Found::TooLong => (Vec::new(), Some(Fault::TooLong(self.pass_over_line()?))),
        };
        let is_open = fault.is_some() && self.window.byte(0)?.is_none();
        Ok(Some(Entry { location, bytes: bytes.into(), fault, is_open }))
    }

    /// What begins at the first byte of the window.
    fn find(&mut self) -> io::Result<Found> {
        self.scan.restart();
        loop {
            let available = self.window.available();
            let (step, length) = (self.scan.advance(available), available.len());
            match step {
                RecordStep::Complete(length) if length <= MAX_ENTRY_BYTES => {
                    return Ok(Found::Record(length));
                }
                RecordStep::Fault => return Ok(Found::Quotes),
                RecordStep::Complete(_) => return Ok(Found::TooLong),
                // A quote that is not closed makes one row of all that follows it.
                RecordStep::More if length > MAX_ENTRY_BYTES => return Ok(Found::Quotes),
                RecordStep::More => {}
            }
            if !self.window.fill()? {
                return Ok(match self.scan.finish() {
                    RecordStep::Complete(length) => Found::Record(length),
                    _ => Found::Quotes,
                });
            }
        }
    }

    /// The record of the first `length` bytes as an object.
    fn object(&self, length: usize) -> Result<Vec<u8>, Fault> {
        let record = self.window.available().get(..length).unwrap_or_default();
        let record = std::str::from_utf8(record).map_err(|_| Fault::NotUtf8)?;
        let (fields, columns) = (self.scan.fields(), &self.header.columns);
        if fields.len() != columns.len() {
            return Err(Fault::Fields { found: fields.len(), expected: columns.len() });
        }
        let mut object = Vec::with_capacity(length * 2 + columns.len() * 16);
        object::write(record, fields, columns, &mut object);
        Ok(object)
    }

    /// Skips line breaks and lines of nothing but spaces. Says whether anything follows.
    fn skip_blank_lines(&mut self) -> io::Result<bool> {
        loop {
            let mut spaces = 0;
            while self.window.byte(spaces)? == Some(b' ') && spaces < MAX_ENTRY_BYTES {
                spaces += 1;
            }
            match self.window.byte(spaces)? {
                None => {
                    self.consume(spaces);
                    return Ok(false);
                }
                Some(b'\n' | b'\r') => self.consume(spaces + 1),
                Some(_) => return Ok(true),
            }
        }
    }

    /// The length of the line that begins here; `None` if it is longer than any entry.
    fn line_length(&mut self) -> io::Result<Option<usize>> {
        let mut length = 0;
        while length <= MAX_ENTRY_BYTES {
            if matches!(self.window.byte(length)?, None | Some(b'\n' | b'\r')) {
                return Ok(Some(length));
            }
            length += 1;
        }
        Ok(None)
    }

    /// Passes over the rest of a line that is too long to be kept. Gives its length.
    fn pass_over_line(&mut self) -> io::Result<u64> {
        let mut passed = 0;
        loop {
            let available = self.window.available();
            let line_break = available.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let count = line_break.unwrap_or(available.len());
            self.consume(count);
            passed += count as u64;
            if line_break.is_some() || !self.window.fill()? {
                return Ok(passed);
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let bytes = self.window.available().get(..length).unwrap_or_default().to_vec();
        self.consume(length);
        bytes
    }

    /// Consumes bytes and counts their lines.
    fn consume(&mut self, count: usize) {
        for &byte in self.window.available().get(..count).unwrap_or_default() {
            self.line += u64::from(byte == b'\r' || (byte == b'\n' && !self.after_cr));
            self.after_cr = byte == b'\r';
        }
        self.window.consume(count);
    }
}
