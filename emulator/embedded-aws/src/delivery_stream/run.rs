//! Runs: reading the source, handing batches to the function, writing objects.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::GzEncoder;
use futures_util::StreamExt;
use futures_util::future::try_join;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::Instant;

use super::DeliveryStream;
use super::buffer::Buffer;
use super::delivery::{Delivery, Gathered, ObjectPlace};
use super::event::Incoming;
use super::objects::ObjectStore;
use super::prefix::{Values, formatted};
use super::report::Report;
use super::settings::{Compression, RawBackup};
use super::transform::uuid;
use crate::event_source_mapping::{FunctionError, Invocation, Record, RecordSource};

/// The most records of one read. Source: Kinesis API reference, GetRecords.
const MAX_READ: usize = 10_000;

/// Why a run ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError<S, O> {
    /// The source could not be read.
    #[error("cannot read the source: {0}")]
    Source(#[source] S),
    /// An object could not be written.
    #[error("cannot write an object: {0}")]
    Store(#[source] O),
}

/// Up to where a source was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Positions {
    /// The last record of each shard that was read.
    last: BTreeMap<String, String>,
    /// Shards that were read to their end.
    finished: BTreeSet<String>,
    /// How many records were read, each of an aggregate for itself.
    records: u64,
}

impl<S, F, O, Fut> DeliveryStream<S, F, O>
where
    S: RecordSource,
    O: ObjectStore,
    F: Fn(Invocation) -> Fut,
    Fut: Future<Output = Result<String, FunctionError>>,
{
    /// Delivers everything that is in the source, and reports what the delivery stream has done so far. Nothing waits
    /// for a buffer to fill at the end: nothing else comes.
    ///
    /// Another run of the same delivery stream waits for this one. What a run had read and not written when it is
    /// dropped, or ends with an error, is delivered again in the next run, and so may what it had written: Firehose, too,
    /// delivers at least once.
    ///
    /// # Errors
    /// [`RunError`], at once.
    pub async fn run_until_drained(&self) -> Result<Report, RunError<S::Error, O::Error>> {
        let (_stop, stopped) = watch::channel(false);
        self.run_to_end(None, stopped).await
    }

    /// Follows the source until `stop` is ready; then delivers what was read, whether buffers are full or not, and
    /// reports what the delivery stream has done so far. Otherwise as
    /// [`run_until_drained`](Self::run_until_drained).
    ///
    /// # Errors
    /// [`RunError`], at once.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<Report, RunError<S::Error, O::Error>> {
        let (stopper, stopped) = watch::channel(false);
        let watch = async {
            stop.await;
            stopper.send_replace(true);
            Ok(())
        };
        let run = self.run_to_end(Some(self.settings.polling_interval), stopped);
        Ok(try_join(run, watch).await?.0)
    }

    async fn run_to_end(
        &self,
        polling: Option<Duration>,
        stopped: watch::Receiver<bool>,
    ) -> Result<Report, RunError<S::Error, O::Error>> {
        let mut positions = self.positions.lock().await;
        let mut read_to = positions.clone();
        let buffer = Buffer::new(self.settings.transform_buffering, self.fields.overhead());
        let read = async {
            let mut stop = stopped.clone();
            tokio::select! {
                biased;
                // The sender outlives the run.
                _ = stop.wait_for(|stop| *stop) => {}
                read = self.read(&mut read_to, &buffer, polling) => read.map_err(RunError::Source)?,
            }
            buffer.end();
            Ok(())
        };
        try_join(read, self.process(&buffer)).await?;
        *positions = read_to;
        Ok(self.report())
    }

    /// Reads every shard again and again; without `polling` only until there is nothing more.
    async fn read(
        &self,
        positions: &mut Positions,
        buffer: &Buffer,
        polling: Option<Duration>,
    ) -> Result<(), S::Error> {
        loop {
            let mut found = false;
            for shard in self.source.shards().await? {
                // Firehose promises no order: shards are read as they are listed.
                while !positions.finished.contains(&shard.id) {
                    buffer.room().await;
                    let last = positions.last.get(&shard.id).map(String::as_str);
                    let page = self.source.read(&shard.id, last, MAX_READ).await?;
                    found |= !page.records.is_empty() || page.closed;
                    if let Some(last) = page.records.last() {
                        positions.last.insert(shard.id.clone(), last.sequence_number.clone());
                    }
                    if page.closed {
                        positions.finished.insert(shard.id.clone());
                    }
                    let before = positions.records;
                    let incoming = page.records.iter().flat_map(|record| self.taken_apart(record));
                    let incoming: Vec<Incoming> = incoming
                        .map(|(record, part)| {
                            positions.records += 1;
                            self.fields.incoming(positions.records, (&shard.id, record), part)
                        })
                        .collect();
                    self.count(|report| {
                        report.source_records += page.records.len() as u64;
                        report.records_in += positions.records - before;
                    });
                    buffer.add(incoming.into_iter());
                    if page.caught_up {
                        break;
                    }
                }
            }
            match polling {
                _ if found => {}
                None => return Ok(()),
                Some(interval) => tokio::time::sleep(interval).await,
            }
        }
    }

    /// A record, or the records in it if it is an aggregate.
    fn taken_apart<'r>(&self, record: &'r Record) -> Vec<(&'r Record, (u64, Bytes))> {
        let parts = match &self.settings.deaggregate {
            Some(deaggregate) => deaggregate.apply(record.data.clone()),
            None => vec![(0, record.data.clone())],
        };
        parts.into_iter().map(|part| (record, part)).collect()
    }

    /// Hands batches to the function and writes what comes of them, until the buffer is drained.
    async fn process(&self, buffer: &Buffer) -> Result<(), RunError<S::Error, O::Error>> {
        let mut under_way = FuturesUnordered::new();
        let mut delivery = Delivery::new(&self.settings, &self.prefixes);
        loop {
            let mut due = None;
            while under_way.len() < self.settings.concurrency {
                match buffer.take() {
                    Ok(batch) => under_way.push(self.transform(batch)),
                    Err(later) => {
                        due = later;
                        break;
                    }
                }
            }
            for (place, gathered) in delivery.take_due() {
                self.write(place, gathered).await?;
            }
            if under_way.is_empty() && buffer.is_drained() {
                break;
            }
            let due = due.into_iter().chain(delivery.next_due()).min();
            tokio::select! {
                biased;
                Some(batch) = under_way.next() => self.count(|report| delivery.add(batch, report)),
                () = buffer.arrived.notified() => {}
                () = until(due) => {}
            }
        }
        for (place, gathered) in delivery.take_all() {
            self.write(place, gathered).await?;
        }
        Ok(())
    }

    async fn write(
        &self,
        place: ObjectPlace,
        gathered: Gathered,
    ) -> Result<(), RunError<S::Error, O::Error>> {
        let (prefix, partition, error_output_type) = match &place {
            ObjectPlace::Partition(values) => (Some(&self.prefixes.delivery), &values[..], ""),
            ObjectPlace::Errors(kind) => (Some(&self.prefixes.errors), &[][..], kind.name()),
            ObjectPlace::RawBackup => (self.prefixes.raw_backup.as_ref(), &[][..], ""),
        };
        // Without a prefix for it nothing is gathered for a place.
        let Some(prefix) = prefix else { return Ok(()) };
        let values = Values { oldest_arrival: gathered.oldest, partition, error_output_type };
        let (prefix, id) = self.with_random(|random| (prefix.evaluate(values, random), uuid(random)));
        // "<Firehose stream name>-<Firehose stream version>-<year>-<month>-<day>-<hour>-<minute>-<second>-<uuid>".
        // (Firehose developer guide, "Configure Amazon S3 object name format".) The version counts configuration
        // changes from 1.
        let time = formatted(self.settings.clock.now(), "%Y-%m-%d-%H-%M-%S");
        let (data, extension) = match (&place, &self.settings.raw_backup) {
            (ObjectPlace::RawBackup, Some(RawBackup { compression: Compression::Gzip, .. })) => {
                (gzipped(&gathered.data), ".gz")
            }
            (ObjectPlace::RawBackup, _) => (gathered.data, ""),
            _ => (gathered.data, &self.settings.file_extension[..]),
        };
        let key = format!("{prefix}{}-1-{time}-{id}{extension}", self.settings.name);
        let bytes = data.len() as u64;
        self.store.put(&key, data.into()).await.map_err(RunError::Store)?;
        self.count(|report| {
            report.objects += 1;
            report.bytes += bytes;
            let written = report.prefixes.entry(prefix).or_default();
            written.objects += 1;
            written.bytes += bytes;
            written.records += gathered.records;
        });
        Ok(())
    }
}

fn gzipped(data: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    // A reader over bytes in memory does not fail.
    let _ = GzEncoder::new(data, flate2::Compression::fast()).read_to_end(&mut compressed);
    compressed
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
