//! Whatever a function does, nothing is lost and nothing stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use embedded_aws::event_source_mapping::{
    Clock, Discarded, EventSourceMapping, MemoryStream, Report, Settings,
};
use proptest::prelude::*;

use crate::support::{Answer, Delivered, FOREVER, function, noon};

/// What happens to one invocation.
#[derive(Debug, Clone)]
enum Step {
    Done,
    Error,
    Panic,
    Hang,
    /// The record at this share of the batch is reported as failed.
    FailedAt(f64),
    Nonsense,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Done),
        2 => Just(Step::Error),
        1 => Just(Step::Panic),
        1 => Just(Step::Hang),
        3 => (0.0..1.0).prop_map(Step::FailedAt),
        1 => Just(Step::Nonsense),
    ]
}

#[derive(Debug, Clone)]
struct Case {
    shards: u32,
    /// The key of each record.
    keys: Vec<u8>,
    /// Whether the first shard is split after so many records.
    split_after: Option<usize>,
    /// What happens to the invocations in turn; behind the end all succeed, or from the beginning again.
    steps: Vec<Step>,
    again: bool,
    batch_size: usize,
    factor: usize,
    bisect: bool,
    retries: u32,
    age: Option<u64>,
    redelivery: f64,
    seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let stream = (1..4_u32, prop::collection::vec(0..6_u8, 0..60), prop::option::of(0..60_usize));
    let script = (prop::collection::vec(step(), 1..30), any::<bool>());
    let limits = (1..12_usize, 1..=10_usize, any::<bool>(), 0..4_u32);
    let chance = (prop::option::of(60..600_u64), 0.0..0.5, any::<u64>());
    (stream, script, limits, chance).prop_map(
        |((shards, keys, split_after), (steps, again), (batch_size, factor, bisect, retries), chance)| {
            let (age, redelivery, seed) = chance;
            Case {
                shards,
                keys,
                split_after,
                steps,
                again,
                batch_size,
                factor,
                bisect,
                retries,
                age,
                redelivery,
                seed,
            }
        },
    )
}

/// What a run left behind.
struct Outcome {
    /// Every record: its key and its number.
    put: Vec<(String, usize)>,
    /// The records of each invocation, and how many of them, from the first, were done.
    delivered: Vec<(Vec<Delivered>, usize)>,
    discarded: BTreeSet<usize>,
    report: Report,
}

async fn run(case: &Case) -> Outcome {
    let stream = MemoryStream::new("transactions", case.shards, Clock::starting_at(noon()));
    let mut put = Vec::new();
    for (n, key) in case.keys.iter().enumerate() {
        if case.split_after == Some(n) {
            stream.split("shardId-000000000000").unwrap();
        }
        let key = format!("key-{key}");
        stream.put(&key, n.to_string()).unwrap();
        put.push((key, n));
    }
    let (steps, again) = (case.steps.clone(), case.again);
    let step = move |number: usize| {
        if again || number < steps.len() { steps[number % steps.len()].clone() } else { Step::Done }
    };
    let index = |share: f64, records: &[Delivered]| (share * records.len() as f64) as usize;
    let (function, log) = {
        let step = step.clone();
        function(move |number, records| match step(number) {
            Step::Done => Answer::Done,
            Step::Error => Answer::Error,
            Step::Panic => Answer::Panic,
            Step::Hang => Answer::Hang,
            Step::FailedAt(share) => Answer::FailedAt(index(share, records)),
            Step::Nonsense => Answer::Says("[]".to_owned()),
        })
    };
    let discarded = Discarded::default();
    let settings = Settings {
        batch_size: case.batch_size,
        parallelization_factor: case.factor,
        bisect_batch_on_function_error: case.bisect,
        maximum_retry_attempts: Some(case.retries),
        maximum_record_age: case.age.map(Duration::from_secs),
        report_batch_item_failures: true,
        on_failure: Some(discarded.destination()),
        redelivery_probability: case.redelivery,
        seed: case.seed,
        clock: Clock::starting_at(noon()),
        ..Settings::default()
    };
    let mapping = EventSourceMapping::new(stream, function, settings).unwrap();

    let report = tokio::time::timeout(FOREVER, mapping.run_until_drained())
        .await
        .expect("a run whose retries are bounded ends")
        .unwrap();

    let invocations = log.invocations().into_iter().enumerate();
    let delivered = invocations.map(|(number, (_, records))| {
        let done = match step(number) {
            Step::Done => records.len(),
            Step::FailedAt(share) => index(share, &records),
            _ => 0,
        };
        (records, done)
    });
    let number = |data: &[u8]| String::from_utf8(data.to_vec()).unwrap().parse().unwrap();
    Outcome {
        put,
        delivered: delivered.collect(),
        discarded: discarded.records().iter().map(|record| number(&record.data)).collect(),
        report,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_taken_or_given_up_and_the_records_of_a_key_are_taken_in_order(case in case()) {
        // Panics of the scripted function are part of the script.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();

        let outcome = runtime.block_on(run(&case));

        let mut first_taken: BTreeMap<usize, usize> = BTreeMap::new();
        let mut order = 0;
        for (records, done) in &outcome.delivered {
            prop_assert!((1..=case.batch_size).contains(&records.len()));
            for record in &records[..*done] {
                first_taken.entry(record.data.parse().unwrap()).or_insert(order);
                order += 1;
            }
        }
        for (_, n) in &outcome.put {
            prop_assert!(
                first_taken.contains_key(n) || outcome.discarded.contains(n),
                "record {} is lost", n
            );
        }
        let mut by_key: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (key, n) in &outcome.put {
            by_key.entry(key).or_default().extend(first_taken.get(n));
        }
        prop_assert!(by_key.values().all(|order| order.is_sorted()), "{:?}", by_key);
        prop_assert_eq!(outcome.report.records_read, outcome.put.len() as u64);
        prop_assert_eq!(outcome.report.records_delivered, order as u64);
        prop_assert_eq!(outcome.report.invocations, outcome.delivered.len() as u64);
    }

    #[test]
    fn the_same_seed_and_script_give_the_same_run(case in case()) {
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let outcome = runtime.block_on(run(&case));
            (outcome.delivered, outcome.discarded, outcome.report)
        };

        prop_assert_eq!(run(), run());
    }
}
