//! The part of an input that is in memory.

use std::fmt;
use std::io::{self, BufReader, Read};

use bytes::{Buf as _, Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;

use super::zstd::ZstdFrames;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// What gzip begins with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What zstd begins with, a skippable frame before the data included (RFC 8878, 3.1).
const ZSTD: [&[u8]; 2] = [b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"];
/// The bytes that tell a file's kind.
pub(super) const TELLING: usize = 64;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Bytes that were read from a reader, decompressed if they are gzip or zstd, and not consumed yet.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: BytesMut,
    at_end: bool,
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("available", &self.available().len()).finish_non_exhaustive()
    }
}

impl Window {
    /// A window at the beginning of a reader: as much of it as tells what it is.
    pub(super) fn new(reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let packed = Self::begin(reader)?;
        let (is_gzip, is_zstd) = (is_gzip(packed.available()), is_zstd(packed.available()));
        if !is_gzip && !is_zstd {
            return Ok(packed);
        }
        let Window { reader, buffer, .. } = packed;
        let reader = BufReader::with_capacity(CHUNK, Read::chain(io::Cursor::new(buffer), reader));
        match is_gzip {
            true => Self::begin(Box::new(MultiGzDecoder::new(reader))),
            false => Self::begin(Box::new(ZstdFrames::new(reader))),
        }
    }

    fn begin(reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut window = Window { reader, buffer: BytesMut::new(), at_end: false };
        while window.available().len() < TELLING && window.fill()? {
            // A line that is there is enough: the next may be long in coming.
            if window.available().contains(&b'\n') {
                break;
            }
        }
        Ok(window)
    }

    /// What is in memory.
    pub(super) fn available(&self) -> &[u8] {
        &self.buffer
    }

    /// Reads more. Says whether there was any.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK, 0);
        let read = loop {
            match self.reader.read(self.buffer.get_mut(filled..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        self.at_end = read? == 0;
        Ok(!self.at_end)
    }

    /// The byte at this offset of what is not consumed; `None` after the end.
    pub(super) fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        loop {
            if let Some(&byte) = self.available().get(at) {
                return Ok(Some(byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Whether a byte order mark comes next.
    pub(super) fn is_at_byte_order_mark(&mut self) -> io::Result<bool> {
        if self.byte(0)? != BYTE_ORDER_MARK.first().copied() {
            return Ok(false);
        }
        self.byte(BYTE_ORDER_MARK.len() - 1)?;
        Ok(self.available().starts_with(BYTE_ORDER_MARK))
    }

    /// Consumes the byte order mark that comes next.
    pub(super) fn skip_byte_order_mark(&mut self) {
        self.consume(BYTE_ORDER_MARK.len());
    }

    /// Consumes `count` bytes, at most what is available.
    pub(super) fn consume(&mut self, count: usize) {
        self.buffer.advance(count.min(self.buffer.len()));
    }

    /// Consumes `count` bytes, at most what is available, and gives them. They are not copied: they keep what was read with
    /// them in memory.
    pub(super) fn take(&mut self, count: usize) -> Bytes {
        self.buffer.split_to(count.min(self.buffer.len())).freeze()
    }

    /// All that is left.
    pub(super) fn read_to_end(mut self) -> io::Result<Vec<u8>> {
        let mut bytes = self.buffer.to_vec();
        self.reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Whether this is the beginning of gzip.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP)
}

/// Whether this is the beginning of zstd.
pub(super) fn is_zstd(bytes: &[u8]) -> bool {
    let [frame, skippable] = ZSTD;
    bytes.starts_with(frame)
        || (matches!(bytes, [0x50..=0x5f, ..])
            && bytes.get(1..).is_some_and(|rest| rest.starts_with(skippable)))
}
