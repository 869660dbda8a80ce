//! The records' payloads, in a temporary file: a long run does not fill the memory with them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// Payloads that are written once and read often. The file is gone with the process; what a deleted stream held stays in it
/// until then.
#[derive(Debug)]
pub(super) struct Payloads {
    file: File,
    end: Mutex<u64>,
}

/// Where a payload is. The emulator's store keeps this in the payload's place, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    offset: u64,
    /// In bytes.
    pub(super) length: usize,
}

impl Payloads {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile()?, end: Mutex::new(0) })
    }

    /// Keeps payloads, and says where each is.
    pub(super) fn keep<'p>(&self, payloads: impl Iterator<Item = &'p [u8]>) -> io::Result<Vec<Place>> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut written, mut places) = (Vec::new(), Vec::new());
        for payload in payloads {
            places.push(Place { offset: *end + written.len() as u64, length: payload.len() });
            written.extend_from_slice(payload);
        }
        self.file.write_all_at(&written, *end)?;
        *end += written.len() as u64;
        Ok(places)
    }

    /// The payload at a place.
    pub(super) fn at(&self, place: Place) -> io::Result<Vec<u8>> {
        let mut payload = vec![0; place.length];
        self.file.read_exact_at(&mut payload, place.offset)?;
        Ok(payload)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}+{}", self.offset, self.length)
    }
}

impl FromStr for Place {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let place = text.split_once('+').and_then(|(offset, length)| {
            Some(Place { offset: offset.parse().ok()?, length: length.parse().ok()? })
        });
        place.ok_or_else(|| io::Error::other("not the place of a payload"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_come_back_from_the_places_that_their_text_names() {
        let payloads = Payloads::new().unwrap();
        let kept: [Vec<&[u8]>; 3] = [vec![b"one", b"", b"\0\xff"], vec![], vec![b"three"]];
        let places: Vec<_> =
            kept.iter().flat_map(|batch| payloads.keep(batch.iter().copied()).unwrap()).collect();
        let read = |place: &Place| payloads.at(place.to_string().parse().unwrap()).unwrap();
        assert_eq!(places.iter().map(read).collect::<Vec<_>>(), kept.concat());
        assert_eq!(places.iter().map(|place| place.length).collect::<Vec<_>>(), [3, 0, 2, 5]);
    }

    #[test]
    fn what_is_no_place_or_lies_behind_the_end_is_an_error() {
        let payloads = Payloads::new().unwrap();
        payloads.keep([b"one".as_slice()].into_iter()).unwrap();
        assert!(payloads.at(Place { offset: 1, length: 3 }).is_err());
        for text in ["", "1", "1+", "-1+1", "b25l"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
