//! A memory in front of a store, shared by invocations.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{Answer, CallFault, Known, Lookup, Store};
use crate::config::CacheSettings;

/// Remembers what a store said, absence too, for a bounded time, a bounded number of keys and in bounded memory. A key that
/// is being looked up is waited for, not looked up a second time. That the store did not answer is never remembered.
#[derive(Debug)]
pub struct Cached<S: Store> {
    store: S,
    settings: CacheSettings,
    memory: Mutex<Memory<S::Known>>,
}

#[derive(Debug)]
struct Memory<T> {
    entries: HashMap<Arc<str>, Entry<T>>,
    /// Every entry's key in the order of its age. An entry that was renewed is here twice, and only its last place,
    /// whose time is the entry's own, counts.
    ages: VecDeque<(Arc<str>, Instant)>,
    /// What the entries take, by [`Entry::size`].
    bytes: usize,
    /// The keys being looked up, each with what will tell of it.
    under_way: HashMap<Arc<str>, Flight<T>>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Memory { entries: HashMap::new(), ages: VecDeque::new(), bytes: 0, under_way: HashMap::new() }
    }
}

#[derive(Debug)]
struct Entry<T> {
    known: Option<Arc<T>>,
    since: Instant,
}

/// What an entry takes besides the bytes of the key and of what is known: the entry itself, its place in the order of ages,
/// what the maps keep free, and the allocator's own.
const ENTRY_OVERHEAD: usize = 192;

impl<T: Known> Entry<T> {
    /// The memory that the entry takes under this key, in bytes.
    fn size(&self, key: &str) -> usize {
        ENTRY_OVERHEAD + key.len() + self.known.as_ref().map_or(0, |known| known.size())
    }
}

/// A lookup under way: the receivers see its result, or its end if it was given up.
type Flight<T> = watch::Receiver<Option<Arc<Landing<T>>>>;

/// The place of a key, and the lookup that is waited for.
type Waiting<T> = (usize, Flight<T>);

/// What a lookup came to, for those who waited.
#[derive(Debug)]
struct Landing<T> {
    found: HashMap<Arc<str>, Lookup<T>>,
    fault: Option<CallFault>,
}

impl<S: Store> Cached<S> {
    /// A memory in front of `store`.
    pub fn new(store: S, settings: CacheSettings) -> Self {
        Cached { store, settings, memory: Mutex::default() }
    }

    /// Looks up the keys at these places of `keys`, which this call has claimed.
    async fn fetch(
        &self,
        keys: &[&str],
        claimed: Claimed<'_, S>,
        answer: &mut Answer<S::Known>,
        deadline: Instant,
    ) {
        let asked: Vec<&str> = claimed.places.iter().filter_map(|&place| keys.get(place).copied()).collect();
        let fetched = self.store.lookup(&asked, deadline).await;
        answer.looked_up += fetched.looked_up;
        answer.fault = answer.fault.take().or(fetched.fault.clone());
        let mut found = HashMap::with_capacity(asked.len());
        for ((key, lookup), &place) in claimed.keys.iter().zip(fetched.found).zip(&claimed.places) {
            if let Some(slot) = answer.found.get_mut(place) {
                *slot = lookup.clone();
            }
            found.insert(Arc::clone(key), lookup);
        }
        claimed.land(Landing { found, fault: fetched.fault });
    }

    /// Waits for the lookups of others; gives back the places whose lookup was given up.
    async fn wait(
        &self,
        keys: &[&str],
        waiting: Vec<Waiting<S::Known>>,
        answer: &mut Answer<S::Known>,
        deadline: Instant,
    ) -> Vec<usize> {
        let mut given_up = Vec::new();
        for (place, mut flight) in waiting {
            let landing = match timeout_at(deadline, flight.wait_for(Option::is_some)).await {
                Ok(Ok(landing)) => landing.clone(),
                Ok(Err(_closed)) => {
                    given_up.push(place);
                    continue;
                }
                Err(_elapsed) => {
                    answer.fault.get_or_insert(CallFault::deadline());
                    continue;
                }
            };
            let (Some(landing), Some(&key)) = (landing, keys.get(place)) else { continue };
            if let (Some(lookup), Some(slot)) = (landing.found.get(key), answer.found.get_mut(place)) {
                *slot = lookup.clone();
            }
            answer.fault = answer.fault.take().or(landing.fault.clone());
        }
        given_up
    }
}

impl<S: Store> Store for Cached<S> {
    type Known = S::Known;

    async fn lookup(&self, keys: &[&str], deadline: Instant) -> Answer<S::Known> {
        let mut answer = Answer { found: vec![Lookup::Unavailable; keys.len()], ..Answer::default() };
        let mut open: Vec<usize> = (0..keys.len()).collect();
        while !open.is_empty() {
            let (claimed, waiting) = self.claim(keys, &open, &mut answer);
            if !claimed.places.is_empty() {
                self.fetch(keys, claimed, &mut answer, deadline).await;
            }
            open = self.wait(keys, waiting, &mut answer, deadline).await;
        }
        answer
    }
}

impl<S: Store> Cached<S> {
    fn memory(&self) -> MutexGuard<'_, Memory<S::Known>> {
        // Every change under the lock is complete before anything can panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers what is remembered, joins what is under way, and claims the rest.
    fn claim<'a>(
        &'a self,
        keys: &[&str],
        open: &[usize],
        answer: &mut Answer<S::Known>,
    ) -> (Claimed<'a, S>, Vec<Waiting<S::Known>>) {
        let now = Instant::now();
        let (sender, flight) = watch::channel(None);
        let mut claimed = Claimed { cache: self, sender, keys: Vec::new(), places: Vec::new() };
        let mut waiting = Vec::new();
        let mut memory = self.memory();
        for &place in open {
            let (Some(&key), Some(slot)) = (keys.get(place), answer.found.get_mut(place)) else {
                continue;
            };
            if let Some(entry) = memory.entries.get(key)
                && now.duration_since(entry.since) < self.settings.max_age
            {
                *slot = entry.known.clone().into();
                answer.cache_hits += 1;
            } else if let Some(other) = memory.under_way.get(key) {
                waiting.push((place, other.clone()));
            } else {
                let key: Arc<str> = key.into();
                memory.under_way.insert(Arc::clone(&key), flight.clone());
                claimed.keys.push(key);
                claimed.places.push(place);
            }
        }
        (claimed, waiting)
    }
}

/// Keys that one call looks up for all. Dropped without a landing (the invocation was given up), it frees them
/// for the next who asks.
struct Claimed<'a, S: Store> {
    cache: &'a Cached<S>,
    sender: watch::Sender<Option<Arc<Landing<S::Known>>>>,
    keys: Vec<Arc<str>>,
    /// The place of each among the keys asked for.
    places: Vec<usize>,
}

impl<S: Store> Claimed<'_, S> {
    fn land(self, landing: Landing<S::Known>) {
        let now = Instant::now();
        let mut memory = self.cache.memory();
        for (key, lookup) in &landing.found {
            let known = match lookup {
                Lookup::Found(known) => Some(Arc::clone(known)),
                Lookup::Absent => None,
                Lookup::Unavailable => continue,
            };
            memory.remember(Arc::clone(key), known, now, self.cache.settings);
        }
        drop(memory);
        self.sender.send_replace(Some(Arc::new(landing)));
    }
}

impl<S: Store> Drop for Claimed<'_, S> {
    fn drop(&mut self) {
        let mut memory = self.cache.memory();
        for key in &self.keys {
            memory.under_way.remove(key);
        }
    }
}

impl<T: Known> Memory<T> {
    fn remember(&mut self, key: Arc<str>, known: Option<Arc<T>>, now: Instant, settings: CacheSettings) {
        let entry = Entry { known, since: now };
        self.bytes += entry.size(&key);
        if let Some(renewed) = self.entries.insert(Arc::clone(&key), entry) {
            self.bytes -= renewed.size(&key);
        }
        self.ages.push_back((key, now));
        while let Some((oldest, since)) = self.ages.front() {
            let current = self.entries.get(oldest).is_some_and(|entry| entry.since == *since);
            let expired = now.duration_since(*since) >= settings.max_age;
            let fits = self.entries.len() <= settings.max_entries && self.bytes <= settings.max_bytes;
            if current && !expired && fits {
                break;
            }
            if current && let Some(removed) = self.entries.remove(oldest) {
                self.bytes -= removed.size(oldest);
            }
            self.ages.pop_front();
        }
    }
}
