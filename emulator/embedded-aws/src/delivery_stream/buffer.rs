//! Records between their source and the function, and how batches are made of them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::event::{Incoming, MAX_PAYLOAD};
use super::settings::Buffering;

/// What was read and not handed to the function.
#[derive(Debug)]
pub(super) struct Buffer {
    buffering: Buffering,
    /// What of an event is not records.
    overhead: usize,
    state: Mutex<BufferedRecords>,
    pub(super) arrived: Notify,
    taken: Notify,
}

#[derive(Debug, Default)]
struct BufferedRecords {
    records: VecDeque<Incoming>,
    bytes: usize,
    ended: bool,
}

impl Buffer {
    pub(super) fn new(buffering: Buffering, overhead: usize) -> Self {
        let state = Mutex::default();
        Self { buffering, overhead, state, arrived: Notify::new(), taken: Notify::new() }
    }

    pub(super) fn add(&self, records: impl Iterator<Item = Incoming>) {
        let mut state = self.state();
        for record in records {
            state.bytes += record.data.len();
            state.records.push_back(record);
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Says that no more records come: what is there need not wait for company.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.arrived.notify_one();
    }

    /// Waits until records may be added: two batches are there at most, and what one read adds to them.
    pub(super) async fn room(&self) {
        while self.state().bytes >= 2 * self.buffering.size {
            self.taken.notified().await;
        }
    }

    /// Takes the next batch: full, or old enough, or the last. Otherwise says when it will be old enough, if there is
    /// anything.
    pub(super) fn take(&self) -> Result<Vec<Incoming>, Option<Instant>> {
        let mut state = self.state();
        let Some(first) = state.records.front() else { return Err(None) };
        let due = first.read_at + self.buffering.interval;
        let (count, full) = self.complete(&state.records);
        if !full && !state.ended && due > Instant::now() {
            return Err(Some(due));
        }
        let batch: Vec<_> = state.records.drain(..count).collect();
        state.bytes -= batch.iter().map(|record| record.data.len()).sum::<usize>();
        drop(state);
        self.taken.notify_one();
        Ok(batch)
    }

    /// Whether all records were taken and no more come.
    pub(super) fn is_drained(&self) -> bool {
        let state = self.state();
        state.ended && state.records.is_empty()
    }

    /// How many records at the front make a batch, and whether no more could be in it.
    fn complete(&self, records: &VecDeque<Incoming>) -> (usize, bool) {
        let (mut bytes, mut payload) = (0, self.overhead);
        for (count, record) in records.iter().enumerate() {
            payload += record.json.len() + 1;
            if count > 0 && (bytes >= self.buffering.size || payload > MAX_PAYLOAD) {
                return (count, true);
            }
            bytes += record.data.len();
        }
        (records.len(), bytes >= self.buffering.size)
    }

    fn state(&self) -> MutexGuard<'_, BufferedRecords> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
