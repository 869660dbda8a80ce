//! Replaying through the transform: records become finished lines of the lake again.
//!
//! Live, the transform degrades: what it cannot look up in time it does without, and says so. A replay is there to mend
//! that, so that it waits for what cannot be looked up.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_calls::sdk::Sdk;
use bytes::Bytes;
use firehose_transform::Transform;
use firehose_transform::config::Config;
use firehose_transform::metrics::BatchMetrics;
use fraud_aws::config::Environment;
use fraud_aws::entities::Entities;
use fraud_aws::history::HistoryRows;
use fraud_aws::profiles::Profiles;
use kpl_aggregation::{Payload, split};
use lambda_events::firehose_json::{EventRecord, event_json};
use stream_client::consumer::{self, Batch, Handled, HandlerError, Record, SequenceNumber};
use tokio::time::timeout;

use crate::Failure;
use crate::reading::ReadingStatus;

mod answer;
mod folder;
mod totals;

use answer::{Answered, read_answers};
use folder::LakeFolder;
pub(super) use folder::Replay;
pub(super) use totals::TransformTotals;

/// The most bytes of records in an event. The smallest records grow some twentyfold: this many are answered whole.
const EVENT_BYTES: usize = 200 * 1024;

/// The transform, and the files that its lines go to.
pub(super) struct TransformHandler {
    transform: Transform<Profiles, Entities, HistoryRows>,
    /// How long an invocation may take.
    limit: Duration,
    status: ReadingStatus,
    done: Mutex<Done>,
}

struct Done {
    /// `None` in a dry run.
    folder: Option<LakeFolder>,
    totals: TransformTotals,
    /// The last record of each shard whose lines were gathered: a batch may be handed over again.
    last: HashMap<String, SequenceNumber>,
}

/// A record as Firehose hands it to the transform: taken out of its aggregate, if it was in one.
struct Part<'a> {
    record: &'a Record,
    sub_sequence_number: u64,
    data: Bytes,
}

/// Why a batch must be handled again.
struct NotYet(String);

impl TransformHandler {
    /// The function as the environment configures it; its lines go below `out`, or nowhere.
    ///
    /// # Errors
    /// [`Failure::Input`] for a variable that is missing or wrong, a file that cannot be used, or a folder that cannot be
    /// written to.
    pub(super) async fn connect(
        environment: Environment<'_>,
        sdk: &Sdk,
        limit: Duration,
        status: ReadingStatus,
        out: Option<(&Path, Replay)>,
    ) -> Result<Self, Failure> {
        let config = Config::from_environment(environment).map_err(Failure::input)?;
        let policies = config.policy_sources.load(sdk).await.map_err(Failure::input)?;
        let schema = config.schema_source.load().map_err(Failure::input)?;
        let profiles = Profiles::connect(&config.profile_source, config.cache, sdk).await;
        let entities = Entities::connect(&config.entity_source, &policies, config.cache, sdk).await;
        let (profiles, entities) = (profiles.map_err(Failure::input)?, entities.map_err(Failure::input)?);
        let history = HistoryRows::connect(&config.history, &policies, sdk).await.map_err(Failure::input)?;
        let transform = Transform::new(profiles, entities, policies, config.event_time_bounds)
            .with_label_delay(config.label_delay)
            .with_history(history)
            .with_schema(&schema);
        // Last, so that nothing is left in the folder if something else is wrong.
        let folder = out.map(|(out, replay)| LakeFolder::claim(out, replay)).transpose();
        let done = Done {
            folder: folder.map_err(Failure::input)?,
            totals: TransformTotals::default(),
            last: HashMap::new(),
        };
        Ok(TransformHandler { transform, limit, status, done: Mutex::new(done) })
    }

    /// Completes the files if all of the span was replayed; else removes what there is. Gives the numbers.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub(super) fn finish(&self, is_complete: bool) -> anyhow::Result<TransformTotals> {
        let mut done = self.locked();
        if let Some(folder) = done.folder.take() {
            match is_complete {
                true => done.totals.files = folder.complete()?,
                false => folder.abandon()?,
            }
        }
        Ok(done.totals.clone())
    }

    fn locked(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn transformed(
        &self,
        batch: &Batch<'_>,
        parts: &[Part<'_>],
    ) -> Result<(Answered, BatchMetrics), NotYet> {
        let ids: Vec<String> = (0..parts.len()).map(|number| number.to_string()).collect();
        let records = parts.iter().zip(&ids).map(|(part, id)| EventRecord {
            id,
            shard: batch.shard_id,
            sequence_number: part.record.sequence_number.as_str(),
            sub_sequence_number: part.sub_sequence_number,
            partition_key: &part.record.partition_key,
            data: &part.data,
            arrival: part.record.approximate_arrival,
        });
        let event = event_json(batch.stream_arn, records);
        let transformed = match timeout(self.limit, self.transform.handle(&event, self.limit)).await {
            Ok(transformed) => transformed.map_err(|error| NotYet(error.to_string()))?,
            Err(_elapsed) => return Err(NotYet(format!("no answer in {} s", self.limit.as_secs()))),
        };
        let metrics = transformed.metrics;
        if metrics.enrichment.unavailable > 0 {
            return Err(NotYet("profiles_unavailable".to_owned()));
        }
        if metrics.entities.as_ref().is_some_and(|entities| entities.unavailable > 0) {
            return Err(NotYet("entities_unavailable".to_owned()));
        }
        // Lagging records are not waited for: those that the alerting function gave up are never taken in.
        if metrics.history_unavailable > 0 {
            return Err(NotYet("history_unavailable".to_owned()));
        }
        let answered = read_answers(&transformed.response, batch.shard_id, parts).map_err(NotYet)?;
        Ok((answered, metrics))
    }

    /// What the transform makes of a batch.
    async fn batch(&self, batch: &Batch<'_>) -> Result<(Answered, TransformTotals), NotYet> {
        let last = self.locked().last.get(batch.shard_id).cloned();
        let is_new = |record: &&Record| last.as_ref().is_none_or(|last| record.sequence_number > *last);
        let parts: Vec<Part<'_>> = batch.records.iter().filter(is_new).flat_map(taken_apart).collect();
        let (mut answered, mut totals) = (Answered::default(), TransformTotals::default());
        let mut rest = parts.as_slice();
        while !rest.is_empty() {
            let (event, after) = rest.split_at(event_length(rest));
            rest = after;
            let (of_event, metrics) = self.transformed(batch, event).await?;
            answered.append(of_event);
            totals.add_invocation(&metrics);
        }
        Ok((answered, totals))
    }
}

impl consumer::Handler for TransformHandler {
    async fn handle(&self, batch: &Batch<'_>) -> Result<Handled, HandlerError> {
        match self.batch(batch).await {
            Ok((answered, totals)) => {
                let mut done = self.locked();
                if let Some(folder) = &mut done.folder {
                    folder.append(batch.shard_id, &answered)?;
                }
                done.totals.add(&totals);
                if let Some(last) = batch.records.last() {
                    done.last.insert(batch.shard_id.to_owned(), last.sequence_number.clone());
                }
                Ok(Handled::All)
            }
            Err(NotYet(reason)) => {
                self.status.tell(&format!("{}: records are retried: {reason}", batch.shard_id));
                match batch.records.first() {
                    Some(first) => Ok(Handled::AgainFrom(first.sequence_number.clone())),
                    None => Ok(Handled::All),
                }
            }
        }
    }
}

/// A record, or the records in it if it is an aggregate.
fn taken_apart(record: &Record) -> Vec<Part<'_>> {
    match split(record.data.clone()) {
        Payload::Plain(data) => vec![Part { record, sub_sequence_number: 0, data }],
        Payload::Aggregate(users) => {
            let part = |user: kpl_aggregation::UserRecord| Part {
                record,
                sub_sequence_number: user.sub_sequence_number,
                data: user.data,
            };
            users.into_iter().map(part).collect()
        }
    }
}

/// How many records from the first on are for one event; one at least.
fn event_length(parts: &[Part<'_>]) -> usize {
    let mut bytes = 0;
    let fits = parts.iter().take_while(|part| {
        bytes += part.data.len();
        bytes <= EVENT_BYTES
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use exact_text::timestamp::Timestamp;
    use stream_client::consumer::Handler;

    use super::*;

    fn record(number: u32) -> Record {
        Record {
            sequence_number: SequenceNumber::parse(&number.to_string()).unwrap(),
            partition_key: "C1".to_owned(),
            data: format!("{{\"customer_id\":\"C1\",\"amount\":{number}}}").into(),
            approximate_arrival: Timestamp::from_millis(1_768_438_994_000).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_batch_that_is_handed_over_again_is_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let profiles = folder.path().join("profiles.json");
        std::fs::write(&profiles, "{}").unwrap();
        let variable =
            |name: &str| (name == "PROFILE_SOURCE").then(|| format!("file:{}", profiles.display()));
        let time = |millis| Timestamp::from_millis(millis).unwrap();
        let replay = Replay { stream: "s".to_owned(), from: time(0), to: time(1) };
        let sdk = Sdk::new();
        let handler = TransformHandler::connect(
            Environment::new(&variable),
            &sdk,
            Duration::from_secs(5),
            ReadingStatus::new(),
            Some((folder.path(), replay)),
        );
        let handler = handler.await.unwrap();
        let records = [record(5), record(6), record(7)];
        let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/s";
        for records in [&records[..2], &records[..]] {
            let batch = Batch { stream_arn: arn, shard_id: "shardId-0", records, attempt: 1 };
            assert_eq!(handler.handle(&batch).await.unwrap(), Handled::All);
        }
        let totals = handler.finish(true).unwrap();
        assert_eq!((totals.lines, totals.files), (3, 1));
        let hour = folder.path().join("transactions/year=2026/month=01/day=15/hour=01");
        let file = std::fs::read_dir(hour).unwrap().next().unwrap().unwrap().path();
        let mut text = String::new();
        let file = std::fs::File::open(file).unwrap();
        flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
        let identities: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["decision_id"].to_string())
            .collect();
        assert_eq!(identities, [5, 6, 7].map(|number| format!("\"@s/shardId-0/{number}\"")));
    }
}
