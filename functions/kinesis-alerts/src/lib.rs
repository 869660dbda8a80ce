//! The alerting function: every transaction of a Kinesis stream is scored, every high score alerted once in effect, no
//! record lost, no shard blocked.
//!
//! What cannot succeed goes to the dead letters; what failed for a reason that passes is reported, so that Lambda sends
//! it again, and nothing behind it is begun. Profiles are never guessed: where the transform degrades, this function
//! has the record come again.

use std::collections::HashMap;
use std::time::Duration;

use fraud_aws::alerts::AlertSink;
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::DeadLetterSink;
use fraud_aws::ledger::AlertLedger;
use fraud_aws::profiles::{Answer, Customers, Lookup, ProfileStore};
use fraud_core::alert::Alert;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::{EventTimeBounds, EventTimeFault};
use fraud_core::identity::Identity;
use fraud_core::policy::Policy;
use fraud_core::reason::FailureReason;
use fraud_core::record::Decision;
use fraud_core::scoring::Inputs;
use kinesis_batch::{Batch, InvalidEvent, Progress, Received, RetryReason, TimeLimits, bury};

pub mod config;
mod connect;
mod dispatch;
pub mod metrics;

pub use connect::{ConnectError, ConnectedAlerts};
use dispatch::{Dispatch, Due};
use metrics::BatchMetrics;

/// The function's name in metrics and dead letters.
pub const FUNCTION: &str = "kinesis-alerts";

/// What the function reaches the world through.
#[derive(Debug)]
pub struct Ports<S, L, K, D, C> {
    /// Where customer profiles are looked up.
    pub profiles: S,
    /// What remembers which alerts were sent.
    pub ledger: L,
    /// Where alerts go.
    pub sink: K,
    /// Where records go that can never succeed.
    pub dead_letters: D,
    /// The time of day.
    pub clock: C,
}

/// The function.
#[derive(Debug)]
pub struct Alerts<S, L, K, D, C> {
    ports: Ports<S, L, K, D, C>,
    policy: Policy,
    bounds: EventTimeBounds,
}

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The response: JSON.
    pub response: String,
    /// What happened, in numbers.
    pub metrics: BatchMetrics,
}

impl<S, L, K, D, C> Alerts<S, L, K, D, C>
where
    S: ProfileStore,
    L: AlertLedger,
    K: AlertSink,
    D: DeadLetterSink,
    C: Clock,
{
    /// A function that scores by `policy`, and names event times beyond `bounds` in its alerts.
    pub fn new(ports: Ports<S, L, K, D, C>, policy: Policy, bounds: EventTimeBounds) -> Self {
        Alerts { ports, policy, bounds }
    }

    /// The policy that decides.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Handles one batch. `remaining` is the time until the invocation is killed.
    ///
    /// # Errors
    /// [`InvalidEvent`] where the event is no Kinesis event.
    pub async fn handle(&self, event: &str, remaining: Duration) -> Result<Handled, InvalidEvent> {
        let limits = TimeLimits::starting_now(remaining);
        let batch = Batch::read(event)?;
        let received = batch.transactions();
        let customers = Customers::of(received.iter().map(customer_id));
        let answer = self.ports.profiles.lookup(&customers.distinct, limits.lookup).await;
        let mut metrics = BatchMetrics::new(&batch, &answer, customers.distinct.len());
        let mut progress = Progress::default();

        let due = self.score(&received, &customers, &answer, &mut progress, &mut metrics);
        let mut dispatch = Dispatch::new(&self.ports, limits, remaining);
        dispatch.send(&due, &mut progress, &mut metrics).await;

        let mut poison: Vec<_> = dispatch.into_undeliverable();
        let faulty = received.iter().enumerate();
        poison.extend(faulty.filter_map(|(index, received)| Some((index, *received.as_ref().err()?))));
        let burial =
            bury(FUNCTION, &batch, &poison, &self.ports.dead_letters, limits.settle, &mut progress).await;
        metrics.buried(burial);
        metrics.ended(&batch, &progress);
        Ok(Handled { response: progress.response(&batch), metrics })
    }

    /// Scores what can be scored, and gives the alerts that are due, each identity once.
    fn score(
        &self,
        received: &[Result<Received<'_>, FailureReason>],
        customers: &Customers<'_>,
        answer: &Answer,
        progress: &mut Progress,
        metrics: &mut BatchMetrics,
    ) -> Vec<Due> {
        let mut due: Vec<Due> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        for (index, (received, place)) in received.iter().zip(&customers.places).enumerate() {
            let Ok(received) = received else { continue };
            let lookup = place.and_then(|place| answer.profiles.get(place));
            let enrichment = lookup.map_or(Enrichment::NoCustomer, Lookup::enrichment);
            let event_time_fault = self.bounds.fault(&received.transaction.event_time, received.arrival);
            metrics.enrichment.count(enrichment);
            metrics.event_times.count(event_time_fault);
            if enrichment == Enrichment::Unavailable && progress.allows(index) {
                let reason = answer.fault.as_ref().map(ToString::to_string);
                tracing::warn!(reason, position = %received.position, "profiles unavailable");
                progress.stop_at(index, RetryReason::ProfilesUnavailable);
            }
            if !progress.allows(index) {
                continue;
            }
            metrics.scored();
            let Some(alert) = self.alert(received, enrichment, event_time_fault) else { continue };
            metrics.high_scores += 1;
            match known.get(&alert.alert_id).and_then(|&first| due.get_mut(first)) {
                Some(first) => first.repeated(index, &alert),
                None => {
                    known.insert(alert.alert_id.clone(), due.len());
                    due.push(Due::new(index, received.arrival, alert));
                }
            }
        }
        due
    }

    /// The alert that a transaction raises, if any.
    fn alert(
        &self,
        received: &Received<'_>,
        enrichment: Enrichment<'_>,
        event_time_fault: Option<EventTimeFault>,
    ) -> Option<Alert> {
        let Received { transaction, arrival, position } = received;
        let inputs = Inputs::of(transaction, enrichment, *arrival, &self.policy);
        let score = self.policy.score(&inputs);
        if !self.policy.alerts(score.value) {
            return None;
        }
        let (customer, id) = (transaction.customer_id.as_deref(), transaction.transaction_id.as_deref());
        let identity = Identity::of(customer, id, Some(*position));
        let decision = Decision { enrichment, score, identity, arrival: *arrival, event_time_fault };
        Some(Alert::new(transaction, &decision, &inputs, &self.policy, *position))
    }
}

fn customer_id<'a>(received: &'a Result<Received<'_>, FailureReason>) -> Option<&'a str> {
    received.as_ref().ok()?.transaction.customer_id.as_deref()
}

#[cfg(test)]
mod tests;
