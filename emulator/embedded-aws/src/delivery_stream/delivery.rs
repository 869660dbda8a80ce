//! Data between the function and the store: what is gathered for objects that are not written yet.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::error_output::{self, ErrorOutputType, NO_PARTITION_KEY, TOO_MANY_PARTITIONS};
use super::report::Report;
use super::response::{ProcessingError, Verdict};
use super::settings::{Buffering, Prefixes, Settings};
use super::transform::Transformed;

/// Where an object belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ObjectPlace {
    /// By the values of the prefix's partition keys.
    Partition(Vec<String>),
    Errors(ErrorOutputType),
    RawBackup,
}

/// What will be an object.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) data: Vec<u8>,
    pub(super) records: u64,
    /// The arrival of the oldest record.
    pub(super) oldest: SystemTime,
    since: Instant,
}

/// All that is gathered.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    settings: &'a Settings,
    partition_keys: Vec<&'a str>,
    gathering: BTreeMap<ObjectPlace, Gathered>,
    full: Vec<(ObjectPlace, Gathered)>,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(settings: &'a Settings, prefixes: &'a Prefixes) -> Self {
        let partition_keys = prefixes.delivery.partition_keys();
        Self { settings, partition_keys, gathering: BTreeMap::new(), full: Vec::new() }
    }

    /// Takes a batch that went through the function, and counts what became of its records.
    pub(super) fn add(&mut self, batch: Transformed, report: &mut Report) {
        for (record, verdict) in batch.records.into_iter().zip(batch.verdicts) {
            if self.settings.raw_backup.is_some() {
                self.gather(ObjectPlace::RawBackup, &record.data, record.arrival);
            }
            let delivered = match verdict {
                Verdict::Dropped => {
                    report.dropped += 1;
                    continue;
                }
                Verdict::Failed(error) => Err((ErrorOutputType::ProcessingFailed, error)),
                Verdict::Ok { data, partition_keys } => {
                    self.partition(&partition_keys).map(|partition| (partition, data))
                }
            };
            match delivered {
                Ok((partition, data)) => {
                    report.ok += 1;
                    self.gather(partition, &data, record.arrival);
                }
                Err((kind, error)) => {
                    report.processing_failed += 1;
                    *report.failures.entry(error.code.to_owned()).or_default() += 1;
                    let function_arn = &self.settings.function_arn;
                    let line =
                        error_output::line(&record.data, record.arrival, error, batch.attempts, function_arn);
                    self.gather(ObjectPlace::Errors(kind), line.as_bytes(), record.arrival);
                }
            }
        }
    }

    /// The partition that a record belongs to, if its keys are there and the partition may be opened.
    fn partition(
        &self,
        keys: &Map<String, Value>,
    ) -> Result<ObjectPlace, (ErrorOutputType, ProcessingError)> {
        let value = |key: &&str| Some(keys.get(*key)?.as_str().filter(|value| !value.is_empty())?.to_owned());
        let values: Option<Vec<_>> = self.partition_keys.iter().map(value).collect();
        let values = values.ok_or((ErrorOutputType::MetadataExtractionFailed, NO_PARTITION_KEY))?;
        let partition = ObjectPlace::Partition(values);
        let is_partition = |place: &&ObjectPlace| matches!(place, ObjectPlace::Partition(_));
        if !self.gathering.contains_key(&partition)
            && self.gathering.keys().filter(is_partition).count() >= self.settings.active_partitions
        {
            return Err((ErrorOutputType::ActivePartitionExceeded, TOO_MANY_PARTITIONS));
        }
        Ok(partition)
    }

    fn gather(&mut self, place: ObjectPlace, data: &[u8], arrival: SystemTime) {
        let size = self.buffering(&place).size;
        let gathered = self.gathering.entry(place.clone()).or_insert_with(|| Gathered {
            data: Vec::new(),
            records: 0,
            oldest: arrival,
            since: Instant::now(),
        });
        gathered.data.extend_from_slice(data);
        gathered.records += 1;
        gathered.oldest = gathered.oldest.min(arrival);
        if gathered.data.len() >= size
            && let Some(gathered) = self.gathering.remove(&place)
        {
            self.full.push((place, gathered));
        }
    }

    /// Takes out what is full or old enough.
    pub(super) fn take_due(&mut self) -> Vec<(ObjectPlace, Gathered)> {
        let now = Instant::now();
        let due = self.gathering.iter().filter(|(place, gathered)| self.due(place, gathered) <= now);
        let due: Vec<ObjectPlace> = due.map(|(place, _)| place.clone()).collect();
        let mut taken = std::mem::take(&mut self.full);
        for place in due {
            taken.extend(self.gathering.remove_entry(&place));
        }
        taken
    }

    /// Takes out everything.
    pub(super) fn take_all(&mut self) -> Vec<(ObjectPlace, Gathered)> {
        let mut taken = std::mem::take(&mut self.full);
        taken.extend(std::mem::take(&mut self.gathering));
        taken
    }

    /// When the next object will be old enough.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.gathering.iter().map(|(place, gathered)| self.due(place, gathered)).min()
    }

    fn due(&self, place: &ObjectPlace, gathered: &Gathered) -> Instant {
        gathered.since + self.buffering(place).interval
    }

    fn buffering(&self, place: &ObjectPlace) -> Buffering {
        match (place, &self.settings.raw_backup) {
            (ObjectPlace::RawBackup, Some(backup)) => backup.buffering,
            _ => self.settings.buffering,
        }
    }
}
