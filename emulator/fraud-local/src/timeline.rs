//! What was known of entities at each record of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use exact_text::timestamp::Timestamp;
use fraud_aws::entities::{FileEntities, key_of};
use fraud_aws::lookup::{Answer, Lookup, Store};
use fraud_core::entity::{Entity, EntityKind};
use fraud_core::history::SequenceNumber;
use fraud_core::merchant::{Bucket, MerchantDays};
use tokio::time::Instant;

/// By shard, the last record that came before something changed.
pub(crate) type Ends = BTreeMap<String, SequenceNumber>;

/// What was known, from the begin on and from each change on. What a change made of a merchant is added up when it is asked for,
/// so that a long run need not remember it for each merchant and change.
#[derive(Debug, Clone)]
pub struct Timeline {
    begin: FileEntities,
    changes: Vec<Change>,
    /// Each merchant's transactions, by its key.
    counts: BTreeMap<String, Vec<Counted>>,
}

#[derive(Debug, Clone)]
struct Change {
    at: Timestamp,
    ends: Ends,
    /// Days before this one are over.
    today: i32,
    /// The merchants' days of labels, by their keys.
    frauds: BTreeMap<String, MerchantDays>,
}

/// Transactions of one day that were counted between two changes.
#[derive(Debug, Clone, Copy)]
struct Counted {
    /// How many changes came before.
    after: u32,
    day: i32,
    count: u32,
}

/// Nothing changes.
impl From<FileEntities> for Timeline {
    fn from(begin: FileEntities) -> Self {
        Timeline { begin, changes: Vec::new(), counts: BTreeMap::new() }
    }
}

impl Timeline {
    /// Counts a merchant's transaction: it is known from the next change on, if its day is over by then.
    pub(crate) fn count(&mut self, merchant: &str, day: i32) {
        let after = u32::try_from(self.changes.len()).unwrap_or(u32::MAX);
        let counts = self.counts.entry(key_of(EntityKind::Merchant, merchant)).or_default();
        match counts
            .iter_mut()
            .rev()
            .take_while(|counted| counted.after == after)
            .find(|last| last.day == day)
        {
            Some(counted) => counted.count = counted.count.saturating_add(1),
            None => counts.push(Counted { after, day, count: 1 }),
        }
    }

    /// From the records behind `ends` on it is this time or later, days before `today` are over, and labels come to these merchants'
    /// days.
    pub(crate) fn changes(
        &mut self,
        at: Timestamp,
        ends: Ends,
        today: i32,
        frauds: BTreeMap<String, MerchantDays>,
    ) {
        let by_key = |(merchant, days)| (key_of(EntityKind::Merchant, merchant), days);
        let frauds = frauds.iter().map(|(merchant, days)| by_key((merchant, days.clone()))).collect();
        self.changes.push(Change { at, ends, today, frauds });
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

    /// What was known after this many changes.
    pub(crate) fn after(&self, changes: usize) -> KnownAfter<'_> {
        KnownAfter { timeline: self, changes }
    }
}

/// What was known after this many changes, by a plain fold over everything that came before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownAfter<'t> {
    timeline: &'t Timeline,
    changes: usize,
}

impl KnownAfter<'_> {
    fn get(&self, key: &str) -> Lookup<Entity> {
        let Timeline { begin, changes, counts } = self.timeline;
        let at_begin = begin.get(key);
        let change = self.changes.checked_sub(1).and_then(|place| changes.get(place));
        let frauds = change.and_then(|change| change.frauds.get(key));
        let counts = counts.get(key).map(Vec::as_slice).unwrap_or_default();
        let before = counts.partition_point(|counted| (counted.after as usize) < self.changes);
        let counts = counts.get(..before).unwrap_or_default();
        let Some(change) = change.filter(|_| frauds.is_some() || !counts.is_empty()) else {
            return at_begin.map_or(Lookup::Absent, |entity| Lookup::Found(Arc::new(entity.clone())));
        };
        let mut days = at_begin.and_then(Entity::days).cloned().unwrap_or_default();
        for counts in frauds.into_iter().flat_map(MerchantDays::days) {
            days.add(Bucket::Frauds, counts.day, counts.frauds.cast_signed());
            days.add(Bucket::Ordinary, counts.day, counts.ordinary.cast_signed());
        }
        let mut transactions: BTreeMap<i32, u32> = BTreeMap::new();
        for counted in counts.iter().filter(|counted| counted.day < change.today) {
            let count = transactions.entry(counted.day).or_default();
            *count = count.saturating_add(counted.count);
        }
        for (day, count) in transactions {
            days.set(Bucket::Transactions, day, count);
        }
        let entity = at_begin.cloned().unwrap_or_else(|| Entity::new([])).with_days(days);
        Lookup::Found(Arc::new(entity))
    }
}

impl Store for KnownAfter<'_> {
    type Known = Entity;

    async fn lookup(&self, keys: &[&str], _deadline: Instant) -> Answer<Entity> {
        Answer { found: keys.iter().map(|key| self.get(key)).collect(), ..Answer::default() }
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
        timeline.changes(at(0), ends(&[("a", "9")]), 0, BTreeMap::new());
        timeline.changes(at(1), ends(&[("a", "100"), ("b", "3")]), 0, BTreeMap::new());
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

    #[test]
    fn a_merchant_is_known_by_what_came_before_and_by_days_that_are_over() {
        let begin = FileEntities::parse(r#"{"merchant/A": {"n1": 7, "f1": 2}}"#).unwrap();
        let mut timeline = Timeline::from(begin);
        let frauds = |day: i32| {
            let mut days = MerchantDays::default();
            days.add(Bucket::Frauds, day, 1);
            BTreeMap::from([("A".to_owned(), days)])
        };
        let at = Timestamp::saturating_from_millis;
        timeline.count("A", 2);
        timeline.count("B", 2);
        timeline.count("A", 2);
        timeline.changes(at(0), Ends::new(), 2, BTreeMap::new());
        timeline.count("A", 3);
        timeline.changes(at(1), Ends::new(), 3, frauds(1));
        // Its day is over already: it is counted late.
        timeline.count("A", 2);
        timeline.changes(at(2), Ends::new(), 4, BTreeMap::new());
        let known = |merchant: &str, changes: usize| match timeline
            .after(changes)
            .get(&key_of(EntityKind::Merchant, merchant))
        {
            Lookup::Found(entity) => {
                let days = entity.days().map(MerchantDays::days).unwrap_or_default();
                Some(days.iter().map(|day| (day.day, day.transactions, day.frauds)).collect::<Vec<_>>())
            }
            _ => None,
        };
        assert_eq!(known("A", 0), Some(vec![(1, 7, 2)]));
        assert_eq!(known("A", 1), Some(vec![(1, 7, 2)]));
        assert_eq!(known("A", 2), Some(vec![(1, 7, 3), (2, 2, 0)]));
        assert_eq!(known("A", 3), Some(vec![(1, 7, 2), (2, 3, 0), (3, 1, 0)]));
        assert_eq!([0, 1, 2].map(|changes| known("B", changes)), [None, Some(vec![]), Some(vec![(2, 1, 0)])]);
        assert_eq!(known("C", 3), None);
    }
}
