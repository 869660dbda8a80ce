//! Files and standard input.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::window::Window;
use super::{InputError, Kind};

/// Where transactions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input, written `-`.
    Stdin,
    /// A file; or, before it is [expanded](super::Input::open), a folder or a pattern of names.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Source::Stdin } else { Source::File(PathBuf::from(text)) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Stdin => f.write_str("standard input"),
            Source::File(path) => path.display().fmt(f),
        }
    }
}

impl Source {
    /// Opens the source. What is read of it is added to `read`.
    pub(super) fn open(&self, read: BytesRead) -> Result<Box<dyn Read + Send>, InputError> {
        let reader: Box<dyn Read + Send> = match self {
            Source::Stdin => Box::new(io::stdin()),
            Source::File(path) => Box::new(open_file(path)?),
        };
        Ok(Box::new(CountingReader { reader, read }))
    }
}

/// How many bytes were read of the sources, as they are stored: compressed ones are counted compressed.
#[derive(Debug, Clone, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Counts what is read.
struct CountingReader {
    reader: Box<dyn Read + Send>,
    read: BytesRead,
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read.add(count as u64);
        Ok(count)
    }
}

/// How many bytes the sources have together, if that is known beforehand.
pub(super) fn size(sources: &[Source]) -> Option<u64> {
    let size = |source: &Source| match source {
        Source::Stdin => None,
        Source::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
    };
    sources.iter().map(size).sum()
}

/// The bytes of a whole file, decompressed if it is gzip or zstd.
///
/// # Errors
/// [`InputError`] if it cannot be read, or is of a kind that nothing here reads.
pub fn read_file(path: &Path) -> Result<Vec<u8>, InputError> {
    let name = path.display().to_string();
    let read = |error| InputError::Read { source_name: name.clone(), error };
    let file = open_file(path)?;
    let window = Window::new(Box::new(file)).map_err(read)?;
    if let Some(kind) = Kind::of_bytes(window.available()) {
        return Err(InputError::Refused { source_name: name, kind });
    }
    window.read_to_end().map_err(read)
}

pub(super) fn open_file(path: &Path) -> Result<File, InputError> {
    let open = |error| InputError::Open { source_name: path.display().to_string(), error };
    let file = File::open(path).map_err(open)?;
    // Opening a folder succeeds; reading it does not.
    match file.metadata().map_err(open)?.is_dir() {
        true => Err(open(io::Error::from(io::ErrorKind::IsADirectory))),
        false => Ok(file),
    }
}
