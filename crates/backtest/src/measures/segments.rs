//! Segments as small numbers.

use std::collections::HashMap;

/// Numbers segments in the order in which they are met; no segment is one of them, the number 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Segments {
    numbers: HashMap<String, usize>,
    /// The segment asked for last.
    last: Option<(String, usize)>,
}

impl Segments {
    #[inline]
    pub(super) fn number(&mut self, segment: Option<&str>) -> usize {
        match (segment, &self.last) {
            (None, _) => 0,
            (Some(segment), Some((last, number))) if segment == last => *number,
            (Some(segment), _) => self.look_up(segment),
        }
    }

    fn look_up(&mut self, segment: &str) -> usize {
        let number = match self.numbers.get(segment) {
            Some(number) => *number,
            None => {
                let number = self.numbers.len() + 1;
                self.numbers.insert(segment.to_owned(), number);
                number
            }
        };
        let (last, last_number) = self.last.get_or_insert_default();
        last.clear();
        last.push_str(segment);
        *last_number = number;
        number
    }

    /// Each with its number: by name, then no segment.
    pub(super) fn into_names(self) -> Vec<(Option<String>, usize)> {
        let mut names: Vec<_> = self.numbers.into_iter().map(|(name, number)| (Some(name), number)).collect();
        names.sort_unstable();
        names.push((None, 0));
        names
    }
}
