//! The Firehose transform: each record of a batch comes back enriched, scored and with the partition it belongs to, or
//! unchanged as failed. No record makes another fail.

use std::time::Duration;

use exact_text::base64::{DataFault, Payloads};
use exact_text::timestamp::Timestamp;
use fraud_aws::profiles::{Customers, Lookup, ProfileStore};
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::identity::{Identity, Position};
use fraud_core::policy::Policy;
use fraud_core::reason::FailureReason;
use fraud_core::record::{Decision, RecordEncoder};
use fraud_core::scoring::Inputs;
use fraud_core::transaction::{Transaction, TransactionReader};
use tokio::time::Instant;

pub mod config;
pub mod event;
pub mod metrics;
pub mod response;

use event::{FirehoseEvent, FirehoseRecord, InvalidEvent};
use metrics::BatchMetrics;
use response::{MAX_RESPONSE_BYTES, ResponseWriter};

/// The longest that profiles are waited for; by then a table that answers at all has answered.
const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

/// The function.
#[derive(Debug)]
pub struct Transform<S> {
    profiles: S,
    policy: Policy,
    encoder: RecordEncoder,
    bounds: EventTimeBounds,
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

impl<S: ProfileStore> Transform<S> {
    /// A function that looks profiles up in `profiles`, scores by `policy`, and lets event times within `bounds` name
    /// the partition.
    pub fn new(profiles: S, policy: Policy, bounds: EventTimeBounds) -> Self {
        Transform { profiles, encoder: RecordEncoder::new(&policy), policy, bounds }
    }

    /// Transforms one batch. `remaining` is the time until the invocation must have answered; profiles that cannot be
    /// had well before are done without.
    ///
    /// # Errors
    /// [`InvalidEvent`] where the event is no Firehose transformation event.
    pub async fn handle(&self, event: &str, remaining: Duration) -> Result<Transformed, InvalidEvent> {
        self.handle_within(event, remaining, MAX_RESPONSE_BYTES).await
    }

    async fn handle_within(
        &self,
        event: &str,
        remaining: Duration,
        max_response_bytes: usize,
    ) -> Result<Transformed, InvalidEvent> {
        let event = FirehoseEvent::parse(event)?;
        let mut writer = ResponseWriter::new(&event.records, max_response_bytes)?;
        let payloads = Payloads::decode(event.records.iter().map(|record| record.data));
        let mut reader = TransactionReader::default();
        let scorables: Vec<_> = event
            .records
            .iter()
            .enumerate()
            .map(|(index, record)| scorable(record, payloads.get(index), &mut reader))
            .collect();

        let customers = Customers::of(
            scorables.iter().map(|scorable| scorable.as_ref().ok()?.transaction.customer_id.as_deref()),
        );
        let lookup_deadline = Instant::now() + LONGEST_LOOKUP.min(remaining / 2);
        let answer = self.profiles.lookup(&customers.distinct, lookup_deadline).await;

        if let Some(fault) = &answer.fault {
            tracing::warn!(reason = %fault, "profiles unavailable");
        }
        let mut metrics = BatchMetrics::new(&answer, customers.distinct.len());
        let mut line = Vec::new();
        for ((record, scorable), place) in event.records.iter().zip(&scorables).zip(&customers.places) {
            let result = match scorable {
                Ok(scorable) => {
                    let lookup = place.and_then(|place| answer.profiles.get(place));
                    let enrichment = lookup.map_or(Enrichment::NoCustomer, Lookup::enrichment);
                    let decision = self.decide(scorable, enrichment, event.position(record));
                    line.clear();
                    self.encoder.encode(&scorable.transaction, &decision, &mut line);
                    let event_time = scorable.transaction.event_time.instant();
                    let partition = self.bounds.effective(event_time, scorable.arrival);
                    if writer.ok(record, &line, partition) {
                        Ok(decision)
                    } else {
                        Err(FailureReason::ResponseTooLarge)
                    }
                }
                Err(reason) => Err(*reason),
            };
            match result {
                Ok(decision) => metrics.scored(&decision, &self.policy),
                Err(reason) => {
                    writer.echo(record);
                    metrics.failed.add(reason, || record.id.raw().to_owned());
                }
            }
        }
        metrics.failed.log("records not scored");
        Ok(Transformed { response: writer.finish(), metrics })
    }

    fn decide<'a>(
        &self,
        scorable: &'a Scorable<'a>,
        enrichment: Enrichment<'a>,
        position: Option<Position<'a>>,
    ) -> Decision<'a> {
        let Scorable { transaction, arrival } = scorable;
        let inputs = Inputs::of(transaction, enrichment, *arrival, &self.policy);
        let (customer, id) = (transaction.customer_id.as_deref(), transaction.transaction_id.as_deref());
        Decision {
            enrichment,
            score: self.policy.score(&inputs),
            identity: Identity::of(customer, id, position),
            arrival: *arrival,
            event_time_fault: self.bounds.fault(&transaction.event_time, *arrival),
        }
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
