//! Ports that fail on order or at random, and remember what happened.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterFault, DeadLetterSink};
use fraud_aws::ledger::{AlertLedger, Claim, Claimed, LedgerFault, Marked, MemoryLedger, Release};
use fraud_aws::profiles::{Answer, Lookup, LookupFault, ProfileStore};
use fraud_core::alert::Alert;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::timestamp::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    /// Refused: nothing was done.
    Refused,
    /// Done, but the caller is told that it failed.
    AnswerLost,
    /// Nothing was done, and the caller learns so at its deadline.
    Hang,
    /// The caller waits beyond every deadline: its process dies with the call undone, or done.
    Die {
        done: bool,
    },
}

/// Where in the function a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Lookup,
    Claim,
    Mark,
    Release,
    Publish,
    Bury,
}

/// The fates that a call may meet, with their probabilities; otherwise it is done.
pub(super) type Chances = fn(Call) -> &'static [(Fate, f64)];

/// Decides what befalls each call: by order first, then by chance.
#[derive(Debug, Clone)]
pub(super) struct Fates(Arc<Mutex<FateState>>);

#[derive(Debug)]
struct FateState {
    random: fastrand::Rng,
    chances: Chances,
    ordered: HashMap<Call, BTreeMap<usize, Fate>>,
    seen: HashMap<Call, usize>,
    in_a_row: usize,
    most_in_a_row: usize,
}

impl Fates {
    /// Every call is done.
    pub(super) fn kind() -> Self {
        Self::random(0, |_| &[])
    }

    /// Calls meet fates by chance. No more than three in a row fail: an outage that lasts as long
    /// as an invocation is a fate of its own.
    pub(super) fn random(seed: u64, chances: Chances) -> Self {
        Fates(Arc::new(Mutex::new(FateState {
            random: fastrand::Rng::with_seed(seed),
            chances,
            ordered: HashMap::new(),
            seen: HashMap::new(),
            in_a_row: 0,
            most_in_a_row: 3,
        })))
    }

    /// Any number of calls in a row may fail.
    pub(super) fn without_mercy(self) -> Self {
        self.0.lock().unwrap().most_in_a_row = usize::MAX;
        self
    }

    /// The `nth` call of this kind, from 1, meets this fate.
    pub(super) fn order(&self, call: Call, nth: usize, fate: Fate) {
        self.0.lock().unwrap().ordered.entry(call).or_default().insert(nth, fate);
    }

    pub(super) fn calls(&self, call: Call) -> usize {
        self.0.lock().unwrap().seen.get(&call).copied().unwrap_or_default()
    }

    fn draw(&self, call: Call) -> (Fate, Duration) {
        let state = &mut *self.0.lock().unwrap();
        let seen = state.seen.entry(call).or_default();
        *seen += 1;
        if let Some(fate) = state.ordered.get(&call).and_then(|fates| fates.get(seen)) {
            return (*fate, Duration::ZERO);
        }
        let chances = (state.chances)(call);
        let latency = match chances.is_empty() {
            true => Duration::ZERO,
            false => Duration::from_micros(state.random.u64(200..20_000)),
        };
        let mut point = state.random.f64();
        let fate = chances.iter().find(|(_, chance)| {
            point -= chance;
            point < 0.0
        });
        match fate {
            Some((fate, _)) if state.in_a_row < state.most_in_a_row => {
                state.in_a_row += 1;
                (*fate, latency)
            }
            _ => {
                state.in_a_row = 0;
                (Fate::Done, latency)
            }
        }
    }

    /// Lets the fate befall a call: `work` does it, `fault` is what the caller is told where it failed.
    async fn befall<T, E>(
        &self,
        call: Call,
        deadline: Instant,
        work: impl AsyncFnOnce() -> Result<T, E>,
        fault: impl FnOnce() -> E,
    ) -> Result<T, E> {
        let (fate, latency) = self.draw(call);
        sleep(latency).await;
        match fate {
            Fate::Done => work().await,
            Fate::Refused => Err(fault()),
            Fate::AnswerLost => {
                work().await?;
                Err(fault())
            }
            Fate::Hang => {
                sleep_until(deadline).await;
                Err(fault())
            }
            Fate::Die { done } => {
                if done {
                    let _ = work().await;
                }
                std::future::pending().await
            }
        }
    }
}

/// Every customer has a profile of the highest risk, and a segment that changes from one lookup to the next: a message
/// made anew differs from the one made before.
#[derive(Debug)]
pub(super) struct Profiles(pub(super) Fates);

impl ProfileStore for Profiles {
    async fn lookup(&self, customers: &[&str], deadline: Instant) -> Answer {
        let work = async || {
            let version = self.0.calls(Call::Lookup) as f64;
            let risk = (1.0 - version.min(1000.0) / 10_000.0).to_string();
            let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number(&risk));
            Ok(vec![Lookup::Found(Arc::new(profile)); customers.len()])
        };
        let looked_up = self.0.befall(Call::Lookup, deadline, work, || LookupFault::Deadline).await;
        match looked_up {
            Ok(profiles) => Answer { profiles, looked_up: customers.len(), ..Answer::default() },
            Err(fault) => {
                // A store may know some and not others.
                let known = customers.len() / 2;
                let profile =
                    Arc::new(Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number("1")));
                let mut profiles = vec![Lookup::Found(profile); known];
                profiles.resize(customers.len(), Lookup::Unavailable);
                Answer { profiles, looked_up: customers.len(), fault: Some(fault), ..Answer::default() }
            }
        }
    }
}

/// The ledger in memory, behind the fates.
#[derive(Debug)]
pub(super) struct FlakyLedger {
    pub(super) fates: Fates,
    pub(super) inner: MemoryLedger,
    pub(super) log: Log,
}

fn ledger_fault() -> LedgerFault {
    LedgerFault::Service { code: "ordered".to_owned() }
}

impl AlertLedger for FlakyLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        let work = async || self.inner.claim(alert, claim, deadline).await;
        self.fates.befall(Call::Claim, deadline, work, ledger_fault).await
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        let work = async || {
            let marked = self.inner.mark_sent(alert_id, claim, sent_at, deadline).await?;
            self.log.lock().unwrap().marked.insert(alert_id.to_owned());
            Ok(marked)
        };
        self.fates.befall(Call::Mark, deadline, work, ledger_fault).await
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        let work = async || self.inner.release(alert_id, claim, release, deadline).await;
        self.fates.befall(Call::Release, deadline, work, ledger_fault).await
    }
}

/// What the outside world got.
pub(super) type Log = Arc<Mutex<World>>;

#[derive(Debug, Default)]
pub(super) struct World {
    /// Every alert that the sink accepted, in order.
    pub(super) accepted: Vec<Alert>,
    /// Alerts that were accepted although they stood as sent.
    pub(super) again_after_mark: Vec<String>,
    pub(super) marked: HashSet<String>,
    /// Dead letters by id, and their reasons.
    pub(super) letters: BTreeMap<String, Vec<String>>,
}

/// A sink that takes each alert for itself, as SNS does with the entries of a batch.
#[derive(Debug)]
pub(super) struct FlakySink {
    pub(super) fates: Fates,
    pub(super) log: Log,
}

impl AlertSink for FlakySink {
    async fn publish(&self, alerts: &[&Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
        let mut held_back = HashSet::new();
        let mut results = Vec::new();
        for alert in alerts {
            let customer = alert.customer_id.as_deref();
            if customer.is_some_and(|customer| held_back.contains(customer)) {
                results.push(Err(PublishFault::HeldBack));
                continue;
            }
            let work = async || {
                let world = &mut *self.log.lock().unwrap();
                if world.marked.contains(&alert.alert_id) {
                    world.again_after_mark.push(alert.alert_id.clone());
                }
                world.accepted.push((*alert).clone());
                Ok(())
            };
            let fault = || PublishFault::Unavailable { code: "ordered".to_owned(), may_be_sent: true };
            let result = self.fates.befall(Call::Publish, deadline, work, fault).await;
            if let (Err(_), Some(customer)) = (&result, customer) {
                held_back.insert(customer);
            }
            results.push(result);
        }
        results
    }
}

#[derive(Debug)]
pub(super) struct FlakyDeadLetters {
    pub(super) fates: Fates,
    pub(super) log: Log,
}

impl DeadLetterSink for FlakyDeadLetters {
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), DeadLetterFault> {
        let work = async || {
            let letters = &mut self.log.lock().unwrap().letters;
            letters.entry(letter.id()).or_default().push(letter.reason.to_string());
            Ok(())
        };
        let fault = || DeadLetterFault::Deadline;
        self.fates.befall(Call::Bury, deadline, work, fault).await
    }
}

/// The time of day that the event source mapping goes by.
#[derive(Debug, Clone)]
pub(super) struct MappingClock(pub(super) embedded_aws::event_source_mapping::Clock);

impl Clock for MappingClock {
    fn now(&self) -> Timestamp {
        let since = self.0.now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap()).unwrap()
    }
}
