//! Names as small numbers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Names, by numbers in the order in which they are met. All of them lie together in memory.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By the hash. Of names with one hash the later ones are under the next numbers that are free.
    numbers: HashMap<u64, u32, BuildHasherDefault<OwnHash>>,
    text: String,
    /// Where each begins.
    begins: Vec<usize>,
}

impl Names {
    /// The number of a name that has this hash.
    pub(super) fn find(&self, hash: u64, name: &str) -> Option<u32> {
        let mut hash = hash;
        loop {
            let number = *self.numbers.get(&hash)?;
            if self.name(number) == Some(name) {
                return Some(number);
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// Takes in a name that is [not known](Self::find), and gives its number: how many were known.
    pub(super) fn add(&mut self, hash: u64, name: &str) -> u32 {
        let mut hash = hash;
        while self.numbers.contains_key(&hash) {
            hash = hash.wrapping_add(1);
        }
        // Four billion names do not fit into memory.
        let number = u32::try_from(self.begins.len()).unwrap_or(u32::MAX);
        self.numbers.insert(hash, number);
        self.begins.push(self.text.len());
        self.text.push_str(name);
        number
    }

    fn name(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let end = self.begins.get(number + 1).copied().unwrap_or(self.text.len());
        self.text.get(*self.begins.get(number)?..end)
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
        let met = [(7, "a"), (7, "bc"), (8, ""), (7, "b"), (9, "a2"), (u64::MAX, "x"), (u64::MAX, "y")];
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
