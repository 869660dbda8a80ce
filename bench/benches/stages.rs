//! The stages of the transform's work on a batch of 1,000 records, each by itself and beside what a published library
//! does in its place. Each figure is for the whole batch; `items` counts records.

#![allow(clippy::expect_used, reason = "the workload is made here: that it is read is a matter for tests")]

use std::hint::black_box;

use benchmarks::workload::EventKind;
use divan::Bencher;
use divan::counter::ItemsCount;
use exact_text::base64::Payloads;
use exact_text::timestamp::Timestamp;
use firehose_transform::response::{MAX_RESPONSE_BYTES, ResponseWriter};
use fraud_core::decision::{Decider, Decision};
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::policy::Policy;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::record::RecordEncoder;
use fraud_core::transaction::{Transaction, TransactionReader};
use lambda_events::firehose::FirehoseEvent;
use lambda_events::kinesis::KinesisEvent;

const RECORDS: usize = 1_000;

fn main() {
    divan::main();
}

fn arrival() -> Timestamp {
    Timestamp::saturating_from_millis(1_768_435_200_000)
}

/// The transactions' text, one after the other.
fn payloads() -> Payloads {
    let text = EventKind::Firehose.event(RECORDS);
    let event = FirehoseEvent::parse(&text).expect("a Firehose event");
    Payloads::decode(event.records.iter().map(|record| record.data))
}

fn transactions(payloads: &Payloads) -> Vec<Transaction<'_>> {
    let mut reader = TransactionReader::new(&fraud_core::transaction::PLAIN);
    let mut read = |index| reader.read(payloads.get(index).expect("base64")).expect("a transaction");
    (0..RECORDS).map(&mut read).collect()
}

fn profile() -> Profile {
    Profile::new(Attribute::Text("gold"), Attribute::Number("12345.67"), Attribute::Number("0.42"))
}

fn decider() -> Decider {
    let policy = Policy::builtin_default().expect("the default policy");
    Decider::new(policy, EventTimeBounds::UNBOUNDED)
}

fn decide<'a>(transaction: &'a Transaction<'_>, profile: &'a Profile, decider: &Decider) -> Decision<'a> {
    decider.decide(transaction, Enrichment::Profile(profile), arrival(), None)
}

/// From the event's text to its records.
#[divan::bench_group]
mod event {
    use super::*;

    #[divan::bench]
    fn firehose(bencher: Bencher<'_, '_>) {
        let text = EventKind::Firehose.event(RECORDS);
        bencher
            .counter(ItemsCount::new(RECORDS))
            .bench_local(|| FirehoseEvent::parse(black_box(&text)).map(drop));
    }

    #[divan::bench]
    fn kinesis(bencher: Bencher<'_, '_>) {
        let text = EventKind::Kinesis.event(RECORDS);
        bencher
            .counter(ItemsCount::new(RECORDS))
            .bench_local(|| KinesisEvent::parse(black_box(&text)).map(drop));
    }

    #[divan::bench]
    fn firehose_serde_json(bencher: Bencher<'_, '_>) {
        let text = EventKind::Firehose.event(RECORDS);
        bencher
            .counter(ItemsCount::new(RECORDS))
            .bench_local(|| serde_json::from_str::<serde_json::Value>(black_box(&text)).map(drop));
    }
}

/// From base64 to payloads, in one piece of memory.
#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let text = EventKind::Firehose.event(RECORDS);
    let event = FirehoseEvent::parse(&text).expect("a Firehose event");
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| Payloads::decode(event.records.iter().map(|record| black_box(record.data))));
}

/// From payloads to transactions.
#[divan::bench_group]
mod read {
    use super::*;

    #[divan::bench]
    fn transaction_reader(bencher: Bencher<'_, '_>) {
        let payloads = payloads();
        bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| transactions(black_box(&payloads)).len());
    }

    #[divan::bench]
    fn serde_json(bencher: Bencher<'_, '_>) {
        let payloads = payloads();
        let read = |index| ::serde_json::from_slice::<::serde_json::Value>(payloads.get(index).ok()?).ok();
        bencher
            .counter(ItemsCount::new(RECORDS))
            .bench_local(|| (0..RECORDS).filter_map(|index| read(black_box(index))).count());
    }
}

/// From transactions to decisions.
#[divan::bench]
fn score(bencher: Bencher<'_, '_>) {
    let decider = decider();
    let payloads = payloads();
    let transactions = transactions(&payloads);
    let profile = profile();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let score = |transaction| decide(black_box(transaction), &profile, &decider).score.value;
        transactions.iter().map(score).sum::<f64>()
    });
}

/// From decisions to the lines of the lake.
#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let decider = decider();
    let encoder = RecordEncoder::new(decider.policies());
    let payloads = payloads();
    let transactions = transactions(&payloads);
    let profile = profile();
    let decided: Vec<_> = transactions
        .iter()
        .map(|transaction| (transaction, decide(transaction, &profile, &decider)))
        .collect();
    let mut line = Vec::new();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        for (transaction, decision) in &decided {
            line.clear();
            encoder.encode(transaction, decision, None, &mut line);
            black_box(&line);
        }
    });
}

/// From lines to the response's text.
#[divan::bench]
fn respond(bencher: Bencher<'_, '_>) {
    let text = EventKind::Firehose.event(RECORDS);
    let event = FirehoseEvent::parse(&text).expect("a Firehose event");
    let decider = decider();
    let encoder = RecordEncoder::new(decider.policies());
    let (payloads, profile) = (payloads(), profile());
    let line = |transaction: &Transaction<'_>| {
        let mut line = Vec::new();
        encoder.encode(transaction, &decide(transaction, &profile, &decider), None, &mut line);
        line
    };
    let lines: Vec<Vec<u8>> = transactions(&payloads).iter().map(line).collect();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let mut writer = ResponseWriter::new(&event.records, 0, MAX_RESPONSE_BYTES).expect("the echoes fit");
        for (record, line) in event.records.iter().zip(&lines) {
            assert!(writer.ok(record, line, arrival()));
        }
        writer.finish().len()
    });
}
