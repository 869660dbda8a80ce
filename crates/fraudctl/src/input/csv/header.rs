//! Whether a file is CSV, and its dialect: its first record names the columns.

use std::io;

use exact_text::json::is_number;
use exact_text::written_time;
use fraud_aws::rows::SEPARATORS;

use super::object::Column;
use super::record::{RecordScan, RecordStep};
use crate::input::entry::MAX_ENTRY_BYTES;
use crate::input::kind::{Kind, shown};
use crate::input::window::Window;

/// The most bytes of a header.
const MAX_HEADER: usize = 1024 * 1024;

/// Records behind the header of which one must have as many fields.
const LOOKED_AT: usize = 20;

/// The most characters of a column's name.
const MAX_NAME: usize = 128;

/// A CSV file's dialect and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::input) struct Header {
    pub(super) separator: u8,
    pub(super) columns: Vec<Column>,
    /// Where the header ends: its length and that of the blank lines before it.
    pub(super) length: usize,
}

/// What a file is that does not begin as JSON.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::input) enum Recognised {
    Csv(Header),
    /// CSV that cannot be read.
    Refused(Kind),
    /// Something else.
    No,
}

/// Looks at a file's beginning, of which nothing is consumed. What it is depends on its bytes alone, not on the pieces in
/// which they come.
///
/// # Errors
/// If the file cannot be read.
pub(in crate::input) fn recognise(window: &mut Window) -> io::Result<Recognised> {
    let blank = blank_lines(window)?;
    if matches!(window.byte(blank)?, None | Some(b'{' | b'[' | b'<')) {
        return Ok(Recognised::No);
    }
    let mut best: Option<(u8, Vec<String>, usize)> = None;
    let mut is_not_utf8 = false;
    for separator in SEPARATORS {
        let mut scan = RecordScan::new(separator);
        let Some(length) = record(window, blank, MAX_HEADER, &mut scan)? else { continue };
        let columns = scan.fields().len();
        if columns < 2 || best.as_ref().is_some_and(|(_, names, _)| names.len() >= columns) {
            continue;
        }
        let Ok(header) = std::str::from_utf8(bytes(window, blank, length)) else {
            is_not_utf8 = true;
            continue;
        };
        let names: Vec<String> = scan.fields().iter().map(|field| field.text(header).into_owned()).collect();
        if names.iter().all(|name| is_name(name)) && fits(window, blank + length, separator, columns)? {
            best = Some((separator, names, blank + length));
        }
    }
    Ok(match best {
        Some((separator, names, length)) => match refusal(&names, bytes(window, blank, length - blank)) {
            Some(kind) => Recognised::Refused(kind),
            None => {
                let columns = names.into_iter().map(Column::new).collect();
                Recognised::Csv(Header { separator, columns, length })
            }
        },
        None if is_not_utf8 => Recognised::Refused(Kind::HeaderNotUtf8),
        None => Recognised::No,
    })
}

/// Why columns of these names cannot be read.
fn refusal(names: &[String], header: &[u8]) -> Option<Kind> {
    let is_value = |name: &String| is_number(name) || written_time::parse(name).is_some();
    if names.iter().any(is_value) || names.iter().all(String::is_empty) {
        return Some(Kind::NoHeader { first_line: shown(&String::from_utf8_lossy(header)) });
    }
    let mut sorted: Vec<&String> = names.iter().filter(|name| !name.is_empty()).collect();
    sorted.sort();
    let twice = sorted.windows(2).find(|pair| pair.first() == pair.last())?;
    twice.first().map(|name| Kind::RepeatedColumn { column: (*name).clone() })
}

/// Whether a column may have this name: prose, logs and JSON have separators as well.
fn is_name(name: &str) -> bool {
    let is_of_other_text = |character: char| matches!(character, '{' | '}' | '=') || character.is_control();
    let ends_sentence = name.ends_with(['.', '!', ':']) || name.contains(". ");
    name.chars().nth(MAX_NAME).is_none() && !name.contains(is_of_other_text) && !ends_sentence
}

/// Whether one of the first records from this offset on has this many fields, or there is none.
fn fits(window: &mut Window, from: usize, separator: u8, columns: usize) -> io::Result<bool> {
    let mut from = from;
    let mut scan = RecordScan::new(separator);
    for looked_at in 0..LOOKED_AT {
        // Line breaks, and lines that are blank.
        let begin = from;
        while matches!(window.byte(from)?, Some(b'\n' | b'\r' | b' ')) && from - begin < MAX_HEADER {
            from += 1;
        }
        match window.byte(from)? {
            None => return Ok(looked_at == 0),
            Some(b'{' | b'[') => return Ok(false),
            Some(_) => {}
        }
        scan.restart();
        from += match record(window, from, MAX_ENTRY_BYTES, &mut scan)? {
            Some(_) if scan.fields().len() == columns => return Ok(true),
            Some(length) => length,
            None => line(window, from)?,
        };
    }
    Ok(false)
}

/// The length of the record at this offset, if it is one of at most `most` bytes.
fn record(window: &mut Window, from: usize, most: usize, scan: &mut RecordScan) -> io::Result<Option<usize>> {
    loop {
        let bytes = window.available().get(from..).unwrap_or_default();
        let (step, length) = (scan.advance(bytes), bytes.len());
        match step {
            RecordStep::Complete(length) => return Ok((length <= most).then_some(length)),
            RecordStep::Fault => return Ok(None),
            RecordStep::More if length > most => return Ok(None),
            RecordStep::More => {}
        }
        if !window.fill()? {
            return Ok(match scan.finish() {
                RecordStep::Complete(length) => Some(length),
                _ => None,
            });
        }
    }
}

/// The length of the line at this offset, as far as it is looked at.
fn line(window: &mut Window, from: usize) -> io::Result<usize> {
    let mut length = 0;
    while length < MAX_ENTRY_BYTES && !matches!(window.byte(from + length)?, None | Some(b'\n' | b'\r')) {
        length += 1;
    }
    Ok(length)
}

/// The length of the blank lines at the beginning.
fn blank_lines(window: &mut Window) -> io::Result<usize> {
    let mut length = 0;
    for at in 0..MAX_HEADER {
        match window.byte(at)? {
            Some(b'\n' | b'\r') => length = at + 1,
            Some(b' ') => {}
            _ => break,
        }
    }
    Ok(length)
}

fn bytes(window: &Window, from: usize, length: usize) -> &[u8] {
    window.available().get(from..from + length).unwrap_or_default()
}
