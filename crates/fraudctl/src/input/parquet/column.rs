//! A column of a row group: a batch of its values, with their levels.

use std::fs::File;
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::column::page::PageReader;
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl, get_column_reader};
use ::parquet::data_type::{
    AsBytes, BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96, Int96Type,
};
use ::parquet::errors::Result;
use ::parquet::file::reader::RowGroupReader;

use super::ParquetFault;
use super::guard::guarded;
use super::pages::CheckedPages;
use super::zstd_pages::ZstdPages;

/// A column, and where in its batch the next value is.
pub(super) struct Column {
    /// Its path.
    name: String,
    cells: Cells,
    /// How deep each entry is defined; empty if every value is there.
    definitions: Vec<i16>,
    /// At which depth each entry continues a list; empty if it is in none.
    repetitions: Vec<i16>,
    is_nullable: bool,
    is_in_list: bool,
    /// The entries of the batch.
    entries: usize,
    at_entry: usize,
    at_value: usize,
}

/// A value as it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    Bool(bool),
    Int32(i32),
    Int64(i64),
    Int96(&'a Int96),
    Float(f32),
    Double(f64),
    Bytes(&'a [u8]),
}

/// Why a column cannot be read any further.
#[derive(Debug)]
pub(super) enum ColumnFault {
    Format(ParquetFault),
    Value { column: String, what: &'static str },
}

impl ColumnFault {
    /// As the fault of this row.
    pub(super) fn at(self, row: u64) -> ParquetFault {
        match self {
            ColumnFault::Format(fault) => fault,
            ColumnFault::Value { column, what } => ParquetFault::Row { row, column, what },
        }
    }

    /// As the fault of a row after this one.
    pub(super) fn after(self, row: u64) -> ParquetFault {
        self.at(row + 1)
    }
}

struct Typed<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

impl<T: DataType> Typed<T> {
    fn new(reader: ColumnReaderImpl<T>) -> Self {
        Typed { reader, values: Vec::new() }
    }

    fn read(
        &mut self,
        rows: usize,
        definitions: &mut Vec<i16>,
        repetitions: &mut Vec<i16>,
    ) -> Result<(usize, usize, usize)> {
        self.values.clear();
        self.reader.read_records(rows, Some(definitions), Some(repetitions), &mut self.values)
    }
}

enum Cells {
    Bool(Typed<BoolType>),
    Int32(Typed<Int32Type>),
    Int64(Typed<Int64Type>),
    Int96(Typed<Int96Type>),
    Float(Typed<FloatType>),
    Double(Typed<DoubleType>),
    Bytes(Typed<ByteArrayType>),
    FixedBytes(Typed<FixedLenByteArrayType>),
}

impl Column {
    /// The column at this index of a row group of a file.
    pub(super) fn open(group: &dyn RowGroupReader, index: usize, file: &Arc<File>) -> Result<Self> {
        let metadata = group.metadata().column(index);
        let descriptor = metadata.column_descr_ptr();
        let pages: Box<dyn PageReader> = match metadata.compression() {
            Compression::ZSTD(_) => Box::new(ZstdPages::new(file.clone(), metadata)?),
            _ => group.get_column_page_reader(index)?,
        };
        let values = u64::try_from(metadata.num_values())?;
        let reader = get_column_reader(descriptor.clone(), Box::new(CheckedPages { pages, values }));
        Ok(Column {
            name: descriptor.path().string(),
            cells: Cells::new(reader),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            is_nullable: descriptor.max_def_level() > 0,
            is_in_list: descriptor.max_rep_level() > 0,
            entries: 0,
            at_entry: 0,
            at_value: 0,
        })
    }

    /// Reads the entries of the next rows. Those before must be used up.
    pub(super) fn fill(&mut self, rows: usize) -> std::result::Result<(), ColumnFault> {
        if !self.is_at_end() {
            return Err(self.fault("does not fit the rows before: the file is damaged"));
        }
        let Column { cells, definitions, repetitions, .. } = self;
        definitions.clear();
        repetitions.clear();
        let (read, _, entries) =
            guarded(|| cells.read(rows, definitions, repetitions)).map_err(ColumnFault::Format)?;
        (self.entries, self.at_entry, self.at_value) = (entries, 0, 0);
        let levels = |levels: &[i16], has_levels: bool| !has_levels || levels.len() == entries;
        let is_complete =
            levels(&self.definitions, self.is_nullable) && levels(&self.repetitions, self.is_in_list);
        match read == rows && is_complete {
            true => Ok(()),
            false => Err(self.fault("ends before the file's last row: the file is damaged")),
        }
    }

    /// How deep the next entry is defined; `None` after the last.
    pub(super) fn definition(&self) -> Option<i16> {
        match self.at_entry < self.entries {
            true if self.is_nullable => self.definitions.get(self.at_entry).copied(),
            // A value that must be there is, however deep.
            true => Some(0),
            false => None,
        }
    }

    /// The depth of the list that the next entry continues; 0 if it begins a row, or after the last.
    pub(super) fn repetition(&self) -> i16 {
        self.repetitions.get(self.at_entry).copied().unwrap_or(0)
    }

    fn is_at_end(&self) -> bool {
        self.at_entry == self.entries
    }

    /// The value of the next entry, which has one.
    pub(super) fn value(&self) -> Option<Cell<'_>> {
        self.cells.get(self.at_value)
    }

    /// Goes on to the next entry; `has_value` says whether this one had a value.
    pub(super) fn advance(&mut self, has_value: bool) {
        self.at_entry += 1;
        self.at_value += usize::from(has_value);
    }

    pub(super) fn fault(&self, what: &'static str) -> ColumnFault {
        ColumnFault::Value { column: self.name.clone(), what }
    }
}

impl Cells {
    fn new(reader: ColumnReader) -> Self {
        match reader {
            ColumnReader::BoolColumnReader(reader) => Cells::Bool(Typed::new(reader)),
            ColumnReader::Int32ColumnReader(reader) => Cells::Int32(Typed::new(reader)),
            ColumnReader::Int64ColumnReader(reader) => Cells::Int64(Typed::new(reader)),
            ColumnReader::Int96ColumnReader(reader) => Cells::Int96(Typed::new(reader)),
            ColumnReader::FloatColumnReader(reader) => Cells::Float(Typed::new(reader)),
            ColumnReader::DoubleColumnReader(reader) => Cells::Double(Typed::new(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Cells::Bytes(Typed::new(reader)),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Cells::FixedBytes(Typed::new(reader)),
        }
    }

    fn read(
        &mut self,
        rows: usize,
        definitions: &mut Vec<i16>,
        repetitions: &mut Vec<i16>,
    ) -> Result<(usize, usize, usize)> {
        match self {
            Cells::Bool(typed) => typed.read(rows, definitions, repetitions),
            Cells::Int32(typed) => typed.read(rows, definitions, repetitions),
            Cells::Int64(typed) => typed.read(rows, definitions, repetitions),
            Cells::Int96(typed) => typed.read(rows, definitions, repetitions),
            Cells::Float(typed) => typed.read(rows, definitions, repetitions),
            Cells::Double(typed) => typed.read(rows, definitions, repetitions),
            Cells::Bytes(typed) => typed.read(rows, definitions, repetitions),
            Cells::FixedBytes(typed) => typed.read(rows, definitions, repetitions),
        }
    }

    fn get(&self, at: usize) -> Option<Cell<'_>> {
        Some(match self {
            Cells::Bool(typed) => Cell::Bool(*typed.values.get(at)?),
            Cells::Int32(typed) => Cell::Int32(*typed.values.get(at)?),
            Cells::Int64(typed) => Cell::Int64(*typed.values.get(at)?),
            Cells::Int96(typed) => Cell::Int96(typed.values.get(at)?),
            Cells::Float(typed) => Cell::Float(*typed.values.get(at)?),
            Cells::Double(typed) => Cell::Double(*typed.values.get(at)?),
            Cells::Bytes(typed) => Cell::Bytes(typed.values.get(at)?.as_bytes()),
            Cells::FixedBytes(typed) => Cell::Bytes(typed.values.get(at)?.as_bytes()),
        })
    }
}
