//! What is known of entries while they are under way.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::SourceLocation;

/// The locations of the entries that are under way, each under a number.
#[derive(Debug, Default)]
pub struct SourceLocations(Mutex<(u64, HashMap<u64, SourceLocation>)>);

impl SourceLocations {
    /// Keeps a location. Gives its number.
    pub fn keep(&self, location: SourceLocation) -> u64 {
        // Every change under the lock is complete before anything can panic.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let number = kept.0;
        kept.1.insert(number, location);
        number
    }

    /// Takes back the location of a number.
    pub fn take(&self, number: u64) -> SourceLocation {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&number).unwrap_or_default()
    }
}
