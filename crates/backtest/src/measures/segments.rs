//! Segments as small numbers.

use crate::hashing::Map;

/// Numbers segments in the order in which they are met; no segment is one of them, the number 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Segments(Map<String, usize>);

impl Segments {
    #[inline]
    pub(super) fn number(&mut self, segment: Option<&str>) -> usize {
        let Some(segment) = segment else { return 0 };
        if let Some(number) = self.0.get(segment) {
            return *number;
        }
        let number = self.0.len() + 1;
        self.0.insert(segment.to_owned(), number);
        number
    }

    /// Each with its number: by name, then no segment.
    pub(super) fn into_names(self) -> Vec<(Option<String>, usize)> {
        let mut names: Vec<_> = self.0.into_iter().map(|(name, number)| (Some(name), number)).collect();
        names.sort_unstable();
        names.push((None, 0));
        names
    }
}
