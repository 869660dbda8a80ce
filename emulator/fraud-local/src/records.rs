//! What is on a run's stream: shard by shard, or in the order in which it was decided.

use std::collections::VecDeque;

use embedded_aws::EmbeddedStream;
use embedded_aws::event_source_mapping::{Record, RecordSource};
use exact_text::timestamp::Timestamp;
use fraud_core::history::SequenceNumber;
use fraud_core::identity::Position;
use serde::{Deserialize, Serialize};

use crate::services::STREAM;
use crate::timeline::{Ends, Timeline};

/// Records that are read at once.
const PAGE: usize = 1_000;

/// A record of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    /// The stream's name.
    pub(crate) stream: String,
    /// The shard's id.
    pub(crate) shard: String,
    /// The sequence number's digits.
    pub(crate) sequence_number: String,
    /// When it arrived.
    #[serde(with = "milliseconds")]
    pub(crate) arrival: Timestamp,
    /// The payload.
    pub(crate) data: Vec<u8>,
}

impl StreamRecord {
    /// Where it is in the stream.
    pub(crate) fn position(&self) -> Position<'_> {
        Position {
            stream: &self.stream,
            shard: &self.shard,
            sequence_number: &self.sequence_number,
            sub_sequence_number: 0,
        }
    }
}

mod milliseconds {
    use exact_text::timestamp::Timestamp;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        time.millis().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::saturating_from_millis)
    }
}

/// When a record arrived.
pub(crate) fn arrival(record: &Record) -> anyhow::Result<Timestamp> {
    let since = record.approximate_arrival.duration_since(std::time::UNIX_EPOCH)?;
    Ok(Timestamp::saturating_from_millis(i64::try_from(since.as_millis())?))
}

/// Reads the stream once, a page of each shard in memory.
pub(crate) struct Records {
    source: EmbeddedStream,
    shards: Vec<Shard>,
}

struct Shard {
    id: String,
    /// What was read last.
    last: Option<String>,
    /// What comes behind this is left out.
    end: Option<SequenceNumber>,
    page: VecDeque<StreamRecord>,
}

impl Records {
    /// From the begin of each shard, whatever is on the stream by the time that it is read.
    pub(crate) async fn all(source: &EmbeddedStream) -> anyhow::Result<Self> {
        let shards = source.shards().await?.into_iter();
        let shards = shards.map(|shard| Shard { id: shard.id, last: None, end: None, page: VecDeque::new() });
        Ok(Records { source: source.clone(), shards: shards.collect() })
    }

    /// From the begin of each shard to these ends.
    pub(crate) async fn until(source: &EmbeddedStream, ends: &Ends) -> anyhow::Result<Self> {
        let mut records = Records::all(source).await?;
        records.shards.retain_mut(|shard| {
            shard.end = ends.get(&shard.id).copied();
            shard.end.is_some()
        });
        Ok(records)
    }

    /// Up to where the shards have been read; one without records has no end.
    pub(crate) fn ends(&self) -> Ends {
        let end = |shard: &Shard| Some((shard.id.clone(), SequenceNumber::of(shard.last.as_ref()?)));
        self.shards.iter().filter_map(end).collect()
    }

    /// The next record, shard by shard.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<StreamRecord>> {
        for shard in &mut self.shards {
            shard.fill(&self.source).await?;
            if let Some(record) = shard.page.pop_front() {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The next record in the order of arrival within each step of a timeline, and how many changes came before it.
    pub(crate) async fn next_in_order(
        &mut self,
        timeline: &Timeline,
    ) -> anyhow::Result<Option<(usize, StreamRecord)>> {
        for shard in &mut self.shards {
            shard.fill(&self.source).await?;
        }
        let steps = self.shards.iter_mut().filter_map(|shard| {
            let record = shard.page.front()?;
            let step = timeline.changes_before(&record.shard, &record.sequence_number);
            let place = (step, record.arrival, SequenceNumber::of(&record.sequence_number));
            Some((place, &mut shard.page))
        });
        let first = steps.min_by_key(|(place, _)| *place);
        Ok(first.and_then(|((step, ..), page)| Some((step, page.pop_front()?))))
    }
}

impl Shard {
    /// Has the next record in the page, if there is one.
    async fn fill(&mut self, source: &EmbeddedStream) -> anyhow::Result<()> {
        if !self.page.is_empty() {
            return Ok(());
        }
        let read = source.read(&self.id, self.last.as_deref(), PAGE).await?;
        for record in read.records {
            if self.end.is_some_and(|end| SequenceNumber::of(&record.sequence_number) > end) {
                break;
            }
            let arrival = arrival(&record)?;
            self.last = Some(record.sequence_number.clone());
            self.page.push_back(StreamRecord {
                stream: STREAM.to_owned(),
                shard: self.id.clone(),
                sequence_number: record.sequence_number,
                arrival,
                data: record.data.to_vec(),
            });
        }
        Ok(())
    }
}
