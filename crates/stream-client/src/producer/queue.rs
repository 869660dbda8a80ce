//! Records that wait to be sent, each key's in order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use tokio::time::Instant;

use super::{Limits, Record};

/// A record that has not been decided yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) record: Record,
    /// What it counts of a call's bytes.
    pub(super) size: usize,
    /// How often it was sent.
    pub(super) attempts: u32,
}

/// A key, or a record without one, which waits for no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Lane {
    Key(String),
    Alone(u64),
}

/// The queue: a lane for each key. Of a lane only the first record is ever under way.
#[derive(Debug)]
pub(super) struct Queue {
    limits: Limits,
    lanes: HashMap<Lane, VecDeque<Pending>>,
    /// Lanes whose first record can go now, in the order in which they became so.
    ready: VecDeque<Lane>,
    /// Lanes whose first record must pause.
    pausing: BinaryHeap<Reverse<(Instant, Lane)>>,
    records: usize,
    bytes: usize,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Queue {
            limits,
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            pausing: BinaryHeap::new(),
            records: 0,
            bytes: 0,
        }
    }

    /// The records that are not decided yet, also those under way.
    pub(super) fn records(&self) -> usize {
        self.records
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.records += 1;
        self.bytes += pending.size;
        let lane = lane(&pending.record);
        match self.lanes.get_mut(&lane) {
            Some(waiting) => waiting.push_back(pending),
            None => {
                self.lanes.insert(lane.clone(), VecDeque::from([pending]));
                self.ready.push_back(lane);
            }
        }
    }

    /// Takes as many records as a call may hold, of each lane one. They are under way until they are
    /// [settled](Self::settled) or [queued again](Self::retry).
    pub(super) fn take_batch(&mut self, now: Instant) -> Vec<Pending> {
        while self.pausing.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            if let Some(Reverse((_, lane))) = self.pausing.pop() {
                // What failed goes before what has not been tried: it is older.
                self.ready.push_front(lane);
            }
        }
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < self.limits.records {
            let Some(lane) = self.ready.front() else { break };
            if let Some(waiting) = self.lanes.get_mut(lane) {
                if waiting.front().is_some_and(|first| bytes + first.size > self.limits.bytes) {
                    break;
                }
                let first = waiting.pop_front();
                bytes += first.as_ref().map_or(0, |first| first.size);
                batch.extend(first);
            }
            self.ready.pop_front();
        }
        batch
    }

    /// When the next pausing record can go.
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.pausing.peek().map(|Reverse((at, _))| *at)
    }

    /// A record that was under way must go again, not before `at`.
    pub(super) fn retry(&mut self, pending: Pending, at: Instant) {
        let lane = lane(&pending.record);
        self.lanes.entry(lane.clone()).or_default().push_front(pending);
        self.pausing.push(Reverse((at, lane)));
    }

    /// A record that was under way is decided; the next of its lane can go.
    pub(super) fn settled(&mut self, pending: &Pending) {
        self.records -= 1;
        self.bytes -= pending.size;
        let lane = lane(&pending.record);
        if self.lanes.get(&lane).is_some_and(VecDeque::is_empty) {
            self.lanes.remove(&lane);
        } else {
            self.ready.push_back(lane);
        }
    }
}

fn lane(record: &Record) -> Lane {
    record.key.clone().map_or(Lane::Alone(record.tag), Lane::Key)
}
