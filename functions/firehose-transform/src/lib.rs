//! The Firehose transform: each record of a batch comes back enriched, scored and with the partition it belongs to, or
//! unchanged as failed. No record makes another fail.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use fraud_aws::profiles::{Lookup, ProfileStore};
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::identity::{Identity, Position};
use fraud_core::policy::Policy;
use fraud_core::reason::FailureReason;
use fraud_core::record::{Decision, RecordEncoder};
use fraud_core::scoring::Inputs;
use fraud_core::timestamp::Timestamp;
use fraud_core::transaction::Transaction;
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
        Transform { profiles, policy, bounds }
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
        let payloads = Payloads::decode(&event.records);
        let scorables: Vec<_> = event
            .records
            .iter()
            .enumerate()
            .map(|(index, record)| scorable(record, payloads.get(index)))
            .collect();

        let customers = Customers::of(&scorables);
        let lookup_deadline = Instant::now() + LONGEST_LOOKUP.min(remaining / 2);
        let answer = self.profiles.lookup(&customers.distinct, lookup_deadline).await;

        if let Some(fault) = &answer.fault {
            tracing::warn!(reason = %fault, "profiles unavailable");
        }
        let mut metrics = BatchMetrics::new(&answer, customers.distinct.len());
        let encoder = RecordEncoder::new(&self.policy);
        let mut line = Vec::new();
        for ((record, scorable), place) in event.records.iter().zip(&scorables).zip(&customers.places) {
            let result = match scorable {
                Ok(scorable) => {
                    let lookup = place.and_then(|place| answer.profiles.get(place));
                    let enrichment = lookup.map_or(Enrichment::NoCustomer, Lookup::enrichment);
                    let decision = self.decide(scorable, enrichment, event.position(record));
                    line.clear();
                    encoder.encode(&scorable.transaction, &decision, &mut line);
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
                    metrics.failed(reason);
                    tracing::warn!(
                        record_id = record.id.raw(),
                        reason = reason.as_str(),
                        "record not scored"
                    );
                }
            }
        }
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
        }
    }
}

/// The decoded data of all records, in one piece of memory.
struct Payloads {
    arena: Vec<u8>,
    ranges: Vec<Result<Range<usize>, FailureReason>>,
}

impl Payloads {
    fn decode(records: &[FirehoseRecord<'_>]) -> Self {
        let base64_length: usize =
            records.iter().filter_map(|record| record.data).map(|data| data.raw().len()).sum();
        let mut arena = Vec::with_capacity(base64_length / 4 * 3);
        let decode = |record: &FirehoseRecord<'_>| {
            let start = arena.len();
            record.decode_into(&mut arena).map(|()| start..arena.len())
        };
        let ranges = records.iter().map(decode).collect();
        Payloads { arena, ranges }
    }

    fn get(&self, index: usize) -> Result<&[u8], FailureReason> {
        let range = self.ranges.get(index).cloned().unwrap_or(Err(FailureReason::MissingData))?;
        self.arena.get(range).ok_or(FailureReason::MissingData)
    }
}

fn scorable<'a>(
    record: &FirehoseRecord<'_>,
    payload: Result<&'a [u8], FailureReason>,
) -> Result<Scorable<'a>, FailureReason> {
    let transaction = Transaction::parse(payload?)?;
    let arrival = record.arrival().ok_or(FailureReason::MissingArrivalTime)?;
    Ok(Scorable { transaction, arrival })
}

/// The customers of a batch, each once.
struct Customers<'a> {
    distinct: Vec<&'a str>,
    /// For each record its customer's place in `distinct`.
    places: Vec<Option<usize>>,
}

impl<'a> Customers<'a> {
    fn of(scorables: &'a [Result<Scorable<'a>, FailureReason>]) -> Self {
        let mut distinct = Vec::new();
        let mut known = HashMap::new();
        let place = |scorable: &'a Result<Scorable<'a>, FailureReason>| {
            let customer = scorable.as_ref().ok()?.transaction.customer_id.as_deref()?;
            Some(*known.entry(customer).or_insert_with(|| {
                distinct.push(customer);
                distinct.len() - 1
            }))
        };
        let places = scorables.iter().map(place).collect();
        Customers { distinct, places }
    }
}

#[cfg(test)]
mod tests;
