//! Taking an input apart into its objects.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use exact_text::json::{JsonError, Scanner, Value};
use memchr::memchr;

use super::InputError;
use super::entry::{Entry, Fault, MAX_ENTRY_BYTES, SourceLocation};
use super::scan::{MAX_DEPTH, Scan, Step};
use super::window::Window;

/// The fields that a transaction is known by.
const TELLING_FIELDS: [&str; 3] = ["transaction_id", "customer_id", "amount"];

/// The longest line that is tried at once as a whole object; others are walked over.
const WHOLE_LINE: usize = 8 * 1024;

/// The entries of one source.
///
/// After something malformed it continues at the next line; within the line, which may be the whole rest of a file
/// without line breaks, at the next object that names a field of a transaction.
#[derive(Debug)]
pub(super) struct Splitter {
    window: Window,
    source_name: String,
    file: Option<Arc<str>>,
    shape: Shape,
    /// Where the next byte is.
    line: u64,
    byte: u64,
    /// Whether nothing but white space was consumed of the line.
    begins_line: bool,
    /// Whether the last byte was a carriage return, which a line feed would belong to.
    after_cr: bool,
    /// Whether something malformed was read since the last complete object.
    is_lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing was seen yet.
    Unknown,
    /// Objects, one after the other.
    Objects,
    /// In an array, after its bracket.
    ArrayBegun,
    /// In an array, after an element.
    BehindElement,
    /// In an array, after the comma that follows an element.
    BehindComma,
    /// Behind an array.
    BehindArray,
}

/// Why reading stops.
enum Stop {
    /// The reader failed.
    Reader(io::Error),
    /// The array is malformed here in this way.
    Malformed(&'static str),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Reader(error)
    }
}

/// What is found at an offset.
enum Found {
    Object(usize),
    Malformed,
    CutOff,
    TooLong,
}

impl Splitter {
    pub(super) fn new(window: Window, name: &str, names_files: bool) -> Self {
        Splitter {
            window,
            source_name: name.to_owned(),
            file: names_files.then(|| name.into()),
            shape: Shape::Unknown,
            line: 1,
            byte: 1,
            begins_line: true,
            after_cr: false,
            is_lost: false,
        }
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> Option<Result<Entry, InputError>> {
        let stop = match self.read_next() {
            Ok(entry) => return entry.map(Ok),
            Err(stop) => stop,
        };
        let source_name = self.source_name.clone();
        Some(Err(match stop {
            Stop::Reader(error) => InputError::Read { source_name, error },
            Stop::Malformed(what) => {
                let location = SourceLocation { file: None, ..self.location() };
                InputError::Malformed { source_name, location, what }
            }
        }))
    }

    fn read_next(&mut self) -> Result<Option<Entry>, Stop> {
        loop {
            let byte = self.skip_white_space()?;
            match (self.shape, byte) {
                (Shape::Unknown | Shape::Objects | Shape::BehindArray, None) => return Ok(None),
                (Shape::Unknown | Shape::BehindArray, Some(b'[')) => self.enter(Shape::ArrayBegun),
                (Shape::Unknown, Some(_)) => self.shape = Shape::Objects,
                (Shape::Objects, Some(byte)) => {
                    let entry = match self.whole_line() {
                        Some(entry) => entry,
                        None => self.object_or_line(byte)?,
                    };
                    return Ok(Some(entry));
                }
                (Shape::ArrayBegun | Shape::BehindElement, Some(b']')) => self.enter(Shape::BehindArray),
                (Shape::ArrayBegun | Shape::BehindComma, Some(b'{')) => return Ok(Some(self.element()?)),
                (Shape::BehindElement, Some(b',')) => self.enter(Shape::BehindComma),
                (Shape::ArrayBegun | Shape::BehindElement | Shape::BehindComma, None) => {
                    return Err(Stop::Malformed("the array is not closed: the input is cut off"));
                }
                (Shape::ArrayBegun, Some(_)) => {
                    return Err(Stop::Malformed("the array's elements must be objects"));
                }
                (Shape::BehindComma, Some(_)) => {
                    return Err(Stop::Malformed("an object is expected after the comma"));
                }
                (Shape::BehindElement, Some(_)) => {
                    return Err(Stop::Malformed("a comma or the array's end is expected"));
                }
                (Shape::BehindArray, Some(_)) => {
                    return Err(Stop::Malformed("only another array is expected after an array"));
                }
            }
        }
    }

    /// The next line, if it is one object from its first byte to its last and all of it is in memory: the same entry as without
    /// this short cut, in one pass over its bytes.
    #[inline]
    fn whole_line(&mut self) -> Option<Entry> {
        let available = self.window.available();
        if self.byte != 1 || available.first() != Some(&b'{') {
            return None;
        }
        let searched = available.get(..WHOLE_LINE).unwrap_or(available);
        let line = searched.get(..memchr(b'\n', searched)?)?;
        let object = line.strip_suffix(b"\r").unwrap_or(line);
        if object.last() != Some(&b'}') {
            return None;
        }
        let mut scanner = Scanner::new(std::str::from_utf8(object).ok()?, MAX_DEPTH as usize);
        scanner.value().and_then(|_| scanner.end()).ok()?;
        // A carriage return between tokens is a line break, too.
        if scanner.met_line_break() {
            return None;
        }
        let (length, line_break) = (object.len(), line.len() - object.len() + 1);
        let entry =
            Entry { location: self.location(), bytes: self.window.take(length), fault: None, is_open: false };
        self.window.consume(line_break);
        self.line += 1;
        self.begins_line = true;
        self.after_cr = false;
        self.is_lost = false;
        Some(entry)
    }

    /// Consumes the next byte, which leads into `shape`.
    fn enter(&mut self, shape: Shape) {
        self.consume(1);
        self.shape = shape;
    }

    /// An array's element.
    fn element(&mut self) -> Result<Entry, Stop> {
        match self.find(0)? {
            Found::Object(length) => {
                self.shape = Shape::BehindElement;
                Ok(self.take_object(length))
            }
            Found::Malformed => Err(Stop::Malformed("the object that begins here is not JSON")),
            Found::CutOff => {
                Err(Stop::Malformed("the object that begins here is cut off, and the array with it"))
            }
            Found::TooLong => {
                Err(Stop::Malformed("the object that begins here is larger than any record can be"))
            }
        }
    }

    /// An object, or the line of something else.
    fn object_or_line(&mut self, first: u8) -> io::Result<Entry> {
        let found = if first == b'{' { self.find(0)? } else { Found::Malformed };
        match found {
            Found::Object(length) => {
                let stands_for_itself = !self.is_lost
                    || self.byte == 1
                    || names_a_telling_field(self.window.available().get(..length).unwrap_or_default());
                self.is_lost = !stands_for_itself;
                let mut entry = self.take_object(length);
                if !stands_for_itself {
                    entry.fault = Some(Fault::Part);
                }
                Ok(entry)
            }
            Found::TooLong => self.pass_over_line(),
            Found::Malformed | Found::CutOff => self.malformed_line(matches!(found, Found::CutOff)),
        }
    }

    /// What begins with the brace at this offset of the window.
    fn find(&mut self, at: usize) -> io::Result<Found> {
        let mut scan = Scan::new();
        loop {
            let bytes = self.window.available().get(at..).unwrap_or_default();
            match scan.advance(bytes) {
                Step::Complete(length) if length <= MAX_ENTRY_BYTES => return Ok(Found::Object(length)),
                Step::Fault(_) => return Ok(Found::Malformed),
                Step::Complete(_) => return Ok(Found::TooLong),
                Step::More if bytes.len() > MAX_ENTRY_BYTES => return Ok(Found::TooLong),
                Step::More => {}
            }
            if !self.window.fill()? {
                return Ok(Found::CutOff);
            }
        }
    }

    fn take_object(&mut self, length: usize) -> Entry {
        let location = self.location();
        let bytes = self.take(length);
        let fault = fault_of(&bytes);
        Entry { location, bytes, fault: fault.filter(|fault| *fault != Fault::NotAnObject), is_open: false }
    }

    /// A line that is not an object, from here on.
    fn malformed_line(&mut self, is_cut_off: bool) -> io::Result<Entry> {
        self.is_lost = true;
        let mut length = 0;
        let ends_line = loop {
            match self.window.byte(length)? {
                None => break false,
                Some(b'\n' | b'\r') => break true,
                Some(_) if length == MAX_ENTRY_BYTES => break true,
                Some(_) => length += 1,
            }
        };
        let line = self.window.available().get(..length).unwrap_or_default();
        let mut is_open = !ends_line;
        if fault_of(line) != Some(Fault::NotAnObject)
            && let Some(at) = self.next_transaction(length)?
        {
            (length, is_open) = (at, false);
        }
        let location = self.location();
        let bytes = self.take(length);
        let fault = match fault_of(&bytes) {
            Some(Fault::NotJson(_)) if is_cut_off && is_open => Fault::CutOff,
            // It is not an object, or it would have been found.
            fault => fault.unwrap_or(Fault::NotJson(1)),
        };
        Ok(Entry { location, bytes, fault: Some(fault), is_open })
    }

    /// Where in the first `length` bytes, but for the first of all, an object begins that names a field of a transaction.
    fn next_transaction(&mut self, length: usize) -> io::Result<Option<usize>> {
        let mut from = 1;
        loop {
            let line = self.window.available().get(from..length).unwrap_or_default();
            let Some(offset) = line.iter().position(|byte| *byte == b'{') else { return Ok(None) };
            let at = from + offset;
            from = at + 1;
            if let Found::Object(size) = self.find(at)? {
                let object = self.window.available().get(at..at + size).unwrap_or_default();
                if names_a_telling_field(object) {
                    return Ok(Some(at));
                }
                from = at + size;
            }
        }
    }

    /// Passes over the rest of a line that is too long to be kept.
    fn pass_over_line(&mut self) -> io::Result<Entry> {
        self.is_lost = true;
        let location = self.location();
        let mut passed = 0;
        let is_open = loop {
            let available = self.window.available();
            let line_break = available.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let count = line_break.unwrap_or(available.len());
            self.consume(count);
            passed += count as u64;
            if line_break.is_some() {
                break false;
            }
            if !self.window.fill()? {
                break true;
            }
        };
        Ok(Entry { location, bytes: Bytes::new(), fault: Some(Fault::TooLong(passed)), is_open })
    }

    fn location(&self) -> SourceLocation {
        SourceLocation {
            file: self.file.clone(),
            line: self.line,
            byte: self.byte,
            begins_line: self.begins_line,
            is_row: false,
        }
    }

    /// Skips white space, and byte order marks, which are at the seams of concatenated files. Gives the next byte.
    fn skip_white_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            let white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            let count = self.window.available().iter().take_while(|byte| white(byte)).count();
            self.consume(count);
            match self.window.byte(0)? {
                Some(0xef) if self.window.is_at_byte_order_mark()? => self.window.skip_byte_order_mark(),
                Some(byte) if white(&byte) => {}
                other => return Ok(other),
            }
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        self.count_lines(length);
        self.window.take(length)
    }

    fn consume(&mut self, count: usize) {
        self.count_lines(count);
        self.window.consume(count);
    }

    /// Counts the lines of the next bytes.
    fn count_lines(&mut self, count: usize) {
        let bytes = self.window.available().get(..count).unwrap_or_default();
        for &byte in bytes {
            match byte {
                b'\n' if self.after_cr => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    self.byte = 0;
                    self.begins_line = true;
                }
                b' ' | b'\t' => {}
                _ => self.begins_line = false,
            }
            // A line feed that belongs to a carriage return is not a byte of the line that it begins.
            self.byte += u64::from(!(byte == b'\n' && self.after_cr));
            self.after_cr = byte == b'\r';
        }
    }
}

/// Why bytes are not a JSON object.
fn fault_of(bytes: &[u8]) -> Option<Fault> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some(Fault::NotUtf8) };
    let mut scanner = Scanner::new(text, MAX_DEPTH as usize);
    match scanner.value().and_then(|value| scanner.end().map(|()| value)) {
        Ok(Value::Object(_)) => None,
        Ok(_) => Some(Fault::NotAnObject),
        Err(JsonError::Syntax(at)) => Some(Fault::NotJson(at + 1)),
        Err(JsonError::TooDeep) => Some(Fault::NotJson(1)),
    }
}

fn names_a_telling_field(object: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(object) else { return false };
    let mut is_named = false;
    let read = Scanner::new(text, MAX_DEPTH as usize).object(|key, scanner| {
        is_named |= key.decode().is_some_and(|key| TELLING_FIELDS.contains(&&*key));
        scanner.value().map(drop)
    });
    is_named && read.is_ok()
}
