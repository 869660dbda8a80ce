//! Customers' histories behind a simulation of Lambda's event source mapping: each record's decision is that of a plain fold
//! over what was taken in before it, is made once, and is never lost, whatever fails.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_calls::fault::{CallFault, FaultKind};
use embedded_aws::event_source_mapping::{
    Clock, EventSourceMapping, FunctionError, Invocation, MemoryStream, Settings,
};
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::Entities;
use fraud_aws::history::{HistoryFault, HistoryStore, MemoryHistory, RowWrite, StoredHistory, Written};
use fraud_aws::invocation::InvocationTime;
use fraud_aws::ledger::MemoryLedger;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::history::{EntryKey, HistoryInputs, Incoming, fold::Fold};
use fraud_core::identity::Position;
use fraud_core::policy::{HistorySettings, Policy};
use fraud_core::transaction::Transaction;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use tokio::time::Instant;

use super::deliveries::number;
use super::ports::{
    Call, Fates, FlakyDeadLetters, FlakyLedger, FlakySink, INVOCATION, Log, MappingClock, Profiles,
};
use super::simulation::{anything, settings, simulated};
use crate::{Alerts, Ports};

type Function =
    Alerts<Profiles, Entities, FlakyHistory, FlakyLedger, FlakySink, FlakyDeadLetters, MappingClock>;

/// A policy as sensitive to the history as can be: with another count, another answer.
const POLICY: &str = r#"
name = "sensitive"
cap = 100
threshold = 50
default_risk = 0.5

[history]
prior_mean_amount = 50
outlier_ratio = 2

[[factors]]
name = "count"
input = "history.count_24h"
bands = [
    { from = 0, below = 1, points = 60 }, { from = 2, below = 3, points = 60 }, { from = 4, below = 5, points = 60 },
    { from = 6, below = 7, points = 60 }, { from = 8, below = 9, points = 60 }, { from = 10, points = 60 },
]
missing = 60

[[factors]]
name = "ratio"
input = "history.amount_ratio"
bands = [{ from = 0, below = 1, points = 10 }, { from = 1, points = 20 }]
"#;

const SETTINGS: HistorySettings =
    HistorySettings { prior_mean_amount: 50.0, outlier_ratio: 2.0, ordinary_below: 200.0 };

/// When the stream begins, in seconds since the epoch.
const START: i64 = 1_705_291_200;
/// Ids below this are used again.
const REUSED: u8 = 12;

/// Histories in memory behind the fates. It holds each write against the plain fold.
#[derive(Debug)]
struct FlakyHistory {
    fates: Fates,
    inner: Arc<MemoryHistory>,
    taken: Arc<Mutex<TakenIn>>,
}

/// What was taken in, as the table saw it.
#[derive(Debug, Default)]
struct TakenIn {
    /// By transaction the record that is taken in for it first.
    records: HashMap<EntryKey, Vec<Incoming>>,
    folds: HashMap<String, Fold>,
    /// By transaction, the inputs with which it was taken in.
    decided: HashMap<EntryKey, Vec<HistoryInputs>>,
    edges: BTreeMap<&'static str, u64>,
}

impl TakenIn {
    fn count(&mut self, edge: &'static str) {
        *self.edges.entry(edge).or_default() += 1;
    }

    /// A row was written: what it holds and did not hold before was taken in.
    fn written(&mut self, before: &StoredHistory, write: &RowWrite<'_>) {
        let before = before.history.as_ref().unwrap();
        let known: BTreeSet<_> = before.entries().iter().map(|entry| format!("{:?}", entry.key())).collect();
        let fold = self.folds.entry(write.customer_id.to_owned()).or_default();
        for entry in write.history.entries() {
            if known.contains(&format!("{:?}", entry.key())) {
                continue;
            }
            let copies = &self.records[&entry.key()];
            let record = copies.iter().find(|copy| copy.place.arrival == entry.arrival()).unwrap();
            assert_eq!(*entry.inputs(), fold.inputs(record), "{record:?}");
            fold.add(record, entry.inputs(), SETTINGS);
            self.decided.entry(entry.key()).or_default().push(*entry.inputs());
            *self.edges.entry("taken in").or_default() += 1;
        }
        if write.history.entries().len() < before.entries().len() {
            self.count("left");
        }
    }
}

impl HistoryStore for FlakyHistory {
    type Ledger = FlakyLedger;

    async fn read(&self, customers: &[&str], deadline: Instant) -> Vec<Result<StoredHistory, CallFault>> {
        let work = async || Ok(self.inner.read(customers, deadline).await);
        let read = self.fates.apply(Call::ReadHistory, deadline, work, CallFault::deadline).await;
        read.unwrap_or_else(|fault| vec![Err(fault); customers.len()])
    }

    async fn write(
        &self,
        write: RowWrite<'_>,
        ledger: &FlakyLedger,
        deadline: Instant,
    ) -> Result<Written, HistoryFault> {
        let work = async || {
            let before = self.inner.read(&[write.customer_id], deadline).await.remove(0).unwrap();
            let written = self.inner.write(write, &ledger.inner, deadline).await?;
            let taken = &mut *self.taken.lock().unwrap();
            match &written {
                Written::Done if write.alerts.is_empty() => taken.count("written"),
                Written::Done => taken.count("written with claims"),
                Written::Conflict => taken.count("conflict"),
                Written::Claimed(standing) => {
                    for claim in standing {
                        let alert = write.alerts.iter().find(|alert| alert.alert_id == claim.alert_id);
                        let is_same =
                            alert.is_some_and(|alert| alert.is_of_the_same_content(claim.fingerprint));
                        taken.count(if is_same { "claim refused, same" } else { "claim refused, other" });
                    }
                }
            }
            if written == Written::Done {
                taken.written(&before, &write);
            }
            Ok(written)
        };
        let fault = || HistoryFault::Call(CallFault::new(FaultKind::Failed, "ordered"));
        self.fates.apply(Call::WriteHistory, deadline, work, fault).await
    }
}

struct World {
    functions: Vec<Arc<Function>>,
    log: Log,
    taken: Arc<Mutex<TakenIn>>,
    rows: Arc<MemoryHistory>,
    stream: Arc<MemoryStream>,
    clock: Clock,
    invocations: Arc<AtomicU64>,
    /// The records on the stream: customer, and what is asked of the history.
    records: Vec<(String, Incoming, bool)>,
}

/// A record of the stream.
#[derive(Debug, Clone)]
struct Put {
    customer: u8,
    id: u8,
    content: u8,
    /// How long after the one before, in seconds.
    after: u32,
    /// The event time, in hours before the arrival.
    age: i32,
    refund: bool,
    poison: bool,
}

impl World {
    fn new(fates: Fates) -> Self {
        let clock = Clock::starting_at(std::time::UNIX_EPOCH + Duration::from_secs(START.unsigned_abs()));
        let (log, taken) = (Log::default(), Arc::<Mutex<TakenIn>>::default());
        let (ledger, rows) = (Arc::new(MemoryLedger::default()), Arc::new(MemoryHistory::default()));
        let process = |_| {
            let ports = Ports {
                profiles: Profiles(fates.clone()),
                entities: Entities::Unasked,
                history: FlakyHistory { fates: fates.clone(), inner: rows.clone(), taken: taken.clone() },
                ledger: FlakyLedger { fates: fates.clone(), inner: ledger.clone(), log: log.clone() },
                sink: FlakySink { fates: fates.clone(), log: log.clone() },
                dead_letters: FlakyDeadLetters { fates: fates.clone(), log: log.clone() },
                clock: MappingClock { mapping: clock, ahead: 0 },
            };
            Arc::new(Alerts::new(ports, Policy::parse(POLICY).unwrap(), EventTimeBounds::UNBOUNDED))
        };
        let stream = Arc::new(MemoryStream::new("transactions", 2, clock));
        World {
            functions: (0..2).map(process).collect(),
            log,
            taken,
            rows,
            stream,
            clock,
            invocations: Arc::default(),
            records: Vec::new(),
        }
    }

    async fn put(&mut self, put: &Put) {
        tokio::time::sleep(Duration::from_secs(put.after.into())).await;
        let customer = format!("c{}", put.customer);
        let arrival = self.clock.now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let arrival = i64::try_from(arrival.as_millis()).unwrap();
        // The first ids are used again, by copies and for other contents.
        let now = if put.id < REUSED { START } else { arrival / 1000 };
        let event_time = now - i64::from(put.age) * 3600 + i64::from(put.id);
        let amount = if put.refund { -5 } else { 20 + 30 * i32::from(put.content) };
        let payload = json!({
            "transaction_id": format!("t{}", put.id), "customer_id": customer, "amount": amount,
            "event_time": event_time, "merchant_id": format!("m{}", put.content),
        });
        let payload = if put.poison { "{\"amount\":".to_owned() } else { payload.to_string() };
        let number = self.stream.put(&customer, payload.clone().into_bytes()).unwrap();
        let Ok(transaction) = Transaction::parse(payload.as_bytes()) else { return };
        let position = Position {
            stream: "transactions",
            shard: "shardId-000000000000",
            sequence_number: &number,
            sub_sequence_number: 0,
        };
        let arrival = Timestamp::from_millis(arrival).unwrap();
        let incoming = Incoming::of(&transaction, arrival, position);
        self.taken.lock().unwrap().records.entry(incoming.key).or_default().push(incoming.clone());
        self.records.push((customer, incoming, put.refund));
    }

    async fn run(&self, settings: Settings) {
        let function = async |invocation: Invocation| {
            let number = self.invocations.fetch_add(1, Ordering::Relaxed);
            let process = usize::try_from(number).unwrap() % self.functions.len();
            let ends_at = invocation.deadline_at.duration_since(std::time::UNIX_EPOCH).unwrap();
            let time = InvocationTime {
                remaining: invocation.deadline.saturating_duration_since(Instant::now()),
                ends_at: Timestamp::from_millis(i64::try_from(ends_at.as_millis()).unwrap()),
            };
            let handling = self.functions[process].handle(&invocation.event, time);
            let handled = fault_injection::invocation(INVOCATION.scope(number, handling)).await;
            let Some(handled) = handled else {
                self.log.lock().unwrap().dead.insert(number);
                self.taken.lock().unwrap().count("killed");
                return Err(FunctionError::new("killed"));
            };
            let handled = handled.map_err(|error| FunctionError::new(error.to_string()))?;
            let mut taken = self.taken.lock().unwrap();
            for _ in 0..handled.metrics.history.unwrap().expired {
                taken.count("expired");
            }
            Ok(handled.response)
        };
        let settings = Settings { clock: self.clock, ..settings };
        let mapping = EventSourceMapping::new(self.stream.clone(), function, settings).unwrap();
        mapping.run_until_drained().await.unwrap();
    }

    /// Each decided high went out, under one id and with the inputs of its first decision; nothing else went out but
    /// what was decided without a history.
    async fn check(&self) {
        for (customer, record, _) in &self.records {
            let row = self.rows.read(&[customer], Instant::now()).await.remove(0).unwrap();
            let answer = row.history.unwrap();
            assert!(
                !matches!(answer.ask(record), fraud_core::history::Answer::New(_)),
                "{record:?} was never taken in"
            );
        }
        let taken = self.taken.lock().unwrap();
        let log = self.log.lock().unwrap();
        let mut messages: HashMap<&str, &str> = HashMap::new();
        for (alert, _) in &log.accepted {
            let first = messages.entry(&alert.alert_id).or_insert(&alert.message);
            assert_eq!(*first, alert.message, "the same bytes under one id");
        }
        assert!(log.again_after_mark.is_empty(), "{:?}", log.again_after_mark);
        assert!(log.again_without_cause.is_empty(), "{:?}", log.again_without_cause);
        for (key, decided) in &taken.decided {
            let high = decided.iter().find(|inputs| is_high(inputs));
            let Some(high) = high else { continue };
            let copies = &taken.records[key];
            let sent = log.accepted.iter().any(|(alert, _)| {
                let evidence = alert.evidence.as_ref().unwrap();
                let inputs: serde_json::Value = serde_json::from_str(&evidence.inputs).unwrap();
                let is_of_it = copies.iter().any(|copy| copy.place.arrival == alert.arrival.millis());
                // A copy beyond the memory may have been alerted without a history before: it is one alert.
                let was_forgotten = copies.len() > 1 && evidence.history.as_deref() == Some("expired");
                is_of_it && (was_forgotten || inputs["history.count_24h"] == high.count_24h)
            });
            assert!(sent, "{copies:?} was decided high with {high:?} and never alerted");
        }
    }
}

/// What the policy says of these inputs: its bands are over the count alone.
fn is_high(inputs: &HistoryInputs) -> bool {
    inputs.count_24h.is_multiple_of(2) || inputs.count_24h >= 10
}

fn any_put() -> impl Strategy<Value = Put> {
    let after = prop_oneof![6 => 0..3u32, 2 => 0..7_200u32, 1 => 90_000..200_000u32];
    let id = prop_oneof![6 => any::<u8>(), 2 => 0..12u8];
    let age = prop_oneof![6 => Just(0), 1 => 0..200i32, 1 => Just(-1)];
    (0..3u8, id, 0..4u8, after, age, 0..20u8).prop_map(|(customer, id, content, after, age, kind)| Put {
        customer,
        id,
        content: if id < REUSED { content % 2 } else { content },
        after,
        age: if id < REUSED { 0 } else { age },
        refund: kind == 0,
        poison: kind == 1,
    })
}

fn simulate(fates: Fates, puts: &[Put], settings: &Settings, readers: u64) -> BTreeMap<&'static str, u64> {
    simulated(async {
        let mut world = World::new(fates);
        let (first, rest) = puts.split_at(puts.len() / 2);
        for part in [first, rest] {
            for put in part {
                world.put(put).await;
            }
            let run =
                |reader| world.run(Settings { seed: settings.seed.wrapping_add(reader), ..settings.clone() });
            futures_util::future::join_all((0..readers).map(run)).await;
        }
        world.run(settings.clone()).await;
        world.check().await;
        let taken = world.taken.lock().unwrap();
        taken.edges.clone()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_decision_is_made_once_with_the_inputs_of_a_plain_fold_and_no_high_one_is_lost(
        seed in any::<u64>(),
        puts in prop::collection::vec(any_put(), 0..150),
        settings in settings(),
        readers in 1..3u64,
    ) {
        simulate(Fates::random(seed, anything), &puts, &settings, readers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn without_faults_each_record_is_taken_in_at_its_first_delivery(
        puts in prop::collection::vec(any_put(), 0..100),
        settings in settings(),
    ) {
        simulated(async {
            let mut world = World::new(Fates::random(1, |_| &[]));
            for put in &puts {
                world.put(put).await;
            }
            world.run(Settings { redelivery_probability: 0.0, ..settings }).await;
            let taken = world.taken.lock().unwrap();
            let mut transactions: Vec<_> = world.records.iter().map(|(_, record, _)| record.key).collect();
            transactions.sort_unstable_by_key(|key| format!("{key:?}"));
            transactions.dedup();
            let count = |edge| taken.edges.get(edge).copied().unwrap_or_default();
            // A copy beyond the memory is taken in again.
            assert!(count("taken in") >= transactions.len() as u64, "{:?}", taken.edges);
            assert_eq!(count("expired"), 0);
        });
    }
}

/// How many worlds there are, if `HISTORIES` does not say.
const FEW: u64 = 12;

/// The world of a seed, run to its end.
fn world(seed: u64) -> BTreeMap<&'static str, u64> {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_be_bytes()).for_each(|(byte, of_seed)| *byte = of_seed);
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let puts = prop::collection::vec(any_put(), if seed < FEW { 150..151 } else { 0..150 });
    let (puts, settings) = (puts, settings()).new_tree(&mut runner).unwrap().current();
    simulate(Fates::random(seed, anything), &puts, &settings, 1 + seed % 2)
}

#[test]
fn each_decision_is_made_once_and_no_high_one_is_lost_over_any_number_of_worlds_and_every_edge_is_met() {
    let (wanted, first) = (number("HISTORIES", FEW), number("HISTORIES_FROM", 0));
    let mut edges: BTreeMap<&str, u64> = BTreeMap::new();
    let mut told = std::time::Instant::now();
    for seed in first..first + wanted {
        let of_world = std::panic::catch_unwind(|| world(seed)).unwrap_or_else(|failure| {
            eprintln!("HISTORIES_FROM={seed} HISTORIES=1 shows it again");
            std::panic::resume_unwind(failure)
        });
        for (edge, count) in of_world {
            *edges.entry(edge).or_default() += count;
        }
        if told.elapsed() > Duration::from_secs(10) {
            eprintln!("{} worlds; HISTORIES_FROM={} goes on from here", seed + 1 - first, seed + 1);
            told = std::time::Instant::now();
        }
    }
    println!("worlds of seeds {first} to {}: {edges:?}", first + wanted - 1);
    let all = [
        "taken in",
        "written",
        "written with claims",
        "conflict",
        "claim refused, same",
        "claim refused, other",
        "left",
        "expired",
        "killed",
    ];
    // What no run has met it has not shown.
    assert!(wanted < FEW || all.iter().all(|edge| edges.contains_key(edge)), "{edges:?}");
}
