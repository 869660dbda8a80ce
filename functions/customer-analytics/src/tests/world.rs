//! The function with the ports of a test, and the stream that it reads.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use embedded_aws::event_source_mapping::{
    Clock, EventSourceMapping, FunctionError, Invocation, MemoryStream, RecordSource, Report, Settings,
};
use fraud_aws::aggregates::{AggregateStore, MemoryAggregates};
use fraud_core::event_time::EventTimeBounds;
use fraud_core::window::{WindowRule, WindowTime, WindowTotals};
use tokio::time::Instant;

use super::items::{Expected, Item, end_of};
use super::ports::{Fates, FlakyDeadLetters, FlakySink, FlakyStore, Log, MappingClock};
use crate::{Analytics, Ports};

pub(super) type Function = Analytics<FlakyStore, FlakySink, FlakyDeadLetters, MappingClock>;

pub(super) struct World {
    pub(super) fates: Fates,
    pub(super) log: Log,
    pub(super) function: Function,
    pub(super) stream: Arc<MemoryStream>,
    clock: Clock,
    rule: WindowRule,
}

/// The answer to a batch of which nothing must be retried.
pub(super) const NOTHING_AGAIN: &str = r#"{"batchItemFailures":[]}"#;

/// Five minutes of the time that is asked for, with the bounds that are the default.
pub(super) fn rule(time: WindowTime) -> WindowRule {
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    WindowRule {
        seconds: NonZeroU32::new(300).unwrap(),
        time,
        bounds: EventTimeBounds { max_age: hours(168), max_ahead: hours(1) },
    }
}

/// Runs with tokio's clock going ahead whenever all wait.
pub(super) fn simulated<T>(run: impl Future<Output = T>) -> T {
    fault_injection::simulated(run).unwrap()
}

impl World {
    pub(super) fn new(fates: Fates, rule: WindowRule) -> Self {
        // 2024-01-15T04:00:00Z
        let clock = Clock::starting_at(UNIX_EPOCH + Duration::from_secs(1_705_291_200));
        let log = Log::default();
        let ports = Ports {
            aggregates: FlakyStore { fates: fates.clone(), inner: MemoryAggregates::default() },
            sink: Some(FlakySink { fates: fates.clone(), log: log.clone() }),
            dead_letters: FlakyDeadLetters { fates: fates.clone(), log: log.clone() },
            clock: MappingClock(clock),
        };
        let stream = Arc::new(MemoryStream::new("transactions", 3, clock));
        World { fates, log, function: Analytics::new(ports, rule), stream, clock, rule }
    }

    /// With rows that remember this many transactions.
    pub(super) fn remembering(mut self, transactions: u64) -> Self {
        let aggregates = &mut self.function.ports.aggregates;
        aggregates.inner = aggregates.inner.clone().remembering(transactions);
        self
    }

    /// Puts records on the stream, which arrive one second after the other.
    pub(super) fn put(&self, items: &[Item]) {
        let mut arrival = self.clock.now() + Duration::from_secs(self.stream.records().len() as u64);
        for item in items {
            arrival += Duration::from_secs(1);
            self.stream.put_at(&item.partition_key(), item.data(), arrival).unwrap();
        }
    }

    /// Splits the first shard that is open, or merges the first two that can be.
    pub(super) async fn reshard(&self, split: bool) {
        let shards: Vec<String> =
            self.stream.shards().await.unwrap().into_iter().map(|shard| shard.id).collect();
        if split {
            assert!(shards.iter().any(|shard| self.stream.split(shard).is_ok()));
        } else {
            let mut pairs = shards.iter().flat_map(|a| shards.iter().map(move |b| (a, b)));
            assert!(pairs.any(|(lower, upper)| self.stream.merge(lower, upper).is_ok()));
        }
    }

    /// Runs a new mapping over the whole stream, from its beginning.
    pub(super) async fn run(&self, settings: Settings) -> Report {
        let function = async |invocation: Invocation| {
            let remaining = invocation.deadline.saturating_duration_since(Instant::now());
            let handled = self.function.handle(&invocation.event, remaining).await;
            handled.map(|handled| handled.response).map_err(|error| FunctionError::new(error.to_string()))
        };
        let settings = Settings { clock: self.clock, ..settings };
        let mapping = EventSourceMapping::new(self.stream.clone(), function, settings).unwrap();
        mapping.run_until_drained().await.unwrap()
    }

    /// The stream's records as events of at most this many, each shard's in its order.
    pub(super) async fn events(&self, batch_size: usize) -> Vec<String> {
        let events = Mutex::new(Vec::new());
        let function = async |invocation: Invocation| {
            events.lock().unwrap().push(invocation.event);
            Ok(String::new())
        };
        let settings = Settings { batch_size, clock: self.clock, ..Settings::default() };
        let mapping = EventSourceMapping::new(self.stream.clone(), function, settings).unwrap();
        mapping.run_until_drained().await.unwrap();
        events.into_inner().unwrap()
    }

    /// Invokes the function as Lambda does, which kills it in the end. Says whether nothing of the batch must be retried.
    pub(super) async fn delivered(&self, event: &str) -> bool {
        let remaining = Duration::from_secs(20);
        let handled = tokio::time::timeout(remaining, self.function.handle(event, remaining)).await;
        handled.is_ok_and(|handled| handled.unwrap().response == NOTHING_AGAIN)
    }

    /// What is in the table.
    pub(super) async fn table(&self) -> Vec<WindowTotals> {
        let deadline = Instant::now() + Duration::from_secs(1);
        self.function.ports.aggregates.all(deadline).await.unwrap()
    }

    /// What a reader of the sink has.
    pub(super) fn read(&self) -> Vec<WindowTotals> {
        self.log.lock().unwrap().read()
    }

    /// The table and the dead letters are what a plain fold gives, and a reader of the sink has what the table has.
    pub(super) async fn check(&self) {
        let letters: BTreeSet<String> =
            self.log.lock().unwrap().letters.keys().map(|id| end_of(id)).collect();
        let expected = Expected::of(&self.stream.records(), self.rule);
        assert_eq!(Expected { totals: self.table().await, letters }, expected);
        assert_eq!(self.read(), expected.totals);
    }
}
