//! The header of a page: a struct of Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>,
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>).

/// The deepest nesting that is followed.
const MAX_DEPTH: u32 = 8;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    pub(super) values: u32,
    /// The number of an encoding.
    pub(super) encoding: i32,
    /// Bytes in the file.
    pub(super) stored: u64,
    /// Bytes when it is unpacked.
    pub(super) unpacked: u64,
    pub(super) crc: Option<u32>,
    pub(super) is_compressed: bool,
}

/// What kind of page it is, with what only that kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Levels by these encodings, and values.
    Data {
        definitions: i32,
        repetitions: i32,
    },
    Dictionary {
        is_sorted: bool,
    },
    DataV2 {
        nulls: u32,
        rows: u32,
        definition_bytes: u32,
        repetition_bytes: u32,
    },
    /// An index, which is passed over.
    Other,
}

impl PageHeader {
    /// The bytes before what is compressed.
    pub(super) fn level_bytes(&self) -> usize {
        match self.kind {
            PageKind::DataV2 { definition_bytes, repetition_bytes, .. } => {
                (definition_bytes as usize).saturating_add(repetition_bytes as usize)
            }
            _ => 0,
        }
    }
}

/// The header that these bytes begin with, and its length; `None` if they do not hold a whole one.
pub(super) fn read_page_header(bytes: &[u8]) -> Option<(PageHeader, usize)> {
    let mut fields = Fields::default();
    let mut reader = CompactReader { rest: bytes };
    reader.structure(&mut fields, None, 0)?;
    Some((fields.header()?, bytes.len() - reader.rest.len()))
}

/// The numbers of a header: by their field, and by the field of the struct around it.
#[derive(Debug, Default)]
struct Fields(Vec<((i16, i16), i64)>);

impl Fields {
    fn get(&self, outer: i16, inner: i16) -> Option<i64> {
        self.0.iter().find(|(key, _)| *key == (outer, inner)).map(|(_, number)| *number)
    }

    fn int(&self, outer: i16, inner: i16) -> Option<i32> {
        i32::try_from(self.get(outer, inner)?).ok()
    }

    fn count(&self, outer: i16, inner: i16) -> Option<u32> {
        u32::try_from(self.get(outer, inner)?).ok()
    }

    fn header(&self) -> Option<PageHeader> {
        let (kind, of_kind) = match self.int(1, 0)? {
            0 => {
                (PageKind::Data { definitions: self.int(5, 3)?, repetitions: self.int(5, 4)? }, Some((5, 2)))
            }
            2 => (PageKind::Dictionary { is_sorted: self.get(7, 3) == Some(1) }, Some((7, 2))),
            3 => {
                let kind = PageKind::DataV2 {
                    nulls: self.count(8, 2)?,
                    rows: self.count(8, 3)?,
                    definition_bytes: self.count(8, 5)?,
                    repetition_bytes: self.count(8, 6)?,
                };
                (kind, Some((8, 4)))
            }
            _ => (PageKind::Other, None),
        };
        let (values, encoding) = match of_kind {
            Some((outer, encoding)) => (self.count(outer, 1)?, self.int(outer, encoding)?),
            None => (0, 0),
        };
        Some(PageHeader {
            kind,
            values,
            encoding,
            stored: self.count(3, 0)?.into(),
            unpacked: self.count(2, 0)?.into(),
            crc: self.int(4, 0).map(i32::cast_unsigned),
            is_compressed: self.get(8, 7) != Some(0),
        })
    }
}

struct CompactReader<'a> {
    rest: &'a [u8],
}

impl CompactReader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A number whose sign is its last bit.
    fn zigzag(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Reads a struct; `outer` is the field that it is, `None` for the header itself.
    fn structure(&mut self, fields: &mut Fields, outer: Option<i16>, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut id = 0_i16;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Some(());
            }
            id = match byte >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                delta => id.checked_add(delta.into())?,
            };
            let number = match byte & 0xf {
                1 => Some(1),
                2 => Some(0),
                // Only the header's own structs have fields that are asked for.
                12 => {
                    let inner = if depth == 0 { Some(id) } else { Some(i16::MIN) };
                    self.structure(fields, inner, depth + 1)?;
                    None
                }
                other => self.value(other, depth)?,
            };
            if let Some(number) = number {
                fields.0.push((outer.map_or((id, 0), |outer| (outer, id)), number));
            }
        }
    }

    /// Reads a value of this type; gives it if it is a whole number.
    fn value(&mut self, kind: u8, depth: u32) -> Option<Option<i64>> {
        match kind {
            3 => self.byte().map(|byte| Some(byte.into())),
            4..=6 => self.zigzag().map(Some),
            7 => self.skip(8).map(|()| None),
            8 => {
                let length = self.varint()?;
                self.skip(length).map(|()| None)
            }
            // A page's header has no lists, sets and maps but in fields of later versions.
            9 | 10 => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                for _ in 0..count {
                    self.element(head & 0xf, depth)?;
                }
                Some(None)
            }
            _ => None,
        }
    }

    fn element(&mut self, kind: u8, depth: u32) -> Option<()> {
        match kind {
            1 | 2 => self.byte().map(drop),
            12 => self.structure(&mut Fields::default(), Some(i16::MIN), depth + 1),
            other if depth < MAX_DEPTH => self.value(other, depth + 1).map(drop),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_is_read_with_its_length_and_what_is_cut_off_is_none() {
        // A data page of 3 values, 300 bytes unpacked, 7 stored, with a checksum and statistics.
        let header = [
            0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x0e, 0x15, 0x01, 0x1c, 0x15, 0x06, 0x15, 0x10, 0x15, 0x06,
            0x15, 0x06, 0x1c, 0x36, 0x02, 0x28, 0x01, b'a', 0x00, 0x00, 0x00,
        ];
        let expected = PageHeader {
            kind: PageKind::Data { definitions: 3, repetitions: 3 },
            values: 3,
            encoding: 8,
            stored: 7,
            unpacked: 300,
            crc: Some(u32::MAX),
            is_compressed: true,
        };
        assert_eq!(read_page_header(&[&header[..], b"data"].concat()), Some((expected, header.len())));
        for length in 0..header.len() {
            assert_eq!(read_page_header(&header[..length]), None, "{length}");
        }
        let negative = [0x15, 0x00, 0x15, 0x01, 0x15, 0x0e, 0x00];
        assert_eq!(read_page_header(&negative), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some((_, length)) = read_page_header(&bytes) {
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
