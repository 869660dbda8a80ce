//! Mutated events and aggregates through everything that reads them: whatever the bytes, nothing panics, every record of
//! a Firehose event is answered once, and an answer is what the service can read.
//!
//! The seeds are the recorded events in `events/` and those in `fixtures/cases/`. A run tries 2,000 mutations of each
//! reader; with `FUZZ_SECONDS` set (`make soak` does) it goes on for this many seconds, from a new random seed. The seed of
//! a mutation that fails is printed: `FUZZ_SEED=<seed>` tries that one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use firehose_transform::Transform;
use firehose_transform::response::MAX_RESPONSE_BYTES;
use fraud_aws::entities::Entities;
use fraud_aws::profiles::FileProfiles;
use fraud_batch::{Batch, transactions};
use fraud_core::alert::Alert;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::transaction::PLAIN;
use fraud_core::window::{Accumulator, WindowRule, WindowTime};
use kpl_aggregation::{Payload, split};
use lambda_events::firehose::FirehoseEvent;
use serde_json::Value;
use system_tests::workspace::root;

/// Mutations of a run without `FUZZ_SECONDS`.
const CASES: u64 = 2_000;

/// Pieces that break readers more often than chance does.
const TOKENS: [&str; 28] = [
    "null",
    "true",
    "-0",
    "1e999",
    "-1",
    "1e-400",
    "99999999999999999999",
    "\"\"",
    "[]",
    "{}",
    "\\u0000",
    "\\ud800",
    "\"",
    "\\",
    "\u{feff}",
    "\u{202e}",
    ",",
    ":",
    "[[[[[[[[",
    "\"recordId\":1,",
    "\"data\":\"=\",",
    "\"data\":null,",
    "\"amount\":0.30000000000000004,",
    "\"event_time\":\"2026-11-26T01:03[Z]\",",
    "\"event_time\":1e13,",
    "\"sequenceNumber\":\"\",",
    "\"subsequenceNumber\":\"7\",",
    "\"approximateArrivalTimestamp\":1545084650.98,",
];

fn seeds(prefix: &str, part: &str) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (folder, wanted) in [("events", prefix), ("tests/fixtures/cases", part)] {
        let mut paths: Vec<_> =
            std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // The large event is as good as any other with fewer records.
            if name.contains(wanted) && name.ends_with(".json") && !name.contains("500") {
                seeds.push(std::fs::read(path).unwrap());
            }
        }
    }
    assert!(seeds.len() > 3, "{} seeds", seeds.len());
    seeds
}

/// Changes bytes, leaves some out, doubles some, and puts in tokens and pieces of another seed.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..=bytes.len());
        let end = (at + rng.usize(0..20)).min(bytes.len());
        match rng.u8(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.u8(0..8),
            1 => drop(bytes.splice(at..end, [])),
            2 => {
                let doubled = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, doubled));
            }
            3 => drop(bytes.splice(at..end, rng.choice(TOKENS).unwrap().bytes())),
            4 => {
                let from = rng.usize(0..=other.len());
                let piece = &other[from..(from + rng.usize(0..60)).min(other.len())];
                drop(bytes.splice(at..end, piece.iter().copied()));
            }
            _ => bytes.truncate(bytes.len().saturating_sub(rng.usize(0..40))),
        }
    }
}

/// Mutates an event: its text, or the bytes of one of its records under `data`.
fn mutate_event(seed: &[u8], other: &[u8], records: &str, rng: &mut Rng) -> String {
    if rng.bool() {
        let mut event: Value = serde_json::from_slice(seed).unwrap();
        let list = event[records].as_array_mut().map_or(0, |list| list.len());
        if list > 0 {
            let record = &mut event[records][rng.usize(0..list)];
            let holder = if record.get("kinesis").is_some() { &mut record["kinesis"] } else { record };
            let data = holder["data"].as_str().unwrap_or_default().to_owned();
            let mut data = base64_simd::STANDARD.decode_to_vec(data).unwrap_or_default();
            mutate(&mut data, other, rng);
            holder["data"] = base64_simd::STANDARD.encode_to_string(data).into();
        }
        return event.to_string();
    }
    let mut bytes = seed.to_vec();
    mutate(&mut bytes, other, rng);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs `case` on mutation after mutation, each made from a seed of its own.
fn fuzz(case: impl Fn(&mut Rng) + std::panic::RefUnwindSafe) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let seconds = number("FUZZ_SECONDS");
    let one = number("FUZZ_SEED");
    let first = one.unwrap_or_else(|| if seconds.is_some() { fastrand::u64(..) } else { 20_261_126 });
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let mut tried = 0;
    loop {
        let seed = first.wrapping_add(tried);
        let passed = std::panic::catch_unwind(|| case(&mut Rng::with_seed(seed))).is_ok();
        assert!(passed, "FUZZ_SEED={seed} fails");
        tried += 1;
        let is_done = if seconds.is_some() { Instant::now() >= end } else { tried >= CASES };
        if is_done || one.is_some() {
            break;
        }
    }
    println!("{tried} mutations tried");
}

#[test]
fn whatever_a_firehose_event_is_each_record_is_answered_once_or_the_event_refused() {
    let seeds = seeds("firehose-", "firehose-event");
    let profiles = FileProfiles::load(&root().join("events/profiles.json")).unwrap();
    let transform = Transform::new(
        profiles,
        Entities::Unasked,
        Policy::builtin_default().unwrap(),
        EventTimeBounds::UNBOUNDED,
    );
    let transform = std::panic::AssertUnwindSafe(&transform);
    fuzz(|rng| {
        let event = mutate_event(rng.choice(&seeds).unwrap(), rng.choice(&seeds).unwrap(), "records", rng);
        let Ok(parsed) = FirehoseEvent::parse(&event) else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let transformed = runtime.block_on(transform.handle(&event, Duration::from_secs(60)));
        let Ok(transformed) = transformed else { return };
        assert!(transformed.response.len() <= MAX_RESPONSE_BYTES);
        // A lone surrogate is echoed as it came, and this reader of the answer takes none.
        let texts = parsed.records.iter().flat_map(|record| [Some(record.id), record.data]);
        if texts.flatten().any(|text| text.decode().is_none()) {
            return;
        }
        let response: Value = serde_json::from_str(&transformed.response).unwrap();
        let answers = response["records"].as_array().unwrap();
        assert_eq!(answers.len(), parsed.records.len());
        for (record, answer) in parsed.records.iter().zip(answers) {
            assert_eq!(record.id.decode().as_deref(), answer["recordId"].as_str());
            let data = answer["data"].as_str().unwrap();
            match answer["result"].as_str().unwrap() {
                "Ok" => {
                    let line = base64_simd::STANDARD.decode_to_vec(data).unwrap();
                    assert_eq!(line.iter().filter(|&&byte| byte == b'\n').count(), 1);
                    assert!(line.ends_with(b"}\n"));
                }
                "ProcessingFailed" => {}
                other => panic!("{other}"),
            }
        }
    });
}

#[test]
fn whatever_a_kinesis_event_is_its_records_are_transactions_or_refused_each_by_itself() {
    let seeds = seeds("kinesis-", "event");
    let policy = Policy::builtin_default().unwrap();
    let rule = WindowRule {
        seconds: NonZeroU32::new(300).unwrap(),
        time: WindowTime::Event,
        bounds: EventTimeBounds::UNBOUNDED,
    };
    let decider = Decider::new(policy, rule.bounds);
    fuzz(|rng| {
        let event = mutate_event(rng.choice(&seeds).unwrap(), rng.choice(&seeds).unwrap(), "Records", rng);
        let Ok(batch) = Batch::read(&event) else { return };
        let transactions = transactions(&batch, &PLAIN);
        assert_eq!(transactions.len(), batch.len());
        let mut accumulator = Accumulator::new(rule);
        for (index, received) in transactions.iter().enumerate() {
            let Ok(received) = received else { continue };
            let (transaction, arrival) = (&received.transaction, received.arrival);
            let position = received.position;
            accumulator.add(index, transaction, transaction.identity_at(position), arrival);
            let decision = decider.decide(transaction, Enrichment::NoProfile, arrival, Some(position));
            let alert = Alert::new(transaction, &decision, &decider, position);
            assert!(alert.message.len() <= 262_144 || event.len() > 262_144);
            assert_eq!(Alert::from_message(alert.message.clone(), None, alert.fingerprint), Ok(alert));
        }
        for share in accumulator.into_shares() {
            assert!(!share.transactions.is_empty());
        }
    });
}

#[test]
fn whatever_an_aggregate_is_its_bytes_are_user_records_or_one_plain_record() {
    let event =
        std::fs::read(root().join("tests/fixtures/cases/kpl-public-blobs-alerts-event.json")).unwrap();
    let event: Value = serde_json::from_slice(&event).unwrap();
    let data = |record: &Value| {
        base64_simd::STANDARD.decode_to_vec(record["kinesis"]["data"].as_str().unwrap()).unwrap()
    };
    let seeds: Vec<Vec<u8>> = event["Records"].as_array().unwrap().iter().map(data).collect();
    fuzz(|rng| {
        let mut bytes = rng.choice(&seeds).unwrap().clone();
        let message = 4..bytes.len() - 16;
        let mut inner = bytes[message].to_vec();
        mutate(&mut inner, rng.choice(&seeds).unwrap(), rng);
        bytes.truncate(4);
        bytes.extend_from_slice(&inner);
        // Mostly with a trailer that matches, so that the reader goes on to the message.
        if rng.u8(0..8) > 0 {
            bytes.extend_from_slice(&md5(&inner));
        }
        let whole = Bytes::from(bytes);
        match split(whole.clone()) {
            Payload::Plain(data) => assert_eq!(data, whole),
            Payload::Aggregate(users) => {
                let numbers: Vec<u64> = users.iter().map(|user| user.sub_sequence_number).collect();
                assert_eq!(numbers, (0..users.len() as u64).collect::<Vec<_>>());
                assert!(users.iter().map(|user| user.data.len()).sum::<usize>() <= whole.len());
            }
        }
    });
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    use md5::{Digest, Md5};
    Md5::digest(bytes).into()
}
