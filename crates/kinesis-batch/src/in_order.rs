//! Work on a batch's records: each key's in their order, different keys side by side.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;

use crate::batch::{Batch, UserRecord};
use crate::progress::Progress;

/// What work on a record came to. `F` is the type of a reason why a record can never succeed, `R` of one why it must be
/// retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<F, R> {
    /// The record is done.
    Done,
    /// It can never succeed: it is for the dead letters.
    Undeliverable(F),
    /// It must be retried, and with it all behind it in the batch.
    Retry(R),
}

/// What is left of a key's records when one of them must be retried.
type Lane<F, R> = (Vec<(usize, F)>, Option<(usize, R)>);

/// Works on the records of a batch that `progress` allows: those of one key one after the other, up to `keys_at_once`
/// keys side by side. A key that is the record's index has all records worked on side by side.
///
/// Once a record must be retried, nothing behind it is begun; what was begun is waited for. All before it is done, so that
/// the batch can be answered: `progress` says from where on.
///
/// Returns the records that can never succeed, in order.
pub async fn in_order_of<'b, K: Hash + Eq, F, R: Copy, Work: Future<Output = Outcome<F, R>>>(
    key: impl Fn(usize, &UserRecord<'b>) -> K,
    batch: &'b Batch<'_>,
    keys_at_once: usize,
    progress: &mut Progress<R>,
    work: impl Fn(UserRecord<'b>) -> Work,
) -> Vec<(usize, F)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut lanes: Vec<Vec<(usize, UserRecord<'b>)>> = Vec::new();
    for (index, record) in batch.records().filter(|(index, _)| progress.allows(*index)) {
        let place = *places.entry(key(index, &record)).or_insert(lanes.len());
        match lanes.get_mut(place) {
            Some(lane) => lane.push((index, record)),
            None => lanes.push(vec![(index, record)]),
        }
    }
    let stop = AtomicUsize::new(usize::MAX);
    let (stop, work) = (&stop, &work);
    let lanes = lanes.into_iter().map(|lane| async move {
        let mut undeliverable = Vec::new();
        for (index, record) in lane {
            if index >= stop.load(Ordering::Relaxed) {
                break;
            }
            match work(record).await {
                Outcome::Done => {}
                Outcome::Undeliverable(reason) => undeliverable.push((index, reason)),
                Outcome::Retry(reason) => {
                    stop.fetch_min(index, Ordering::Relaxed);
                    return (undeliverable, Some((index, reason)));
                }
            }
        }
        (undeliverable, None)
    });
    let ended: Vec<Lane<F, R>> =
        futures_util::stream::iter(lanes).buffer_unordered(keys_at_once.max(1)).collect().await;
    let mut undeliverable = Vec::new();
    for (of_lane, retry) in ended {
        undeliverable.extend(of_lane);
        if let Some((index, reason)) = retry {
            progress.stop_at(index, reason);
        }
    }
    undeliverable.sort_unstable_by_key(|(index, _)| *index);
    undeliverable
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::event;

    /// What becomes of a record by the last byte of its payload.
    fn outcome(payload: &[u8]) -> Outcome<u8, u8> {
        match payload {
            [_, b'x'] => Outcome::Undeliverable(b'x'),
            [_, b'r'] => Outcome::Retry(b'r'),
            _ => Outcome::Done,
        }
    }

    proptest! {
        #[test]
        fn each_keys_records_are_worked_on_in_order_and_nothing_behind_the_first_retry_is_begun(
            records in prop::collection::vec(("[abc]", "[dddddxr]"), 0..20),
            pauses in prop::collection::vec(0..4usize, 20),
            at_once in 0..5usize,
        ) {
            let payloads: Vec<String> = records.iter().map(|(key, fate)| format!("{key}{fate}")).collect();
            let event = event(&payloads.iter().map(|payload| payload.as_bytes()).collect::<Vec<_>>());
            let batch = Batch::read(&event).unwrap();
            let mut progress = Progress::default();
            // Each index when it was begun, and when it ended.
            let (begun, ended) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
            let place = |record: &UserRecord<'_>| record.position().sequence_number.parse::<usize>().unwrap() - 1000;
            let work = async |record: UserRecord<'_>| {
                let index = place(&record);
                let stopped = ended.lock().unwrap().iter().filter(|(_, is_retry)| *is_retry).map(|(at, _)| *at).min();
                begun.lock().unwrap().push((index, stopped));
                for _ in 0..pauses[index] {
                    tokio::task::yield_now().await;
                }
                let outcome = outcome(record.payload().unwrap());
                ended.lock().unwrap().push((index, matches!(outcome, Outcome::Retry(_))));
                outcome
            };
            let key = |_: usize, record: &UserRecord<'_>| record.payload().unwrap()[0];
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let undeliverable = runtime.block_on(in_order_of(key, &batch, at_once, &mut progress, work));

            let (begun, ended) = (begun.into_inner().unwrap(), ended.into_inner().unwrap());
            let first_retry = payloads.iter().position(|payload| payload.ends_with('r'));
            prop_assert_eq!(progress.items_to_retry(&batch), payloads.len() - first_retry.unwrap_or(payloads.len()));
            // Everything before the first retry was worked on, once; nothing was begun behind a retry that had ended.
            let mut indexes: Vec<_> = ended.iter().map(|(index, _)| *index).collect();
            for one in "abc".bytes() {
                let of_key = indexes.iter().filter(|index| payloads[**index].as_bytes()[0] == one);
                prop_assert!(of_key.is_sorted());
            }
            for (index, stopped) in begun {
                prop_assert!(stopped.is_none_or(|stop| index < stop));
            }
            indexes.sort_unstable();
            let due: Vec<_> = (0..first_retry.unwrap_or(payloads.len())).collect();
            prop_assert_eq!(&indexes[..due.len()], &due);
            prop_assert!(indexes.windows(2).all(|pair| pair[0] < pair[1]));
            let before = undeliverable.iter().filter(|(index, _)| progress.allows(*index)).map(|(index, _)| *index);
            let expected = due.into_iter().filter(|index| payloads[*index].ends_with('x'));
            prop_assert_eq!(before.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
