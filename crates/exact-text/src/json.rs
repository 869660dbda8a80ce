//! A validating scanner of JSON text (RFC 8259) that borrows: it finds members and values and copies
//! nothing, so that bytes which nobody asked about pass through untouched.
//!
//! It accepts what the RFC's grammar accepts, lone surrogate escapes included, and nothing else: no byte order mark,
//! no comments, no trailing comma, no text after the value. `serde_json` is the oracle in its property tests.

use std::borrow::Cow;
use std::ops::Range;

mod keys;
mod text;
mod write;

pub use keys::RepeatedKeys;
pub use text::{Text, push_escaped};
pub use write::{ObjectWriter, is_portable, number_text, push_number, push_string_in_string};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text breaks the grammar at this byte offset.
    #[error("not JSON at byte {0}")]
    Syntax(usize),
    /// Objects and arrays nest deeper than the scanner was told to follow.
    #[error("nested too deep")]
    TooDeep,
}

/// One value, as it is in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number's own digits: valid by the grammar, of any size.
    Number(&'a str),
    /// A string's content.
    String(Text<'a>),
    /// An array's text, brackets included.
    Array(&'a str),
    /// An object's text, braces included.
    Object(&'a str),
}

impl<'a> Value<'a> {
    /// The decoded string, where this is one that is valid Unicode.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        match self {
            Value::String(text) => text.decode(),
            _ => None,
        }
    }

    /// The string's text, decoded or not, where this is one.
    pub fn as_text(self) -> Option<Text<'a>> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A number as it is written, be it as a number or as a string; `None` if that is empty.
    pub fn as_digits(self) -> Option<Cow<'a, str>> {
        let digits = match self {
            Value::Number(digits) => Cow::Borrowed(digits),
            other => other.as_str()?,
        };
        (!digits.is_empty()).then_some(digits)
    }
}

/// Reads a text from left to right. Every method skips white space before it looks.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth_left: usize,
    met_line_break: bool,
    has_controls: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `text` that follows objects and arrays nested at most `max_depth` deep.
    pub fn new(text: &'a str, max_depth: usize) -> Self {
        let has_controls = text::has_controls(text.as_bytes());
        Scanner { text, at: 0, depth_left: max_depth, met_line_break: false, has_controls }
    }

    /// The byte offset of the next byte to be read.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Whether what has been read holds a line break: it is then between tokens, for in a string there can be none.
    pub fn met_line_break(&self) -> bool {
        self.met_line_break
    }

    /// The text between two offsets that this scanner reported.
    #[inline(always)]
    pub fn slice(&self, range: Range<usize>) -> &'a str {
        let slice = self.text.get(range);
        debug_assert!(slice.is_some(), "an offset is not one of this scanner");
        slice.unwrap_or_default()
    }

    /// Skips white space and looks at the next byte.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            Some(_) => self.skip_white_space(),
            None => None,
        }
    }

    fn skip_white_space(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.met_line_break = true,
                _ => return Some(byte),
            }
            self.at += 1;
        }
        None
    }

    /// Reads an object. `member` is called at each value, with its key, and must read exactly that value.
    ///
    /// # Errors
    /// [`JsonError`] if the text is not an object, and whatever `member` returns.
    #[inline]
    pub fn object<E: From<JsonError>>(
        &mut self,
        mut member: impl FnMut(Text<'a>, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'{')?;
        if self.peek() != Some(b'}') {
            loop {
                let key = self.string()?;
                self.expect(b':')?;
                member(key, self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break,
                }
            }
        }
        Ok(self.leave(b'}')?)
    }

    /// Reads an array. `element` is called at each element and must read exactly that one.
    ///
    /// # Errors
    /// [`JsonError`] if the text is not an array, and whatever `element` returns.
    #[inline]
    pub fn array<E: From<JsonError>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'[')?;
        if self.peek() != Some(b']') {
            loop {
                element(self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break,
                }
            }
        }
        Ok(self.leave(b']')?)
    }

    /// Reads any value to its end.
    ///
    /// # Errors
    /// [`JsonError`] if the text breaks the grammar or nests too deep.
    #[inline(always)]
    pub fn value(&mut self) -> Result<Value<'a>, JsonError> {
        match self.peek() {
            // Most values are strings: for them there is no call.
            Some(b'"') => Ok(Value::String(self.rest_of_string()?)),
            first => self.other_value(first),
        }
    }

    fn other_value(&mut self, first: Option<u8>) -> Result<Value<'a>, JsonError> {
        match first {
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            Some(b'{' | b'[') => self.container(),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// [`JsonError::Syntax`] if there is none, or where it holds a raw control character or a bad escape.
    #[inline]
    pub fn string(&mut self) -> Result<Text<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        self.rest_of_string()
    }

    /// Reads a string whose opening quote is the next byte.
    #[inline(always)]
    fn rest_of_string(&mut self) -> Result<Text<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        let end = self.plain_run_end(start);
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return self.string_with_escapes(start, end);
        }
        self.at = end + 1;
        Ok(Text::new(self.slice(start..end), false))
    }

    /// Where a string that is plain up to `from` has its end, its next escape or its fault.
    #[inline(always)]
    fn plain_run_end(&self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        match self.has_controls {
            false => text::plain_run_end_without_controls(bytes, from),
            true => text::plain_run_end(bytes, from),
        }
    }

    /// Reads the rest of a string whose content begins at `start` and has its first escape, or its fault, at `at`.
    #[cold]
    fn string_with_escapes(&mut self, start: usize, at: usize) -> Result<Text<'a>, JsonError> {
        self.at = at;
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(self.unexpected()),
            }
            self.at = self.plain_run_end(self.at);
        }
        let raw = self.slice(start..self.at);
        self.at += 1;
        Ok(Text::new(raw, true))
    }

    /// Makes sure that nothing but white space follows.
    ///
    /// # Errors
    /// [`JsonError::Syntax`] at the first byte that does.
    pub fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn unexpected(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected());
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn enter(&mut self, open: u8) -> Result<(), JsonError> {
        self.expect(open)?;
        self.depth_left = self.depth_left.checked_sub(1).ok_or(JsonError::TooDeep)?;
        Ok(())
    }

    #[inline]
    fn leave(&mut self, close: u8) -> Result<(), JsonError> {
        self.expect(close)?;
        self.depth_left += 1;
        Ok(())
    }

    fn container(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        // Recursion is bounded by `depth_left`.
        if self.peek() == Some(b'{') {
            self.object(|_, scanner| scanner.value().map(drop))?;
            Ok(Value::Object(self.slice(start..self.at)))
        } else {
            self.array(|scanner| scanner.value().map(drop))?;
            Ok(Value::Array(self.slice(start..self.at)))
        }
    }

    fn literal(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if self.text.as_bytes().get(self.at..self.at + word.len()) != Some(word.as_bytes()) {
            return Err(self.unexpected());
        }
        self.at += word.len();
        Ok(value)
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match bytes.get(self.at + 2..self.at + 6) {
                Some(hex) if hex.iter().all(u8::is_ascii_hexdigit) => self.at += 6,
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(start..self.at))
    }

    #[inline]
    fn digits(&mut self) -> Result<(), JsonError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { Err(self.unexpected()) } else { Ok(()) }
    }
}

/// Whether the whole text is one JSON number, in the grammar's form.
pub fn is_number(text: &str) -> bool {
    let mut scanner = Scanner::new(text, 0);
    scanner.number().is_ok_and(|number| number.len() == text.len())
}

#[cfg(test)]
mod tests;
