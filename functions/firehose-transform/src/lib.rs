//! The Firehose transform: each record of a batch comes back enriched, scored and with the partition it belongs to, or
//! unchanged as failed. No record makes another fail.

use std::time::Duration;

use exact_text::base64::{DataFault, Payloads};
use exact_text::timestamp::Timestamp;
use fraud_aws::entities::{EntityStore, look_up_entities};
use fraud_aws::lookup::{look_up, lookup_deadline};
use fraud_aws::profiles::ProfileStore;
use fraud_aws::reason::FailureReason;
use fraud_core::decision::Decider;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::found::{Found, HistoryFound};
use fraud_core::policy::Policy;
use fraud_core::record::RecordEncoder;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Reading, Transaction, TransactionReader};
use lambda_events::InvalidEvent;
use lambda_events::firehose::{FirehoseEvent, FirehoseRecord};
use tokio::time::Instant;

pub mod config;
pub mod metrics;
pub mod response;

use metrics::BatchMetrics;
use response::{MAX_RESPONSE_BYTES, ResponseWriter, Unanswerable};

/// The function.
#[derive(Debug)]
pub struct Transform<Profiles, Entities> {
    profiles: Profiles,
    entities: Entities,
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
    /// A function that looks profiles up in `profiles` and what `policy` asks for in `entities`, scores by `policy`, and lets
    /// event times within `bounds` name the partition.
    pub fn new(profiles: Profiles, entities: Entities, policy: Policy, bounds: EventTimeBounds) -> Self {
        let reading = Reading::new(&Schema::builtin_default(), policy.asked());
        Transform {
            profiles,
            entities,
            reading,
            encoder: RecordEncoder::new(&policy),
            decider: Decider::new(policy, bounds),
        }
    }

    /// The same function for transactions that their producer writes by `schema`.
    #[must_use]
    pub fn with_schema(mut self, schema: &Schema) -> Self {
        self.reading = Reading::new(schema, self.decider.policy().asked());
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

        let customers =
            scorables.iter().map(|scorable| scorable.as_ref().ok()?.transaction.customer_id.as_deref());
        let transactions = scorables.iter().map(|scorable| Some(&scorable.as_ref().ok()?.transaction));
        let kinds = self.decider.policy().asked().entities;
        let deadline = lookup_deadline(Instant::now(), remaining);
        let (profiles, entities) = tokio::join!(
            look_up(&self.profiles, customers, deadline),
            look_up_entities(&self.entities, kinds, transactions, deadline),
        );
        if let Some(fault) = profiles.fault() {
            tracing::warn!(reason = %fault, "profiles unavailable");
        }
        if let Some(fault) = entities.fault() {
            tracing::warn!(reason = %fault, "entities unavailable");
        }
        let mut metrics = BatchMetrics::new(&profiles, &entities, self.decider.policy());
        let mut line = Vec::new();
        for (index, (record, scorable)) in event.records.iter().zip(&scorables).enumerate() {
            let failed = match scorable {
                Ok(Scorable { transaction, arrival }) => {
                    let position = event.position(record);
                    let found = Found {
                        enrichment: profiles.of(index),
                        entities: entities.of(index),
                        history: HistoryFound::NotAsked,
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
