//! What holds for every source, script and setting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use embedded_aws::delivery_stream::{
    Compression, DeliveryStream, MemoryObjects, RawBackup, Report, Settings,
};
use embedded_aws::event_source_mapping::{Clock, MemoryStream};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    Received, Reply, buffering, errors, function, noon, ok_in, raw, result, settings, text,
};

/// What the function makes of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Delivered(u8),
    WithoutKey,
    Dropped,
    Failed,
    LeftOut,
    NamedTwice,
}

/// What becomes of an invocation.
#[derive(Debug, Clone, Copy)]
enum Step {
    Answers,
    AnswersLate,
    Fails,
    Panics,
    Hangs,
    Nonsense,
}

#[derive(Debug, Clone)]
struct Case {
    /// By record.
    fates: Vec<Fate>,
    /// By invocation, over and over.
    steps: Vec<Step>,
    /// After how many records there is a pause.
    pause_after: usize,
    split_after: Option<usize>,
    retries: u32,
    concurrency: usize,
    transform_interval: u64,
    interval: u64,
    active_partitions: usize,
    seed: u64,
}

fn case() -> impl Strategy<Value = Case> {
    let fate = prop_oneof![
        6 => (0..5_u8).prop_map(Fate::Delivered),
        1 => Just(Fate::WithoutKey),
        1 => Just(Fate::Dropped),
        1 => Just(Fate::Failed),
        1 => Just(Fate::LeftOut),
        1 => Just(Fate::NamedTwice),
    ];
    let step = prop_oneof![
        4 => Just(Step::Answers),
        2 => Just(Step::AnswersLate),
        1 => Just(Step::Fails),
        1 => Just(Step::Panics),
        1 => Just(Step::Hangs),
        1 => Just(Step::Nonsense),
    ];
    let source = (prop::collection::vec(fate, 0..60), 1..10_usize, prop::option::of(0..60_usize));
    let script = (prop::collection::vec(step, 1..8), 0..3_u32, 1..4_usize);
    let buffers = (0..6_u64, 0..20_u64, 1..7_usize, any::<u64>());
    (source, script, buffers).prop_map(|(source, script, buffers)| Case {
        fates: source.0,
        pause_after: source.1,
        split_after: source.2,
        steps: script.0,
        retries: script.1,
        concurrency: script.2,
        transform_interval: buffers.0,
        interval: buffers.1,
        active_partitions: buffers.2,
        seed: buffers.3,
    })
}

fn number(record: &Received) -> usize {
    record.text.trim().parse().unwrap()
}

fn entries(record: &Received, fate: Fate) -> Vec<Value> {
    match fate {
        Fate::Delivered(key) => vec![ok_in(record, &json!({ "key": key.to_string() }))],
        Fate::WithoutKey => vec![ok_in(record, &json!({}))],
        Fate::Dropped => vec![result(record, "Dropped")],
        Fate::Failed => vec![result(record, "ProcessingFailed")],
        Fate::LeftOut => vec![],
        Fate::NamedTwice => vec![result(record, "Ok"), result(record, "Dropped")],
    }
}

async fn run(case: &Case) -> (Report, MemoryObjects) {
    let stream = Arc::new(MemoryStream::new("transactions", 2, Clock::starting_at(noon())));
    let (fates, steps) = (case.fates.clone(), case.steps.clone());
    let (function, _) = function(move |invocation, records| {
        let entries = || records.iter().flat_map(|record| entries(record, fates[number(record)])).collect();
        match steps[invocation % steps.len()] {
            Step::Answers => Reply::Records(entries()),
            Step::AnswersLate => Reply::OkAfter(Duration::from_secs(2)),
            Step::Fails => Reply::Error,
            Step::Panics => Reply::Panic,
            Step::Hangs => Reply::Hang,
            Step::Nonsense => Reply::Says("[]".to_owned()),
        }
    });
    let settings = Settings {
        prefix: "scored/!{partitionKeyFromLambda:key}/".to_owned(),
        transform_buffering: buffering(1024 * 1024, case.transform_interval),
        buffering: buffering(1024 * 1024, case.interval),
        raw_backup: Some(RawBackup {
            prefix: "raw/".to_owned(),
            buffering: buffering(1024 * 1024, 7),
            compression: Compression::Uncompressed,
        }),
        retries: case.retries,
        concurrency: case.concurrency,
        active_partitions: case.active_partitions,
        seed: case.seed,
        ..settings()
    };
    let objects = MemoryObjects::default();
    let delivery = DeliveryStream::of_stream(stream.clone(), function, objects.clone(), settings).unwrap();
    let producer = async {
        for n in 0..case.fates.len() {
            if case.split_after == Some(n) {
                stream.split("shardId-000000000000").unwrap();
            }
            stream.put(&format!("key-{n}"), format!("{n}\n")).unwrap();
            if n % case.pause_after == 0 {
                tokio::time::sleep(Duration::from_millis(1500)).await;
            }
        }
    };
    delivery.run(producer).await.unwrap();
    (delivery.run_until_drained().await.unwrap(), objects)
}

fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

fn numbers(text: &str) -> BTreeMap<usize, usize> {
    let mut numbers = BTreeMap::new();
    for line in text.lines() {
        *numbers.entry(line.parse().unwrap()).or_default() += 1;
    }
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_delivered_once_or_dropped_or_error_output_with_its_bytes_and_in_the_backup(case in case()) {
        let (report, objects) = paused(run(&case));

        let delivered = numbers(&text(&objects, "scored/"));
        let failed = numbers(&errors(&objects, "errors/").iter().map(raw).collect::<String>());
        let backup = numbers(&text(&objects, "raw/"));
        let mut dropped = 0;
        for (n, fate) in case.fates.iter().enumerate() {
            let times = (delivered.get(&n).copied().unwrap_or(0), failed.get(&n).copied().unwrap_or(0));
            dropped += u64::from(times == (0, 0));
            prop_assert!(
                matches!(times, (1, 0) | (0, 1)) || (times == (0, 0) && *fate == Fate::Dropped),
                "record {} of {:?} was delivered {} times and failed {} times", n, fate, times.0, times.1
            );
            prop_assert_eq!(backup.get(&n), Some(&1));
        }
        prop_assert_eq!(report.records_in, case.fates.len() as u64);
        prop_assert_eq!(report.ok, delivered.len() as u64);
        prop_assert_eq!(report.processing_failed, failed.len() as u64);
        prop_assert_eq!(report.dropped, dropped);
        prop_assert_eq!(report.processing_failed, report.failures.values().sum::<u64>());
        prop_assert_eq!(report.objects, objects.snapshot().len() as u64);
        prop_assert_eq!(report.bytes, objects.snapshot().values().map(|data| data.len() as u64).sum::<u64>());
        let by_prefix = report.prefixes.values().map(|written| written.records).sum::<u64>();
        prop_assert_eq!(by_prefix, report.ok + report.processing_failed + report.records_in);
    }

    #[test]
    fn the_same_seed_and_script_give_the_same_objects(case in case()) {
        let run = || {
            let (report, objects) = paused(run(&case));
            (report, objects.snapshot())
        };

        prop_assert_eq!(run(), run());
    }
}
