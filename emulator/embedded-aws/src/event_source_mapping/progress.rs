//! How far a shard has been processed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A shard's records from the first that is not done on. Several may be worked on at once, and done out of order;
/// the checkpoint is the last record before which nothing is left.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<ShardProgress>);

#[derive(Debug, Default)]
struct ShardProgress {
    /// The number of the first record in `records`, counted from the first that was ever read.
    first: usize,
    records: VecDeque<(String, bool)>,
    checkpoint: Option<String>,
    /// How many records are behind the checkpoint.
    done: u64,
    last_read: Option<String>,
}

impl Progress {
    /// As if everything up to a sequence number had been processed before.
    pub(super) fn after(checkpoint: Option<String>) -> Self {
        Self(Mutex::new(ShardProgress {
            checkpoint: checkpoint.clone(),
            last_read: checkpoint,
            ..ShardProgress::default()
        }))
    }

    /// Notes that a record was read, and gives the number under which it can be called done.
    pub(super) fn read(&self, sequence_number: &str) -> usize {
        let mut state = self.state();
        state.last_read = Some(sequence_number.to_owned());
        state.records.push_back((sequence_number.to_owned(), false));
        state.first + state.records.len() - 1
    }

    /// Notes that a record needs no more work. Doing so again changes nothing.
    pub(super) fn done(&self, number: usize) {
        let mut state = self.state();
        if let Some(index) = number.checked_sub(state.first)
            && let Some((_, done)) = state.records.get_mut(index)
        {
            *done = true;
        }
        while let Some((sequence_number, _)) = state.records.pop_front_if(|(_, done)| *done) {
            state.checkpoint = Some(sequence_number);
            state.first += 1;
            state.done += 1;
        }
    }

    /// Forgets what was read and is not done: it will be read again.
    pub(super) fn rewind(&self) {
        let mut state = self.state();
        state.first += state.records.len();
        state.records.clear();
        state.last_read = state.checkpoint.clone();
    }

    /// The last record up to which all are done.
    pub(super) fn checkpoint(&self) -> Option<String> {
        self.state().checkpoint.clone()
    }

    /// How many records are done with all before them, each counted once.
    pub(super) fn records_done(&self) -> u64 {
        self.state().done
    }

    /// The last record that was read.
    pub(super) fn last_read(&self) -> Option<String> {
        self.state().last_read.clone()
    }

    fn state(&self) -> MutexGuard<'_, ShardProgress> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkpoint_stays_before_the_first_record_that_is_not_done() {
        let progress = Progress::default();
        let numbers: Vec<_> = ["10", "11", "12"].iter().map(|number| progress.read(number)).collect();

        progress.done(numbers[1]);
        assert_eq!(progress.checkpoint(), None);
        progress.done(numbers[0]);
        assert_eq!(progress.checkpoint().as_deref(), Some("11"));
        progress.done(numbers[0]);
        progress.done(numbers[2]);
        assert_eq!(progress.checkpoint().as_deref(), Some("12"));
        assert_eq!(progress.records_done(), 3);
    }

    #[test]
    fn what_is_not_done_when_work_stops_is_read_again() {
        let progress = Progress::after(Some("9".to_owned()));
        let numbers: Vec<_> = ["10", "11", "12"].iter().map(|number| progress.read(number)).collect();
        progress.done(numbers[0]);
        progress.done(numbers[2]);

        progress.rewind();
        assert_eq!(progress.last_read().as_deref(), Some("10"));
        let again = progress.read("11");
        progress.done(numbers[1]);
        assert_eq!(progress.checkpoint().as_deref(), Some("10"));
        progress.done(again);
        assert_eq!(progress.checkpoint().as_deref(), Some("11"));
        assert_eq!(progress.records_done(), 2);
    }
}
