//! The labels of files.

use std::collections::BTreeMap;

use bytes::Bytes;
use fraud_core::label::{self, Label};

use crate::display::note;
use crate::input::Entry;

/// This many entries that are not labels are reported one by one; the others are counted.
const REFUSED_TOLD: u64 = 10;

/// A label as its file has it.
#[derive(Debug, Clone)]
pub(crate) struct LabelLine {
    pub(crate) label: Label,
    /// The entry's bytes.
    pub(crate) bytes: Bytes,
}

/// What files hold beside labels.
#[derive(Debug, Default)]
pub(crate) struct LineCounts {
    /// Entries.
    pub(crate) lines: u64,
    /// Entries that are not labels.
    pub(crate) refused: u64,
    /// Members that are not looked at, and how many labels have each.
    pub(crate) left_out: BTreeMap<String, u64>,
}

impl LineCounts {
    /// Reads an entry. Tells of one that is not a label, with all that is wrong with it.
    pub(crate) fn read(&mut self, entry: &Entry) -> Option<LabelLine> {
        self.lines += 1;
        let read = match entry.fault {
            Some(fault) => Err(fault.to_string()),
            None => label::read(&entry.bytes).map_err(|mistakes| mistakes.to_string()),
        };
        match read {
            Ok(read) => {
                for name in read.left_out {
                    *self.left_out.entry(name).or_default() += 1;
                }
                Some(LabelLine { label: read.label, bytes: entry.bytes.clone() })
            }
            Err(wrong) => {
                self.refused += 1;
                if self.refused <= REFUSED_TOLD {
                    let cut_off = if entry.is_open { " (is the file cut off here?)" } else { "" };
                    note!("{}: {wrong}{cut_off}", entry.location);
                }
                None
            }
        }
    }
}
