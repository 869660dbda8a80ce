//! Transactions from files or from standard input: JSON objects in whatever way they are written down.
//!
//! Read are objects one a line, one behind the other without line breaks (as Firehose writes them), over several lines
//! each, and in an array; gzip and a byte order mark are recognised by the first bytes. An object's bytes are given as
//! they are written, every digit kept. What is of another kind as a whole is refused by [`Input::open`], with what it
//! seems to be, before anything of it can be used. A malformed entry further on is an [`Entry`] with its [`Fault`], and
//! reading goes on behind it.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::Stream;
use tokio::sync::mpsc;

mod entry;
mod kind;
mod scan;
mod splitter;
mod window;

pub use entry::{Entry, Fault, MAX_ENTRY_BYTES, Place};
pub use kind::Kind;

use splitter::Splitter;
use window::Window;

/// Entries read before they are asked for.
const READ_AHEAD: usize = 64;

/// Malformed entries at a file's beginning after which it is taken for a file of another kind.
const MALFORMED_AT_FIRST: usize = 20;

/// Where transactions come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input, written `-`.
    Stdin,
    /// A file.
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

/// Why an input cannot be read, or not any further.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file cannot be opened.
    #[error("cannot read {source_name}: {error}")]
    Open {
        /// The file.
        source_name: String,
        /// Why not.
        error: io::Error,
    },
    /// A file is of a kind that is not read.
    #[error("{source_name} is not read: {kind}")]
    Refused {
        /// The file.
        source_name: String,
        /// What it seems to be, and what to do.
        kind: Kind,
    },
    /// The input broke off.
    #[error("cannot read {source_name} to its end: {error}")]
    Read {
        /// The file.
        source_name: String,
        /// Why not.
        error: io::Error,
    },
    /// An array cannot be read any further: where its next element begins is unknown.
    #[error("cannot read {source_name} to its end: {place}: {what}")]
    Malformed {
        /// The file.
        source_name: String,
        /// Where.
        place: Place,
        /// What is wrong, and what is expected.
        what: &'static str,
    },
    /// Standard input is named more than once.
    #[error("standard input (`-`) is named more than once: it can be read once only")]
    StdinTwice,
}

/// The entries of one or more sources, one source after the other.
#[derive(Debug)]
pub struct Input {
    /// Entries that were read to see what the sources are.
    begun: VecDeque<Entry>,
    current: Option<Splitter>,
    rest: VecDeque<Source>,
    /// The only source that was opened to stay so, since it cannot be opened twice.
    stdin: Option<(Splitter, VecDeque<Entry>)>,
    names_files: bool,
    ended: bool,
    read: BytesRead,
}

/// How many bytes were read of the sources, packed where they are packed.
#[derive(Debug, Clone, Default)]
pub struct BytesRead(Arc<AtomicU64>);

impl BytesRead {
    /// The number so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Input {
    /// Opens the sources and looks at the beginning of each.
    ///
    /// # Errors
    /// [`InputError`] where one cannot be opened or is of a kind that is not read; nothing of any is used then.
    pub fn open(sources: &[Source]) -> Result<Self, InputError> {
        let read = BytesRead::default();
        let names_files = sources.len() > 1;
        let mut input = Input {
            begun: VecDeque::new(),
            current: None,
            rest: sources.iter().cloned().collect(),
            stdin: None,
            names_files,
            ended: false,
            read,
        };
        for source in sources {
            // Files are opened once more when it is their turn: there may be more of them than can be open at once.
            let counted = if *source == Source::Stdin { input.read.clone() } else { BytesRead::default() };
            let begun = begin(source, names_files, counted)?;
            if *source == Source::Stdin && input.stdin.replace(begun).is_some() {
                return Err(InputError::StdinTwice);
            }
        }
        input.turn_to_next()?;
        Ok(input)
    }

    /// Entries of any reader, to be told as lines of `name`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_reader(reader: impl Read + Send + 'static, name: &str) -> Result<Self, InputError> {
        let (splitter, begun) = begin_reader(Box::new(reader), name, false)?;
        Ok(Input {
            begun,
            current: Some(splitter),
            rest: VecDeque::new(),
            stdin: None,
            names_files: false,
            ended: false,
            read: BytesRead::default(),
        })
    }

    /// Whether there is no entry at all. Waits for the first, or for the end.
    ///
    /// # Errors
    /// [`InputError`]
    pub fn is_empty(&mut self) -> Result<bool, InputError> {
        while self.begun.is_empty() && !self.ended {
            match self.read_next() {
                Some(entry) => self.begun.push_back(entry?),
                None => self.ended = true,
            }
        }
        Ok(self.begun.is_empty())
    }

    /// How far it has got.
    pub fn bytes_read(&self) -> BytesRead {
        self.read.clone()
    }

    /// Opens the next source. Says whether there is one.
    fn turn_to_next(&mut self) -> Result<bool, InputError> {
        let Some(source) = self.rest.pop_front() else { return Ok(false) };
        let (splitter, begun) = match (source, self.stdin.take()) {
            (Source::Stdin, Some(begun)) => begun,
            (source, stdin) => {
                self.stdin = stdin;
                begin(&source, self.names_files, self.read.clone())?
            }
        };
        self.current = Some(splitter);
        self.begun = begun;
        Ok(true)
    }

    fn read_next(&mut self) -> Option<Result<Entry, InputError>> {
        loop {
            if let Some(entry) = self.begun.pop_front() {
                return Some(Ok(entry));
            }
            if let Some(entry) = self.current.as_mut().and_then(Splitter::next) {
                return Some(entry);
            }
            match self.turn_to_next() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for Input {
    type Item = Result<Entry, InputError>;

    /// The next entry; nothing behind an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended && self.begun.is_empty() {
            return None;
        }
        let next = self.read_next();
        self.ended |= !matches!(next, Some(Ok(_)));
        next
    }
}

/// How many bytes the sources have together, where that is known beforehand.
pub fn size(sources: &[Source]) -> Option<u64> {
    let size = |source: &Source| match source {
        Source::Stdin => None,
        Source::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
    };
    sources.iter().map(size).sum()
}

/// The bytes of a file, unpacked where they are packed, for a file that is held in memory as a whole.
///
/// # Errors
/// [`InputError`] where it cannot be read, or is of a kind that nothing here reads.
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

fn open_file(path: &Path) -> Result<File, InputError> {
    let open = |error| InputError::Open { source_name: path.display().to_string(), error };
    let file = File::open(path).map_err(open)?;
    // Opening a folder succeeds; reading it does not.
    match file.metadata().map_err(open)?.is_dir() {
        true => Err(open(io::Error::from(io::ErrorKind::IsADirectory))),
        false => Ok(file),
    }
}

fn begin(
    source: &Source,
    names_files: bool,
    read: BytesRead,
) -> Result<(Splitter, VecDeque<Entry>), InputError> {
    let reader: Box<dyn Read + Send> = match source {
        Source::Stdin => Box::new(io::stdin()),
        Source::File(path) => Box::new(open_file(path)?),
    };
    begin_reader(Box::new(Counted { reader, read }), &source.to_string(), names_files)
}

/// Looks at the beginning of a reader: it must hold objects.
fn begin_reader(
    reader: Box<dyn Read + Send>,
    name: &str,
    names_files: bool,
) -> Result<(Splitter, VecDeque<Entry>), InputError> {
    let source_name = || name.to_owned();
    let window =
        Window::new(reader).map_err(|error| InputError::Read { source_name: source_name(), error })?;
    if let Some(kind) = Kind::of_bytes(window.available()) {
        return Err(InputError::Refused { source_name: source_name(), kind });
    }
    let mut splitter = Splitter::new(window, name, names_files);
    let mut begun: VecDeque<Entry> = VecDeque::new();
    while begun.len() < MALFORMED_AT_FIRST
        && let Some(entry) = splitter.next()
    {
        let entry = entry?;
        let is_object = entry.fault.is_none();
        // Behind text that is no object, an object must begin a line: a log's lines hold objects, too.
        let follows_text = !begun.is_empty() && !entry.place.begins_line;
        begun.push_back(entry);
        if is_object && !follows_text {
            return Ok((splitter, begun));
        }
        if follows_text {
            break;
        }
    }
    match begun.front() {
        None => Ok((splitter, begun)),
        Some(first) => Err(InputError::Refused { source_name: source_name(), kind: Kind::of_entry(first) }),
    }
}

/// Counts what is read.
struct Counted {
    reader: Box<dyn Read + Send>,
    read: BytesRead,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// The entries as an asynchronous stream, read on a thread of their own: a read that waits, as on standard input, holds
/// up nothing else.
pub fn stream(input: Input) -> impl Stream<Item = Result<Entry, InputError>> + Unpin {
    let (sender, mut receiver) = mpsc::channel(READ_AHEAD);
    tokio::task::spawn_blocking(move || {
        // An error says that nobody listens any more.
        let _ = input.map(|entry| sender.blocking_send(entry)).find(Result::is_err);
    });
    futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// The places of the entries that are under way, each under a number.
#[derive(Debug, Default)]
pub struct Places(Mutex<(u64, HashMap<u64, Place>)>);

impl Places {
    /// Keeps a place. Gives its number.
    pub fn keep(&self, place: Place) -> u64 {
        // Every change under the lock is complete before anything can panic.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let number = kept.0;
        kept.1.insert(number, place);
        number
    }

    /// Takes back the place of a number.
    pub fn take(&self, number: u64) -> Place {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
