//! The files' transactions, in order, through an engine.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use backtest::engine::{Decided, Engine, PastRecord, in_chunks};
use exact_text::timestamp::Timestamp;
use fraud_core::history::Place;
use indicatif::ProgressBar;

use super::records::{Numbered, RecordReader};
use super::sorted::{Sorter, TooLate};
use crate::Failure;
use crate::display::counted;
use crate::input::{BytesRead, Entry, Input, InputError, SourceLocation};
use crate::interrupt::Interrupt;
use crate::schema::LackingCounts;

/// Entries that are read and decided at once.
const CHUNK: usize = 8192;
/// Chunks that are read ahead.
const READ_AHEAD: usize = 2;
/// How often it is looked whether Ctrl-C was pressed, while nothing is read.
const LOOK: Duration = Duration::from_millis(50);
/// How often labels come and days are counted: twice a day, in UTC, at the records' own time.
const STEP_MILLIS: i64 = 12 * 3_600_000;
/// This many entries that are not transactions of the past are told one by one.
pub(super) const REFUSED_TOLD: usize = 10;

/// What a pass met.
#[derive(Debug, Default)]
pub(crate) struct Met {
    pub(super) entries: u64,
    pub(super) refused: u64,
    /// The first of them, and why.
    pub(super) first_refused: Vec<(SourceLocation, String)>,
    pub(super) copies: u64,
    /// Read and left out, since they are not before --to.
    pub(super) later: u64,
    /// What --map names and transactions do not have.
    pub(super) lacking: Option<LackingCounts>,
}

/// Why a pass cannot go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// An entry belongs before one that was decided.
    NotInOrder(SourceLocation),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

/// A pass over the files.
pub(super) struct Pass<'p> {
    pub(super) reader: &'p RecordReader,
    /// Counts that begin with a pass.
    pub(super) lacking: &'p dyn Fn() -> Option<LackingCounts>,
    pub(super) threads: usize,
    /// Sort as far as this many bytes reach; `None` if the files are in order.
    pub(super) sort: Option<usize>,
    /// In seconds since the epoch: what is not before it is left out.
    pub(super) to: Option<i64>,
    pub(super) interrupt: &'p Interrupt,
    pub(super) bar: &'p ProgressBar,
}

impl Pass<'_> {
    /// Decides on all that `input` has. Tells `take` of each record in order, with what `look` makes of its decisions.
    ///
    /// # Errors
    /// [`Stop`]
    pub(super) fn run<R: Send>(
        &self,
        input: Input,
        engine: &mut Engine<'_>,
        look: impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync,
        mut take: impl FnMut(&PastRecord<'_>, R),
    ) -> Result<Met, Stop> {
        let (read, chunks) = (input.bytes_read(), read_ahead(input));
        let (mut met, mut last, mut step) = (Met { lacking: (self.lacking)(), ..Met::default() }, None, None);
        let mut sorter = self.sort.map(Sorter::new);
        loop {
            self.look_around(&read, &met)?;
            let chunk = match chunks.recv_timeout(LOOK) {
                Ok(chunk) => chunk.map_err(Failure::input)?,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let numbered: Vec<_> =
                (met.entries..).zip(chunk).map(|(number, entry)| Numbered { number, entry }).collect();
            met.entries += numbered.len() as u64;
            let records = in_chunks(&numbered, self.threads, |entries| self.reader.read(entries));
            let records: Vec<_> = records
                .into_iter()
                .zip(&numbered)
                .map(|(record, entry)| self.used(record, entry, &mut met))
                .collect();
            let Some(sorter) = &mut sorter else {
                check_order(&numbered, &records, &mut last)?;
                let records: Vec<_> = records.into_iter().flatten().collect();
                self.decide(&records, engine, &mut step, (&look, &mut take), &mut met);
                continue;
            };
            let places: Vec<_> = records.into_iter().map(|record| Some(record?.place)).collect();
            for (place, entry) in places.into_iter().zip(numbered) {
                let location = entry.entry.location.clone();
                if let Some(place) = place {
                    sorter.keep(place, entry).map_err(|TooLate| Stop::NotInOrder(location))?;
                }
            }
            let ready = sorter.too_many();
            self.decide_sorted(&ready, engine, &mut step, (&look, &mut take), &mut met)?;
        }
        if let Some(sorter) = &mut sorter {
            let ready = sorter.rest();
            self.decide_sorted(&ready, engine, &mut step, (&look, &mut take), &mut met)?;
        }
        Ok(met)
    }

    /// Decides on entries that are in order.
    fn decide_sorted<R: Send>(
        &self,
        entries: &[Numbered],
        engine: &mut Engine<'_>,
        step: &mut Option<i64>,
        (look, take): (
            &(impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync),
            &mut impl FnMut(&PastRecord<'_>, R),
        ),
        met: &mut Met,
    ) -> Result<(), Stop> {
        for entries in entries.chunks(CHUNK) {
            self.look_around(&BytesRead::default(), met)?;
            // All were read before without a fault.
            let records = in_chunks(entries, self.threads, |entries| self.reader.read(entries));
            let records: Vec<_> = records.into_iter().flatten().collect();
            self.decide(&records, engine, step, (look, take), met);
        }
        Ok(())
    }

    /// The record of an entry if it is used. Counts those that are not.
    fn used<'e>(
        &self,
        record: Result<PastRecord<'e>, String>,
        entry: &Numbered,
        met: &mut Met,
    ) -> Option<PastRecord<'e>> {
        match record {
            Ok(record) if self.to.is_some_and(|to| record.second >= to) => {
                met.later += 1;
                None
            }
            Ok(record) => {
                if let Some(lacking) = &mut met.lacking {
                    lacking.count(&record.transaction, &entry.entry.location);
                }
                Some(record)
            }
            Err(reason) => {
                met.refused += 1;
                if met.first_refused.len() < REFUSED_TOLD {
                    let cut_off = if entry.entry.is_open { " (is the file cut off here?)" } else { "" };
                    met.first_refused.push((entry.entry.location.clone(), format!("{reason}{cut_off}")));
                }
                None
            }
        }
    }

    fn decide<R: Send>(
        &self,
        records: &[PastRecord<'_>],
        engine: &mut Engine<'_>,
        step: &mut Option<i64>,
        (look, take): (
            &(impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync),
            &mut impl FnMut(&PastRecord<'_>, R),
        ),
        met: &mut Met,
    ) {
        let step_of = |record: &PastRecord<'_>| record.arrival.millis().div_euclid(STEP_MILLIS);
        for run in records.chunk_by(|one, next| step_of(one) == step_of(next)) {
            let Some(first) = run.first() else { continue };
            let of_run = step_of(first);
            if step.is_none_or(|step| step < of_run) {
                *step = Some(of_run);
                engine.becomes(Timestamp::saturating_from_millis(of_run.saturating_mul(STEP_MILLIS)));
            }
            let results = engine.step(run, look);
            for (record, result) in run.iter().zip(results) {
                match result {
                    Some(result) => take(record, result),
                    None => met.copies += 1,
                }
            }
        }
    }

    /// Shows how far it is; fails if Ctrl-C was pressed.
    fn look_around(&self, read: &BytesRead, met: &Met) -> Result<(), Stop> {
        if self.interrupt.has_come() {
            return Err(Stop::Failed(anyhow!("interrupted: nothing is measured of a part").into()));
        }
        if read.get() > 0 {
            self.bar.set_position(read.get());
        }
        self.bar.set_message(format!("{} read", counted(met.entries, "transaction")));
        Ok(())
    }
}

fn check_order(
    entries: &[Numbered],
    records: &[Option<PastRecord<'_>>],
    last: &mut Option<Place>,
) -> Result<(), Stop> {
    for (entry, record) in entries.iter().zip(records) {
        let Some(record) = record else { continue };
        if last.is_some_and(|last| record.place < last) {
            return Err(Stop::NotInOrder(entry.entry.location.clone()));
        }
        *last = Some(record.place);
    }
    Ok(())
}

/// The entries by chunks, read on a thread of their own.
fn read_ahead(mut input: Input) -> Receiver<Result<Vec<Entry>, InputError>> {
    let (sender, receiver) = sync_channel(READ_AHEAD);
    thread::spawn(move || {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            let failed = input.by_ref().take(CHUNK).find_map(|entry| match entry {
                Ok(entry) => {
                    chunk.push(entry);
                    None
                }
                Err(error) => Some(error),
            });
            let is_last = chunk.len() < CHUNK || failed.is_some();
            // An error says that nobody listens any more.
            if sender.send(Ok(chunk)).is_err() {
                return;
            }
            if let Some(error) = failed {
                let _ = sender.send(Err(error));
            }
            if is_last {
                return;
            }
        }
    });
    receiver
}
