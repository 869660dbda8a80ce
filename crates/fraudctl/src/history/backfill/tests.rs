//! Histories that are built from lines, and go on with the stream that the lines were made of.

use std::collections::HashMap;
use std::io::Cursor;

use exact_text::timestamp::Timestamp;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::history::fold::Fold;
use fraud_core::history::{Answer, EntryKey, History, HistoryInputs, Incoming, Known};
use fraud_core::identity::Position;
use fraud_core::policy::Policy;
use fraud_core::record::RecordEncoder;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Reading, TransactionReader};
use proptest::prelude::*;

use super::lines::LineReader;
use super::past::{Built, Past};
use super::summary::BackfillSummary;
use crate::input::Input;
use crate::interrupt::Interrupt;

const POLICY: &str = "name = \"p\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[history]\nprior_mean_amount = 50\n\
                      outlier_ratio = 2\n\n[[factors]]\nname = \"burst\"\nwhen = [{ input = \"history.count_1h\", above = 5 }]\n\
                      points = 60\n";
/// 2026-01-15T03:00:00Z
const FIRST: i64 = 1_768_446_000_000;
const HOUR: i64 = 3_600_000;

/// A record of a stream.
#[derive(Debug, Clone)]
struct Sent {
    customer: String,
    payload: String,
    arrival: Timestamp,
    sequence_number: String,
}

#[derive(Debug, Clone)]
struct Plan {
    customer: u8,
    /// Milliseconds after the record before.
    after: i64,
    event_time: Option<i64>,
    amount: i64,
    merchant: u8,
    currency: Option<u8>,
    has_id: bool,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let after = prop_oneof![6 => 0..60_000_i64, 2 => 0..3 * HOUR, 1 => 0..30 * 24 * HOUR];
    let event_time = prop_oneof![2 => Just(None), 3 => (-8 * 24 * HOUR..2 * HOUR).prop_map(Some)];
    let amount = prop_oneof![6 => 1..5_000_000_i64, 1 => -1_000_000..=0_i64];
    let currency = prop::option::weighted(0.3, 0..2_u8);
    (0..3_u8, after, event_time, amount, 0..6_u8, currency, prop::bool::weighted(0.9)).prop_map(
        |(customer, after, event_time, amount, merchant, currency, has_id)| Plan {
            customer,
            after,
            event_time,
            amount,
            merchant,
            currency,
            has_id,
        },
    )
}

fn stream_of(plans: &[Plan]) -> Vec<Sent> {
    let mut arrival = FIRST;
    let sent = |(number, plan): (usize, &Plan)| {
        arrival += plan.after;
        let Plan { customer, amount, merchant, .. } = plan;
        let mut payload = format!(
            r#"{{"customer_id":"C{customer}","amount":{}{}.{:04},"merchant_id":"M{merchant}""#,
            if *amount < 0 { "-" } else { "" },
            amount.abs() / 10_000,
            amount.abs() % 10_000,
        );
        if plan.has_id {
            payload.push_str(&format!(r#","transaction_id":"T{number}""#));
        }
        if let Some(currency) = plan.currency {
            payload.push_str(&format!(r#","currency":"{currency}""#));
        }
        if let Some(offset) = plan.event_time {
            let at = Timestamp::from_millis(arrival + offset).unwrap();
            payload.push_str(&format!(r#","event_time":"{at}""#));
        }
        payload.push('}');
        Sent {
            customer: format!("C{customer}"),
            payload,
            arrival: Timestamp::from_millis(arrival).unwrap(),
            sequence_number: (1_000 + number).to_string(),
        }
    };
    plans.iter().enumerate().map(sent).collect()
}

/// Reads records as the functions do, under one policy.
struct Live {
    policy: Policy,
    reading: Reading,
}

impl Live {
    fn new() -> Self {
        let policy = Policy::parse(POLICY).unwrap();
        let reading = Reading::new(&Schema::builtin_default(), policy.asked());
        Live { policy, reading }
    }

    fn incoming(&self, sent: &Sent) -> Incoming {
        let transaction = TransactionReader::new(&self.reading).read(sent.payload.as_bytes()).unwrap();
        Incoming::of(&transaction, sent.arrival, position(sent))
    }

    /// The lake's line of a record.
    fn line(&self, sent: &Sent) -> Vec<u8> {
        let transaction = TransactionReader::new(&self.reading).read(sent.payload.as_bytes()).unwrap();
        let decider = Decider::new(self.policy.clone(), EventTimeBounds::UNBOUNDED);
        let at = Some(position(sent));
        let decision = decider.decide(&transaction, Enrichment::NoProfile, sent.arrival, at);
        let mut line = Vec::new();
        RecordEncoder::new(decider.policies()).encode(&transaction, &decision, at, &mut line);
        line
    }
}

fn position(sent: &Sent) -> Position<'_> {
    Position {
        stream: "transactions",
        shard: "shardId-0",
        sequence_number: &sent.sequence_number,
        sub_sequence_number: 0,
    }
}

/// The histories of lines, read in as many passes as this much memory takes.
fn backfilled(
    lines: &[u8],
    until: Timestamp,
    memory: usize,
) -> (HashMap<String, History>, Built, BackfillSummary) {
    let live = Live::new();
    let settings = live.policy.history().unwrap();
    let reader = LineReader::new(&[], &live.policy, until, memory);
    let (mut summary, mut histories, mut all) =
        (BackfillSummary::default(), HashMap::new(), Built::default());
    let mut from = Some(0);
    while let Some(next) = from {
        let input = Input::of_reader(Cursor::new(lines.to_vec()), "lake").unwrap();
        let past: Past = reader.read(input, next, &Interrupt::never(), &mut summary).unwrap();
        from = past.next();
        for (customer, past) in past.into_customers() {
            let (history, built) = past.into_history(settings, until);
            all.taken_in += built.taken_in;
            all.copies += built.copies;
            all.forgotten += built.forgotten;
            let stored = History::decode(&history.encode()).unwrap();
            assert!(histories.insert(customer, stored).is_none(), "a customer is built once");
        }
    }
    (histories, all, summary)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What the files have is in the rows, what is later is taken in from the stream, and no record is taken in twice,
    /// wherever the stream is read from.
    #[test]
    fn a_backfill_and_the_stream_behind_it_give_the_inputs_of_a_plain_fold(
        plans in prop::collection::vec(any_plan(), 1..240),
        (at, at_arrival, overlap) in (any::<prop::sample::Index>(), any::<bool>(), any::<prop::sample::Index>()),
        order in any::<u64>(),
        copied in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        round in 1..=64_usize,
    ) {
        let (live, sent) = (Live::new(), stream_of(&plans));
        let settings = live.policy.history().unwrap();
        // At a record's arrival, or behind it.
        let until = at.get(&sent).arrival.millis() + i64::from(!at_arrival);
        let until = Timestamp::from_millis(until).unwrap();

        let mut lines: Vec<Vec<u8>> = sent.iter().map(|sent| live.line(sent)).collect();
        lines.extend(copied.iter().map(|index| live.line(index.get(&sent))));
        fastrand::Rng::with_seed(order).shuffle(&mut lines);
        let (mut histories, built, summary) = backfilled(&lines.concat(), until, usize::MAX);
        let past = sent.iter().filter(|sent| sent.arrival < until).count();
        prop_assert_eq!(built.taken_in, past as u64);
        prop_assert_eq!(built.forgotten, 0);
        prop_assert_eq!(built.taken_in + built.copies + summary.later, lines.len() as u64);
        prop_assert_eq!(summary.lines, lines.len() as u64);

        let mut folds: HashMap<&str, Fold> = HashMap::new();
        let mut expected: HashMap<EntryKey, HistoryInputs> = HashMap::new();
        for sent in &sent {
            let (record, fold) = (live.incoming(sent), folds.entry(&sent.customer).or_default());
            let inputs = fold.inputs(&record);
            fold.add(&record, &inputs, settings);
            expected.insert(record.key, inputs);
        }
        for history in histories.values() {
            for entry in history.entries() {
                prop_assert_eq!(Some(&entry.inputs()), expected.get(&entry.key()));
            }
        }

        // The mapping is enabled from --until or earlier.
        let start = overlap.index(past + 1);
        let mut rounds = 0;
        for batch in sent[start..].chunks(round) {
            histories.values_mut().for_each(History::begin);
            for sent in batch {
                let history = histories.entry(sent.customer.clone()).or_default();
                let record = live.incoming(sent);
                match history.ask(&record) {
                    Answer::New(inputs) => {
                        prop_assert!(sent.arrival >= until, "{:?} is in the files", sent);
                        prop_assert_eq!(Some(&inputs), expected.get(&record.key));
                        history.take_in(&record, inputs, settings, Known::default(), false);
                        rounds += 1;
                    }
                    Answer::Again(entry) => {
                        prop_assert!(sent.arrival < until, "{:?} is new", sent);
                        prop_assert_eq!(Some(&entry.inputs()), expected.get(&record.key));
                        history.seen_again(&record, false);
                    }
                    Answer::Unknown => prop_assert!(sent.arrival < until, "{:?} is new", sent),
                }
            }
            histories.values_mut().for_each(History::end);
        }
        prop_assert_eq!(rounds, sent.len() - past);
        // The stream is read once more.
        for sent in &sent[start..] {
            let is_new = matches!(histories[&sent.customer].ask(&live.incoming(sent)), Answer::New(_));
            prop_assert!(!is_new, "{:?} would be taken in twice", sent);
        }
    }
}

#[test]
fn more_records_than_memory_holds_are_read_in_passes_and_give_the_same_rows() {
    let plan = |number: usize| Plan {
        customer: u8::try_from(number % 100).unwrap(),
        after: 1,
        event_time: None,
        amount: 10_000,
        merchant: 1,
        currency: None,
        has_id: true,
    };
    let plans: Vec<Plan> = (0..2_000).map(plan).collect();
    let (live, sent) = (Live::new(), stream_of(&plans));
    let lines: Vec<u8> = sent.iter().flat_map(|sent| live.line(sent)).collect();
    let until = Timestamp::from_millis(FIRST + HOUR).unwrap();
    let (whole, built, once) = backfilled(&lines, until, usize::MAX);
    let (parts, built_in_parts, several) = backfilled(&lines, until, 100_000);
    assert_eq!((built.taken_in, once.passes), (2_000, 1));
    assert!(several.passes > 2, "{} passes", several.passes);
    assert_eq!((built_in_parts, &parts), (built, &whole));
    assert_eq!((several.lines, several.refused), (2_000, 0));
}

#[test]
fn a_customer_that_does_not_fit_into_memory_is_told() {
    let plan = Plan {
        customer: 1,
        after: 1,
        event_time: None,
        amount: 1,
        merchant: 1,
        currency: None,
        has_id: true,
    };
    let (live, sent) = (Live::new(), stream_of(&vec![plan; 100]));
    let lines: Vec<u8> = sent.iter().flat_map(|sent| live.line(sent)).collect();
    let until = Timestamp::from_millis(FIRST + HOUR).unwrap();
    let reader = LineReader::new(&[], &live.policy, until, 5_000);
    let input = Input::of_reader(Cursor::new(lines), "lake").unwrap();
    let mut summary = BackfillSummary::default();
    let failure = reader.read(input, 0, &Interrupt::never(), &mut summary).unwrap_err();
    assert!(failure.to_string().contains("--memory-mib"), "{failure}");
}
