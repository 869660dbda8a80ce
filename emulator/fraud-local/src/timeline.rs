//! What was known of entities at each record of a run.

use std::collections::BTreeMap;

use exact_text::timestamp::Timestamp;
use fraud_aws::entities::FileEntities;
use fraud_core::history::SequenceNumber;

/// By shard, the last record that came before something changed.
pub(crate) type Ends = BTreeMap<String, SequenceNumber>;

/// What was known, from the begin on and from each change on.
#[derive(Debug, Clone)]
pub struct Timeline {
    begin: FileEntities,
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    ends: Ends,
    entities: FileEntities,
}

/// Nothing changes.
impl From<FileEntities> for Timeline {
    fn from(begin: FileEntities) -> Self {
        Timeline { begin, changes: Vec::new() }
    }
}

impl Timeline {
    /// From the records behind `ends` on it is this time or later, and something else is known.
    pub(crate) fn changes(&mut self, at: Timestamp, ends: Ends, entities: FileEntities) {
        self.changes.push(Change { at, ends, entities });
    }

    /// When the changes were.
    pub(crate) fn moments(&self) -> impl Iterator<Item = Timestamp> {
        self.changes.iter().map(|change| change.at)
    }

    /// What was known at the begin.
    pub(crate) fn begin(&self) -> &FileEntities {
        &self.begin
    }

    /// How many changes came before a record.
    pub(crate) fn changes_before(&self, shard: &str, sequence_number: &str) -> usize {
        let number = SequenceNumber::of(sequence_number);
        self.changes.partition_point(|change| change.ends.get(shard).is_none_or(|end| *end < number))
    }

    /// What was known after so many changes.
    pub(crate) fn after(&self, changes: usize) -> &FileEntities {
        let last = changes.checked_sub(1).and_then(|place| self.changes.get(place));
        last.map_or(&self.begin, |change| &change.entities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_behind_the_changes_whose_ends_in_its_shard_came_before_it() {
        let mut timeline = Timeline::from(FileEntities::default());
        let ends = |ends: &[(&str, &str)]| {
            ends.iter().map(|(shard, number)| ((*shard).to_owned(), SequenceNumber::of(number))).collect()
        };
        let at = Timestamp::saturating_from_millis;
        timeline.changes(at(0), ends(&[("a", "9")]), FileEntities::default());
        timeline.changes(at(1), ends(&[("a", "100"), ("b", "3")]), FileEntities::default());
        for (shard, number, expected) in [
            ("a", "9", 0),
            ("a", "10", 1),
            ("a", "100", 1),
            ("a", "101", 2),
            ("b", "3", 1),
            ("b", "4", 2),
            ("c", "1", 2),
        ] {
            assert_eq!(timeline.changes_before(shard, number), expected, "{shard} {number}");
        }
    }
}
