//! What a file that cannot be read seems to be.

use std::fmt;

use super::entry::{Entry, Fault};
use super::parquet;
use super::window::{TELLING, is_gzip, is_zstd};

/// The longest part of a first line that is shown.
const SHOWN: usize = 80;

/// A kind of file that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Text in UTF-16 or UTF-32.
    WideText(&'static str),
    /// Packed by a program whose files are not unpacked here, and the command that unpacks them.
    Packed(&'static str, &'static str),
    /// Packed in a way that is read, within another file that is packed, and the command that unpacks it.
    PackedTwice(&'static str, &'static str),
    /// Parquet where it cannot be read.
    Parquet,
    /// Records in a binary format.
    Binary(&'static str),
    /// XML or HTML.
    Markup,
    /// Text with separators, of which no row is as its first line.
    Separated {
        /// Its first line.
        first_line: String,
    },
    /// CSV whose first line is a row.
    NoHeader {
        /// Its first line.
        first_line: String,
    },
    /// CSV whose header is not UTF-8.
    HeaderNotUtf8,
    /// CSV whose header has a name twice.
    RepeatedColumn {
        /// The name.
        column: String,
    },
    /// JSON, but no objects.
    NoObjects {
        /// Its first line.
        first_line: String,
    },
    /// Text that is almost JSON.
    AlmostJson {
        /// What is wrong with it.
        fault: String,
    },
    /// Other text.
    Text {
        /// Its first line.
        first_line: String,
    },
    /// Bytes that are not text.
    Unknown,
}

/// What files of a kind begin with, the name of the kind, and what unpacks them.
const PACKED: [(&[u8], &str, &str); 7] = [
    (b"\xfd7zXZ\0", "xz", "xz -d"),
    (b"BZh", "bzip2", "bzip2 -d"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
    (b"\xff\x06\0\0sNaPpY", "snappy", "a tool for snappy"),
    (b"PK\x03\x04", "zip (or a spreadsheet)", "unzip"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
    (b"Rar!", "RAR", "unrar x"),
];
const BINARY: [(&[u8], &str); 4] =
    [(b"PARE", "encrypted Parquet"), (b"ORC", "ORC"), (b"Obj\x01", "Avro"), (b"SQLite format 3", "SQLite")];

impl Kind {
    /// The kind that the first bytes of an unpacked file tell, if it can be neither JSON nor CSV in UTF-8.
    pub(super) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        if begins(b"\xff\xfe\0\0") || begins(b"\0\0\xfe\xff") || matches!(bytes, [0, 0, 0, 1..=0x7f, ..]) {
            return Some(Kind::WideText("UTF-32"));
        }
        let is_utf_16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
            // Without a byte order mark: every second byte of plain text is zero.
            || matches!(bytes, [1..=0x7f, 0, 1..=0x7f, 0, ..] | [0, 1..=0x7f, 0, 1..=0x7f, ..]);
        if is_utf_16 {
            return Some(Kind::WideText("UTF-16"));
        }
        if is_gzip(bytes) {
            return Some(Kind::PackedTwice("gzip", "gunzip"));
        }
        if is_zstd(bytes) {
            return Some(Kind::PackedTwice("zstd", "zstd -d"));
        }
        if begins(parquet::MAGIC) {
            return Some(Kind::Parquet);
        }
        if let Some((_, name, unpack)) = PACKED.into_iter().find(|(magic, ..)| begins(magic)) {
            return Some(Kind::Packed(name, unpack));
        }
        let binary = BINARY.into_iter().find(|(magic, _)| begins(magic)).map(|(_, name)| Kind::Binary(name));
        // What begins as JSON is taken apart, whatever is in it.
        let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
        let mut beginning = bytes.iter().take(TELLING).take_while(|byte| **byte != b'\n');
        binary.or_else(|| (!is_json && beginning.any(|byte| *byte == 0)).then_some(Kind::Unknown))
    }

    /// The kind of a file that begins with this malformed entry.
    pub(super) fn of_entry(first: &Entry) -> Self {
        let Ok(text) = std::str::from_utf8(&first.bytes) else { return Kind::Unknown };
        let first_line = || shown(text);
        match (text.bytes().next(), first.fault) {
            (_, Some(Fault::NotAnObject)) => Kind::NoObjects { first_line: first_line() },
            (Some(b'{'), Some(fault)) => Kind::AlmostJson { fault: format!("{}: {fault}", first.location) },
            (Some(b'<'), _) => Kind::Markup,
            _ if text.contains([',', ';', '\t', '|']) => Kind::Separated { first_line: first_line() },
            _ => Kind::Text { first_line: first_line() },
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::WideText(encoding) => {
                write!(f, "it looks like {encoding} text; save it as UTF-8 (iconv -f {encoding} -t UTF-8)")
            }
            Kind::Packed(name, unpack) => {
                write!(
                    f,
                    "it looks like {name}; unpack it first ({unpack}), or compress it with gzip or zstd"
                )
            }
            Kind::PackedTwice(name, unpack) => {
                write!(
                    f,
                    "it is {name} within another packed file; unpack it twice, the second time by {unpack}"
                )
            }
            Kind::Parquet => write!(
                f,
                "it is Parquet, of which only files of transactions are read, not packed and not through standard input: its \
                 end must be read first"
            ),
            Kind::Binary(name) => write!(f, "it looks like {name} ({ACCEPTED}); convert it first"),
            Kind::Markup => write!(f, "it looks like XML or HTML ({ACCEPTED}); convert it first"),
            Kind::Separated { first_line } => {
                write!(
                    f,
                    "it looks like CSV, but its rows have other numbers of fields than its first line: it begins with \
                     `{first_line}` ({ACCEPTED})"
                )
            }
            Kind::NoHeader { first_line } => {
                write!(
                    f,
                    "it looks like CSV without a header: it begins with `{first_line}`; name the columns in a line before \
                     that one"
                )
            }
            Kind::HeaderNotUtf8 => write!(
                f,
                "it looks like CSV, but its first line is not UTF-8; save it as UTF-8 (iconv -f ISO-8859-1 -t UTF-8, if that \
                 is what it is)"
            ),
            Kind::RepeatedColumn { column } => {
                write!(f, "its header names the column `{column}` twice; give one of them another name")
            }
            Kind::NoObjects { first_line } => {
                write!(f, "it is JSON without objects: it begins with `{first_line}` ({ACCEPTED})")
            }
            Kind::AlmostJson { fault } => {
                write!(f, "its first entry is not an object ({fault}); fix or remove it ({ACCEPTED})")
            }
            Kind::Text { first_line } => {
                write!(f, "it looks like other text: it begins with `{first_line}` ({ACCEPTED})")
            }
            Kind::Unknown => write!(f, "it is neither text nor of a known kind ({ACCEPTED})"),
        }
    }
}

const ACCEPTED: &str = "accepted are Parquet, CSV with a header, and JSON objects, one a line, one after the other or in an array, CSV and \
                        JSON also compressed with gzip or zstd";

/// The beginning of a first line.
pub(super) fn shown(line: &str) -> String {
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}
