//! What mappings gave up, as a stream.

use std::collections::BTreeMap;
use std::convert::Infallible;

use embedded_aws::event_source_mapping::{DiscardedBatch, Page, Record, RecordSource, Shard};

/// Records of one stream that were given up, by shard and sequence number, each once: with the positions and the arrivals
/// that they had, as a redrive has them.
#[derive(Debug, Default)]
pub(super) struct GivenUp {
    stream_arn: String,
    shards: BTreeMap<String, BTreeMap<String, Record>>,
}

impl GivenUp {
    pub(super) fn of<'b>(batches: impl Iterator<Item = &'b DiscardedBatch>) -> Self {
        let mut given_up = GivenUp::default();
        for batch in batches {
            given_up.stream_arn.clone_from(&batch.stream_arn);
            let shard = given_up.shards.entry(batch.shard_id.clone()).or_default();
            shard.extend(batch.records.iter().map(|record| (record.sequence_number.clone(), record.clone())));
        }
        given_up
    }
}

impl RecordSource for GivenUp {
    type Error = Infallible;

    fn stream_arn(&self) -> String {
        self.stream_arn.clone()
    }

    async fn shards(&self) -> Result<Vec<Shard>, Infallible> {
        Ok(self.shards.keys().map(|id| Shard { id: id.clone(), parents: Vec::new() }).collect())
    }

    async fn read(&self, shard_id: &str, after: Option<&str>, limit: usize) -> Result<Page, Infallible> {
        let Some(shard) = self.shards.get(shard_id) else { return Ok(Page::default()) };
        let left = shard.values().filter(|record| after.is_none_or(|after| *record.sequence_number > *after));
        let records: Vec<Record> = left.take(limit).cloned().collect();
        let last = records.last().map_or(after, |record| Some(&record.sequence_number));
        let caught_up = shard.keys().next_back().map(String::as_str) == last;
        Ok(Page { records, caught_up, closed: caught_up })
    }
}
