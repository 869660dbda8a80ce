//! Producing in the order of the input, for simulated arrivals: these never go back in a shard, so that a record that overtakes
//! others would make them late. And in steps, so that the readers of the stream stay as close together as they are when
//! a day takes a day: what one of them forgets after a day the other has seen by then.

use std::collections::HashSet;

use futures_util::{Stream, StreamExt, pin_mut, stream};
use stream_client::producer::{self, Record, SendResult, Settings, Target};

/// How many records are taken from the input at once, if they are there.
const READY: usize = 500;

/// Where a step ends.
pub(crate) trait Steps {
    /// Whether a record is the first of a step.
    fn begins(&mut self, record: &Record) -> bool;

    /// Waits until what was sent may be followed by the next step.
    ///
    /// # Errors
    /// If it cannot be.
    async fn ended(&mut self) -> anyhow::Result<()>;
}

/// Sends every record of `input`, and tells `outcome` what became of each, once. One call is under way at a time, and a call that
/// fails holds up those behind it.
///
/// # Errors
/// If a step cannot be followed by the next.
pub(crate) async fn send<T: Target>(
    target: &T,
    input: impl Stream<Item = Record>,
    steps: &mut impl Steps,
    mut outcome: impl FnMut(SendResult),
) -> anyhow::Result<()> {
    let settings = Settings { calls_at_once: 1, ..Settings::default() };
    let mut send = async |records: Vec<Record>| {
        for run in runs(records) {
            producer::send(target, &settings, stream::iter(run), &mut outcome).await;
        }
    };
    let ready = input.ready_chunks(READY);
    pin_mut!(ready);
    while let Some(records) = ready.next().await {
        let mut of_step = Vec::with_capacity(records.len());
        for record in records {
            if steps.begins(&record) {
                send(std::mem::take(&mut of_step)).await;
                steps.ended().await?;
            }
            of_step.push(record);
        }
        send(of_step).await;
    }
    Ok(())
}

/// The records in runs in which no key is twice: the producer sends such a run as it is, for of each key it sends one at a time.
fn runs(records: Vec<Record>) -> Vec<Vec<Record>> {
    let (mut runs, mut keys) = (vec![Vec::new()], HashSet::new());
    for record in records {
        let is_new = record.key.as_ref().is_none_or(|key| keys.insert(key.clone()));
        if !is_new {
            keys = record.key.iter().cloned().collect();
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut() {
            run.push(record);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use aws_calls::fault::CallFault;
    use stream_client::producer::{EntryError, Limits};

    use super::*;

    /// No step ends.
    struct OneStep;

    impl Steps for OneStep {
        fn begins(&mut self, _record: &Record) -> bool {
            false
        }

        async fn ended(&mut self) -> anyhow::Result<()> {
            Ok(())
        }
    }

    /// A step for every 40 records; remembers what the target had taken when each ended.
    struct Every40<'t> {
        target: &'t Busy,
        ended: Vec<usize>,
    }

    impl Steps for Every40<'_> {
        fn begins(&mut self, record: &Record) -> bool {
            record.tag > 0 && record.tag.is_multiple_of(40)
        }

        async fn ended(&mut self) -> anyhow::Result<()> {
            self.ended.push(self.target.taken.borrow().len());
            Ok(())
        }
    }

    /// Takes few records at a time, and refuses every third record once.
    #[derive(Default)]
    struct Busy {
        taken: RefCell<Vec<u64>>,
        refused: RefCell<HashSet<u64>>,
    }

    impl Target for Busy {
        fn limits(&self) -> Limits {
            Limits { records: 5, bytes: 1000, record_bytes: 1000 }
        }

        fn size(&self, record: &Record) -> usize {
            record.data.len()
        }

        async fn put(&self, batch: &[&Record]) -> Result<Vec<Result<(), EntryError>>, CallFault> {
            let put = |record: &&Record| {
                if record.tag.is_multiple_of(3) && self.refused.borrow_mut().insert(record.tag) {
                    return Err(EntryError { code: "busy".to_owned() });
                }
                self.taken.borrow_mut().push(record.tag);
                Ok(())
            };
            Ok(batch.iter().map(put).collect())
        }
    }

    fn record((tag, key): (u64, u64)) -> Record {
        Record { key: (key > 0).then(|| key.to_string()), data: "x".into(), tag }
    }

    #[tokio::test(start_paused = true)]
    async fn without_failures_records_are_put_in_the_inputs_order_whatever_their_keys() {
        let never = Busy { refused: RefCell::new((0..100).collect()), ..Busy::default() };
        let keys = (0..100).map(|tag| record((tag, tag * tag % 7)));
        let mut told = 0;
        send(&never, stream::iter(keys), &mut OneStep, |outcome| told += u64::from(outcome.result.is_ok()))
            .await
            .unwrap();
        assert_eq!(told, 100);
        assert_eq!(*never.taken.borrow(), (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_record_is_overtaken_by_those_of_its_run_alone_and_by_none_of_its_key() {
        let busy = Busy::default();
        let keys: Vec<u64> = (0..100).map(|tag| 1 + tag % 10).collect();
        send(&busy, stream::iter((0..).zip(keys.clone()).map(record)), &mut OneStep, |_| {}).await.unwrap();
        let taken = busy.taken.borrow();
        assert!(!taken.is_sorted());
        for (place, tag) in taken.iter().enumerate() {
            assert_eq!(place as u64 / 10, tag / 10);
        }
        for key in 1..=10 {
            let of_key = taken.iter().filter(|tag| keys[**tag as usize] == key);
            assert!(of_key.is_sorted(), "{key}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_step_is_waited_for_behind_its_last_record() {
        let target = Busy::default();
        let mut steps = Every40 { target: &target, ended: Vec::new() };
        let input = stream::iter((0..1_000).map(|tag| record((tag, 1 + tag % 30))));
        send(&target, input, &mut steps, |_| {}).await.unwrap();
        assert!(steps.ended.iter().copied().eq((1..25).map(|step| 40 * step)), "{:?}", steps.ended);
        assert_eq!(target.taken.borrow().len(), 1_000);
    }
}
