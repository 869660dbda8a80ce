//! The files' transactions, in order, through an engine.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

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

/// Entries that are read and decided at once.
const CHUNK: usize = 8192;
/// Chunks that are read ahead.
const READ_AHEAD: usize = 2;
/// How often labels come and days are counted: twice a day, in UTC, at the records' own time.
const STEP_MILLIS: i64 = 12 * 3_600_000;
/// This many entries that are not transactions of the past are told one by one.
pub(super) const REFUSED_TOLD: usize = 10;

/// What a pass met.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub(super) entries: u64,
    pub(super) refused: u64,
    /// The first of them, and why.
    pub(super) first_refused: Vec<(SourceLocation, String)>,
    pub(super) copies: u64,
    /// Read and left out, since they are not before --to.
    pub(super) later: u64,
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
        let (mut met, mut last, mut step) = (Met::default(), None, None);
        let mut sorter = self.sort.map(Sorter::new);
        for chunk in chunks {
            let chunk = chunk.map_err(Failure::input)?;
            self.look_around(&read, &met)?;
            let numbered: Vec<_> = (met.entries..).zip(chunk).map(|(number, entry)| Numbered { number, entry }).collect();
            met.entries += numbered.len() as u64;
            let records = in_chunks(&numbered, self.threads, |_, entries| self.reader.read(entries));
            let Some(sorter) = &mut sorter else {
                let records = self.used(&numbered, records, &mut met);
                check_order(&numbered, &records, &mut last)?;
                self.decide(&records, engine, &mut step, (&look, &mut take), &mut met);
                continue;
            };
            let places: Vec<Option<Place>> = {
                let mut places = vec![None; numbered.len()];
                for (at, record) in self.used(&numbered, records, &mut met) {
                    if let Some(place) = places.get_mut(at) {
                        *place = Some(record.place);
                    }
                }
                places
            };
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
        (look, take): (&(impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync), &mut impl FnMut(&PastRecord<'_>, R)),
        met: &mut Met,
    ) -> Result<(), Stop> {
        for entries in entries.chunks(CHUNK) {
            self.look_around(&BytesRead::default(), met)?;
            // All were read before without a fault.
            let records = in_chunks(entries, self.threads, |_, entries| self.reader.read(entries));
            let records: Vec<_> = records.into_iter().enumerate().filter_map(|(at, record)| Some((at, record.ok()?))).collect();
            self.decide(&records, engine, step, (look, take), met);
        }
        Ok(())
    }

    /// The records that are used, with the places of their entries. Counts the others.
    fn used<'e>(
        &self,
        entries: &[Numbered],
        records: Vec<Result<PastRecord<'e>, String>>,
        met: &mut Met,
    ) -> Vec<(usize, PastRecord<'e>)> {
        let mut used = Vec::with_capacity(records.len());
        for ((at, record), entry) in records.into_iter().enumerate().zip(entries) {
            match record {
                Ok(record) if self.to.is_some_and(|to| record.second >= to) => met.later += 1,
                Ok(record) => used.push((at, record)),
                Err(reason) => {
                    met.refused += 1;
                    if met.first_refused.len() < REFUSED_TOLD {
                        let cut_off = if entry.entry.is_open { " (is the file cut off here?)" } else { "" };
                        met.first_refused.push((entry.entry.location.clone(), format!("{reason}{cut_off}")));
                    }
                }
            }
        }
        used
    }

    fn decide<R: Send>(
        &self,
        records: &[(usize, PastRecord<'_>)],
        engine: &mut Engine<'_>,
        step: &mut Option<i64>,
        (look, take): (&(impl Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync), &mut impl FnMut(&PastRecord<'_>, R)),
        met: &mut Met,
    ) {
        let step_of = |record: &PastRecord<'_>| record.arrival.millis().div_euclid(STEP_MILLIS);
        for run in records.chunk_by(|(_, one), (_, next)| step_of(one) == step_of(next)) {
            let Some((_, first)) = run.first() else { continue };
            let of_run = step_of(first);
            if step.is_none_or(|step| step < of_run) {
                *step = Some(of_run);
                engine.becomes(Timestamp::saturating_from_millis(of_run.saturating_mul(STEP_MILLIS)));
            }
            let results = engine.step(run.iter().map(|(_, record)| record), look);
            for ((_, record), result) in run.iter().zip(results) {
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
    records: &[(usize, PastRecord<'_>)],
    last: &mut Option<Place>,
) -> Result<(), Stop> {
    for (at, record) in records {
        if last.is_some_and(|last| record.place < last) {
            let location = entries.get(*at).map(|entry| entry.entry.location.clone()).unwrap_or_default();
            return Err(Stop::NotInOrder(location));
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
