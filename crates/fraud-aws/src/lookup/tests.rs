//! The memory in front of a store.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_calls::fault::CallFault;
use fraud_core::profile::{Attribute, Profile};
use tokio::sync::Notify;
use tokio::time::advance;

use super::*;
use crate::config::CacheSettings;
use crate::testing::soon;

/// A store whose customers are those that begin with `C`, and which a test can stop and make fail.
#[derive(Default)]
struct Customers {
    asked: Mutex<Vec<String>>,
    fails: AtomicBool,
    /// Where set, lookups wait until they are let through.
    gate: Option<Notify>,
}

impl Store for &Customers {
    type Known = Profile;

    async fn lookup(&self, customers: &[&str], _deadline: Instant) -> Answer<Profile> {
        self.asked.lock().unwrap().extend(customers.iter().map(|&id| id.to_owned()));
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let none = Attribute::Missing;
        let lookup = |id: &&str| match id.starts_with('C') {
            _ if self.fails.load(Ordering::Relaxed) => Lookup::Unavailable,
            true => Lookup::Found(Arc::new(Profile::new(none, none, none))),
            false => Lookup::Absent,
        };
        let fault = self.fails.load(Ordering::Relaxed).then_some(CallFault::deadline());
        let found = customers.iter().map(lookup).collect();
        Answer { found, cache_hits: 0, looked_up: customers.len(), fault }
    }
}

impl Customers {
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn memory(store: &Customers, entries: usize) -> Cached<&Customers> {
    bounded(store, entries, usize::MAX)
}

fn bounded(store: &Customers, max_entries: usize, max_bytes: usize) -> Cached<&Customers> {
    Cached::new(store, CacheSettings { max_age: Duration::from_secs(60), max_entries, max_bytes })
}

#[tokio::test(start_paused = true)]
async fn presence_and_absence_are_remembered_until_they_are_too_old() {
    let store = Customers::default();
    let memory = memory(&store, 100);
    let answer = memory.lookup(&["C1", "x"], soon()).await;
    assert!(matches!(answer.found[..], [Lookup::Found(_), Lookup::Absent]));
    assert_eq!((answer.cache_hits, answer.looked_up), (0, 2));
    assert_eq!(store.taken(), ["C1", "x"]);
    advance(Duration::from_millis(59_999)).await;
    let answer = memory.lookup(&["x", "C2", "C1"], soon()).await;
    assert!(matches!(answer.found[..], [Lookup::Absent, Lookup::Found(_), Lookup::Found(_)]));
    assert_eq!((answer.cache_hits, answer.looked_up), (2, 1));
    assert_eq!(store.taken(), ["C2"]);
    advance(Duration::from_millis(1)).await;
    memory.lookup(&["C1", "x", "C2"], soon()).await;
    assert_eq!(store.taken(), ["C1", "x"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_entries_are_held_than_allowed_and_the_oldest_go_first() {
    let store = Customers::default();
    let memory = memory(&store, 3);
    for id in ["C1", "C2", "C3", "C4", "C5"] {
        memory.lookup(&[id], soon()).await;
        advance(Duration::from_secs(1)).await;
    }
    store.taken();
    let answer = memory.lookup(&["C3", "C4", "C5"], soon()).await;
    assert_eq!((answer.cache_hits, store.taken().len()), (3, 0));
    memory.lookup(&["C2"], soon()).await;
    assert_eq!(store.taken(), ["C2"]);
    let none = super::tests::memory(&store, 0);
    none.lookup(&["C1"], soon()).await;
    none.lookup(&["C1"], soon()).await;
    assert_eq!(store.taken(), ["C1", "C1"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_memory_is_taken_than_allowed_and_the_oldest_go_first() {
    let store = Customers::default();
    let kilobyte = "x".repeat(1_000);
    let customer = |number: usize| format!("C{number}{kilobyte}");
    let memory = bounded(&store, 100, 3 * 1_500);
    for number in 1..=5 {
        memory.lookup(&[&*customer(number)], soon()).await;
        advance(Duration::from_secs(1)).await;
    }
    store.taken();
    for number in [3, 4, 5] {
        memory.lookup(&[&*customer(number)], soon()).await;
    }
    assert_eq!(store.taken().len(), 0);
    // An entry that is renewed takes its room once.
    for _ in 0..10 {
        advance(Duration::from_secs(60)).await;
        memory.lookup(&[&*customer(1), &*customer(2), &*customer(3)], soon()).await;
    }
    store.taken();
    memory.lookup(&[&*customer(1), &*customer(2), &*customer(3)], soon()).await;
    assert_eq!(store.taken().len(), 0);
    let none = bounded(&store, 100, 0);
    none.lookup(&["C1"], soon()).await;
    none.lookup(&["C1"], soon()).await;
    assert_eq!(store.taken(), ["C1", "C1"]);
}

#[tokio::test(start_paused = true)]
async fn that_the_store_did_not_say_is_never_remembered() {
    let store = Customers::default();
    let memory = memory(&store, 100);
    store.fails.store(true, Ordering::Relaxed);
    let answer = memory.lookup(&["C1"], soon()).await;
    assert!(matches!(answer.found[..], [Lookup::Unavailable]));
    assert_eq!(answer.fault, Some(CallFault::deadline()));
    store.fails.store(false, Ordering::Relaxed);
    let answer = memory.lookup(&["C1"], soon()).await;
    assert!(matches!(answer.found[..], [Lookup::Found(_)]));
    assert_eq!((answer.fault, store.taken().len()), (None, 2));
}

#[tokio::test(start_paused = true)]
async fn one_customer_is_never_looked_up_twice_at_a_time() {
    let store = Customers { gate: Some(Notify::new()), ..Customers::default() };
    let memory = memory(&store, 100);
    let release = async {
        // Both lookups have begun: each joined the other's customer before anything was answered.
        tokio::task::yield_now().await;
        let asked: HashSet<String> = store.asked.lock().unwrap().iter().cloned().collect();
        assert_eq!(asked.len(), store.asked.lock().unwrap().len());
        store.gate.as_ref().unwrap().notify_one();
        tokio::task::yield_now().await;
        store.gate.as_ref().unwrap().notify_one();
    };
    let (first, second, ()) =
        tokio::join!(memory.lookup(&["C1", "C2"], soon()), memory.lookup(&["C2", "C3"], soon()), release);
    for answer in [&first, &second] {
        assert!(matches!(answer.found[..], [Lookup::Found(_), Lookup::Found(_)]));
    }
    let mut asked = store.taken();
    asked.sort();
    assert_eq!(asked, ["C1", "C2", "C3"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_lookup_that_is_given_up_looks_up_itself() {
    let store = Customers { gate: Some(Notify::new()), ..Customers::default() };
    let memory = memory(&store, 100);
    let first = tokio::time::timeout(Duration::from_secs(1), memory.lookup(&["C1"], soon()));
    let second = memory.lookup(&["C1"], Instant::now() + Duration::from_secs(30));
    let release = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        store.gate.as_ref().unwrap().notify_one();
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    assert!(first.is_err());
    assert!(matches!(second.found[..], [Lookup::Found(_)]));
    assert_eq!(store.taken(), ["C1", "C1"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_another_waits_no_longer_than_its_own_deadline() {
    let store = Customers { gate: Some(Notify::new()), ..Customers::default() };
    let memory = memory(&store, 100);
    let start = Instant::now();
    let first = tokio::time::timeout(Duration::from_secs(100), memory.lookup(&["C1"], soon()));
    let second = async {
        let answer = memory.lookup(&["C1"], start + Duration::from_secs(3)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        store.gate.as_ref().unwrap().notify_one();
        answer
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(second.found[..], [Lookup::Unavailable]));
    assert_eq!(second.fault, Some(CallFault::deadline()));
    assert!(matches!(first.unwrap().found[..], [Lookup::Found(_)]));
}
