//! Ports that fail on order or at random, and remember what happened.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use aws_calls::fault::{CallFault, FaultKind};
use exact_text::timestamp::Timestamp;
pub(super) use fault_injection::Fate;
use fraud_aws::alerts::{AlertSink, PublishFault};
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::{DeadLetter, DeadLetterSink};
use fraud_aws::ledger::{AlertLedger, Claim, Claimed, LedgerFault, Marked, MemoryLedger, Release};
use fraud_aws::profiles::{Lookup, ProfileAnswer, ProfileStore};
use fraud_core::alert::Alert;
use fraud_core::profile::{Attribute, Profile};
use tokio::time::Instant;

/// Where in the function a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Lookup,
    Claim,
    Mark,
    Release,
    Publish,
    DeadLetter,
}

/// The fates that a call may meet, with their probabilities; otherwise it is done.
pub(super) type Chances = fault_injection::Chances<Call>;

/// Decides what happens to each call.
pub(super) type Fates = fault_injection::Fates<Call>;

/// Every customer has a profile of the highest risk, and a segment that changes from one lookup to the next: a message
/// made anew differs from the one made before.
#[derive(Debug)]
pub(super) struct Profiles(pub(super) Fates);

impl ProfileStore for Profiles {
    async fn lookup(&self, customers: &[&str], deadline: Instant) -> ProfileAnswer {
        let work = async || {
            let version = self.0.calls(Call::Lookup) as f64;
            let risk = (1.0 - version.min(1000.0) / 10_000.0).to_string();
            let profile = Profile::new(Attribute::Text("gold"), Attribute::Missing, Attribute::Number(&risk));
            Ok(vec![Lookup::Found(Arc::new(profile)); customers.len()])
        };
        let looked_up = self.0.apply(Call::Lookup, deadline, work, CallFault::deadline).await;
        match looked_up {
            Ok(profiles) => {
                ProfileAnswer { profiles, looked_up: customers.len(), ..ProfileAnswer::default() }
            }
            Err(fault) => {
                // A store may know some and not others.
                let known = customers.len() / 2;
                let profile =
                    Arc::new(Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number("1")));
                let mut profiles = vec![Lookup::Found(profile); known];
                profiles.resize(customers.len(), Lookup::Unavailable);
                ProfileAnswer {
                    profiles,
                    looked_up: customers.len(),
                    fault: Some(fault),
                    ..ProfileAnswer::default()
                }
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
    LedgerFault::Call(CallFault::new(FaultKind::Failed, "ordered"))
}

impl AlertLedger for FlakyLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, deadline: Instant) -> Result<Claimed, LedgerFault> {
        let work = async || self.inner.claim(alert, claim, deadline).await;
        self.fates.apply(Call::Claim, deadline, work, ledger_fault).await
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
        self.fates.apply(Call::Mark, deadline, work, ledger_fault).await
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> Result<(), LedgerFault> {
        let work = async || self.inner.release(alert_id, claim, release, deadline).await;
        self.fates.apply(Call::Release, deadline, work, ledger_fault).await
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
            let fault = || PublishFault::Unavailable {
                fault: CallFault::new(FaultKind::Failed, "ordered"),
                may_be_sent: true,
            };
            let result = self.fates.apply(Call::Publish, deadline, work, fault).await;
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
    async fn send(&self, letter: &DeadLetter<'_>, deadline: Instant) -> Result<(), CallFault> {
        let work = async || {
            let letters = &mut self.log.lock().unwrap().letters;
            letters.entry(letter.id()).or_default().push(letter.reason.to_string());
            Ok(())
        };
        let fault = CallFault::deadline;
        self.fates.apply(Call::DeadLetter, deadline, work, fault).await
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
