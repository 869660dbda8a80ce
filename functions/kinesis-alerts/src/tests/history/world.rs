//! The function with ports of a test, the streams that it reads, and what must have come of them in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use embedded_aws::event_source_mapping::{
    Clock, Discarded, EventSourceMapping, FunctionError, Invocation, MemoryStream, RecordSource, Report,
    Settings,
};
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::Entities;
use fraud_aws::history::MemoryHistory;
use fraud_aws::invocation::InvocationTime;
use fraud_aws::ledger::MemoryLedger;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::history::{Answer, EntryKey, History, Incoming, Known, ROUND};
use fraud_core::identity::Position;
use fraud_core::transaction::Transaction;
use kpl_aggregation::{Entry, encode};
use serde_json::json;
use tokio::time::Instant;

use super::super::ports::{
    Fates, FlakyDeadLetters, FlakyLedger, FlakySink, INVOCATION, Log, MappingClock, Profiles, count_deaths,
};
use super::given_up::GivenUp;
use super::rules::Rules;
use super::store::{Edge, Edges, FlakyHistory, TakenIn};
use crate::{Alerts, Ports};

type Function =
    Alerts<Profiles, Entities, FlakyHistory, FlakyLedger, FlakySink, FlakyDeadLetters, MappingClock>;

/// When the streams begin, in seconds since the epoch.
const START: i64 = 1_705_291_200;
/// Ids below this are used again, by copies and for another content.
pub(super) const REUSED: u32 = 12;

pub(super) struct World {
    pub(super) fates: Fates,
    /// The function by the rules that it decides by.
    functions: HashMap<Rules, Arc<Function>>,
    pub(super) log: Log,
    pub(super) taken: Arc<Mutex<TakenIn>>,
    pub(super) rows: Arc<MemoryHistory>,
    clock: Clock,
    invocations: Arc<AtomicU64>,
    /// The newest takes the records.
    streams: Vec<Arc<MemoryStream>>,
    /// The newest stream's open shards, in the order of their hash keys.
    open: Vec<String>,
    shards: usize,
    /// How far each stream was read.
    checkpoints: Vec<BTreeMap<String, String>>,
    discarded: Discarded,
    redriven: usize,
    /// What is on the streams.
    pub(super) sent: Vec<Sent>,
    /// What is in the lake, and on no stream any more.
    archived: Vec<Sent>,
    fresh_ids: u32,
}

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) customer: String,
    pub(super) stream: String,
    pub(super) sequence_number: String,
    pub(super) incoming: Incoming,
}

/// A record to be sent.
#[derive(Debug, Clone)]
pub(super) struct Put {
    pub(super) customer: u8,
    pub(super) id: u32,
    pub(super) content: u8,
    /// The event time, in hours before the arrival.
    pub(super) age: i32,
    pub(super) refund: bool,
    pub(super) poison: bool,
}

/// What happens to a stream.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Nothing, for this many seconds.
    Wait(u32),
    /// A record, under its customer's partition key or another.
    One(Put, Option<u8>),
    /// Several records in one of the stream's.
    Aggregate(Vec<Put>, Option<u8>),
    /// This many transactions of one customer in as many milliseconds.
    Burst { customer: u8, count: u16, refunds: bool },
    /// One of the open shards is split.
    Split(u8),
    /// Two of the open shards are merged.
    Merge(u8),
    /// Producers go over to a new stream, whose sequence numbers begin anew.
    NewStream,
}

/// A time in which the streams are read.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    /// Those of the two processes to which invocations go in turn.
    pub(super) rules: [Rules; 2],
    pub(super) settings: Settings,
    /// Mappings over the same records at once.
    pub(super) readers: u64,
    /// The streams are read from their beginning again.
    pub(super) is_replay: bool,
}

impl Put {
    /// A transaction of its own.
    pub(super) fn new(customer: u8, id: u32) -> Self {
        Put { customer, id, content: 0, age: 0, refund: false, poison: false }
    }

    fn customer(&self) -> String {
        format!("c{}", self.customer)
    }

    pub(super) fn amount(&self) -> String {
        if self.refund { "-5".to_owned() } else { (20 + 30 * u32::from(self.content)).to_string() }
    }

    /// What is sent of it at a moment, in seconds since the epoch.
    fn payload(&self, now: i64) -> Vec<u8> {
        if self.poison {
            return b"{\"amount\":".to_vec();
        }
        let now = if self.id < REUSED { START } else { now };
        let payload = json!({
            "transaction_id": format!("t{}", self.id), "customer_id": self.customer(),
            "amount": self.amount().parse::<i32>().unwrap(),
            "event_time": now - i64::from(self.age) * 3600 + i64::from(if self.id < 256 { self.id } else { 0 }),
            "merchant_id": format!("m{}", self.content),
        });
        payload.to_string().into_bytes()
    }
}

impl World {
    pub(super) fn new(fates: Fates) -> Self {
        let clock = Clock::starting_at(UNIX_EPOCH + Duration::from_secs(START.unsigned_abs()));
        let (log, taken) = (Log::default(), Arc::<Mutex<TakenIn>>::default());
        let (ledger, rows) = (Arc::new(MemoryLedger::default()), Arc::new(MemoryHistory::default()));
        count_deaths(&fates, &log);
        let function = |fates: &Fates, rules: Rules| {
            let ports = Ports {
                profiles: Profiles(fates.clone()),
                entities: Entities::Unasked,
                history: FlakyHistory {
                    fates: fates.clone(),
                    inner: rows.clone(),
                    log: log.clone(),
                    taken: taken.clone(),
                    rules,
                },
                ledger: FlakyLedger { fates: fates.clone(), inner: ledger.clone(), log: log.clone() },
                sink: FlakySink { fates: fates.clone(), log: log.clone() },
                dead_letters: FlakyDeadLetters { fates: fates.clone(), log: log.clone() },
                clock: MappingClock { mapping: clock, ahead: 0 },
            };
            Arc::new(Alerts::new(ports, rules.policy(), EventTimeBounds::UNBOUNDED))
        };
        let mut world = World {
            functions: Rules::ALL.into_iter().map(|rules| (rules, function(&fates, rules))).collect(),
            log,
            taken,
            rows,
            clock,
            invocations: Arc::default(),
            streams: Vec::new(),
            open: Vec::new(),
            shards: 0,
            checkpoints: Vec::new(),
            discarded: Discarded::default(),
            redriven: 0,
            sent: Vec::new(),
            archived: Vec::new(),
            fresh_ids: 1_000,
            fates,
        };
        world.new_stream();
        world
    }

    pub(super) fn count(&self, edge: Edge) {
        self.taken.lock().unwrap().count(edge);
    }

    fn new_stream(&mut self) {
        let name = stream_name(self.streams.len());
        self.streams.push(Arc::new(MemoryStream::new(name, 2, self.clock)));
        self.checkpoints.push(BTreeMap::new());
        self.open = (0..2).map(shard_name).collect();
        self.shards = 2;
    }

    fn now_millis(&self) -> i64 {
        i64::try_from(self.clock.now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
    }

    pub(super) async fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => tokio::time::sleep(Duration::from_secs((*seconds).into())).await,
            Step::One(put, key) => self.put(put, *key),
            Step::Aggregate(puts, key) => self.put_aggregate(puts, *key),
            Step::Burst { customer, count, refunds } => {
                for _ in 0..*count {
                    let put = Put { refund: *refunds, ..self.fresh(*customer) };
                    self.put(&put, None);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Step::Split(place) => {
                let place = usize::from(*place) % self.open.len();
                self.streams.last().unwrap().split(&self.open[place]).unwrap();
                let halves = [shard_name(self.shards), shard_name(self.shards + 1)];
                self.open.splice(place..=place, halves);
                self.shards += 2;
                self.count(Edge::Split);
            }
            Step::Merge(_) if self.open.len() < 2 => {}
            Step::Merge(place) => {
                let place = usize::from(*place) % (self.open.len() - 1);
                self.streams.last().unwrap().merge(&self.open[place], &self.open[place + 1]).unwrap();
                self.open.splice(place..=place + 1, [shard_name(self.shards)]);
                self.shards += 1;
                self.count(Edge::Merged);
            }
            Step::NewStream => {
                self.new_stream();
                self.count(Edge::StreamMadeAnew);
            }
        }
    }

    /// A transaction whose id nobody has.
    pub(super) fn fresh(&mut self, customer: u8) -> Put {
        self.fresh_ids += 1;
        Put::new(customer, self.fresh_ids)
    }

    pub(super) fn put(&mut self, put: &Put, key: Option<u8>) {
        let payload = put.payload(self.now_millis() / 1000);
        let number = self.put_data(&put.customer(), key, payload.clone());
        self.note(put, &payload, &number, 0);
    }

    fn put_aggregate(&mut self, puts: &[Put], key: Option<u8>) {
        let Some(first) = puts.first() else { return };
        let payloads: Vec<Vec<u8>> = puts.iter().map(|put| put.payload(self.now_millis() / 1000)).collect();
        let entry = |data| Entry { partition_key: "k", explicit_hash_key: None, data };
        let entries: Vec<Entry<'_>> = payloads.iter().map(|data| entry(data)).collect();
        let number = self.put_data(&first.customer(), key, encode(&entries).unwrap().to_vec());
        for (sub, (put, payload)) in (0..).zip(puts.iter().zip(&payloads)) {
            self.note(put, payload, &number, sub);
        }
        self.count(Edge::Aggregated);
    }

    fn put_data(&self, customer: &str, key: Option<u8>, data: Vec<u8>) -> String {
        let key = match key {
            Some(key) => {
                self.count(Edge::Scattered);
                format!("k{key}")
            }
            None => customer.to_owned(),
        };
        self.streams.last().unwrap().put(&key, data).unwrap()
    }

    /// Puts a record where only a backfill finds it.
    pub(super) fn archive(&mut self, put: &Put) {
        let payload = put.payload(self.now_millis() / 1000);
        let number = self.archived.len().to_string();
        let sent = self.sent(put, &payload, &number, 0);
        self.archived.extend(sent);
    }

    fn note(&mut self, put: &Put, payload: &[u8], number: &str, sub_sequence_number: u64) {
        let sent = self.sent(put, payload, number, sub_sequence_number);
        self.sent.extend(sent);
    }

    fn sent(&self, put: &Put, payload: &[u8], number: &str, sub_sequence_number: u64) -> Option<Sent> {
        Some(Sent {
            incoming: self.incoming(payload, number, sub_sequence_number)?,
            customer: put.customer(),
            stream: stream_name(self.streams.len() - 1),
            sequence_number: number.to_owned(),
        })
    }

    /// What the history is asked about a record that arrives now.
    fn incoming(&self, payload: &[u8], number: &str, sub_sequence_number: u64) -> Option<Incoming> {
        let transaction = Transaction::parse(payload).ok()?;
        let position = Position {
            stream: "transactions",
            shard: "shardId-000000000000",
            sequence_number: number,
            sub_sequence_number,
        };
        let arrival = Timestamp::from_millis(self.now_millis()).unwrap();
        let incoming = Incoming::of(&transaction, arrival, position);
        self.taken.lock().unwrap().records.entry(incoming.key).or_default().push(incoming.clone());
        Some(incoming)
    }

    /// Writes the rows of what arrived until now, as `fraudctl history backfill` does: by place, in rounds, and without
    /// alerts.
    pub(super) async fn backfill(&mut self, rules: Rules) {
        let archived = self.archived.len();
        let all = self.archived.iter().chain(&self.sent).enumerate();
        let mut past: Vec<(&str, &Incoming, bool)> =
            all.map(|(place, sent)| (&*sent.customer, &sent.incoming, place >= archived)).collect();
        past.sort_by_key(|(_, record, _)| record.place);
        let mut customers: BTreeMap<&str, Vec<(&Incoming, bool)>> = BTreeMap::new();
        for (customer, record, is_on_a_stream) in past {
            customers.entry(customer).or_default().push((record, is_on_a_stream));
        }
        for (customer, records) in customers {
            let mut history = History::default();
            for round in records.chunks(ROUND) {
                history.begin();
                for &(record, is_on_a_stream) in round {
                    match history.ask(record) {
                        Answer::New(inputs) => {
                            history.take_in(record, inputs, rules.settings(), Known::default(), false);
                            let taken = &mut *self.taken.lock().unwrap();
                            let arrival = record.place.arrival;
                            taken.took_in(customer, record.key, arrival, inputs, (rules, false));
                            if is_on_a_stream {
                                taken.count(Edge::BackfilledAndDelivered);
                            }
                        }
                        Answer::Again(_) => history.seen_again(record, false),
                        Answer::Unknown => {}
                    }
                }
                history.end();
            }
            history.forget_until(Timestamp::from_millis(self.now_millis()).unwrap());
            self.rows.put(customer, 1, history.encode());
        }
        // What arrives from here on is later than what is in the files.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// Reads the streams until nothing is left.
    pub(super) async fn run(&mut self, phase: &Phase) {
        let mut readers = Vec::new();
        for (place, stream) in self.streams.iter().enumerate() {
            let begin = if phase.is_replay { BTreeMap::new() } else { self.checkpoints[place].clone() };
            for reader in 0..phase.readers {
                let read = self.read(stream.clone(), phase, reader, begin.clone());
                readers.push(async move { (place, read.await) });
            }
        }
        for (place, report) in futures_util::future::join_all(readers).await {
            self.taken.lock().unwrap().count_times(Edge::GivenUp, report.discarded_records);
            self.checkpoints[place] = report.checkpoints;
        }
    }

    /// Hands what was given up to the function again, until all is done.
    pub(super) async fn redrive(&mut self, rules: [Rules; 2], settings: &Settings) {
        let settings = Settings { maximum_retry_attempts: None, ..settings.clone() };
        let phase = Phase { rules, settings, readers: 1, is_replay: true };
        let batches = self.discarded.batches();
        let batches = batches.get(self.redriven..).unwrap_or_default();
        self.redriven += batches.len();
        let streams: BTreeSet<&String> = batches.iter().map(|batch| &batch.stream_arn).collect();
        for stream in streams {
            let batches = batches.iter().filter(|batch| batch.stream_arn == *stream);
            let report = self.read(GivenUp::of(batches), &phase, 0, BTreeMap::new()).await;
            self.taken.lock().unwrap().count_times(Edge::Redriven, report.records_delivered);
        }
    }

    /// Reads a stream by a mapping of its own.
    async fn read(
        &self,
        source: impl RecordSource<Error = Infallible>,
        phase: &Phase,
        reader: u64,
        begin: BTreeMap<String, String>,
    ) -> Report {
        let settings = Settings {
            seed: phase.settings.seed.wrapping_add(reader),
            clock: self.clock,
            on_failure: Some(self.discarded.destination()),
            ..phase.settings.clone()
        };
        let function = async |invocation: Invocation| {
            let ends_at = invocation.deadline_at.duration_since(UNIX_EPOCH).unwrap();
            let time = InvocationTime {
                remaining: invocation.deadline.saturating_duration_since(Instant::now()),
                ends_at: Timestamp::from_millis(i64::try_from(ends_at.as_millis()).unwrap()),
            };
            self.invoke(phase.rules, &invocation.event, time).await
        };
        let mapping = EventSourceMapping::new(source, function, settings).unwrap().starting_behind(begin);
        mapping.run_until_drained().await.unwrap()
    }

    async fn invoke(
        &self,
        rules: [Rules; 2],
        event: &str,
        time: InvocationTime,
    ) -> Result<String, FunctionError> {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let rules = rules[usize::from(number % 2 == 1)];
        let handling = self.functions[&rules].handle(event, time);
        let handled = fault_injection::invocation(INVOCATION.scope(number, handling)).await;
        let Some(handled) = handled else {
            self.log.lock().unwrap().dead.insert(number);
            self.count(Edge::Killed);
            return Err(FunctionError::new("killed"));
        };
        let handled = handled.map_err(|error| FunctionError::new(error.to_string()))?;
        let expired = handled.metrics.history.unwrap().expired as u64;
        self.taken.lock().unwrap().count_times(Edge::Expired, expired);
        Ok(handled.response)
    }

    pub(super) fn edges(&self) -> Edges {
        let mut edges = self.taken.lock().unwrap().edges.clone();
        let log = self.log.lock().unwrap();
        edges.insert(Edge::ForgottenWithAClaim, log.forgotten_with_a_claim);
        edges.insert(Edge::ForgottenWithoutAClaim, log.forgotten_without_a_claim);
        edges.extend(
            log.died_between.iter().map(|((last, next), &count)| (Edge::DiedBetween(*last, *next), count)),
        );
        edges
    }

    /// How many transactions are on the streams.
    pub(super) fn transactions(&self) -> u64 {
        let keys: HashSet<EntryKey> = self.sent.iter().map(|sent| sent.incoming.key).collect();
        keys.len() as u64
    }

    /// How many customers have a history.
    pub(super) fn histories(&self) -> u64 {
        let customers: HashSet<&String> = self.sent.iter().map(|sent| &sent.customer).collect();
        customers.len() as u64
    }
}

fn shard_name(number: usize) -> String {
    format!("shardId-{number:012}")
}

fn stream_name(number: usize) -> String {
    format!("transactions-{number}")
}
