//! The story as a page of its own.

use super::Story;

impl Story {
    /// One HTML file: no script, nothing from outside.
    pub(in crate::alerts) fn to_page(&self) -> String {
        String::new()
    }
}
