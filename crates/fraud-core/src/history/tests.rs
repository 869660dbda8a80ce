//! A customer's history under any order of records, copies, replays, lost writes and restarts, beside a plain fold.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::fold::Fold;
use super::*;

const SETTINGS: HistorySettings =
    HistorySettings { prior_mean_amount: 53.6, outlier_ratio: 2.2, ordinary_below: 200.0 };

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;

/// What happens next to a customer.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction arrives this long after the newest.
    Arrives { after: i64, event_time: i64, amount: i64, merchant: u8, currency: Option<u8> },
    /// One that came this many before comes again in a record of its own, `after` the newest.
    Copy { back: usize, after: i64 },
    /// One that came this many before is delivered again.
    Redelivered { back: usize },
    /// The round's row is written, and read back.
    Written,
    /// The round's row is lost, and its records are delivered again.
    Lost,
}

fn any_step() -> impl Strategy<Value = Step> {
    let after = prop_oneof![
        5 => 0..60_000_i64,
        2 => 0..30 * HOUR,
        1 => 0..12 * DAY,
        1 => -1_000..0_i64,
        1 => -30 * DAY..0,
    ];
    let event_time = prop_oneof![4 => Just(0), 2 => -HOUR..HOUR, 1 => -7 * DAY..HOUR];
    let amount = prop_oneof![6 => 1..5_000_000_i64, 1 => -1_000_000..=0_i64, 1 => Just(i64::MAX)];
    let arrives = (after.clone(), event_time, amount, 0..40_u8, prop::option::weighted(0.1, 0..3_u8))
        .prop_map(|(after, event_time, amount, merchant, currency)| Step::Arrives {
            after,
            event_time,
            amount,
            merchant,
            currency,
        });
    prop_oneof![
        12 => arrives,
        2 => (0..80_usize, after).prop_map(|(back, after)| Step::Copy { back, after }),
        2 => (0..200_usize).prop_map(|back| Step::Redelivered { back }),
        2 => Just(Step::Written),
        1 => Just(Step::Lost),
    ]
}

fn entry_key(number: usize) -> EntryKey {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&(number as u64).to_be_bytes());
    EntryKey(key)
}

#[derive(Default)]
struct World {
    stored: Vec<u8>,
    history: History,
    fold: Fold,
    delivered: Vec<Incoming>,
    transactions: usize,
    newest: i64,
    /// The records of this round, and what was taken in.
    round: Vec<Incoming>,
    taken: Vec<(Incoming, HistoryInputs)>,
    /// What was decided, by transaction, each time that it was taken in.
    decided: HashMap<EntryKey, Vec<HistoryInputs>>,
    places: HashSet<(i64, u64)>,
    edges: HashMap<&'static str, usize>,
}

impl World {
    fn count(&mut self, edge: &'static str) {
        *self.edges.entry(edge).or_default() += 1;
    }

    fn handle(&mut self, record: Incoming) -> Result<(), TestCaseError> {
        if self.round.len() == ROUND {
            self.write()?;
        }
        self.round.push(record.clone());
        let inputs = match self.history.ask(&record) {
            Answer::New(inputs) => inputs,
            Answer::Again(entry) => {
                let inputs = entry.inputs();
                let in_this_round = self.taken.iter().any(|(taken, _)| taken.key == record.key);
                let known = self.decided.get(&record.key).is_some_and(|known| known.contains(&inputs));
                prop_assert!(in_this_round || known, "asked again, {:?} is {:?}", record, inputs);
                self.history.seen_again(&record, false);
                self.count("again");
                return Ok(());
            }
            Answer::Unknown => {
                let entry = self.history.find(&record);
                let is_behind = self.history.gone().is_some_and(|gone| record.place <= gone);
                prop_assert!(is_behind || entry.is_some_and(|entry| record.place.arrival < entry.arrival));
                self.count("unknown");
                return Ok(());
            }
        };
        let mut fold = self.fold.clone();
        self.taken.iter().for_each(|(record, inputs)| fold.add(record, inputs, SETTINGS));
        prop_assert_eq!(inputs, fold.inputs(&record), "after {} transactions", fold.len());
        self.history.take_in(&record, inputs, SETTINGS, Known::default(), false);
        self.taken.push((record, inputs));
        self.count("new");
        Ok(())
    }

    fn write(&mut self) -> Result<(), TestCaseError> {
        let before = self.history.entries().len();
        self.history.end();
        if self.history.entries().len() < before {
            self.count("left");
        }
        for (record, inputs) in std::mem::take(&mut self.taken) {
            prop_assert!(
                matches!(self.history.ask(&record), Answer::Again(entry) if entry.inputs() == inputs),
                "what a write took in is remembered after it"
            );
            let place = (record.place.arrival, record.place.sub_sequence_number);
            prop_assert!(self.places.insert(place), "{:?} was taken in twice", record);
            self.fold.add(&record, &inputs, SETTINGS);
            self.decided.entry(record.key).or_default().push(inputs);
        }
        self.stored = self.history.encode();
        prop_assert!(self.stored.len() <= MAX_ROW_BYTES);
        let read = History::decode(&self.stored).unwrap();
        prop_assert_eq!(&read.encode(), &self.stored);
        self.history = read;
        self.round.clear();
        self.history.begin();
        Ok(())
    }

    fn lose(&mut self) -> Result<(), TestCaseError> {
        self.history = History::decode(&self.stored).unwrap_or_default();
        self.history.begin();
        self.taken.clear();
        for record in std::mem::take(&mut self.round) {
            self.handle(record)?;
        }
        self.count("lost");
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Arrives { after, event_time, amount, merchant, currency } => {
                let place = self.next_place(after);
                self.transactions += 1;
                let record = Incoming {
                    key: entry_key(self.transactions),
                    place,
                    event_time: (place.arrival + event_time).div_euclid(1000),
                    amount,
                    counts: amount > 0,
                    merchant: (merchant > 0).then_some([merchant; 5]),
                    currency: currency.map(|currency| [currency; 5]),
                };
                self.delivered.push(record.clone());
                self.handle(record)
            }
            Step::Copy { back, after } => {
                let Some(original) = self.back(back) else { return Ok(()) };
                let place = self.next_place(after);
                let copy = Incoming { place, ..original };
                self.delivered.push(copy.clone());
                self.count("copy");
                self.handle(copy)
            }
            Step::Redelivered { back } => {
                let Some(record) = self.back(back) else { return Ok(()) };
                self.handle(record)
            }
            Step::Written => self.write(),
            Step::Lost => self.lose(),
        }
    }

    fn back(&self, back: usize) -> Option<Incoming> {
        self.delivered.len().checked_sub(back + 1).and_then(|place| self.delivered.get(place)).cloned()
    }

    fn next_place(&mut self, after: i64) -> Place {
        let arrival = self.newest + after;
        self.newest = self.newest.max(arrival);
        let sequence_number = SequenceNumber::of(&self.delivered.len().to_string());
        Place { arrival, sequence_number, sub_sequence_number: self.delivered.len() as u64 }
    }
}

fn run(steps: &[Step]) -> Result<HashMap<&'static str, usize>, TestCaseError> {
    let mut world = World { newest: 20_000 * DAY, ..World::default() };
    for step in steps {
        world.step(step)?;
    }
    world.write()?;
    Ok(world.edges)
}

proptest! {
    #[test]
    fn each_transaction_is_taken_in_once_with_the_inputs_of_a_plain_fold(
        steps in prop::collection::vec(any_step(), 0..400)
    ) {
        run(&steps)?;
    }
}

/// A record of a transaction that arrives at a moment, in milliseconds, and is in that place.
fn record(number: usize, arrival: i64) -> Incoming {
    Incoming {
        key: entry_key(number),
        place: Place {
            arrival,
            sequence_number: SequenceNumber::of("1"),
            sub_sequence_number: number as u64,
        },
        event_time: arrival.div_euclid(1000),
        amount: 100_000,
        counts: true,
        merchant: Some([1; 5]),
        currency: None,
    }
}

/// A history that took in these records, in one write.
fn take_in(history: &mut History, records: &[Incoming]) {
    history.begin();
    for record in records {
        if let Answer::New(inputs) = history.ask(record) {
            history.take_in(record, inputs, SETTINGS, Known::default(), false);
        } else {
            history.seen_again(record, false);
        }
    }
    history.end();
}

const T0: i64 = 20_000 * DAY;

fn is_again(history: &History, record: &Incoming) -> bool {
    matches!(history.ask(record), Answer::Again(_))
}

#[test]
fn a_write_forgets_nothing_that_it_took_in() {
    let mut history = History::default();
    let records: Vec<_> = (0..ROUND).map(|number| record(number, T0 + number as i64 * DAY)).collect();
    take_in(&mut history, &records);
    assert!(records.iter().all(|record| is_again(&history, record)));
    take_in(&mut history, &[record(ROUND, T0 + 64 * DAY)]);
    assert_eq!(history.entries().len(), 2);
    assert!(records[..63].iter().all(|record| history.ask(record) == Answer::Unknown));
    assert!(is_again(&history, &records[63]), "a day is no 26 hours");
}

#[test]
fn a_copy_keeps_its_transaction_remembered_for_as_long_as_it_can_come_again() {
    let mut history = History::default();
    let original = record(0, T0);
    let copy = Incoming { place: Place { arrival: T0 + 20 * HOUR, ..original.place }, ..original.clone() };
    take_in(&mut history, &[original]);
    take_in(&mut history, std::slice::from_ref(&copy));
    assert!(history.is_changed(), "the copy is written down");
    take_in(&mut history, &[record(1, T0 + 40 * HOUR)]);
    assert!(is_again(&history, &copy));
    take_in(&mut history, &[record(2, T0 + 46 * HOUR)]);
    assert_eq!(history.ask(&copy), Answer::Unknown);
}

#[test]
fn a_copy_that_arrived_before_the_one_that_was_taken_in_is_unknown() {
    let mut history = History::default();
    let original = record(0, T0);
    let earlier = Incoming { place: Place { arrival: T0 - 1, ..original.place }, ..original.clone() };
    take_in(&mut history, &[original]);
    assert_eq!(history.ask(&earlier), Answer::Unknown);
}

#[test]
fn the_clock_is_the_arrival_and_not_the_event_time() {
    let mut history = History::default();
    let early = Incoming { event_time: (T0 + HOUR) / 1000, ..record(0, T0) };
    let late = Incoming { event_time: (T0 - 7 * DAY) / 1000, ..record(1, T0 + 1) };
    take_in(&mut history, &[early.clone(), late.clone()]);
    take_in(&mut history, &[record(2, T0 + 25 * HOUR)]);
    assert!(is_again(&history, &early) && is_again(&history, &late));
    assert_eq!(history.now().map(|now| now.arrival), Some(T0 + 25 * HOUR));
}

#[test]
fn a_refund_is_remembered_and_does_not_count() {
    let mut history = History::default();
    let refund = Incoming { amount: -100_000, counts: false, ..record(0, T0) };
    take_in(&mut history, std::slice::from_ref(&refund));
    assert!(is_again(&history, &refund));
    let Answer::New(inputs) = history.ask(&record(1, T0 + 1)) else { panic!("a new one") };
    assert_eq!((inputs.count_24h, inputs.mean_count, inputs.seconds_since_last), (0, 0, None));
    let refunds =
        |from| (from..).map(move |number| Incoming { amount: 0, counts: false, ..record(number, T0 + 2) });
    take_in(&mut history, &refunds(2).take(64).collect::<Vec<_>>());
    take_in(&mut history, &[record(100, T0 + 3)]);
    assert_eq!(history.ask(&refund), Answer::Unknown, "refunds leave by their own number");
    assert_eq!(history.entries().len(), 65);
}

#[test]
fn what_left_by_number_is_unknown_and_what_comes_later_is_new() {
    let mut history = History::default();
    let records: Vec<_> = (0..65).map(|number| record(number, T0 + number as i64)).collect();
    take_in(&mut history, &records[..64]);
    take_in(&mut history, &records[64..]);
    assert_eq!(history.ask(&records[0]), Answer::Unknown);
    assert!(is_again(&history, &records[1]));
    assert!(matches!(history.ask(&record(99, T0 + 1)), Answer::New(_)), "behind what is forgotten");
    assert_eq!(history.ask(&record(99, T0)), Answer::Unknown, "nothing is taken in that may have been");
}

#[test]
fn another_currency_counts_and_its_amount_does_not() {
    let mut history = History::default();
    let dollars = Incoming { currency: Some([1; 5]), ..record(0, T0) };
    let euros = Incoming { currency: Some([2; 5]), ..record(1, T0 + 1) };
    take_in(&mut history, &[dollars, euros]);
    let Answer::New(inputs) = history.ask(&record(2, T0 + 2)) else { panic!("a new one") };
    assert_eq!(
        (inputs.count_24h, inputs.amount_24h, inputs.mean_count, inputs.mean_sum),
        (2, 100_000, 1, 100_000)
    );
    assert!(!inputs.is_foreign, "without a currency all are one");
}

#[test]
fn sums_are_saturated() {
    let mut history = History::default();
    let records: Vec<_> = (0..3).map(|number| Incoming { amount: i64::MAX, ..record(number, T0) }).collect();
    take_in(&mut history, &records);
    let Answer::New(inputs) = history.ask(&record(9, T0 + 1)) else { panic!("a new one") };
    assert_eq!((inputs.amount_1h, inputs.mean_sum, inputs.amount_7d), (i64::MAX, i64::MAX, i64::MAX));
    assert!(inputs.amount_ratio(SETTINGS).is_some_and(f64::is_finite));
}

/// A row as large as one can be: full of entries that just came, each with a profile and entities of its own.
fn largest() -> History {
    use crate::profile::Attribute;
    let mut history = History::default();
    let mut number = 0;
    for round in 0..3 {
        history.begin();
        for _ in 0..ROUND {
            number += 1;
            let record = Incoming {
                place: Place {
                    arrival: T0 + number as i64,
                    sequence_number: SequenceNumber::of(&"9".repeat(129)),
                    sub_sequence_number: u64::MAX,
                },
                event_time: i64::MIN / 2,
                amount: if round == 1 { i64::MIN } else { i64::MAX },
                counts: round != 1,
                merchant: Some([number as u8; 5]),
                ..record(number, T0)
            };
            let most = HistoryInputs {
                amount: record.amount,
                amount_1h: i64::MIN,
                amount_24h: i64::MIN,
                count_7d: u64::MAX,
                amount_7d: i64::MIN,
                outliers_2d: u64::MAX,
                outliers_8d: u64::MAX,
                mean_count: u64::MAX,
                mean_sum: i64::MIN,
                seconds_since_last: Some(u64::MAX),
                days_known: Some(u64::MAX),
                ..HistoryInputs::default()
            };
            let digits = format!("0.{number:062}");
            let segment = format!("{number:03}{}", "\u{1}".repeat(253));
            let profile = Profile::new(
                Attribute::Text(&segment),
                Attribute::Number(&digits),
                Attribute::Number(&digits),
            );
            let entities =
                (0..MAX_ENTITY_INPUTS).map(|input| (InputKey([input as u8; 5]), EntityValue::Number(0.1)));
            let known = Known { profile: Some(profile), entities: entities.collect() };
            history.take_in(&record, most, SETTINGS, known, true);
        }
        history.end();
    }
    history
}

#[test]
fn a_row_at_its_largest_fits_into_an_item() {
    let history = largest();
    assert_eq!(history.entries().len(), 2 * REMEMBERED);
    let bytes = history.encode();
    assert!(bytes.len() <= MAX_ROW_BYTES, "{}", bytes.len());
    assert_eq!(History::decode(&bytes).unwrap().encode(), bytes);
}

#[test]
fn the_row_of_a_typical_customer_is_below_a_kilobyte() {
    // Five transactions a day for ten weeks, at 40 merchants.
    let mut history = History::default();
    for number in 0..350_usize {
        let merchant = short(number % 40);
        let arrival = T0 + number as i64 * DAY / 5;
        let sequence_number =
            SequenceNumber::of(&format!("4959033827149025660855969253836157109592{number:016}"));
        let place = Place { arrival, sequence_number, sub_sequence_number: 0 };
        let amount = 100_000 + 7_919 * (number as i64 % 100);
        take_in(
            &mut history,
            &[Incoming { place, amount, merchant: Some(merchant), ..record(number, arrival) }],
        );
    }
    let bytes = history.encode().len();
    assert!(bytes < 1_000, "{bytes}");
}

fn short(number: usize) -> [u8; 5] {
    incoming::short_hash(&number.to_string())
}

#[test]
fn a_row_of_a_later_format_and_a_damaged_one_are_told() {
    let bytes = largest().encode();
    let mut later = bytes.clone();
    later[0] += 1;
    assert_eq!(History::decode(&later), Err(DamagedRow::Format(later[0])));
    assert_eq!(History::decode(&[]), Err(DamagedRow::Content));
    for place in (1..bytes.len()).step_by(997) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        assert_eq!(History::decode(&damaged), Err(DamagedRow::Checksum), "{place}");
        assert_eq!(History::decode(&bytes[..place]), Err(DamagedRow::Checksum), "{place}");
    }
}

proptest! {
    #[test]
    fn bytes_with_a_right_checksum_are_a_history_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        bytes.insert(0, codec::FORMAT);
        let sum = codec::checksum(&bytes);
        bytes.extend(sum);
        if let Ok(history) = History::decode(&bytes) {
            prop_assert_eq!(History::decode(&history.encode()), Ok(history));
        }
    }
}

#[test]
fn every_edge_of_a_history_is_met() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let steps = prop::collection::vec(any_step(), 400);
    let mut edges: HashMap<&str, usize> = HashMap::new();
    for _ in 0..20 {
        for (edge, count) in run(&steps.new_tree(&mut runner).unwrap().current()).unwrap() {
            *edges.entry(edge).or_default() += count;
        }
    }
    for edge in ["new", "again", "unknown", "copy", "left", "lost"] {
        assert!(edges.contains_key(edge), "{edge}: {edges:?}");
    }
}
