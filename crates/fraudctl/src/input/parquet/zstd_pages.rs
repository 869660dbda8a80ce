//! The pages of a column that is compressed with zstd.
//!
//! The reader of the format unpacks zstd by a C library; here they are read and unpacked without it
//! (<https://parquet.apache.org/docs/file-format/data-pages/>).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;

use ::parquet::basic::Encoding;
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ColumnChunkMetaData;
use bytes::Bytes;

use super::page_header::{PageHeader, PageKind, read_page_header};
use crate::input::zstd::ZstdFrames;

/// What a page's header is looked for in at first; those with long statistics are longer.
const HEADER_BYTES: u64 = 16 * 1024;

/// A column's pages, one after the other.
pub(super) struct ZstdPages {
    file: Arc<File>,
    /// Where the next header, or the data of the next page, begins.
    at: u64,
    end: u64,
    /// The most bytes that a page can unpack to: those of the whole column.
    most: u64,
    next: Option<PageHeader>,
}

impl ZstdPages {
    pub(super) fn new(file: Arc<File>, column: &ColumnChunkMetaData) -> Result<Self> {
        let (start, length) = column.byte_range();
        let most = u64::try_from(column.uncompressed_size())?;
        Ok(ZstdPages { file, at: start, end: start.saturating_add(length), most, next: None })
    }

    fn bytes(&self, count: u64) -> Result<Vec<u8>> {
        if count > self.end - self.at {
            return Err(general("a page is said to be longer than its column"));
        }
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.take(count).read_to_end(&mut bytes)?;
        match bytes.len() as u64 == count {
            true => Ok(bytes),
            false => Err(general("the file ends within a page")),
        }
    }

    /// The header of the next page that is not an index; `None` after the last.
    fn peek(&mut self) -> Result<Option<PageHeader>> {
        while self.next.is_none() && self.at < self.end {
            let mut looked_at = HEADER_BYTES.min(self.end - self.at);
            let (header, length) = loop {
                if let Some(found) = read_page_header(&self.bytes(looked_at)?) {
                    break found;
                }
                if looked_at == self.end - self.at {
                    return Err(general("a page's header cannot be read"));
                }
                looked_at = looked_at.saturating_mul(16).min(self.end - self.at);
            };
            self.at += length as u64;
            match header.kind {
                PageKind::Other => self.at += header.stored.min(self.end - self.at),
                _ => self.next = Some(header),
            }
        }
        Ok(self.next)
    }

    /// The next page's header and its data as they are stored.
    fn take(&mut self) -> Result<Option<(PageHeader, Vec<u8>)>> {
        let Some(header) = self.peek()? else { return Ok(None) };
        let stored = self.bytes(header.stored)?;
        self.at += header.stored;
        self.next = None;
        Ok(Some((header, stored)))
    }

    fn unpacked(&self, header: &PageHeader, stored: Vec<u8>) -> Result<Bytes> {
        if let Some(expected) = header.crc {
            let mut crc = flate2::Crc::new();
            crc.update(&stored);
            if crc.sum() != expected {
                return Err(general("the checksum of a page does not match its data"));
            }
        }
        if !header.is_compressed {
            return Ok(stored.into());
        }
        // The levels of a page of the second version are not compressed.
        let Some((levels, packed)) = stored.split_at_checked(header.level_bytes()) else {
            return Err(general("the levels of a page are longer than the page"));
        };
        if header.unpacked > self.most {
            return Err(general("a page is said to be longer than its column"));
        }
        let mut unpacked = levels.to_vec();
        let rest = header.unpacked.saturating_sub(levels.len() as u64);
        if rest > 0 {
            ZstdFrames::new(packed).take(rest + 1).read_to_end(&mut unpacked)?;
        }
        match unpacked.len() as u64 == header.unpacked {
            true => Ok(unpacked.into()),
            false => Err(general("a page unpacks to another length than it says")),
        }
    }
}

impl PageReader for ZstdPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some((header, stored)) = self.take()? else { return Ok(None) };
        let buf = self.unpacked(&header, stored)?;
        let PageHeader { values: num_values, .. } = header;
        let encoding = encoding(header.encoding)?;
        Ok(Some(match header.kind {
            PageKind::Dictionary { is_sorted } => {
                Page::DictionaryPage { buf, num_values, encoding, is_sorted }
            }
            PageKind::Data { definitions, repetitions } => Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding: self::encoding(definitions)?,
                rep_level_encoding: self::encoding(repetitions)?,
                statistics: None,
            },
            PageKind::DataV2 { nulls, rows, definition_bytes, repetition_bytes } => Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls: nulls,
                num_rows: rows,
                def_levels_byte_len: definition_bytes,
                rep_levels_byte_len: repetition_bytes,
                is_compressed: header.is_compressed,
                statistics: None,
            },
            PageKind::Other => return Err(general("a page of an unknown kind")),
        }))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let Some(header) = self.peek()? else { return Ok(None) };
        let num_levels = Some(header.values as usize);
        Ok(Some(match header.kind {
            PageKind::Dictionary { .. } => PageMetadata { num_rows: None, num_levels: None, is_dict: true },
            PageKind::DataV2 { rows, .. } => {
                PageMetadata { num_rows: Some(rows as usize), num_levels, is_dict: false }
            }
            _ => PageMetadata { num_rows: None, num_levels, is_dict: false },
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.take().map(drop)
    }
}

impl Iterator for ZstdPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn general(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// An encoding by its number (<https://github.com/apache/parquet-format/blob/master/Encodings.md>).
fn encoding(number: i32) -> Result<Encoding> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(general("a page has an encoding that is not read")),
    })
}
