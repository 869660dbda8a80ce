//! Parquet files as JSON objects: a row each, under the columns' own names, members without a value left out.
//!
//! What a file holds is at its end, so that it must be one that can be read from any place. Rows are read batch by batch;
//! of each column one page is in memory. A damaged file is refused when it is opened as far as its footer and its first
//! rows tell, else at the row where it cannot be read any further.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::RowGroupMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use bytes::Bytes;

use super::entry::{Entry, Fault, MAX_ENTRY_BYTES, SourceLocation};
use super::source::BytesRead;

mod column;
mod guard;
mod layout;
mod page_header;
mod pages;
mod row;
mod value;
mod zstd_pages;

use column::Column;
use guard::guarded;
use layout::Layout;

/// What a Parquet file begins with (<https://parquet.apache.org/docs/file-format/>).
pub(super) const MAGIC: &[u8; 4] = b"PAR1";

/// Rows that are read at once. Few in tests, so that they meet the seams.
const BATCH: usize = if cfg!(test) { 7 } else { 1024 };

/// Why a Parquet file cannot be read, or not any further.
#[derive(Debug, thiserror::Error)]
pub enum ParquetFault {
    /// The reader of the format refuses it.
    #[error("it is damaged, or in a form that is not read: {0}")]
    Format(#[from] ParquetError),
    /// The reader of the format gave up.
    #[error("it is damaged: what it says of itself is contradictory")]
    Contradictory,
    /// A column is of a type, or in a place, that is not read.
    #[error("the column `{column}` {what}")]
    Column {
        /// The column's path.
        column: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A column cannot be read any further.
    #[error("row {row}: the column `{column}` {what}")]
    Row {
        /// From 1.
        row: u64,
        /// The column's path.
        column: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// Whether a file is Parquet. Only of a regular file can bytes be looked at and be read again.
pub(super) fn is_parquet(path: &Path) -> bool {
    let begins = || {
        let mut file = File::open(path).ok()?;
        let mut magic = [0; MAGIC.len()];
        file.metadata().ok()?.is_file().then_some(())?;
        file.read_exact(&mut magic).ok()?;
        Some(magic == *MAGIC)
    };
    // What cannot be opened is told of when it is opened as another file.
    begins().unwrap_or(false)
}

/// The rows of one file.
pub(super) struct ParquetRows {
    reader: SerializedFileReader<File>,
    /// The same file, for what is read without the reader.
    opened: Arc<File>,
    layout: Layout,
    columns: Vec<Column>,
    file: Option<Arc<str>>,
    next_group: usize,
    /// Rows of the group that are not in the columns yet.
    rows_left: u64,
    /// The rows that were read of the batch that is in the columns.
    begun: VecDeque<Entry>,
    row: u64,
    /// Of the objects of the batch before.
    batch_bytes: usize,
    read: BytesRead,
    /// Bytes of the file that are not counted as read.
    uncounted: u64,
}

impl std::fmt::Debug for ParquetRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetRows").field("row", &self.row).finish_non_exhaustive()
    }
}

impl ParquetRows {
    /// Opens a file, and reads its first rows.
    pub(super) fn open(file: File, name: Option<Arc<str>>, read: BytesRead) -> Result<Self, ParquetFault> {
        let length = file.metadata().map_err(ParquetError::from)?.len();
        let opened = Arc::new(file.try_clone().map_err(ParquetError::from)?);
        let reader = guarded(|| SerializedFileReader::new(file))?;
        let metadata = reader.metadata();
        let layout = guarded(|| Ok(Layout::of(metadata.file_metadata().schema_descr())))??;
        for group in metadata.row_groups() {
            guarded(|| Ok(check(group, length)))??;
        }
        let mut rows = ParquetRows {
            reader,
            opened,
            layout,
            columns: Vec::new(),
            file: name,
            next_group: 0,
            rows_left: 0,
            begun: VecDeque::new(),
            row: 0,
            batch_bytes: 0,
            read,
            uncounted: length,
        };
        rows.read_batch()?;
        Ok(rows)
    }

    /// The names of the columns, groups as one, in their order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        let schema = self.reader.metadata().file_metadata().schema_descr().root_schema();
        schema.get_fields().iter().map(|field| field.name())
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Option<Result<Entry, ParquetFault>> {
        if self.begun.is_empty()
            && let Err(fault) = self.read_batch()
        {
            return Some(Err(fault));
        }
        self.begun.pop_front().map(Ok)
    }

    /// Reads the next rows, unless there are none.
    fn read_batch(&mut self) -> Result<(), ParquetFault> {
        while self.rows_left == 0 {
            if !self.turn_to_next_group()? {
                self.count_bytes(u64::MAX);
                return Ok(());
            }
        }
        let count = usize::try_from(self.rows_left).unwrap_or(BATCH).min(BATCH);
        for column in &mut self.columns {
            column.fill(count).map_err(|fault| fault.after(self.row))?;
        }
        self.rows_left -= count as u64;
        // The objects of a batch share one piece of memory.
        let (mut objects, mut ends) = (Vec::with_capacity(self.batch_bytes), Vec::with_capacity(count));
        for _ in 0..count {
            self.row += 1;
            row::write(&self.layout, &mut self.columns, &mut objects).map_err(|fault| fault.at(self.row))?;
            ends.push(objects.len());
        }
        self.batch_bytes = objects.len();
        let objects = Bytes::from(objects);
        let starts = [0].into_iter().chain(ends.iter().copied());
        for ((row, start), &end) in (self.row + 1 - count as u64..).zip(starts).zip(&ends) {
            self.begun.push_back(self.entry(row, objects.slice(start..end)));
        }
        Ok(())
    }

    fn entry(&self, row: u64, object: Bytes) -> Entry {
        let location =
            SourceLocation { file: self.file.clone(), line: row, byte: 1, begins_line: true, is_row: true };
        let is_too_long = object.len() > MAX_ENTRY_BYTES;
        let fault = is_too_long.then_some(Fault::TooLong(object.len() as u64));
        let bytes = if is_too_long { Bytes::new() } else { object };
        Entry { location, bytes, fault, is_open: false }
    }

    /// Opens the columns of the next row group. Says whether there is one.
    fn turn_to_next_group(&mut self) -> Result<bool, ParquetFault> {
        if self.next_group == self.reader.num_row_groups() {
            return Ok(false);
        }
        let (reader, opened, index) = (&self.reader, &self.opened, self.next_group);
        self.columns = guarded(|| {
            let group = reader.get_row_group(index)?;
            (0..group.num_columns()).map(|column| Column::open(&*group, column, opened)).collect()
        })?;
        let group = self.reader.metadata().row_group(index);
        self.rows_left = u64::try_from(group.num_rows()).unwrap_or_default();
        let bytes =
            group.columns().iter().map(|column| u64::try_from(column.compressed_size()).unwrap_or_default());
        let bytes = bytes.sum();
        self.next_group += 1;
        self.count_bytes(bytes);
        Ok(true)
    }

    fn count_bytes(&mut self, bytes: u64) {
        let bytes = bytes.min(self.uncounted);
        self.uncounted -= bytes;
        self.read.add(bytes);
    }
}

/// Holds what a file says of a row group against the file and against itself.
fn check(group: &RowGroupMetaData, length: u64) -> Result<(), ParquetFault> {
    for column in group.columns() {
        let wrong = |what| ParquetFault::Column { column: column.column_path().string(), what };
        let (start, bytes) = column.byte_range();
        if start.checked_add(bytes).is_none_or(|end| end > length) {
            return Err(wrong("is said to be beyond the file's end: the file is cut off or damaged"));
        }
        let is_read = matches!(
            column.compression(),
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) | Compression::ZSTD(_)
        );
        if !is_read {
            return Err(wrong("is compressed in a way that is not read; Snappy, gzip and zstd are"));
        }
        let descriptor = column.column_descr();
        if descriptor.max_rep_level() == 0 && column.num_values() != group.num_rows() {
            return Err(wrong("has another number of rows than the file: the file is damaged"));
        }
    }
    match group.num_rows() {
        0.. => Ok(()),
        _ => Err(ParquetFault::Contradictory),
    }
}

#[cfg(test)]
mod tests;
