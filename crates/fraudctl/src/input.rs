//! Transactions from a file or from standard input, a line each.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context;
use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;

/// Lines read before they are asked for.
const READ_AHEAD: usize = 1000;

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input, written `-`.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "-" { Source::Stdin } else { Source::File(PathBuf::from(text)) })
    }
}

/// One line, as it stands in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// Without its line break, be that LF or CRLF.
    pub bytes: Bytes,
    /// Whether the input ends within it: its line break is missing.
    pub is_open: bool,
}

/// The lines of an input. Lines that hold nothing but white space are left out; they count in the numbers.
pub struct Lines {
    reader: Box<dyn BufRead + Send>,
    number: u64,
}

impl Source {
    /// Opens the input.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn open(&self) -> anyhow::Result<Lines> {
        let reader: Box<dyn BufRead + Send> = match self {
            Source::Stdin => Box::new(BufReader::new(io::stdin())),
            Source::File(path) => Box::new(open(path)?),
        };
        Ok(Lines::new(reader))
    }

    /// How many bytes there will be, where that is known beforehand.
    pub fn size(&self) -> Option<u64> {
        match self {
            Source::Stdin => None,
            Source::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        }
    }
}

/// Opens a file to read.
///
/// # Errors
/// Where it cannot be opened.
pub fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(BufReader::with_capacity(256 * 1024, file))
}

impl Lines {
    /// The lines of any reader.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Lines { reader, number: 0 }
    }
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut bytes = Vec::new();
            match self.reader.read_until(b'\n', &mut bytes) {
                Err(error) => return Some(Err(error)),
                Ok(0) => return None,
                Ok(_) => {}
            }
            self.number += 1;
            let is_open = bytes.pop_if(|last| *last == b'\n').is_none();
            let _ = bytes.pop_if(|last| *last == b'\r');
            if !bytes.trim_ascii().is_empty() {
                return Some(Ok(Line { number: self.number, bytes: bytes.into(), is_open }));
            }
        }
    }
}

/// The lines as an asynchronous stream, read on a thread of their own: a read that waits, as on standard input, holds up
/// nothing else.
pub fn stream(lines: Lines) -> impl Stream<Item = io::Result<Line>> + Unpin {
    let (sender, mut receiver) = mpsc::channel(READ_AHEAD);
    tokio::task::spawn_blocking(move || {
        // An error says that nobody listens any more.
        let _ = lines.map(|line| sender.blocking_send(line)).find(Result::is_err);
    });
    futures_util::stream::poll_fn(move |context| receiver.poll_recv(context))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &'static [u8]) -> Vec<(u64, Vec<u8>, bool)> {
        let lines = Lines::new(Box::new(input));
        lines.map(|line| line.unwrap()).map(|line| (line.number, line.bytes.to_vec(), line.is_open)).collect()
    }

    #[test]
    fn lines_end_in_lf_or_crlf_and_blank_ones_only_count() {
        assert_eq!(
            lines(b"{}\r\n\n  \r\n\xff\n{\"a\":1}"),
            [(1, b"{}".to_vec(), false), (4, b"\xff".to_vec(), false), (5, b"{\"a\":1}".to_vec(), true)]
        );
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\r\n\n"), []);
    }

    #[test]
    fn a_line_may_be_as_long_as_it_likes() {
        let long: &'static [u8] = vec![b'x'; 3 << 20].leak();
        assert_eq!(lines(long)[0].1.len(), 3 << 20);
    }
}
