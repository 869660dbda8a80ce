//! Names as small numbers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Names, by numbers in the order in which they are met. One that is short lies beside its number: it is found with one look into
/// memory.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By the hash. Of names with one hash the later ones are under the next that are free.
    names: HashMap<u64, Numbered, BuildHasherDefault<OwnHash>>,
    /// Those that are not short, by their numbers.
    long: HashMap<u32, Box<str>>,
}

/// A name's number.
#[derive(Debug)]
struct Numbered {
    number: u32,
    name: Short,
}

/// As many bytes of a name as make a whole number of words with its length and number.
const SHORT: usize = 19;

/// A name if it is short: its length and its bytes, with zeros behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Short {
    Whole(u8, [u8; SHORT]),
    No,
}

impl Names {
    /// The number of a name that has this hash.
    pub(super) fn find(&self, hash: u64, name: &str) -> Option<u32> {
        let (mut hash, short) = (hash, Short::of(name));
        loop {
            let known = self.names.get(&hash)?;
            let is_long = || self.long.get(&known.number).is_some_and(|long| **long == *name);
            if known.name == short && (short != Short::No || is_long()) {
                return Some(known.number);
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// Takes in a name that is [not known](Self::find), and gives its number: how many were known.
    pub(super) fn add(&mut self, hash: u64, name: &str) -> u32 {
        let mut hash = hash;
        while self.names.contains_key(&hash) {
            hash = hash.wrapping_add(1);
        }
        // Four billion names do not fit into memory.
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let short = Short::of(name);
        if short == Short::No {
            self.long.insert(number, name.into());
        }
        self.names.insert(hash, Numbered { number, name: short });
        number
    }
}

impl Short {
    fn of(name: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(room), Ok(length)) => {
                room.copy_from_slice(name.as_bytes());
                Short::Whole(length, bytes)
            }
            _ => Short::No,
        }
    }
}

/// What is hashed is a hash.
#[derive(Debug, Default)]
struct OwnHash(u64);

impl Hasher for OwnHash {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_one_hash_and_with_neighbouring_hashes_keep_numbers_of_their_own() {
        let mut names = Names::default();
        let (long, longer) = ("x".repeat(SHORT + 1), "x".repeat(300));
        let met = [
            (7, "a"),
            (7, "a\0"),
            (8, ""),
            (7, &*long),
            (9, "a2"),
            (u64::MAX, &*longer),
            (u64::MAX, "y"),
            (7, &*longer),
        ];
        for (number, (hash, name)) in (0..).zip(met) {
            assert_eq!(names.find(hash, name), None, "{name}");
            assert_eq!(names.add(hash, name), number);
            for (known, (hash, name)) in (0..=number).zip(met) {
                assert_eq!(names.find(hash, name), Some(known), "{name}");
            }
        }
        assert_eq!(names.find(7, "c"), None);
    }
}
