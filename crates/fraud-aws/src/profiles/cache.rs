//! A memory of profiles in front of a store, shared by invocations.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fraud_core::profile::Profile;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::{CallFault, Lookup, ProfileAnswer, ProfileStore};
use crate::config::CacheSettings;

/// Remembers what a store said, absence too, for a bounded time, a bounded number of customers and in bounded memory. A
/// customer that is being looked up is waited for, not looked up a second time. That the store did not answer is never
/// remembered.
#[derive(Debug)]
pub struct CachedProfiles<S> {
    store: S,
    settings: CacheSettings,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    entries: HashMap<Arc<str>, Entry>,
    /// Every entry's id in the order of its age. An entry that was renewed is here twice, and only its last place,
    /// whose time is the entry's own, counts.
    ages: VecDeque<(Arc<str>, Instant)>,
    /// What the entries take, by [`Entry::size`].
    bytes: usize,
    /// The customers being looked up, each with what will tell of it.
    under_way: HashMap<Arc<str>, Flight>,
}

#[derive(Debug)]
struct Entry {
    profile: Option<Arc<Profile>>,
    since: Instant,
}

/// What a customer takes besides the bytes of the id and the profile: the entry, its place in the order of ages, what
/// the maps keep free, and the allocator's own.
const ENTRY_OVERHEAD: usize = 192;

impl Entry {
    /// The memory that the entry takes under this id, in bytes.
    fn size(&self, id: &str) -> usize {
        ENTRY_OVERHEAD + id.len() + self.profile.as_ref().map_or(0, |profile| profile.size())
    }
}

/// A lookup under way: the receivers see its result, or its end if it was given up.
type Flight = watch::Receiver<Option<Arc<Landing>>>;

/// What a lookup came to, for those who waited.
#[derive(Debug)]
struct Landing {
    profiles: HashMap<Arc<str>, Lookup>,
    fault: Option<CallFault>,
}

impl<S: ProfileStore> CachedProfiles<S> {
    /// A memory in front of `store`.
    pub fn new(store: S, settings: CacheSettings) -> Self {
        CachedProfiles { store, settings, memory: Mutex::default() }
    }

    /// Looks up the customers at these places of `customers`, which this call has claimed.
    async fn fetch(
        &self,
        customers: &[&str],
        claimed: Claimed<'_, S>,
        answer: &mut ProfileAnswer,
        deadline: Instant,
    ) {
        let ids: Vec<&str> =
            claimed.places.iter().filter_map(|&place| customers.get(place).copied()).collect();
        let fetched = self.store.lookup(&ids, deadline).await;
        answer.looked_up += fetched.looked_up;
        answer.fault = answer.fault.take().or(fetched.fault.clone());
        let mut profiles = HashMap::with_capacity(ids.len());
        for ((id, lookup), &place) in claimed.ids.iter().zip(fetched.profiles).zip(&claimed.places) {
            if let Some(slot) = answer.profiles.get_mut(place) {
                *slot = lookup.clone();
            }
            profiles.insert(Arc::clone(id), lookup);
        }
        claimed.land(Landing { profiles, fault: fetched.fault });
    }

    /// Waits for the lookups of others; gives back the places whose lookup was given up.
    async fn wait(
        &self,
        customers: &[&str],
        waiting: Vec<(usize, Flight)>,
        answer: &mut ProfileAnswer,
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
            let (Some(landing), Some(&id)) = (landing, customers.get(place)) else { continue };
            if let (Some(lookup), Some(slot)) = (landing.profiles.get(id), answer.profiles.get_mut(place)) {
                *slot = lookup.clone();
            }
            answer.fault = answer.fault.take().or(landing.fault.clone());
        }
        given_up
    }
}

impl<S: ProfileStore> ProfileStore for CachedProfiles<S> {
    async fn lookup(&self, customers: &[&str], deadline: Instant) -> ProfileAnswer {
        let mut answer = ProfileAnswer {
            profiles: vec![Lookup::Unavailable; customers.len()],
            ..ProfileAnswer::default()
        };
        let mut open: Vec<usize> = (0..customers.len()).collect();
        while !open.is_empty() {
            let (claimed, waiting) = self.claim(customers, &open, &mut answer);
            if !claimed.places.is_empty() {
                self.fetch(customers, claimed, &mut answer, deadline).await;
            }
            open = self.wait(customers, waiting, &mut answer, deadline).await;
        }
        answer
    }
}

impl<S> CachedProfiles<S> {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Every change under the lock is complete before anything can panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers what is remembered, joins what is under way, and claims the rest.
    fn claim<'a>(
        &'a self,
        customers: &[&str],
        open: &[usize],
        answer: &mut ProfileAnswer,
    ) -> (Claimed<'a, S>, Vec<(usize, Flight)>) {
        let now = Instant::now();
        let (sender, flight) = watch::channel(None);
        let mut claimed = Claimed { cache: self, sender, ids: Vec::new(), places: Vec::new() };
        let mut waiting = Vec::new();
        let mut memory = self.memory();
        for &place in open {
            let (Some(&id), Some(slot)) = (customers.get(place), answer.profiles.get_mut(place)) else {
                continue;
            };
            if let Some(entry) = memory.entries.get(id)
                && now.duration_since(entry.since) < self.settings.max_age
            {
                *slot = entry.profile.clone().into();
                answer.cache_hits += 1;
            } else if let Some(other) = memory.under_way.get(id) {
                waiting.push((place, other.clone()));
            } else {
                let id: Arc<str> = id.into();
                memory.under_way.insert(Arc::clone(&id), flight.clone());
                claimed.ids.push(id);
                claimed.places.push(place);
            }
        }
        (claimed, waiting)
    }
}

/// Customers that one call looks up for all. Dropped without a landing (the invocation was given up), it frees them
/// for the next who asks.
struct Claimed<'a, S> {
    cache: &'a CachedProfiles<S>,
    sender: watch::Sender<Option<Arc<Landing>>>,
    ids: Vec<Arc<str>>,
    /// The place of each among the customers asked for.
    places: Vec<usize>,
}

impl<S> Claimed<'_, S> {
    fn land(self, landing: Landing) {
        let now = Instant::now();
        let mut memory = self.cache.memory();
        for (id, lookup) in &landing.profiles {
            let profile = match lookup {
                Lookup::Found(profile) => Some(Arc::clone(profile)),
                Lookup::Absent => None,
                Lookup::Unavailable => continue,
            };
            memory.remember(Arc::clone(id), profile, now, self.cache.settings);
        }
        drop(memory);
        self.sender.send_replace(Some(Arc::new(landing)));
    }
}

impl<S> Drop for Claimed<'_, S> {
    fn drop(&mut self) {
        let mut memory = self.cache.memory();
        for id in &self.ids {
            memory.under_way.remove(id);
        }
    }
}

impl Memory {
    fn remember(
        &mut self,
        id: Arc<str>,
        profile: Option<Arc<Profile>>,
        now: Instant,
        settings: CacheSettings,
    ) {
        let entry = Entry { profile, since: now };
        self.bytes += entry.size(&id);
        if let Some(renewed) = self.entries.insert(Arc::clone(&id), entry) {
            self.bytes -= renewed.size(&id);
        }
        self.ages.push_back((id, now));
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
