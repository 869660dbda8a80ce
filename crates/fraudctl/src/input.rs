//! Transactions from files or from standard input: JSON objects in whatever way they are written down.
//!
//! Files hold objects one a line, one after the other without line breaks (as Firehose writes them), over several lines
//! each, and in an array; gzip, zstd and a byte order mark are recognised by the first bytes. An object's bytes are given
//! as they are written, every digit kept. The rows of CSV and Parquet files are written as objects. A folder stands for the
//! files below it, and a pattern for those that match. What is of another kind as a whole is refused by [`Input::open`], with what it
//! seems to be, before anything of it can be used. A malformed entry further on is an [`Entry`] with its [`Fault`], and
//! reading continues after it.

use std::collections::VecDeque;
use std::io::{self, Read};

use futures_util::Stream;
use tokio::sync::mpsc;

mod csv;
mod entry;
mod kind;
mod locations;
mod parquet;
mod pattern;
mod scan;
mod source;
mod sources;
mod splitter;
mod window;
mod zstd;

pub use entry::{Entry, Fault, MAX_ENTRY_BYTES, SourceLocation};
pub use kind::Kind;
pub use locations::SourceLocations;
pub use parquet::ParquetFault;
pub use source::{BytesRead, Source, read_file};

use csv::{CsvRows, Recognised};
use parquet::ParquetRows;
use splitter::Splitter;
use window::Window;

/// Entries read before they are asked for.
const READ_AHEAD: usize = 64;

/// Malformed entries at a file's beginning after which it is taken for a file of another kind.
const MALFORMED_AT_FIRST: usize = 20;

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
    #[error("{source_name} is refused: {kind}")]
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
    #[error("cannot read {source_name} to its end: {location}: {what}")]
    Malformed {
        /// The file.
        source_name: String,
        /// The line and byte.
        location: SourceLocation,
        /// What is wrong, and what is expected.
        what: &'static str,
    },
    /// A Parquet file cannot be read, or not any further.
    #[error("cannot read {source_name}: {fault}")]
    Parquet {
        /// The file.
        source_name: String,
        /// Why not.
        fault: ParquetFault,
    },
    /// Nothing is below a folder but what is left out.
    #[error(
        "{source_name} is a folder without files to read; hidden ones and those that begin with `_` are left out"
    )]
    EmptyFolder {
        /// The folder.
        source_name: String,
    },
    /// A pattern matches no file.
    #[error("nothing matches {pattern}")]
    NoMatch {
        /// The pattern.
        pattern: String,
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
    current: Option<Entries>,
    rest: VecDeque<Source>,
    /// The only source that was opened to stay so, since it cannot be opened twice.
    stdin: Option<(Entries, VecDeque<Entry>)>,
    names_files: bool,
    ended: bool,
    size: Option<u64>,
    read: BytesRead,
    headers: Vec<Header>,
}

/// The columns of a file that says which it has: CSV and Parquet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The file.
    pub source_name: String,
    /// The columns' names, in their order.
    pub columns: Vec<String>,
}

/// What the entries of one source are read by.
#[derive(Debug)]
enum Entries {
    Text(Splitter),
    Csv(Box<CsvRows>),
    Parquet { rows: Box<ParquetRows>, source_name: String },
}

impl Entries {
    /// The names of the columns, if the source tells them.
    fn columns(&self) -> Option<Vec<String>> {
        match self {
            Entries::Text(_) => None,
            Entries::Csv(rows) => Some(rows.columns().map(str::to_owned).collect()),
            Entries::Parquet { rows, .. } => Some(rows.columns().map(str::to_owned).collect()),
        }
    }

    fn next(&mut self) -> Option<Result<Entry, InputError>> {
        match self {
            Entries::Text(splitter) => splitter.next(),
            Entries::Csv(rows) => rows.next(),
            Entries::Parquet { rows, source_name } => Some(
                rows.next()?.map_err(|fault| InputError::Parquet { source_name: source_name.clone(), fault }),
            ),
        }
    }
}

impl Input {
    /// Opens the sources, folders and patterns expanded, and looks at the beginning of each.
    ///
    /// # Errors
    /// [`InputError`] if one cannot be opened or is of a kind that is not read, or if a folder or pattern stands for nothing;
    /// nothing of any is used then.
    pub fn open(sources: &[Source]) -> Result<Self, InputError> {
        let sources = &sources::expand(sources)?;
        let read = BytesRead::default();
        let names_files = sources.len() > 1;
        let mut input = Input {
            begun: VecDeque::new(),
            current: None,
            rest: sources.iter().cloned().collect(),
            stdin: None,
            names_files,
            ended: false,
            size: source::size(sources),
            read,
            headers: Vec::new(),
        };
        for source in sources {
            // Files are opened once more when it is their turn: there may be more of them than can be open at once.
            let counted = if *source == Source::Stdin { input.read.clone() } else { BytesRead::default() };
            let begun = begin(source, names_files, counted)?;
            input.keep_header(source, begun.0.columns());
            if *source == Source::Stdin && input.stdin.replace(begun).is_some() {
                return Err(InputError::StdinTwice);
            }
        }
        input.turn_to_next()?;
        Ok(input)
    }

    /// Entries of any reader, which are reported as lines of `name`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_reader(reader: impl Read + Send + 'static, name: &str) -> Result<Self, InputError> {
        let (entries, begun) = begin_reader(Box::new(reader), name, false)?;
        let columns = entries.columns();
        let mut input = Input {
            begun,
            current: Some(entries),
            rest: VecDeque::new(),
            stdin: None,
            names_files: false,
            ended: false,
            size: None,
            read: BytesRead::default(),
            headers: Vec::new(),
        };
        input.keep_header(name, columns);
        Ok(input)
    }

    /// Keeps a source's columns, unless they are those of the source before.
    fn keep_header(&mut self, source_name: impl ToString, columns: Option<Vec<String>>) {
        let is_known =
            |columns: &Vec<String>| self.headers.last().is_some_and(|last| last.columns == *columns);
        if let Some(columns) = columns.filter(|columns| !is_known(columns)) {
            self.headers.push(Header { source_name: source_name.to_string(), columns });
        }
    }

    /// The columns of the files that say which they have; of files in a row that have the same, those of the first.
    pub fn headers(&self) -> &[Header] {
        &self.headers
    }

    /// Whether the input has no entry. Waits for the first, or for the end.
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

    /// The first entry that is left, if there is one. Waits for it.
    ///
    /// # Errors
    /// [`InputError`]
    pub fn first(&mut self) -> Result<Option<&Entry>, InputError> {
        self.is_empty()?;
        Ok(self.begun.front())
    }

    /// How many bytes the sources have together, if that is known beforehand.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How far it has got.
    pub fn bytes_read(&self) -> BytesRead {
        self.read.clone()
    }

    /// Opens the next source. Says whether there is one.
    fn turn_to_next(&mut self) -> Result<bool, InputError> {
        let Some(source) = self.rest.pop_front() else { return Ok(false) };
        let (entries, begun) = match (source, self.stdin.take()) {
            (Source::Stdin, Some(begun)) => begun,
            (source, stdin) => {
                self.stdin = stdin;
                begin(&source, self.names_files, self.read.clone())?
            }
        };
        self.current = Some(entries);
        self.begun = begun;
        Ok(true)
    }

    fn read_next(&mut self) -> Option<Result<Entry, InputError>> {
        loop {
            if let Some(entry) = self.begun.pop_front() {
                return Some(Ok(entry));
            }
            if let Some(entry) = self.current.as_mut().and_then(Entries::next) {
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

    /// The next entry; none after an error.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended && self.begun.is_empty() {
            return None;
        }
        let next = self.read_next();
        self.ended |= !matches!(next, Some(Ok(_)));
        next
    }
}

fn begin(
    source: &Source,
    names_files: bool,
    read: BytesRead,
) -> Result<(Entries, VecDeque<Entry>), InputError> {
    let source_name = source.to_string();
    if let Source::File(path) = source
        && parquet::is_parquet(path)
    {
        let file = source::open_file(path)?;
        let name = names_files.then(|| source_name.as_str().into());
        return match ParquetRows::open(file, name, read) {
            Ok(rows) => Ok((Entries::Parquet { rows: Box::new(rows), source_name }, VecDeque::new())),
            Err(fault) => Err(InputError::Parquet { source_name, fault }),
        };
    }
    begin_reader(source.open(read)?, &source_name, names_files)
}

/// Looks at the beginning of a reader: it must hold objects, or rows of CSV.
fn begin_reader(
    reader: Box<dyn Read + Send>,
    name: &str,
    names_files: bool,
) -> Result<(Entries, VecDeque<Entry>), InputError> {
    let source_name = || name.to_owned();
    let read_error = |error| InputError::Read { source_name: source_name(), error };
    let mut window = Window::new(reader).map_err(read_error)?;
    if let Some(kind) = Kind::of_bytes(window.available()) {
        return Err(InputError::Refused { source_name: source_name(), kind });
    }
    if window.is_at_byte_order_mark().map_err(read_error)? {
        window.skip_byte_order_mark();
    }
    match csv::recognise(&mut window).map_err(read_error)? {
        Recognised::Csv(header) => {
            let rows = CsvRows::new(window, header, name, names_files);
            return Ok((Entries::Csv(Box::new(rows)), VecDeque::new()));
        }
        Recognised::Refused(kind) => {
            return Err(InputError::Refused { source_name: source_name(), kind });
        }
        Recognised::No => {}
    }
    let mut splitter = Splitter::new(window, name, names_files);
    let mut begun: VecDeque<Entry> = VecDeque::new();
    while begun.len() < MALFORMED_AT_FIRST
        && let Some(entry) = splitter.next()
    {
        let entry = entry?;
        let is_object = entry.fault.is_none();
        // Behind text that is not an object, an object must begin a line: a log's lines hold objects, too.
        let follows_text = !begun.is_empty() && !entry.location.begins_line;
        begun.push_back(entry);
        if is_object && !follows_text {
            return Ok((Entries::Text(splitter), begun));
        }
        if follows_text {
            break;
        }
    }
    match begun.front() {
        None => Ok((Entries::Text(splitter), begun)),
        Some(first) => Err(InputError::Refused { source_name: source_name(), kind: Kind::of_entry(first) }),
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

#[cfg(test)]
mod tests;
