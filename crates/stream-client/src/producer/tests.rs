use std::collections::HashMap;
use std::sync::Mutex;

use aws_calls::fault::FaultKind;
use proptest::prelude::*;

use super::*;

/// A target that fails entries and calls by a script, and keeps what arrived.
struct Scripted {
    random: Mutex<fastrand::Rng>,
    entry_failure: f64,
    call_failure: f64,
    limits: Limits,
    log: Mutex<TargetLog>,
}

#[derive(Default)]
struct TargetLog {
    arrived: Vec<Record>,
    /// For each tag how often it was sent, and how often it failed before.
    sent: HashMap<u64, u32>,
    failed: HashMap<u64, u32>,
    calls_under_way: usize,
    most_calls_under_way: usize,
    calls: usize,
}

impl Scripted {
    fn new(seed: u64, entry_failure: f64, call_failure: f64) -> Self {
        let limits = Limits { records: 7, bytes: 40, record_bytes: 20 };
        let random = Mutex::new(fastrand::Rng::with_seed(seed));
        Scripted { random, entry_failure, call_failure, limits, log: Mutex::default() }
    }

    fn chance(&self, probability: f64) -> bool {
        self.random.lock().unwrap().f64() < probability
    }
}

impl Target for Scripted {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn size(&self, record: &Record) -> usize {
        record.data.len()
    }

    async fn put(&self, batch: &[&Record]) -> Result<Vec<Result<(), EntryError>>, CallFault> {
        assert!((1..=self.limits.records).contains(&batch.len()));
        assert!(batch.iter().map(|record| self.size(record)).sum::<usize>() <= self.limits.bytes);
        {
            let log = &mut *self.log.lock().unwrap();
            log.calls += 1;
            log.calls_under_way += 1;
            log.most_calls_under_way = log.most_calls_under_way.max(log.calls_under_way);
            for record in batch {
                *log.sent.entry(record.tag).or_default() += 1;
            }
        }
        let latency = self.random.lock().unwrap().u64(1..30);
        tokio::time::sleep(Duration::from_millis(latency)).await;
        let fails = self.chance(self.call_failure);
        let results = batch.iter().map(|_| !fails && !self.chance(self.entry_failure)).collect::<Vec<_>>();
        let log = &mut *self.log.lock().unwrap();
        log.calls_under_way -= 1;
        for (record, arrives) in batch.iter().zip(&results) {
            match arrives {
                true => log.arrived.push((*record).clone()),
                false => *log.failed.entry(record.tag).or_default() += 1,
            }
        }
        if fails {
            return Err(CallFault::new(FaultKind::Failed, "Busy"));
        }
        let refused = || EntryError { code: "ProvisionedThroughputExceededException".to_owned() };
        Ok(results.into_iter().map(|arrives| if arrives { Ok(()) } else { Err(refused()) }).collect())
    }
}

fn record(tag: u64, key: Option<&str>, size: usize) -> Record {
    Record { key: key.map(str::to_owned), data: vec![b'x'; size].into(), tag }
}

/// Sends records with tokio's clock running ahead whenever all wait.
fn sent<T: Target>(target: &T, settings: &Settings, records: Vec<Record>) -> Vec<SendResult> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut outcomes = Vec::new();
        send(target, settings, futures_util::stream::iter(records), |outcome| outcomes.push(outcome)).await;
        outcomes
    })
}

fn settings(attempts: u32) -> Settings {
    Settings { attempts, buffer_records: 12, calls_at_once: 3, ..Settings::default() }
}

#[test]
fn a_record_that_keeps_failing_comes_back_with_its_error_and_the_next_of_its_key_goes_on() {
    /// Refuses one tag.
    struct Refusing(Mutex<Vec<u64>>);
    impl Target for Refusing {
        fn limits(&self) -> Limits {
            Limits { records: 500, bytes: 1000, record_bytes: 100 }
        }
        fn size(&self, record: &Record) -> usize {
            record.data.len()
        }
        async fn put(&self, batch: &[&Record]) -> Result<Vec<Result<(), EntryError>>, CallFault> {
            let refusal = || Err(EntryError { code: "InternalFailure".to_owned() });
            self.0.lock().unwrap().extend(batch.iter().map(|record| record.tag));
            Ok(batch.iter().map(|record| if record.tag == 1 { refusal() } else { Ok(()) }).collect())
        }
    }
    let target = Refusing(Mutex::default());
    let records = vec![record(1, Some("a"), 1), record(2, Some("a"), 1), record(3, Some("b"), 1)];
    let mut outcomes = sent(&target, &settings(4), records);
    outcomes.sort_by_key(|outcome| outcome.record.tag);
    let failure = Failure::Exhausted { attempts: 4, code: "InternalFailure".to_owned() };
    assert_eq!(outcomes[0].result, Err(failure));
    assert_eq!([&outcomes[1].result, &outcomes[2].result], [&Ok(()), &Ok(())]);
    // The second of the key waited until the first was given up.
    assert_eq!(*target.0.lock().unwrap(), [1, 3, 1, 1, 1, 2]);
}

#[test]
fn a_refusal_that_lasts_is_not_repeated() {
    /// No such stream.
    struct Gone(Mutex<usize>);
    impl Target for Gone {
        fn limits(&self) -> Limits {
            Limits { records: 2, bytes: 1000, record_bytes: 100 }
        }
        fn size(&self, record: &Record) -> usize {
            record.data.len()
        }
        async fn put(&self, _batch: &[&Record]) -> Result<Vec<Result<(), EntryError>>, CallFault> {
            *self.0.lock().unwrap() += 1;
            let fault = CallFault::new(FaultKind::Refused, "ResourceNotFoundException");
            Err(CallFault { message: "gone".to_owned(), ..fault })
        }
    }
    let target = Gone(Mutex::default());
    let outcomes = sent(&target, &settings(5), (0..4).map(|tag| record(tag, None, 1)).collect());
    assert_eq!(outcomes.len(), 4);
    assert!(outcomes.iter().all(|outcome| matches!(outcome.result, Err(Failure::Refused(_)))));
    assert_eq!(*target.0.lock().unwrap(), 2);
}

#[test]
fn a_record_beyond_the_services_limit_is_refused_without_a_call() {
    let target = Scripted::new(0, 0.0, 0.0);
    let outcomes = sent(&target, &settings(3), vec![record(1, None, 21), record(2, None, 20)]);
    assert_eq!(outcomes.len(), 2);
    assert_eq!(outcomes[0].result, Err(Failure::TooLarge { size: 21, limit: 20 }));
    assert_eq!(target.log.lock().unwrap().sent.keys().copied().collect::<Vec<_>>(), [2]);
}

proptest! {
    #[test]
    fn every_record_is_told_once_only_the_failed_go_again_and_each_key_keeps_its_order(
        seed in any::<u64>(),
        keys in prop::collection::vec((0u8..6, 0usize..=20), 0..80),
        entry_failure in 0.0f64..0.6,
        call_failure in 0.0f64..0.3,
        attempts in 1u32..8,
    ) {
        let target = Scripted::new(seed, entry_failure, call_failure);
        // Key 0 stands for none.
        let key = |n: u8| (n > 0).then(|| format!("key-{n}"));
        let records: Vec<Record> =
            (0..).zip(&keys).map(|(tag, (n, size))| record(tag, key(*n).as_deref(), *size)).collect();
        let outcomes = sent(&target, &settings(attempts), records.clone());
        let log = target.log.lock().unwrap();

        let mut told: Vec<u64> = outcomes.iter().map(|outcome| outcome.record.tag).collect();
        told.sort_unstable();
        prop_assert_eq!(told, (0..records.len() as u64).collect::<Vec<_>>());
        for outcome in &outcomes {
            let tag = outcome.record.tag;
            let failed = log.failed.get(&tag).copied().unwrap_or_default();
            let arrived = log.arrived.iter().filter(|record| record.tag == tag).count();
            prop_assert_eq!(log.sent[&tag], outcome.attempts);
            match &outcome.result {
                Ok(()) => prop_assert_eq!((arrived, failed), (1, outcome.attempts - 1)),
                Err(_) => prop_assert_eq!((arrived, failed), (0, attempts)),
            }
        }
        for n in 1..6 {
            let tags: Vec<u64> =
                log.arrived.iter().filter(|record| record.key == key(n)).map(|record| record.tag).collect();
            prop_assert!(tags.is_sorted(), "key {} arrived as {:?}", n, tags);
        }
        prop_assert!(log.most_calls_under_way <= 3);
    }
}

#[test]
fn an_entry_counts_as_taken_only_if_the_answer_says_so() {
    let (code, number) = (|| Some("Throttled".to_owned()), || Some("1".to_owned()));
    let answered = [(None, number()), (code(), None), (code(), number()), (None, None)];
    let results = entry_results(4, answered.clone().into_iter()).unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, false]);
    for sent in [0, 3, 5] {
        let fault = entry_results(sent, answered.clone().into_iter()).unwrap_err();
        assert!(fault.may_be_done() && fault.is_transient(), "{fault:?}");
    }
}
