//! Which shards can be read: parents before their children, through splits and merges.
//!
//! A partition key's records go on in a child of the shard that they were in. So a child begins once all its parents are
//! finished; parents that the stream no longer lists have expired with all their records.

use std::collections::BTreeMap;

use super::source::Shard;

/// The shards that are known, and how far each is.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    shards: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    parents: Vec<String>,
    state: ReadState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadState {
    /// Not begun.
    Waiting,
    /// Being read, or left before its end.
    Begun,
    /// Handled to its end, before this run.
    Finished,
    /// Handled to its end in this run: it was closed only just now, and its children may not be listed yet.
    FinishedHere,
}

impl Lineage {
    /// Takes a listing in. What is no longer listed is forgotten, but for shards that are begun.
    pub(super) fn listed(&mut self, shards: Vec<Shard>) {
        let mut before = std::mem::take(&mut self.shards);
        for Shard { id, parents, .. } in shards {
            let state = before.remove(&id).map_or(ReadState::Waiting, |known| known.state);
            self.shards.insert(id, Known { parents, state });
        }
        self.shards.extend(before.into_iter().filter(|(_, known)| known.state == ReadState::Begun));
    }

    /// A shard that can be begun.
    pub(super) fn next(&self) -> Option<String> {
        let finished = |id: &String| match self.shards.get(id) {
            None => true,
            Some(known) => matches!(known.state, ReadState::Finished | ReadState::FinishedHere),
        };
        let can_begin =
            |known: &Known| known.state == ReadState::Waiting && known.parents.iter().all(finished);
        self.shards.iter().find(|(_, known)| can_begin(known)).map(|(id, _)| id.clone())
    }

    /// A shard is being read.
    pub(super) fn begun(&mut self, id: &str) {
        self.set(id, ReadState::Begun);
    }

    /// A shard was handled to its end before this run.
    pub(super) fn was_finished(&mut self, id: &str) {
        self.set(id, ReadState::Finished);
    }

    /// A shard was handled to its end.
    pub(super) fn finished(&mut self, id: &str) {
        self.set(id, ReadState::FinishedHere);
    }

    /// Whether a shard that was closed has no children yet; every one gets some.
    pub(super) fn expects_children(&self) -> bool {
        let has_child = |id: &String| self.shards.values().any(|known| known.parents.contains(id));
        self.shards.iter().any(|(id, known)| known.state == ReadState::FinishedHere && !has_child(id))
    }

    fn set(&mut self, id: &str, state: ReadState) {
        if let Some(known) = self.shards.get_mut(id) {
            known.state = state;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str]) -> Shard {
        let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
        Shard { id: id.to_owned(), parents, is_closed: false }
    }

    /// Begins what can be begun, and says what that was.
    fn begin(lineage: &mut Lineage) -> Vec<String> {
        std::iter::from_fn(|| lineage.next().inspect(|id| lineage.begun(id))).collect()
    }

    #[test]
    fn children_of_a_split_begin_when_their_parent_is_finished_and_of_a_merge_when_both_are() {
        let mut lineage = Lineage::default();
        let all = || vec![shard("0", &[]), shard("1", &["0"]), shard("2", &["0"]), shard("3", &["1", "2"])];
        lineage.listed(all());
        assert_eq!(begin(&mut lineage), ["0"]);
        lineage.listed(all());
        assert_eq!(begin(&mut lineage), [""; 0]);
        lineage.finished("0");
        assert_eq!(begin(&mut lineage), ["1", "2"]);
        lineage.finished("2");
        assert_eq!(begin(&mut lineage), [""; 0]);
        lineage.finished("1");
        assert_eq!(begin(&mut lineage), ["3"]);
    }

    #[test]
    fn a_parent_that_has_expired_holds_nobody_up_unless_it_is_still_being_read() {
        let mut lineage = Lineage::default();
        lineage.listed(vec![shard("4", &["1"]), shard("5", &["2", "3"]), shard("3", &[])]);
        assert_eq!(begin(&mut lineage), ["3", "4"]);
        lineage.listed(vec![shard("4", &["1"]), shard("5", &["2", "3"])]);
        assert_eq!(begin(&mut lineage), [""; 0]);
        lineage.finished("3");
        assert_eq!(begin(&mut lineage), ["5"]);
    }

    #[test]
    fn a_shard_that_was_just_closed_expects_children() {
        let mut lineage = Lineage::default();
        lineage.listed(vec![shard("0", &[]), shard("1", &[])]);
        assert_eq!(begin(&mut lineage), ["0", "1"]);
        assert!(!lineage.expects_children());
        lineage.finished("0");
        assert!(lineage.expects_children());
        lineage.listed(vec![shard("0", &[]), shard("1", &[]), shard("2", &["0"])]);
        assert!(!lineage.expects_children());
        // One that was finished before may be older than its children's retention.
        lineage.was_finished("1");
        assert!(!lineage.expects_children());
    }
}
