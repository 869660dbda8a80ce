//! A Kinesis stream as a source, by polling: ListShards, GetShardIterator, GetRecords.

use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::http::HttpResponse;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{Record as KinesisRecord, Shard as KinesisShard, ShardIteratorType};
use exact_text::timestamp::Timestamp;

use super::record::{Record, SequenceNumber};
use super::source::{Page, ReadFrom, Shard, ShardSource, SourceFault, StreamDescription};
use crate::shards::{SHARDS_A_PAGE, is_closed, list_shards};

/// The longest that one answer may take: GetRecords returns up to 10 MiB, also over a slow line.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
/// The most records of one GetRecords (Kinesis API reference).
const MAX_RECORDS: usize = 10_000;

/// A stream, read as a standard consumer: 2 MB and five reads a second of each shard, shared with all others.
#[derive(Debug, Clone)]
pub struct KinesisSource {
    client: Client,
    stream: String,
}

impl KinesisSource {
    /// The stream of this name. Repeating calls is the consumer's, not the client's: it counts them, and keeps the pace.
    pub fn new(client: &Client, stream: impl Into<String>) -> Self {
        let timeouts = client
            .config()
            .timeout_config()
            .map_or_else(TimeoutConfig::builder, |timeouts| timeouts.to_builder());
        let config = client
            .config()
            .to_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.operation_attempt_timeout(ATTEMPT_TIMEOUT).build())
            .build();
        KinesisSource { client: Client::from_conf(config), stream: stream.into() }
    }
}

impl ShardSource for KinesisSource {
    fn stream(&self) -> &str {
        &self.stream
    }

    async fn describe(&self) -> Result<StreamDescription, SourceFault> {
        let request = self.client.describe_stream_summary().stream_name(&self.stream);
        let answer = request.send().await.map_err(|error| fault(&error))?;
        // The SDK fills in what the answer lacks.
        let summary = answer.stream_description_summary.filter(|summary| !summary.stream_arn.is_empty());
        let summary = summary.ok_or_else(|| unreadable("no description"))?;
        Ok(StreamDescription {
            created_at: timestamp(summary.stream_creation_timestamp)?,
            retention: Duration::from_secs(
                u64::try_from(summary.retention_period_hours).unwrap_or_default() * 3600,
            ),
            arn: summary.stream_arn,
        })
    }

    async fn shards(&self) -> Result<Vec<Shard>, SourceFault> {
        let shards = list_shards(&self.client, &self.stream, SHARDS_A_PAGE).await;
        Ok(shards?.into_iter().map(shard).collect())
    }

    async fn iterator(&self, shard_id: &str, from: &ReadFrom) -> Result<String, SourceFault> {
        let request = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(shard_id);
        let request = match from {
            ReadFrom::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            ReadFrom::Latest => request.shard_iterator_type(ShardIteratorType::Latest),
            ReadFrom::Time(time) => request
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(DateTime::from_millis(time.millis())),
            ReadFrom::After(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number.as_str()),
        };
        let answer = request.send().await.map_err(|error| match fault(&error) {
            SourceFault::Call(fault) if fault.code == "InvalidArgumentException" => {
                SourceFault::PositionRefused { message: fault.message }
            }
            fault => fault,
        })?;
        answer.shard_iterator.ok_or_else(|| unreadable("no iterator"))
    }

    async fn read(&self, iterator: &str, limit: usize) -> Result<Page, SourceFault> {
        let limit = i32::try_from(limit.clamp(1, MAX_RECORDS)).unwrap_or(i32::MAX);
        let request = self.client.get_records().shard_iterator(iterator).limit(limit);
        let answer = request.send().await.map_err(|error| fault(&error))?;
        // An answer that says nothing must not pass for the end of a closed shard, which also has no next iterator.
        let behind = answer.millis_behind_latest.ok_or_else(|| unreadable("no distance from the tip"))?;
        let behind = u64::try_from(behind).unwrap_or_default();
        Ok(Page {
            records: answer.records.into_iter().map(record).collect::<Result<_, _>>()?,
            next: answer.next_shard_iterator,
            behind: Duration::from_millis(behind),
        })
    }
}

fn shard(shard: KinesisShard) -> Shard {
    let is_closed = is_closed(&shard);
    let parents = shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id);
    Shard { id: shard.shard_id, parents: parents.collect(), is_closed }
}

fn record(record: KinesisRecord) -> Result<Record, SourceFault> {
    let number = SequenceNumber::parse(&record.sequence_number);
    Ok(Record {
        sequence_number: number.ok_or_else(|| unreadable("a sequence number that is not a number"))?,
        partition_key: record.partition_key.ok_or_else(|| unreadable("a record without a partition key"))?,
        data: record.data.into_inner().into(),
        approximate_arrival: match record.approximate_arrival_timestamp {
            Some(time) => timestamp(time)?,
            None => return Err(unreadable("a record without an arrival time")),
        },
    })
}

fn timestamp(time: DateTime) -> Result<Timestamp, SourceFault> {
    let time = time.to_millis().ok().and_then(Timestamp::from_millis);
    time.ok_or_else(|| unreadable("a time beyond the calendar"))
}

/// An answer that no Kinesis gives.
fn unreadable(what: &str) -> SourceFault {
    CallFault::unreadable(what).into()
}

fn fault<E>(error: &SdkError<E, HttpResponse>) -> SourceFault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if error.code() == Some("ExpiredIteratorException") {
        return SourceFault::ExpiredIterator;
    }
    CallFault::of(error).into()
}

#[cfg(test)]
mod tests {
    use aws_calls::fault::FaultKind;
    use embedded_aws::REGION;

    use super::*;

    #[tokio::test]
    async fn without_credentials_or_region_a_request_cannot_be_sent_and_without_a_connection_it_fails() {
        use aws_sdk_kinesis::config::{BehaviorVersion, Config, Credentials, Region};
        let config = || Config::builder().behavior_version(BehaviorVersion::v2026_01_12());
        let credentials = Credentials::new("embedded", "embedded", None, None, "embedded");
        let region = Region::from_static(REGION);
        let fault = async |config: aws_sdk_kinesis::config::Builder| {
            let client = Client::from_conf(config.build());
            KinesisSource::new(&client, "transactions").describe().await.unwrap_err()
        };
        // A port that nobody listens to.
        let nowhere = "http://127.0.0.1:9";
        for config in [
            config().region(region.clone()).endpoint_url(nowhere),
            config().credentials_provider(credentials.clone()),
        ] {
            let fault = fault(config).await;
            assert!(
                matches!(&fault, SourceFault::Call(CallFault { kind: FaultKind::NotSent, message, .. }) if !message.is_empty()),
                "{fault:?}"
            );
        }
        let whole = config().region(region).credentials_provider(credentials).endpoint_url(nowhere);
        assert_eq!(
            fault(whole).await,
            CallFault::new(FaultKind::NoAnswer, "cannot reach the service").into()
        );
    }
}
