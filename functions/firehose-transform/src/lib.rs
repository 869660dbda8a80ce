//! The Firehose transform: each record of a batch comes back enriched, scored and with the partition it belongs to, or
//! unchanged as failed. No record makes another fail.

use std::time::Duration;

use exact_text::base64::{DataFault, Payloads};
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::{EntityStore, look_up_entities};
use fraud_aws::history::{HistoryStore, NoHistory};
use fraud_aws::ledger::MemoryLedger;
use fraud_aws::lookup::{look_up, lookup_deadline};
use fraud_aws::profiles::ProfileStore;
use fraud_aws::reason::FailureReason;
use fraud_core::decision::Decider;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::history::Incoming;
use fraud_core::merchant::LabelDelay;
use fraud_core::record::RecordEncoder;
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;
use fraud_core::transaction::{Reading, Transaction, TransactionReader};
use lambda_events::InvalidEvent;
use lambda_events::firehose::{FirehoseEvent, FirehoseRecord};
use tokio::time::Instant;

pub mod config;
mod history;
pub mod metrics;
pub mod response;

use history::{Histories, Patience};
use metrics::BatchMetrics;
use response::{MAX_RESPONSE_BYTES, ResponseWriter, Unanswerable};

/// The function.
#[derive(Debug)]
pub struct Transform<Profiles, Entities, Rows = NoHistory<MemoryLedger>> {
    profiles: Profiles,
    entities: Entities,
    history: Rows,
    patience: Patience,
    reading: Reading,
    decider: Decider,
    encoder: RecordEncoder,
}

/// A batch that cannot be answered record by record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBatch {
    /// The event is not a Firehose transformation event.
    #[error(transparent)]
    Event(#[from] InvalidEvent),
    /// No answer to the event fits into a response.
    #[error(transparent)]
    TooLarge(#[from] Unanswerable),
}

impl From<InvalidBatch> for lambda_runtime::Diagnostic {
    fn from(error: InvalidBatch) -> Self {
        lambda_runtime::Diagnostic { error_type: "InvalidEvent".to_owned(), error_message: error.to_string() }
    }
}

/// What an invocation came to.
#[derive(Debug)]
pub struct Transformed {
    /// The response: JSON.
    pub response: String,
    /// What happened, in numbers.
    pub metrics: BatchMetrics,
}

/// A valid record of a batch.
struct Scorable<'a> {
    transaction: Transaction<'a>,
    arrival: Timestamp,
}

impl<Profiles: ProfileStore, Entities: EntityStore> Transform<Profiles, Entities> {
    /// A function that looks profiles up in `profiles` and what `policies` ask for in `entities`, scores by `policies`, and lets
    /// event times within `bounds` name the partition.
    pub fn new(
        profiles: Profiles,
        entities: Entities,
        policies: impl Into<Policies>,
        bounds: EventTimeBounds,
    ) -> Self {
        let policies = policies.into();
        let reading = Reading::new(&Schema::builtin_default(), policies.asked());
        Transform {
            profiles,
            entities,
            history: NoHistory::default(),
            patience: Patience::default(),
            reading,
            encoder: RecordEncoder::new(&policies),
            decider: Decider::new(policies, bounds),
        }
    }

    /// The same function, for policies that look at the customers' history, which is in `rows`.
    #[must_use]
    pub fn with_history<Rows: HistoryStore>(self, rows: Rows) -> Transform<Profiles, Entities, Rows> {
        let Transform { profiles, entities, patience, reading, decider, encoder, history: _ } = self;
        Transform { profiles, entities, history: rows, patience, reading, decider, encoder }
    }
}

impl<Profiles: ProfileStore, Entities: EntityStore, Rows: HistoryStore> Transform<Profiles, Entities, Rows> {
    /// The same function, for labels of merchants that have come after `label_delay`; without this, after seven days.
    #[must_use]
    pub fn with_label_delay(mut self, label_delay: LabelDelay) -> Self {
        self.decider = self.decider.with_label_delay(label_delay);
        self
    }

    /// The same function for transactions that their producer writes by `schema`.
    #[must_use]
    pub fn with_schema(mut self, schema: &Schema) -> Self {
        self.reading = Reading::new(schema, self.decider.policies().asked());
        self
    }

    /// Transforms one batch. `remaining` is the time until the invocation must have answered; profiles and entities that
    /// cannot be had well before are done without.
    ///
    /// # Errors
    /// [`InvalidBatch`]
    pub async fn handle(&self, event: &str, remaining: Duration) -> Result<Transformed, InvalidBatch> {
        self.handle_within(event, remaining, MAX_RESPONSE_BYTES).await
    }

    /// What the customers' histories say, if a policy looks at them.
    async fn histories(
        &self,
        event: &FirehoseEvent<'_>,
        scorables: &[Result<Scorable<'_>, FailureReason>],
        deadline: Instant,
    ) -> Option<Histories> {
        self.decider.policies().history()?;
        let records = event.records.iter().zip(scorables).map(|(record, scorable)| {
            let Scorable { transaction, arrival } = scorable.as_ref().ok()?;
            let customer = transaction.customer_id.as_deref()?;
            Some((customer, Incoming::of(transaction, *arrival, event.position(record)?)))
        });
        Some(Histories::read(&self.history, records, &self.patience, deadline).await)
    }

    async fn handle_within(
        &self,
        event: &str,
        remaining: Duration,
        max_response_bytes: usize,
    ) -> Result<Transformed, InvalidBatch> {
        let event = FirehoseEvent::parse(event)?;
        let mut writer =
            ResponseWriter::new(&event.records, self.encoder.evidence_length(), max_response_bytes)?;
        let payloads = Payloads::decode(event.records.iter().map(|record| record.data));
        let mut reader = TransactionReader::new(&self.reading);
        let scorables: Vec<_> = event
            .records
            .iter()
            .enumerate()
            .map(|(index, record)| scorable(record, payloads.get(index), &mut reader))
            .collect();

        let deadline = lookup_deadline(Instant::now(), remaining);
        let histories = self.histories(&event, &scorables, deadline).await;
        // What was decided already is decided with what was known then.
        let to_look_up = scorables.iter().enumerate().map(|(index, scorable)| {
            let is_decided =
                matches!(histories.as_ref().map(|all| all.of(index)), Some(HistoryFound::Again(_)));
            if is_decided { None } else { Some(&scorable.as_ref().ok()?.transaction) }
        });
        let customers = to_look_up.clone().map(|transaction| transaction?.customer_id.as_deref());
        let kinds = self.decider.policies().asked().entities;
        let (profiles, entities) = tokio::join!(
            look_up(&self.profiles, customers, deadline),
            look_up_entities(&self.entities, kinds, to_look_up, deadline),
        );
        if let Some(fault) = profiles.fault() {
            tracing::warn!(reason = %fault, "profiles unavailable");
        }
        if let Some(fault) = entities.fault() {
            tracing::warn!(reason = %fault, "entities unavailable");
        }
        if let Some(fault) = histories.as_ref().and_then(Histories::fault) {
            tracing::warn!(reason = %fault, "histories unavailable");
        }
        let mut metrics = BatchMetrics::new(&profiles, &entities, self.decider.policies());
        let mut line = Vec::new();
        for (index, (record, scorable)) in event.records.iter().zip(&scorables).enumerate() {
            let failed = match scorable {
                Ok(Scorable { transaction, arrival }) => {
                    let position = event.position(record);
                    let history = histories.as_ref().map_or(HistoryFound::NotAsked, |all| all.of(index));
                    let found = match history {
                        HistoryFound::Again(entry) => Found::again(entry),
                        history => {
                            Found { enrichment: profiles.of(index), entities: entities.of(index), history }
                        }
                    };
                    let decision = self.decider.decide(transaction, found, *arrival, position);
                    line.clear();
                    self.encoder.encode(transaction, &decision, position, &mut line);
                    let fits = writer.ok(record, &line, decision.time.at);
                    if fits {
                        metrics.scored(&decision, found.entities.as_ref(), self.decider.policy());
                    }
                    (!fits).then_some(FailureReason::ResponseTooLarge)
                }
                Err(reason) => Some(*reason),
            };
            if let Some(reason) = failed {
                writer.echo(record);
                metrics.failed.add(reason, || record.id.raw().to_owned());
            }
        }
        metrics.failed.log("records not scored");
        Ok(Transformed { response: writer.finish(), metrics })
    }
}

fn scorable<'a>(
    record: &FirehoseRecord<'_>,
    payload: Result<&'a [u8], DataFault>,
    reader: &mut TransactionReader<'a>,
) -> Result<Scorable<'a>, FailureReason> {
    let transaction = reader.read(payload?)?;
    let arrival = record.arrival().ok_or(FailureReason::MissingArrivalTime)?;
    Ok(Scorable { transaction, arrival })
}

#[cfg(test)]
mod tests;
