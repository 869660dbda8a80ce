//! The records of all shards, in a temporary file: a long run does not fill the memory with them.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// A record of a shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoggedRecord {
    pub(super) sequence_number: String,
    pub(super) partition_key: String,
    /// When it arrived, in milliseconds since 1970.
    pub(super) arrival: u64,
    pub(super) data: Vec<u8>,
}

/// Records that are appended and read. The file is gone with the process; what a deleted stream held stays in it until then.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    end: u64,
    /// By the names of stream and shard.
    shards: HashMap<String, HashMap<String, Vec<Block>>>,
}

/// Records of one shard that were appended together.
#[derive(Debug)]
struct Block {
    /// The first record's sequence number.
    first: String,
    /// When the last one arrived.
    last_arrival: u64,
    offset: u64,
    /// In bytes.
    length: usize,
}

impl Log {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, end: 0, shards: HashMap::new() })
    }

    /// Appends records to a shard, whose sequence numbers and arrivals go on from those before.
    pub(super) fn append(&mut self, stream: &str, shard: &str, records: &[LoggedRecord]) -> io::Result<()> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
        let mut written = Vec::new();
        for record in records {
            for part in [record.sequence_number.as_bytes(), record.partition_key.as_bytes(), &record.data] {
                written.extend_from_slice(&(part.len() as u64).to_le_bytes());
                written.extend_from_slice(part);
            }
            written.extend_from_slice(&record.arrival.to_le_bytes());
        }
        self.file.write_all_at(&written, self.end)?;
        let block = Block {
            first: first.sequence_number.clone(),
            last_arrival: last.arrival,
            offset: self.end,
            length: written.len(),
        };
        self.end += written.len() as u64;
        self.shards.entry(stream.to_owned()).or_default().entry(shard.to_owned()).or_default().push(block);
        Ok(())
    }

    /// Up to `limit` records of a shard from a sequence number on, and no more than `bytes` of data and partition keys but for the
    /// first; and whether there are more.
    pub(super) fn read(
        &self,
        (stream, shard): (&str, &str),
        from: &str,
        limit: usize,
        bytes: usize,
    ) -> io::Result<(Vec<LoggedRecord>, bool)> {
        let blocks = self.blocks(stream, shard);
        // The one before may hold the record, too.
        let begin = blocks.partition_point(|block| block.first.as_str() <= from).saturating_sub(1);
        let (mut records, mut left) = (Vec::new(), bytes);
        for block in blocks.get(begin..).unwrap_or_default() {
            for record in self.block(block)? {
                if record.sequence_number.as_str() < from {
                    continue;
                }
                let size = record.data.len() + record.partition_key.len();
                if records.len() >= limit || (size > left && !records.is_empty()) {
                    return Ok((records, true));
                }
                left = left.saturating_sub(size);
                records.push(record);
            }
        }
        Ok((records, false))
    }

    /// The sequence number of a shard's first record that arrived at this time or later.
    pub(super) fn arrived_from(&self, stream: &str, shard: &str, time: u64) -> io::Result<Option<String>> {
        let blocks = self.blocks(stream, shard);
        let Some(block) = blocks.get(blocks.partition_point(|block| block.last_arrival < time)) else {
            return Ok(None);
        };
        let found = self.block(block)?.into_iter().find(|record| record.arrival >= time);
        Ok(found.map(|record| record.sequence_number))
    }

    /// The sequence number of a shard's last record.
    pub(super) fn last(&self, stream: &str, shard: &str) -> io::Result<Option<String>> {
        let Some(block) = self.blocks(stream, shard).last() else { return Ok(None) };
        Ok(self.block(block)?.pop().map(|record| record.sequence_number))
    }

    /// Forgets a stream that was deleted.
    pub(super) fn forget(&mut self, stream: &str) {
        self.shards.remove(stream);
    }

    fn blocks(&self, stream: &str, shard: &str) -> &[Block] {
        self.shards.get(stream).and_then(|shards| shards.get(shard)).map(Vec::as_slice).unwrap_or_default()
    }

    fn block(&self, block: &Block) -> io::Result<Vec<LoggedRecord>> {
        let mut bytes = vec![0; block.length];
        self.file.read_exact_at(&mut bytes, block.offset)?;
        let (mut rest, mut records) = (bytes.as_slice(), Vec::new());
        while !rest.is_empty() {
            records.push(LoggedRecord {
                sequence_number: text(part(&mut rest)?)?,
                partition_key: text(part(&mut rest)?)?,
                data: part(&mut rest)?.to_vec(),
                arrival: number(&mut rest)?,
            });
        }
        Ok(records)
    }
}

fn number(rest: &mut &[u8]) -> io::Result<u64> {
    let (digits, behind) = rest.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
    *rest = behind;
    Ok(u64::from_le_bytes(*digits))
}

fn part<'b>(rest: &mut &'b [u8]) -> io::Result<&'b [u8]> {
    let length = usize::try_from(number(rest)?).map_err(io::Error::other)?;
    let (part, behind) = rest.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
    *rest = behind;
    Ok(part)
}

fn text(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64, arrival: u64, size: usize) -> LoggedRecord {
        LoggedRecord {
            sequence_number: format!("{number:04}"),
            partition_key: format!("k{number}"),
            arrival,
            data: vec![0xff; size],
        }
    }

    /// Blocks of one, three and two records, and another shard's between them.
    fn log() -> (Log, Vec<LoggedRecord>) {
        let mut log = Log::new().unwrap();
        let records: Vec<_> =
            [(1, 10, 0), (2, 10, 5), (3, 20, 1), (5, 30, 2), (8, 30, 9), (9, 40, 0)].into_iter().collect();
        let records: Vec<_> =
            records.into_iter().map(|(number, at, size)| record(number, at, size)).collect();
        for (from, to) in [(0, 1), (1, 4), (4, 6)] {
            log.append("s", "a", &records[from..to]).unwrap();
            log.append("s", "b", &[record(from as u64, 0, 1)]).unwrap();
        }
        (log, records)
    }

    #[test]
    fn records_are_read_from_any_number_on_as_far_as_the_limits_reach() {
        let (log, records) = log();
        for from in 0..=10_u64 {
            for limit in 1..=7 {
                let expected: Vec<_> =
                    records.iter().filter(|record| record.sequence_number >= format!("{from:04}")).collect();
                let (read, more) = log.read(("s", "a"), &format!("{from:04}"), limit, 1_000).unwrap();
                assert!(read.iter().eq(expected.iter().copied().take(limit)), "{from} {limit}: {read:?}");
                assert_eq!(more, expected.len() > limit, "{from} {limit}");
            }
        }
        // Keys have two bytes each.
        let numbers = |bytes| {
            let (read, more) = log.read(("s", "a"), "0", 10, bytes).unwrap();
            (read.len(), more)
        };
        assert_eq!([0, 2, 8, 9, 12].map(numbers), [(1, true), (1, true), (1, true), (2, true), (3, true)]);
        assert_eq!((numbers(28), numbers(29)), ((5, true), (6, false)));
        assert_eq!(log.read(("s", "c"), "0", 10, 1_000).unwrap(), (Vec::new(), false));
    }

    #[test]
    fn the_first_record_of_a_time_is_found_and_a_deleted_stream_has_none() {
        let (mut log, _) = log();
        let from = |log: &Log, time| log.arrived_from("s", "a", time).unwrap();
        let expected = [(0, Some("0001")), (10, Some("0001")), (11, Some("0003")), (30, Some("0005"))];
        for (time, number) in expected.into_iter().chain([(31, Some("0009")), (41, None)]) {
            assert_eq!(from(&log, time).as_deref(), number, "{time}");
        }
        assert_eq!(log.last("s", "a").unwrap().as_deref(), Some("0009"));
        log.forget("s");
        assert_eq!(from(&log, 0), None);
    }
}
