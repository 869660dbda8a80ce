//! Whatever fails, whoever dies: nothing is skipped, each key keeps its order, no checkpoint moves back.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use embedded_aws::event_source_mapping::RecordSource;
use proptest::prelude::*;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::world::{Chances, Process, World};
use crate::consumer::checkpoints::Checkpoint;
use crate::consumer::{Backoff, Consumer, ConsumerError, Settings, Until};

const LEASE: Duration = Duration::from_secs(3);

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Records on these keys arrive.
    Put(u8),
    Split(usize),
    Merge(usize),
    /// Time passes.
    Wait(u64),
    /// A process starts, also while others run.
    Start,
    /// A process is killed, frozen, thawed or told to stop.
    Kill(usize),
    Freeze(usize),
    Thaw(usize),
    Stop(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u8..12).prop_map(Step::Put),
        2 => any::<usize>().prop_map(Step::Split),
        2 => any::<usize>().prop_map(Step::Merge),
        6 => (10u64..4000).prop_map(Step::Wait),
        3 => Just(Step::Start),
        1 => any::<usize>().prop_map(Step::Kill),
        2 => any::<usize>().prop_map(Step::Freeze),
        2 => any::<usize>().prop_map(Step::Thaw),
        1 => any::<usize>().prop_map(Step::Stop),
    ]
}

fn settings(until: Until) -> Settings {
    Settings {
        until,
        batch_size: 5,
        lease: LEASE,
        list_interval: Duration::from_secs(5),
        backoff: Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(1) },
        ..Settings::new("alerts", "process")
    }
}

struct Running {
    process: Process,
    stop: tokio::sync::watch::Sender<bool>,
    task: JoinHandle<Result<(), ConsumerError>>,
}

impl Running {
    fn start(world: &Arc<World>, until: Until) -> Self {
        let process = Process::new(world);
        let consumer = Consumer::new(process.clone(), process.clone(), process.clone(), settings(until));
        let stop = tokio::sync::watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let task = tokio::spawn(async move {
            consumer
                .run(async {
                    if stopped.wait_for(|stopped| *stopped).await.is_err() {
                        pending::<()>().await;
                    }
                })
                .await
        });
        Running { process, stop, task }
    }
}

/// Puts a record on each of so many keys, in the order of its number.
struct Producer {
    next: usize,
    put: BTreeMap<String, Vec<usize>>,
}

impl Producer {
    fn put(&mut self, world: &World, count: u8) {
        for _ in 0..count {
            let key = format!("key-{}", world.below(9));
            world.stream.put(&key, self.next.to_string()).unwrap();
            self.put.entry(key).or_default().push(self.next);
            self.next += 1;
        }
    }
}

async fn reshard(world: &World, step: Step) {
    let shards = world.stream.shards().await.unwrap();
    let id = |n: usize| shards[n % shards.len()].id.clone();
    // What is closed already, or does not lie side by side, cannot be changed.
    let _ = match step {
        Step::Split(n) => world.stream.split(&id(n)),
        Step::Merge(n) => world.stream.merge(&id(n), &id(n + 1)),
        _ => Ok(()),
    };
}

async fn simulate(shards: u32, chances: Chances, steps: &[Step], seed: u64) -> (Arc<World>, Producer) {
    let world = Arc::new(World::new(shards, chances, seed));
    let mut producer = Producer { next: 0, put: BTreeMap::new() };
    let mut running: Vec<Running> = vec![Running::start(&world, Until::Stopped)];
    for step in steps {
        let one = |n: usize| n % running.len().max(1);
        match *step {
            Step::Put(count) => producer.put(&world, count),
            Step::Split(_) | Step::Merge(_) => reshard(&world, *step).await,
            Step::Wait(millis) => sleep(Duration::from_millis(millis)).await,
            Step::Start if running.len() < 4 => running.push(Running::start(&world, Until::Stopped)),
            Step::Start => {}
            Step::Kill(n) if !running.is_empty() => running.swap_remove(one(n)).task.abort(),
            Step::Freeze(n) if !running.is_empty() => running[one(n)].process.freeze(true),
            Step::Thaw(n) if !running.is_empty() => running[one(n)].process.freeze(false),
            Step::Stop(n) if !running.is_empty() => drop(running[one(n)].stop.send_replace(true)),
            Step::Kill(_) | Step::Freeze(_) | Step::Thaw(_) | Step::Stop(_) => {}
        }
    }
    // In the end all wake up, and those that still work are told to stop; then one reads up to the tips.
    for running in running {
        running.process.freeze(false);
        running.stop.send_replace(true);
        let wrong = match running.task.await.unwrap() {
            Ok(()) | Err(ConsumerError::NameInUse { .. } | ConsumerError::Checkpoints { .. }) => None,
            Err(error @ ConsumerError::Lost { .. }) => running.process.was_well().then_some(error),
            Err(error) => Some(error),
        };
        world.log.lock().unwrap().wrongs.extend(wrong.map(|error| error.to_string()));
    }
    let last = loop {
        let last = Running::start(&world, Until::CaughtUp).task.await.unwrap();
        // One that could not give its lease up is waited for.
        if !matches!(last, Err(ConsumerError::Checkpoints { .. })) {
            break last;
        }
    };
    if let Err(error) = last {
        world.log.lock().unwrap().wrongs.push(format!("the last one: {error}"));
    }
    (world, producer)
}

/// Each number once, in the order of first occurrence.
fn firsts(done: &[(String, usize)]) -> BTreeMap<String, Vec<usize>> {
    let mut firsts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (key, number) in done {
        let numbers = firsts.entry(key.clone()).or_default();
        if !numbers.contains(number) {
            numbers.push(*number);
        }
    }
    firsts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn every_record_is_done_in_the_order_of_its_key_no_checkpoint_skips_one_or_moves_back_and_no_term_writes_behind_a_later_one(
        shards in 1u32..4,
        source in 0.0f64..0.3,
        checkpoints in 0.0f64..0.3,
        handler in 0.0f64..0.4,
        steps in prop::collection::vec(step(), 0..50),
        seed in any::<u64>(),
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let chances = Chances { source, checkpoints, handler };
        // The consumer's own pauses too: the same case runs the same way.
        fastrand::seed(seed);
        let (world, producer) = runtime.block_on(simulate(shards, chances, &steps, seed));
        let log = world.log.lock().unwrap();
        prop_assert!(log.wrongs.is_empty(), "{:?}", log.wrongs);
        prop_assert_eq!(firsts(&log.done), producer.put);
        for (shard, written) in &log.written {
            let terms: Vec<u64> = written.iter().map(|(term, _)| *term).collect();
            let positions: Vec<&Checkpoint> = written.iter().map(|(_, position)| position).collect();
            prop_assert!(terms.is_sorted(), "{}: {:?}", shard, terms);
            prop_assert!(positions.is_sorted_by(|a, b| a < b), "{}: {:?}", shard, positions);
        }
    }
}
