//! Totals to a Kinesis stream.

use std::time::Duration;

use aws_calls::fault::{CallFault, UNREADABLE_ANSWER, answer_by};
use aws_calls::pauses::Pauses;
use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::Builder;
use aws_sdk_kinesis::error::BuildError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use fraud_core::window::WindowTotals;
use tokio::time::Instant;

use super::AggregateSink;

/// The most records of one PutRecords (Amazon Kinesis API reference). It takes 10 MiB in all, 20 KiB for each of these:
/// a line with its key stays below 4, for a customer's id has at most 256 characters.
const RECORDS_PER_CALL: usize = 500;
/// The longest partition key, in characters (same source). They are counted here as the shorter of two ways to count
/// has them, so that no id is refused.
const MAX_KEY_UNITS: usize = 256;
/// How often a record is tried. A shard takes 1,000 records a second, so that what it has refused it takes soon after.
const ATTEMPTS: u32 = 5;
/// The first pause before records that were refused are sent again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A Kinesis stream, with the customer's id as the partition key.
#[derive(Debug, Clone)]
pub struct KinesisTotals {
    client: Client,
    stream: String,
}

impl KinesisTotals {
    /// The stream named `stream`.
    pub fn new(config: &SdkConfig, stream: impl Into<String>) -> Self {
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_PAUSE)
            .with_max_backoff(LONGEST_PAUSE);
        let client = Client::from_conf(Builder::from(config).retry_config(retries).build());
        KinesisTotals { client, stream: stream.into() }
    }

    /// Sends what one call can hold, and what of it was refused again. Gives one result for each.
    async fn put(
        &self,
        totals: &[WindowTotals],
        deadline: Instant,
    ) -> Result<Vec<Result<(), CallFault>>, CallFault> {
        let mut results = vec![Ok(()); totals.len()];
        // The places that are still to be sent.
        let mut open: Vec<usize> = (0..totals.len()).collect();
        let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
        for attempt in 1..=ATTEMPTS {
            let answers = self.call(open.iter().filter_map(|&place| totals.get(place)), deadline).await;
            let answers = match answers {
                // The SDK does not make such a call again: its records may have been taken, or not.
                Err(fault) if fault.code == UNREADABLE_ANSWER => vec![Err(fault); open.len()],
                answers => answers?,
            };
            let mut refused = Vec::new();
            for (&place, answer) in open.iter().zip(answers) {
                if answer.is_err() {
                    refused.push(place);
                }
                if let Some(result) = results.get_mut(place) {
                    *result = answer;
                }
            }
            open = refused;
            if open.is_empty() || attempt == ATTEMPTS || !pauses.wait_before(deadline).await {
                break;
            }
        }
        Ok(results)
    }

    /// One PutRecords: for each record whether it was taken.
    async fn call(
        &self,
        totals: impl Iterator<Item = &WindowTotals>,
        deadline: Instant,
    ) -> Result<Vec<Result<(), CallFault>>, CallFault> {
        let entries: Vec<_> =
            totals.map(entry).collect::<Result<_, _>>().map_err(|error| CallFault::unusable(&error))?;
        let count = entries.len();
        let call = self.client.put_records().stream_name(&self.stream).set_records(Some(entries));
        let answer = answer_by(deadline, call.send()).await?;
        if answer.records.len() != count {
            // Places are all that tells the records apart, so that nothing is known of any.
            return Err(CallFault::unreadable("the answer has another number of records"));
        }
        let taken = |record: PutRecordsResultEntry| match (record.error_code, record.sequence_number) {
            (Some(code), _) => Err(CallFault::of_entry(&code)),
            (None, Some(_)) => Ok(()),
            (None, None) => Err(CallFault::unreadable("the answer says nothing of the record")),
        };
        Ok(answer.records.into_iter().map(taken).collect())
    }
}

impl AggregateSink for KinesisTotals {
    async fn send(&self, totals: &[WindowTotals], deadline: Instant) -> Vec<Result<(), CallFault>> {
        let mut results = Vec::with_capacity(totals.len());
        for chunk in totals.chunks(RECORDS_PER_CALL) {
            match self.put(chunk, deadline).await {
                Ok(of_chunk) => results.extend(of_chunk),
                Err(fault) => {
                    // The call failed as a whole, after retries: nothing more is begun.
                    results.resize(totals.len(), Err(fault));
                    break;
                }
            }
        }
        results
    }
}

fn entry(totals: &WindowTotals) -> Result<PutRecordsRequestEntry, BuildError> {
    let data = Blob::new(totals.to_json());
    PutRecordsRequestEntry::builder().data(data).partition_key(partition_key(&totals.customer_id)).build()
}

/// The customer's id, or as much of it as a partition key can hold.
fn partition_key(customer_id: &str) -> &str {
    let mut units = 0;
    let fits = |&(_, character): &(usize, char)| {
        units += character.len_utf16();
        units <= MAX_KEY_UNITS
    };
    let end = customer_id.char_indices().take_while(fits).last();
    let end = end.map_or(0, |(at, character)| at + character.len_utf8());
    customer_id.get(..end).unwrap_or(customer_id)
}
