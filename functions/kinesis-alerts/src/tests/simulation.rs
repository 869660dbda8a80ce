//! The function behind a simulation of Lambda's event source mapping, with faults at every call. A failing case prints
//! its seed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use embedded_aws::event_source_mapping::{
    Backoff, Clock, Discarded, EventSourceMapping, FunctionError, Invocation, MemoryStream, Report, Settings,
};
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::Entities;
use fraud_aws::history::NoHistory;
use fraud_aws::invocation::InvocationTime;
use fraud_aws::ledger::MemoryLedger;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use kpl_aggregation::{Entry, encode};
use proptest::prelude::*;
use serde_json::json;
use tokio::time::Instant;

use super::ports::{
    Call, Chances, Fate, Fates, FlakyDeadLetters, FlakyLedger, FlakySink, INVOCATION, Log, MappingClock,
    Profiles,
};
use crate::{Alerts, Ports};

type Function = Alerts<
    Profiles,
    Entities,
    NoHistory<FlakyLedger>,
    FlakyLedger,
    FlakySink,
    FlakyDeadLetters,
    MappingClock,
>;

/// The function with the ports of a test, and the stream that it reads.
pub(super) struct World {
    pub(super) fates: Fates,
    pub(super) log: Log,
    pub(super) ledger: Arc<MemoryLedger>,
    /// The function in its first process. All share the ledger.
    pub(super) function: Arc<Function>,
    /// In each process that there is, and in the order in which invocations come to them.
    functions: Vec<Arc<Function>>,
    /// Whether their clocks differ by more than the ledger allows for.
    clocks_are_apart: bool,
    invocations: Arc<AtomicU64>,
    stream: Arc<MemoryStream>,
    clock: Clock,
    expected: Expected,
}

/// What must have happened in the end.
#[derive(Debug, Default)]
struct Expected {
    /// By customer, the alerts in the order of the stream, each once: the id that their producer gave, and the amount.
    alerts: BTreeMap<String, Vec<(String, String)>>,
    /// The ends of the dead letters' ids: sequence number, and place in the aggregate.
    letters: BTreeSet<String>,
}

impl World {
    pub(super) fn new(fates: Fates) -> Self {
        Self::with_clocks(fates, &[0])
    }

    /// A world in which invocations come in turn to processes whose clocks are this many milliseconds ahead.
    pub(super) fn with_clocks(fates: Fates, ahead: &[i64]) -> Self {
        let clock = Clock::starting_at(std::time::UNIX_EPOCH + Duration::from_secs(1_705_291_200));
        let log = Log::default();
        let inner = Arc::new(MemoryLedger::default());
        let process = |&ahead: &i64| {
            let ports = Ports {
                profiles: Profiles(fates.clone()),
                entities: Entities::Unasked,
                history: NoHistory::default(),
                ledger: FlakyLedger { fates: fates.clone(), inner: inner.clone(), log: log.clone() },
                sink: FlakySink { fates: fates.clone(), log: log.clone() },
                dead_letters: FlakyDeadLetters { fates: fates.clone(), log: log.clone() },
                clock: MappingClock { mapping: clock, ahead },
            };
            let policy = Policy::builtin_default().unwrap();
            Arc::new(Alerts::new(ports, policy, EventTimeBounds::UNBOUNDED))
        };
        let functions: Vec<_> = ahead.iter().map(process).collect();
        let clocks_are_apart =
            ahead.iter().any(|first| ahead.iter().any(|other| (first - other).abs() > 1_000));
        let stream = Arc::new(MemoryStream::new("transactions", 2, clock));
        World {
            function: functions[0].clone(),
            functions,
            ledger: inner,
            clocks_are_apart,
            invocations: Arc::default(),
            fates,
            log,
            stream,
            clock,
            expected: Expected::default(),
        }
    }

    /// Puts a record on the stream and notes what must come of it.
    pub(super) fn put(&mut self, item: &Item) {
        let payload = item.payload();
        let customer = item.customer();
        match item {
            Item::Aggregate(inner) => {
                let payloads: Vec<Vec<u8>> = inner.iter().map(Item::payload).collect();
                let entries: Vec<Entry<'_>> = payloads
                    .iter()
                    .map(|data| Entry { partition_key: "c0", explicit_hash_key: None, data })
                    .collect();
                let number = self.stream.put("c0", encode(&entries).unwrap()).unwrap();
                for (sub, item) in inner.iter().enumerate() {
                    let place = if sub == 0 { number.clone() } else { format!("{number}/{sub}") };
                    self.expect(item, &place);
                }
            }
            _ => {
                let number = self.stream.put(&customer, payload).unwrap();
                self.expect(item, &number);
            }
        }
    }

    fn expect(&mut self, item: &Item, place: &str) {
        match item {
            Item::High { customer, id, content } => {
                let alerts = self.expected.alerts.entry(format!("c{customer}")).or_default();
                let alert = (format!("c{customer}/t{id}"), Item::amount(*content).to_string());
                if !alerts.contains(&alert) {
                    alerts.push(alert);
                }
            }
            Item::Undeliverable(_) => drop(self.expected.letters.insert(place.to_owned())),
            Item::Low { .. } | Item::Aggregate(_) => {}
        }
    }

    /// Runs a new mapping over the whole stream, from its beginning.
    pub(super) async fn run(&self, settings: Settings) -> Report {
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
                let seen = &mut *self.log.lock().unwrap();
                seen.dead.insert(number);
                seen.edges.killed += 1;
                return Err(FunctionError::new("killed"));
            };
            handled.map(|handled| handled.response).map_err(|error| FunctionError::new(error.to_string()))
        };
        let settings = Settings { clock: self.clock, ..settings };
        let mapping = EventSourceMapping::new(self.stream.clone(), function, settings).unwrap();
        mapping.run_until_drained().await.unwrap()
    }

    /// How often the function was invoked.
    pub(super) fn invocations(&self) -> u64 {
        self.invocations.load(Ordering::Relaxed)
    }

    /// How often each alert was accepted.
    pub(super) fn accepted(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for (alert, _) in &self.log.lock().unwrap().accepted {
            *counts.entry(alert.alert_id.clone()).or_default() += 1;
        }
        counts
    }

    /// Nothing lost, each content under an id of its own, and each customer's alerts first came in the order of the stream.
    pub(super) fn check_nothing_is_lost_and_order_is_kept(&self) {
        let log = self.log.lock().unwrap();
        let mut first: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut ids: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for (alert, _) in &log.accepted {
            let alerts = first.entry(alert.customer_id.clone().unwrap()).or_default();
            let identity = alert.reuses_id_of.as_ref().unwrap_or(&alert.alert_id);
            let content = (identity.clone(), alert.transaction_amount.clone());
            ids.entry(content.clone()).or_default().insert(alert.alert_id.clone());
            if !alerts.contains(&content) {
                alerts.push(content);
            }
        }
        assert_eq!(first, self.expected.alerts);
        let all: BTreeSet<&String> = ids.values().flatten().collect();
        assert!(ids.values().all(|ids| ids.len() == 1) && all.len() == ids.len(), "{ids:?}");
        let letters: BTreeSet<String> =
            log.letters.keys().map(|id| id.splitn(3, '/').nth(2).unwrap().to_owned()).collect();
        assert_eq!(letters, self.expected.letters);
    }

    /// An alert went out again only where an answer was lost, a sender died, a mark was refused or clocks were apart, and
    /// then with the same bytes.
    pub(super) fn check_what_came_again(&self) {
        let log = self.log.lock().unwrap();
        if !self.clocks_are_apart {
            assert!(log.again_after_mark.is_empty(), "{:?}", log.again_after_mark);
            assert!(log.again_without_cause.is_empty(), "{:?}", log.again_without_cause);
        }
        let mut messages: HashMap<&str, &str> = HashMap::new();
        for (alert, _) in &log.accepted {
            let first = messages.entry(&alert.alert_id).or_insert(&alert.message);
            assert_eq!(*first, alert.message);
        }
    }
}

/// A record of a test's stream.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A transaction that alerts. The same customer, id and content again is the same transaction; with another content it
    /// is one whose producer uses an id again.
    High { customer: u8, id: u8, content: u8 },
    /// One that does not.
    Low { customer: u8 },
    /// None.
    Undeliverable(u8),
    /// Several in one stream record.
    Aggregate(Vec<Item>),
}

impl Item {
    fn customer(&self) -> String {
        match self {
            Item::High { customer, .. } | Item::Low { customer } | Item::Undeliverable(customer) => {
                format!("c{customer}")
            }
            Item::Aggregate(_) => "c0".to_owned(),
        }
    }

    fn amount(content: u8) -> u32 {
        15_000 + u32::from(content)
    }

    fn payload(&self) -> Vec<u8> {
        let customer = self.customer();
        let value = match self {
            Item::High { id, content, .. } => {
                json!({ "transaction_id": format!("t{id}"), "customer_id": customer, "amount": Self::amount(*content), "event_time": "2024-01-15T03:00:00Z" })
            }
            Item::Low { .. } => {
                json!({ "customer_id": customer, "amount": 1, "event_time": "2024-01-15T13:00:00Z" })
            }
            Item::Undeliverable(_) => return b"{\"amount\":".to_vec(),
            Item::Aggregate(_) => return Vec::new(),
        };
        value.to_string().into_bytes()
    }
}

/// Mostly the one that the id was first used for.
fn content() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(0u8), 1 => 1u8..4]
}

fn single() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => (0u8..5, 0u8..40, content()).prop_map(|(customer, id, content)| Item::High { customer, id, content }),
        4 => (0u8..5).prop_map(|customer| Item::Low { customer }),
        1 => (0u8..5).prop_map(Item::Undeliverable),
    ]
}

/// In an aggregate all records are one customer's: another's would be in the order of two shards at once.
pub(super) fn item() -> impl Strategy<Value = Item> {
    let inner = prop_oneof![
        (100u8..140, content()).prop_map(|(id, content)| Item::High { customer: 0, id, content }),
        Just(Item::Low { customer: 0 }),
        Just(Item::Undeliverable(0)),
    ];
    prop_oneof![9 => single(), 1 => prop::collection::vec(inner, 1..6).prop_map(Item::Aggregate)]
}

pub(super) fn settings() -> impl Strategy<Value = Settings> {
    (any::<u64>(), 1usize..60, 1usize..4, any::<bool>(), 0.0f64..0.3).prop_map(
        |(seed, batch_size, parallelization_factor, bisect, redelivery_probability)| Settings {
            batch_size,
            parallelization_factor,
            bisect_batch_on_function_error: bisect,
            report_batch_item_failures: true,
            function_timeout: Duration::from_secs(20),
            backoff: Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(2) },
            redelivery_probability,
            seed,
            ..Settings::default()
        },
    )
}

/// Faults after which it is known what was done, or can be found out.
pub(super) fn honest(call: Call) -> &'static [(Fate, f64)] {
    match call {
        Call::Lookup | Call::DeadLetter => {
            &[(Fate::Refused, 0.15), (Fate::AnswerLost, 0.05), (Fate::Hang, 0.01)]
        }
        Call::Claim | Call::Find | Call::Release | Call::ReadHistory | Call::WriteHistory => {
            &[(Fate::Refused, 0.05), (Fate::AnswerLost, 0.05), (Fate::Hang, 0.01)]
        }
        Call::Mark => &[(Fate::Refused, 0.1), (Fate::AnswerLost, 0.1)],
        Call::Publish => &[(Fate::Refused, 0.1), (Fate::Unreadable, 0.05), (Fate::Hang, 0.01)],
    }
}

/// Also those that no ledger can see through: the sink's answer is lost, or the process dies.
pub(super) fn anything(call: Call) -> &'static [(Fate, f64)] {
    match call {
        Call::Publish => &[
            (Fate::Refused, 0.1),
            (Fate::AnswerLost, 0.1),
            (Fate::Unreadable, 0.05),
            (Fate::Hang, 0.01),
            (Fate::Die { done: true }, 0.02),
            (Fate::Die { done: false }, 0.02),
        ],
        _ => &[
            (Fate::Refused, 0.1),
            (Fate::AnswerLost, 0.05),
            (Fate::Hang, 0.01),
            (Fate::Die { done: true }, 0.01),
            (Fate::Die { done: false }, 0.01),
        ],
    }
}

/// Runs all items through the function under these faults, over as many mappings at once as there are readers, and the whole
/// stream once more.
pub(super) fn simulate(
    seed: u64,
    chances: Chances,
    clocks: &[i64],
    readers: u64,
    items: &[Item],
    settings: &Settings,
) -> World {
    simulated(async {
        let mut world = World::with_clocks(Fates::random(seed, chances), clocks);
        items.iter().for_each(|item| world.put(item));
        let run =
            |reader| world.run(Settings { seed: settings.seed.wrapping_add(reader), ..settings.clone() });
        let reports = futures_util::future::join_all((0..readers).map(run)).await;
        assert!(reports.iter().all(|report| report.discarded_records == 0));
        let sent = world.log.lock().unwrap().accepted.len();
        world.run(settings.clone()).await;
        assert_eq!(world.log.lock().unwrap().accepted.len(), sent, "a replay sent an alert again");
        world
    })
}

/// Runs with tokio's clock going ahead whenever all wait.
pub(super) fn simulated<T>(run: impl Future<Output = T>) -> T {
    fault_injection::simulated(run).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_high_score_is_alerted_exactly_once_whatever_fails(
        seed in any::<u64>(),
        items in prop::collection::vec(item(), 0..120),
        settings in settings(),
        readers in 1..3u64,
    ) {
        let world = simulate(seed, honest, &[0, 500], readers, &items, &settings);
        world.check_nothing_is_lost_and_order_is_kept();
        world.check_what_came_again();
        prop_assert!(world.accepted().values().all(|count| *count == 1), "{:?}", world.accepted());
    }

    #[test]
    fn where_answers_are_lost_or_processes_die_and_only_there_alerts_come_again_with_the_same_bytes(
        seed in any::<u64>(),
        items in prop::collection::vec(item(), 0..120),
        settings in settings(),
        readers in 1..3u64,
    ) {
        let world = simulate(seed, anything, &[0, 500], readers, &items, &settings);
        world.check_nothing_is_lost_and_order_is_kept();
        world.check_what_came_again();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn where_clocks_are_apart_nothing_is_lost_and_what_comes_again_has_the_same_bytes(
        seed in any::<u64>(),
        items in prop::collection::vec(item(), 0..120),
        settings in settings(),
        readers in 1..3u64,
        apart in prop_oneof![Just(30_000i64), Just(-30_000), Just(3_600_000)],
    ) {
        let world = simulate(seed, anything, &[0, apart], readers, &items, &settings);
        world.check_nothing_is_lost_and_order_is_kept();
        world.check_what_came_again();
    }
}

#[test]
fn where_retries_are_bounded_a_sink_that_is_down_blocks_no_shard_and_every_record_is_accounted_for() {
    simulated(async {
        fn down(call: Call) -> &'static [(Fate, f64)] {
            if call == Call::Publish { &[(Fate::Refused, 1.0)] } else { &[] }
        }
        let mut world = World::new(Fates::random(1, down).without_mercy());
        for n in 0..40 {
            world.put(&if n % 4 == 0 {
                Item::High { customer: n % 5, id: n, content: 0 }
            } else {
                Item::Low { customer: n % 5 }
            });
        }
        let discarded = Discarded::default();
        let report = world
            .run(Settings {
                batch_size: 10,
                bisect_batch_on_function_error: true,
                report_batch_item_failures: true,
                maximum_record_age: Some(Duration::from_secs(60)),
                on_failure: Some(discarded.destination()),
                ..Settings::default()
            })
            .await;
        assert_eq!(report.records_delivered + report.discarded_records, 40);
        assert_eq!(u64::try_from(discarded.records().len()).unwrap(), report.discarded_records);
        assert!(report.discarded_records >= 10);
        assert_eq!(world.accepted(), HashMap::new());
    });
}
