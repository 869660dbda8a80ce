//! The function behind a simulation of Lambda's event source mapping, with faults at every call. A failing case prints
//! its seed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use embedded_aws::event_source_mapping::{
    Backoff, Clock, Discarded, EventSourceMapping, FunctionError, Invocation, MemoryStream, Report, Settings,
};
use fraud_aws::ledger::MemoryLedger;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use kpl_aggregation::{Entry, encode};
use proptest::prelude::*;
use serde_json::json;
use tokio::time::Instant;

use super::ports::{
    Call, Chances, Fate, Fates, FlakyDeadLetters, FlakyLedger, FlakySink, Log, MappingClock, Profiles,
};
use crate::{Alerts, Ports};

type Function = Alerts<Profiles, FlakyLedger, FlakySink, FlakyDeadLetters, MappingClock>;

/// The function with the ports of a test, and the stream that it reads.
pub(super) struct World {
    pub(super) fates: Fates,
    pub(super) log: Log,
    pub(super) function: Arc<Function>,
    stream: Arc<MemoryStream>,
    clock: Clock,
    expected: Expected,
}

/// What must have happened in the end.
#[derive(Debug, Default)]
struct Expected {
    /// By customer, the ids of the alerts in the order of the stream, each once.
    alerts: BTreeMap<String, Vec<String>>,
    /// The ends of the dead letters' ids: sequence number, and place in the aggregate.
    letters: BTreeSet<String>,
}

impl World {
    pub(super) fn new(fates: Fates) -> Self {
        let clock = Clock::starting_at(std::time::UNIX_EPOCH + Duration::from_secs(1_705_291_200));
        let log = Log::default();
        let ports = Ports {
            profiles: Profiles(fates.clone()),
            ledger: FlakyLedger { fates: fates.clone(), inner: MemoryLedger::default(), log: log.clone() },
            sink: FlakySink { fates: fates.clone(), log: log.clone() },
            dead_letters: FlakyDeadLetters { fates: fates.clone(), log: log.clone() },
            clock: MappingClock(clock),
        };
        let function =
            Arc::new(Alerts::new(ports, Policy::builtin_default().unwrap(), EventTimeBounds::UNBOUNDED));
        let stream = Arc::new(MemoryStream::new("transactions", 2, clock));
        World { fates, log, function, stream, clock, expected: Expected::default() }
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
            Item::High { customer, id } => {
                let alerts = self.expected.alerts.entry(format!("c{customer}")).or_default();
                let id = format!("c{customer}/t{id}");
                if !alerts.contains(&id) {
                    alerts.push(id);
                }
            }
            Item::Undeliverable(_) => drop(self.expected.letters.insert(place.to_owned())),
            Item::Low { .. } | Item::Aggregate(_) => {}
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

    /// How often each alert was accepted.
    pub(super) fn accepted(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for alert in &self.log.lock().unwrap().accepted {
            *counts.entry(alert.alert_id.clone()).or_default() += 1;
        }
        counts
    }

    /// Nothing lost, and each customer's alerts first came in the order of the stream.
    fn check_nothing_is_lost_and_order_is_kept(&self) {
        let log = self.log.lock().unwrap();
        let mut first: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for alert in &log.accepted {
            let alerts = first.entry(alert.customer_id.clone().unwrap()).or_default();
            if !alerts.contains(&alert.alert_id) {
                alerts.push(alert.alert_id.clone());
            }
        }
        assert_eq!(first, self.expected.alerts);
        let letters: BTreeSet<String> =
            log.letters.keys().map(|id| id.splitn(3, '/').nth(2).unwrap().to_owned()).collect();
        assert_eq!(letters, self.expected.letters);
    }

    /// An alert that stood as sent never went out again, and one that did go out again had the same bytes.
    fn check_what_came_again(&self) {
        let log = self.log.lock().unwrap();
        assert!(log.again_after_mark.is_empty(), "{:?}", log.again_after_mark);
        let mut messages: HashMap<&str, &str> = HashMap::new();
        for alert in &log.accepted {
            let first = messages.entry(&alert.alert_id).or_insert(&alert.message);
            assert_eq!(*first, alert.message);
        }
    }
}

/// A record of a test's stream.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A transaction that alerts. The same customer and id again is the same transaction.
    High { customer: u8, id: u8 },
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

    fn payload(&self) -> Vec<u8> {
        let customer = self.customer();
        let value = match self {
            Item::High { id, .. } => {
                json!({ "transaction_id": format!("t{id}"), "customer_id": customer, "amount": 15_000, "event_time": "2024-01-15T03:00:00Z" })
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

fn single() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => (0u8..5, 0u8..40).prop_map(|(customer, id)| Item::High { customer, id }),
        4 => (0u8..5).prop_map(|customer| Item::Low { customer }),
        1 => (0u8..5).prop_map(Item::Undeliverable),
    ]
}

/// In an aggregate all records are one customer's: another's would be in the order of two shards at once.
fn item() -> impl Strategy<Value = Item> {
    let inner = prop_oneof![
        (100u8..140).prop_map(|id| Item::High { customer: 0, id }),
        Just(Item::Low { customer: 0 }),
        Just(Item::Undeliverable(0)),
    ];
    prop_oneof![9 => single(), 1 => prop::collection::vec(inner, 1..6).prop_map(Item::Aggregate)]
}

fn settings() -> impl Strategy<Value = Settings> {
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
fn honest(call: Call) -> &'static [(Fate, f64)] {
    match call {
        Call::Lookup | Call::DeadLetter => {
            &[(Fate::Refused, 0.15), (Fate::AnswerLost, 0.05), (Fate::Hang, 0.01)]
        }
        Call::Claim | Call::Release => &[(Fate::Refused, 0.05), (Fate::AnswerLost, 0.05), (Fate::Hang, 0.01)],
        Call::Mark => &[(Fate::Refused, 0.1), (Fate::AnswerLost, 0.1)],
        Call::Publish => &[(Fate::Refused, 0.1), (Fate::Hang, 0.01)],
    }
}

/// Also those that no ledger can see through: the sink's answer is lost, or the process dies.
fn anything(call: Call) -> &'static [(Fate, f64)] {
    match call {
        Call::Publish => &[
            (Fate::Refused, 0.1),
            (Fate::AnswerLost, 0.1),
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

/// Runs all items through the function under these faults, and once more without.
fn simulate(seed: u64, chances: Chances, items: &[Item], settings: &Settings) -> World {
    simulated(async {
        let mut world = World::new(Fates::random(seed, chances));
        items.iter().for_each(|item| world.put(item));
        let report = world.run(settings.clone()).await;
        assert_eq!(report.discarded_records, 0);
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
    ) {
        let world = simulate(seed, honest, &items, &settings);
        world.check_nothing_is_lost_and_order_is_kept();
        world.check_what_came_again();
        prop_assert!(world.accepted().values().all(|count| *count == 1), "{:?}", world.accepted());
    }

    #[test]
    fn where_answers_are_lost_and_processes_die_alerts_may_come_again_with_the_same_bytes(
        seed in any::<u64>(),
        items in prop::collection::vec(item(), 0..120),
        settings in settings(),
    ) {
        let world = simulate(seed, anything, &items, &settings);
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
                Item::High { customer: n % 5, id: n }
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
