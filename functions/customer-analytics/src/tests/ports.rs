//! Ports that fail on order or at random, and remember what happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use aws_calls::fault::{CallFault, FaultKind, UNREADABLE_ANSWER};
use exact_text::timestamp::Timestamp;
pub(super) use fault_injection::Fate;
use fraud_aws::aggregate_sink::AggregateSink;
use fraud_aws::aggregates::{Added, Addition, AggregateFault, AggregateStore, MemoryAggregates};
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_core::window::{Window, WindowRule, WindowTotals};
use tokio::time::Instant;

/// Where in the function a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Add,
    Send,
    DeadLetter,
}

/// Decides what happens to each call.
pub(super) type Fates = fault_injection::Fates<Call>;

/// The aggregates in memory, behind the fates.
#[derive(Debug)]
pub(super) struct FlakyStore {
    pub(super) fates: Fates,
    pub(super) inner: MemoryAggregates,
}

impl AggregateStore for FlakyStore {
    fn remembered_per_row(&self) -> u64 {
        self.inner.remembered_per_row()
    }

    async fn hold_to(&self, rule: &WindowRule, deadline: Instant) -> Result<(), AggregateFault> {
        self.inner.hold_to(rule, deadline).await
    }

    async fn add(&self, addition: &Addition<'_>, deadline: Instant) -> Result<Added, AggregateFault> {
        let work = async || self.inner.add(addition, deadline).await;
        let fault = |fate: Fate| {
            AggregateFault::Call(match fate.leaves_a_doubt() {
                true => CallFault::new(FaultKind::NoAnswer, UNREADABLE_ANSWER),
                false => CallFault::new(FaultKind::Failed, "ordered"),
            })
        };
        self.fates.apply_told(Call::Add, deadline, work, fault).await
    }

    async fn recent(
        &self,
        customer_id: &str,
        limit: usize,
        deadline: Instant,
    ) -> Result<Vec<WindowTotals>, AggregateFault> {
        self.inner.recent(customer_id, limit, deadline).await
    }

    async fn all(&self, deadline: Instant) -> Result<Vec<WindowTotals>, AggregateFault> {
        self.inner.all(deadline).await
    }
}

/// What the outside world got.
pub(super) type Log = Arc<Mutex<Outside>>;

#[derive(Debug, Default)]
pub(super) struct Outside {
    /// All totals that the sink accepted, in order.
    pub(super) sent: Vec<WindowTotals>,
    /// Dead letters by id, and their reasons.
    pub(super) letters: BTreeMap<String, Vec<String>>,
}

impl Outside {
    /// What a reader of the sink has in the end: of each window the totals with the highest count.
    pub(super) fn read(&self) -> Vec<WindowTotals> {
        let mut highest: HashMap<(String, Window), WindowTotals> = HashMap::new();
        for totals in &self.sent {
            let known =
                highest.entry((totals.customer_id.clone(), totals.window)).or_insert_with(|| totals.clone());
            if totals.event_count > known.event_count {
                *known = totals.clone();
            }
        }
        let mut read: Vec<_> = highest.into_values().collect();
        read.sort();
        read
    }
}

/// A sink that takes each window's totals for themselves, as Kinesis does with the records of a call.
#[derive(Debug)]
pub(super) struct FlakySink {
    pub(super) fates: Fates,
    pub(super) log: Log,
}

impl AggregateSink for FlakySink {
    async fn send(&self, totals: &[WindowTotals], deadline: Instant) -> Vec<Result<(), CallFault>> {
        let mut results = Vec::new();
        for totals in totals {
            let work = async || {
                self.log.lock().unwrap().sent.push(totals.clone());
                Ok(())
            };
            let fault = CallFault::deadline;
            results.push(self.fates.apply(Call::Send, deadline, work, fault).await);
        }
        results
    }
}

#[derive(Debug)]
pub(super) struct FlakyDeadLetters {
    pub(super) fates: Fates,
    pub(super) log: Log,
}

impl DeadLetterSink for FlakyDeadLetters {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        let work = async || {
            let letters = &mut self.log.lock().unwrap().letters;
            letters.entry(letter.id()).or_default().push(letter.reason.to_string());
            Ok(())
        };
        let fault = CallFault::deadline;
        self.fates.apply(Call::DeadLetter, deadline, work, fault).await
    }
}

/// The time of day that the event source mapping goes by.
#[derive(Debug, Clone)]
pub(super) struct MappingClock(pub(super) embedded_aws::event_source_mapping::Clock);

impl Clock for MappingClock {
    fn now(&self) -> Timestamp {
        let since = self.0.now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap()).unwrap()
    }
}
