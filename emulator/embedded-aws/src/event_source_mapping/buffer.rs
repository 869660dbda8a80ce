//! Records of one shard between reading and delivery, and how batches are made of them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::event::{self, MAX_EVENT_BYTES};
use super::source::Record;

/// A record on its way to the function.
#[derive(Debug)]
pub(super) struct Item {
    /// Its number in the shard's [`Progress`](super::progress::Progress).
    pub(super) number: usize,
    pub(super) record: Record,
    /// The record as it is in an event.
    pub(super) json: String,
    /// When it was read.
    pub(super) read_at: Instant,
}

/// When a batch is complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) window: Duration,
}

/// A shard's lanes: queues whose batches are delivered side by side, each in its order.
#[derive(Debug)]
pub(super) struct Buffer {
    state: Mutex<Lanes>,
    arrived: Vec<Notify>,
    taken: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct Lanes {
    lanes: Vec<VecDeque<Item>>,
    ended: bool,
}

impl Buffer {
    /// Lanes for which is read ahead until `capacity` records wait in all of them together.
    pub(super) fn new(lanes: usize, capacity: usize) -> Self {
        Self {
            state: Mutex::new(Lanes { lanes: (0..lanes).map(|_| VecDeque::new()).collect(), ended: false }),
            arrived: (0..lanes).map(|_| Notify::new()).collect(),
            taken: Notify::new(),
            capacity,
        }
    }

    /// Adds records to their lanes all at once, so that a lane sees as many as there are.
    pub(super) fn add(&self, items: impl Iterator<Item = (usize, Item)>) {
        let mut state = self.state();
        for (lane, item) in items {
            if let Some(queue) = state.lanes.get_mut(lane) {
                queue.push_back(item);
            }
        }
        drop(state);
        self.arrived.iter().for_each(Notify::notify_one);
    }

    /// Says that no more records come: what is there need not wait for company.
    pub(super) fn end(&self) {
        self.state().ended = true;
        self.arrived.iter().for_each(Notify::notify_one);
    }

    /// Waits until records may be added.
    pub(super) async fn room(&self) {
        while self.state().lanes.iter().map(VecDeque::len).sum::<usize>() >= self.capacity {
            self.taken.notified().await;
        }
    }

    /// Waits for a lane's next batch: full by number or size, or old enough, or the last; `None` when all are taken
    /// and no more come.
    pub(super) async fn next_batch(&self, lane: usize, limits: Limits) -> Option<Vec<Item>> {
        let arrived = self.arrived.get(lane)?;
        loop {
            let due = {
                let mut state = self.state();
                let ended = state.ended;
                let queue = state.lanes.get_mut(lane)?;
                let due = queue.front().map(|first| first.read_at + limits.window);
                let (count, full) = complete(queue, limits.records);
                if count > 0 && (full || ended || due.is_some_and(|due| due <= Instant::now())) {
                    let batch = queue.drain(..count).collect();
                    self.taken.notify_one();
                    return Some(batch);
                }
                if ended {
                    return None;
                }
                due
            };
            match due {
                // Whichever comes first: both are reasons to look again.
                Some(due) => drop(tokio::time::timeout_at(due, arrived.notified()).await),
                None => arrived.notified().await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, Lanes> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many records at the front of a queue make a batch, and whether no more could be in it.
fn complete(queue: &VecDeque<Item>, records: usize) -> (usize, bool) {
    let mut bytes = event::size(std::iter::empty());
    for (count, item) in queue.iter().enumerate() {
        bytes += event::size(std::iter::once(item.json.len())) - event::size(std::iter::empty());
        if count == records || (count > 0 && bytes > MAX_EVENT_BYTES) {
            return (count, true);
        }
    }
    (queue.len(), queue.len() == records)
}
