//! The alerting function: every transaction of a Kinesis stream is scored, every high score alerted once in effect, no
//! record lost, no shard blocked.
//!
//! What cannot succeed goes to the dead letters; what failed for a reason that passes is reported, so that it is retried,
//! and nothing behind it is begun. Profiles and entities are never guessed: where the transform degrades, this function
//! has the record retried.
//!
//! Two records are one transaction if they have one [identity](fraud_core::identity) and one
//! [content](fraud_core::fingerprint). One with the identity of another and other content is alerted under an id of its own.

use std::collections::HashMap;

use exact_text::timestamp::Timestamp;
use fraud_aws::alerts::AlertSink;
use fraud_aws::clock::Clock;
use fraud_aws::dead_letters::DeadLetterSink;
use fraud_aws::entities::{EntityStore, LookedUpEntities, look_up_entities, merchant_counts_age};
use fraud_aws::history::HistoryStore;
use fraud_aws::invocation::InvocationTime;
use fraud_aws::ledger::{AlertLedger, Claim};
use fraud_aws::lookup::look_up;
use fraud_aws::profiles::{LookedUp, ProfileStore};
use fraud_aws::reason::FailureReason;
use fraud_batch::{Batch, Progress, Received, RetryReason, TimeLimits, dead_letter, transactions};
use fraud_core::alert::Alert;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::fingerprint::Fingerprint;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::identity::Position;
use fraud_core::merchant::LabelDelay;
use fraud_core::policy::HistorySettings;
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;
use fraud_core::transaction::Reading;
use lambda_events::InvalidEvent;
use tokio::time::Instant;

pub mod config;
mod connect;
mod dispatch;
pub mod metrics;
mod rounds;

pub use connect::{ConnectError, ConnectedAlerts};
use dispatch::{Due, Invocation, dispatch};
use metrics::BatchMetrics;
use rounds::{Item, Taking, rounds};

/// The function's name in metrics and dead letters.
pub const FUNCTION: &str = "kinesis-alerts";

/// What the function reaches the world through.
#[derive(Debug)]
pub struct Ports<Profiles, Entities, Rows, Ledger, Sink, Letters, Now> {
    /// Where customer profiles are looked up.
    pub profiles: Profiles,
    /// Where the entities are looked up that a policy asks for.
    pub entities: Entities,
    /// Where the customers' history is kept, if a policy looks at it.
    pub history: Rows,
    /// What remembers which alerts were sent.
    pub ledger: Ledger,
    /// Where alerts go.
    pub sink: Sink,
    /// Where records go that can never succeed.
    pub dead_letters: Letters,
    /// The time of day.
    pub clock: Now,
}

/// The function.
#[derive(Debug)]
pub struct Alerts<Profiles, Entities, Rows, Ledger, Sink, Letters, Now> {
    ports: Ports<Profiles, Entities, Rows, Ledger, Sink, Letters, Now>,
    reading: Reading,
    decider: Decider,
}

/// What an invocation came to.
#[derive(Debug)]
pub struct Handled {
    /// The response: JSON.
    pub response: String,
    /// What happened, in numbers.
    pub metrics: BatchMetrics,
}

impl<Profiles, Entities, Rows, Ledger, Sink, Letters, Now>
    Alerts<Profiles, Entities, Rows, Ledger, Sink, Letters, Now>
where
    Profiles: ProfileStore,
    Entities: EntityStore,
    Rows: HistoryStore<Ledger = Ledger>,
    Ledger: AlertLedger,
    Sink: AlertSink,
    Letters: DeadLetterSink,
    Now: Clock,
{
    /// A function that scores by `policies`, and names event times beyond `bounds` in its alerts.
    pub fn new(
        ports: Ports<Profiles, Entities, Rows, Ledger, Sink, Letters, Now>,
        policies: impl Into<Policies>,
        bounds: EventTimeBounds,
    ) -> Self {
        let decider = Decider::new(policies, bounds);
        let reading = Reading::new(&Schema::builtin_default(), decider.policies().asked());
        Alerts { ports, reading, decider }
    }

    /// The id of the schema that transactions are read by; `None` for the default.
    pub fn schema(&self) -> Option<&str> {
        self.reading.schema()
    }

    /// The same function for transactions that their producer writes by `schema`.
    #[must_use]
    pub fn with_schema(mut self, schema: &Schema) -> Self {
        self.reading = Reading::new(schema, self.decider.policies().asked());
        self
    }

    /// The same function, for labels of merchants that have come after `label_delay`; without this, after seven days.
    #[must_use]
    pub fn with_label_delay(mut self, label_delay: LabelDelay) -> Self {
        self.decider = self.decider.with_label_delay(label_delay);
        self
    }

    /// The policies that score.
    pub fn policies(&self) -> &Policies {
        self.decider.policies()
    }

    /// Handles one batch within the invocation's time.
    ///
    /// # Errors
    /// [`InvalidEvent`] if the event is not a Kinesis event.
    pub async fn handle(
        &self,
        event: &str,
        time: impl Into<InvocationTime>,
    ) -> Result<Handled, InvalidEvent> {
        let time = time.into();
        let limits = TimeLimits::starting_now(time.remaining);
        let batch = Batch::read(event)?;
        let received = transactions(&batch, &self.reading);
        let transactions = received.iter().map(|received| Some(&received.as_ref().ok()?.transaction));
        let kinds = self.policies().asked().entities;
        let (profiles, entities, counts_age) = tokio::join!(
            look_up(&self.ports.profiles, received.iter().map(customer_id), limits.lookup),
            look_up_entities(&self.ports.entities, kinds, transactions, limits.lookup),
            self.merchant_counts_age(limits.lookup),
        );
        let mut metrics = BatchMetrics::new(&batch, &profiles, &entities, self.policies());
        metrics.merchant_counts_age = counts_age;
        let mut progress = Progress::default();

        let looked_up = (&profiles, &entities);
        let mut undeliverable = match self.policies().history() {
            None => {
                let due = self.score(&received, looked_up, &mut progress, &mut metrics);
                let invocation = Invocation { ends_at: time.ends_at, token: None };
                dispatch(&due, &self.ports, limits, &invocation, &mut progress, &mut metrics).await
            }
            Some(settings) => {
                let items = self.items(&received, looked_up, &mut progress, &mut metrics);
                self.take_in(items, settings, limits, time.ends_at, &mut progress, &mut metrics).await
            }
        };
        let faulty = received.iter().enumerate();
        undeliverable.extend(faulty.filter_map(|(index, received)| Some((index, *received.as_ref().err()?))));
        let dead_lettered = dead_letter(
            FUNCTION,
            &batch,
            &undeliverable,
            &self.ports.dead_letters,
            limits.settle,
            &mut progress,
        )
        .await;
        metrics.dead_lettered(dead_lettered);
        metrics.ended(&batch, &progress);
        Ok(Handled { response: progress.response(&batch), metrics })
    }

    /// How old merchants' counts are, if a policy looks at them and it is known.
    async fn merchant_counts_age(&self, deadline: Instant) -> Option<usize> {
        if !self.policies().looks_at_merchants_days() {
            return None;
        }
        merchant_counts_age(&self.ports.entities, self.ports.clock.now(), deadline).await
    }

    /// The records that can be decided where a policy looks at the customers' history.
    fn items<'b>(
        &self,
        received: &'b [Result<Received<'b>, FailureReason>],
        (profiles, entities): (&'b LookedUp, &'b LookedUpEntities),
        progress: &mut Progress,
        metrics: &mut BatchMetrics,
    ) -> Vec<Item<'b>> {
        let mut items = Vec::with_capacity(received.len());
        for (index, received) in received.iter().enumerate() {
            let Ok(received) = received else { continue };
            let found = Found {
                enrichment: profiles.of(index),
                entities: entities.of(index),
                history: HistoryFound::None,
            };
            let fault = self.decider.event_time_fault(&received.transaction, received.arrival);
            metrics.event_times.count(fault);
            looked_up_all(index, received.position, &found, (profiles, entities), progress, metrics);
            items.push(Item { index, received, found });
        }
        items.retain(|item| progress.allows(item.index));
        items
    }

    /// Takes records in, round by round, and sends each round's alerts before the next begins. Gives the items whose alert can
    /// never be sent.
    async fn take_in(
        &self,
        items: Vec<Item<'_>>,
        settings: HistorySettings,
        limits: TimeLimits,
        ends_at: Option<Timestamp>,
        progress: &mut Progress,
        metrics: &mut BatchMetrics,
    ) -> Vec<(usize, FailureReason)> {
        let mut undeliverable = Vec::new();
        let Some(first) = items.first() else { return undeliverable };
        let token = match Claim::new_token() {
            Ok(token) => token,
            Err(fault) => {
                tracing::warn!(reason = %fault, position = %first.received.position, "nothing can be claimed");
                progress.stop_at(first.index, RetryReason::LedgerUnavailable);
                return undeliverable;
            }
        };
        let taking = Taking {
            rows: &self.ports.history,
            ledger: &self.ports.ledger,
            clock: &self.ports.clock,
            decider: &self.decider,
            settings,
            token: &token,
            ends_at,
            deadline: limits.work,
        };
        let invocation = Invocation { ends_at, token: Some(token.clone()) };
        for mut round in rounds(items) {
            round.retain(|item| progress.allows(item.index));
            let Some(first) = round.first() else { break };
            if Instant::now() >= limits.work {
                progress.stop_at(first.index, RetryReason::OutOfTime);
                break;
            }
            let taken = taking.take_in(&round).await;
            if let Some((index, reason)) = taken.stop {
                progress.stop_at(index, reason);
            }
            metrics.taken_in(&taken, progress);
            let sent = dispatch(&taken.due, &self.ports, limits, &invocation, progress, metrics).await;
            undeliverable.extend(sent);
        }
        undeliverable
    }

    /// Scores what can be scored, and gives the alerts that are due, each transaction's once.
    fn score(
        &self,
        received: &[Result<Received<'_>, FailureReason>],
        (profiles, entities): (&LookedUp, &LookedUpEntities),
        progress: &mut Progress,
        metrics: &mut BatchMetrics,
    ) -> Vec<Due> {
        let mut due: Vec<Due> = Vec::new();
        let mut known: HashMap<(String, Option<Fingerprint>), usize> = HashMap::new();
        for (index, received) in received.iter().enumerate() {
            let Ok(Received { transaction, arrival, position }) = received else { continue };
            let found = Found {
                enrichment: profiles.of(index),
                entities: entities.of(index),
                history: HistoryFound::NotAsked,
            };
            let decision = self.decider.decide(transaction, found, *arrival, Some(*position));
            if let Some(count) = &mut metrics.unusable_fields {
                *count += decision.inputs.unusable_fields;
            }
            metrics.event_times.count(decision.time.fault);
            looked_up_all(index, *position, &found, (profiles, entities), progress, metrics);
            if !progress.allows(index) {
                continue;
            }
            let is_high = self.decider.alerts(&decision);
            metrics.scored(is_high, decision.shadow.as_ref());
            if !is_high {
                continue;
            }
            let alert = Alert::new(transaction, &decision, &self.decider, *position);
            let content = (alert.alert_id.clone(), alert.fingerprint);
            match known.get(&content).and_then(|&first| due.get_mut(first)) {
                Some(first) => first.repeated(index),
                None => {
                    known.insert(content, due.len());
                    due.push(Due::new(index, *arrival, alert));
                }
            }
        }
        due
    }
}

/// Counts what was looked up for a record, and stops the batch there if something could not be.
fn looked_up_all(
    index: usize,
    position: Position<'_>,
    found: &Found<'_>,
    (profiles, entities): (&LookedUp, &LookedUpEntities),
    progress: &mut Progress,
    metrics: &mut BatchMetrics,
) {
    metrics.enrichment.count(found.enrichment);
    if let (Some(counts), Some(entities)) = (&mut metrics.entities, &found.entities) {
        counts.count(entities);
    }
    if found.enrichment == Enrichment::Unavailable && progress.allows(index) {
        let reason = profiles.fault().map(ToString::to_string);
        tracing::warn!(reason, %position, "profiles unavailable");
        progress.stop_at(index, RetryReason::ProfilesUnavailable);
    }
    let unavailable = found.entities.as_ref().is_some_and(|found| !found.unavailable().is_empty());
    if unavailable && progress.allows(index) {
        let reason = entities.fault().map(ToString::to_string);
        tracing::warn!(reason, %position, "entities unavailable");
        progress.stop_at(index, RetryReason::EntitiesUnavailable);
    }
}

fn customer_id<'a>(received: &'a Result<Received<'_>, FailureReason>) -> Option<&'a str> {
    received.as_ref().ok()?.transaction.customer_id.as_deref()
}

#[cfg(test)]
mod tests;
