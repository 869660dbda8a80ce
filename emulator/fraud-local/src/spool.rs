//! Values in a temporary file, by part: what does not fit into memory together is looked at one part after the other.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A part is written when it has this many bytes.
const BLOCK: usize = 64 * 1024;

/// Values that are added in any order and taken part by part. The file is gone with the process.
pub(crate) struct Spool<T> {
    file: File,
    end: u64,
    parts: Vec<Part>,
    of: PhantomData<T>,
}

#[derive(Default)]
struct Part {
    /// Offset and length of what is in the file.
    blocks: Vec<(u64, usize)>,
    /// What is not.
    rest: Vec<u8>,
}

impl<T: Serialize + DeserializeOwned> Spool<T> {
    /// Room for this many parts.
    pub(crate) fn new(parts: usize) -> anyhow::Result<Self> {
        let file = tempfile::tempfile().context("cannot create a temporary file")?;
        let parts = std::iter::repeat_with(Part::default).take(parts).collect();
        Ok(Spool { file, end: 0, parts, of: PhantomData })
    }

    /// Adds a value to a part, or to the last one if there are fewer.
    pub(crate) fn add(&mut self, part: usize, value: &T) -> anyhow::Result<()> {
        let last = self.parts.len().saturating_sub(1);
        let Some(part) = self.parts.get_mut(part.min(last)) else { anyhow::bail!("a spool without parts") };
        part.rest = postcard::to_extend(value, std::mem::take(&mut part.rest))?;
        if part.rest.len() >= BLOCK {
            self.file.write_all_at(&part.rest, self.end).context("cannot write a temporary file")?;
            part.blocks.push((self.end, part.rest.len()));
            self.end += part.rest.len() as u64;
            part.rest.clear();
        }
        Ok(())
    }

    /// The values of a part, in the order in which they were added.
    pub(crate) fn part(&self, part: usize) -> anyhow::Result<Vec<T>> {
        let Some(part) = self.parts.get(part) else { return Ok(Vec::new()) };
        let mut values = Vec::new();
        for (offset, length) in &part.blocks {
            let mut block = vec![0; *length];
            let read: io::Result<()> = self.file.read_exact_at(&mut block, *offset);
            read.context("cannot read a temporary file")?;
            values_of(&block, &mut values)?;
        }
        values_of(&part.rest, &mut values)?;
        Ok(values)
    }
}

/// A block holds whole values.
fn values_of<T: DeserializeOwned>(mut block: &[u8], values: &mut Vec<T>) -> anyhow::Result<()> {
    while !block.is_empty() {
        let (value, rest) = postcard::take_from_bytes(block)?;
        values.push(value);
        block = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_values_in_their_order_whether_they_are_in_the_file_or_not() {
        let mut spool = Spool::new(3).unwrap();
        let text = |number: usize| (number, "x".repeat(number % 1_000));
        for number in 0..2_000 {
            spool.add(if number % 100 == 1 { 2 } else { 0 }, &text(number)).unwrap();
        }
        let of = |is_of: fn(&usize) -> bool| (0..2_000).filter(is_of).map(text).collect::<Vec<_>>();
        assert!(spool.parts[0].blocks.len() > 1 && spool.parts[2].blocks.is_empty());
        assert_eq!(spool.part(0).unwrap(), of(|number| number % 100 != 1));
        assert_eq!(spool.part(1).unwrap(), []);
        assert_eq!(spool.part(2).unwrap(), of(|number| number % 100 == 1));
    }
}
