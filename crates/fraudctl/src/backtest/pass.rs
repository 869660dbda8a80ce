//! The files' transactions, in order, through an engine.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::anyhow;
use backtest::engine::{Decided, PastRecord};
use fraud_core::history::Place;
use indicatif::ProgressBar;

use super::records::{Numbered, RecordReader};
use super::sorted::{Sorter, TooLate};
use super::steps::Steps;
use crate::Failure;
use crate::display::counted;
use crate::in_turn::{Turn, in_turn};
use crate::input::{Entry, Input, InputError, SourceLocation};
use crate::interrupt::Interrupt;
use crate::schema::LackingCounts;

/// Entries that a thread reads and decides at once: so few that what it read is still in its core's cache when it decides.
const CHUNK: usize = 512;
/// Chunks that are read ahead.
const READ_AHEAD: usize = 8;
/// How often it is looked whether Ctrl-C was pressed, while nothing is read.
const LOOK: Duration = Duration::from_millis(50);
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
    pub(super) lacking: &'p (dyn Fn() -> Option<LackingCounts> + Sync),
    pub(super) threads: usize,
    /// Sort as far as this many bytes reach; `None` if the files are in order.
    pub(super) sort: Option<usize>,
    /// In seconds since the epoch: what is not before it is left out.
    pub(super) to: Option<i64>,
    pub(super) interrupt: &'p Interrupt,
    pub(super) bar: &'p ProgressBar,
}

/// What becomes of entries that are read, in their order.
struct Progress<'s, 'k, Take> {
    met: Met,
    /// The last place that was decided.
    last: Option<Place>,
    sorter: Option<Sorter>,
    steps: Steps<'s, 'k, Take>,
}

impl Pass<'_> {
    /// Decides on all that `input` has: several threads take chunks of it, read them as records, and decide on them in turn.
    ///
    /// # Errors
    /// [`Stop`]
    pub(super) fn run<Take>(&self, input: Input, steps: Steps<'_, '_, Take>) -> Result<Met, Stop>
    where
        Take: FnMut(&PastRecord<'_>, &[Decided<'_>]) + Send,
    {
        let (read, chunks) = (input.bytes_read(), read_ahead(input));
        let met = Met { lacking: (self.lacking)(), ..Met::default() };
        let mut progress = Progress { met, last: None, sorter: self.sort.map(Sorter::new), steps };
        let mut entries = 0;
        let count = &mut entries;
        let next = move || {
            loop {
                self.stop_if_interrupted()?;
                self.bar.set_position(read.get());
                self.bar.set_message(format!("{} read", counted(*count, "transaction")));
                let chunk = match chunks.recv_timeout(LOOK) {
                    Ok(chunk) => chunk.map_err(Failure::input)?,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                };
                let first = *count;
                *count += chunk.len() as u64;
                let numbered = (first..).zip(chunk).map(|(number, entry)| Numbered { number, entry });
                return Ok(Some(numbered.collect::<Vec<_>>()));
            }
        };
        in_turn(self.threads, &mut progress, next, |entries: Vec<Numbered>, turn: Turn<'_, _>| {
            let records = self.reader.read(&entries);
            turn.finish(|progress| match progress.sorter {
                None => self.decide(&entries, records, progress),
                Some(_) => self.sort(&entries, records, progress),
            })
        })?;
        if let Some(sorter) = &mut progress.sorter {
            self.decide_sorted(&sorter.rest(), &mut progress.steps)?;
        }
        progress.met.entries = entries;
        progress.met.copies = progress.steps.copies;
        Ok(progress.met)
    }

    /// Decides on entries that are in order as they come.
    fn decide<Take>(
        &self,
        entries: &[Numbered],
        records: Vec<Result<PastRecord<'_>, String>>,
        progress: &mut Progress<'_, '_, Take>,
    ) -> Result<(), Stop>
    where
        Take: FnMut(&PastRecord<'_>, &[Decided<'_>]),
    {
        for (record, entry) in records.into_iter().zip(entries) {
            let Some(record) = self.used(record, entry, progress) else { continue };
            if progress.last.is_some_and(|last| record.place < last) {
                return Err(Stop::NotInOrder(entry.entry.location.clone()));
            }
            progress.last = Some(record.place);
            progress.steps.decide(&record);
        }
        Ok(())
    }

    /// Keeps entries that are used, to put them in order. If there are too many, some of them are decided.
    fn sort<Take>(
        &self,
        entries: &[Numbered],
        records: Vec<Result<PastRecord<'_>, String>>,
        progress: &mut Progress<'_, '_, Take>,
    ) -> Result<(), Stop>
    where
        Take: FnMut(&PastRecord<'_>, &[Decided<'_>]) + Send,
    {
        for (record, entry) in records.into_iter().zip(entries) {
            let Some(record) = self.used(record, entry, progress) else { continue };
            let Some(sorter) = &mut progress.sorter else { continue };
            let not_in_order = |TooLate| Stop::NotInOrder(entry.entry.location.clone());
            sorter.keep(record.place, entry.clone()).map_err(not_in_order)?;
        }
        let decided = progress.sorter.as_mut().map(Sorter::too_many).unwrap_or_default();
        self.decide_sorted(&decided, &mut progress.steps)
    }

    /// Decides on entries that are in order. All were read before without a fault.
    fn decide_sorted<Take>(&self, entries: &[Numbered], steps: &mut Steps<'_, '_, Take>) -> Result<(), Stop>
    where
        Take: FnMut(&PastRecord<'_>, &[Decided<'_>]) + Send,
    {
        let mut chunks = entries.chunks(CHUNK);
        let next = || self.stop_if_interrupted().map(|()| chunks.next());
        in_turn(self.threads, steps, next, |entries, turn: Turn<'_, _>| {
            let records = self.reader.read(entries);
            turn.finish(|steps| {
                records.into_iter().flatten().for_each(|record| steps.decide(&record));
                Ok(())
            })
        })
    }

    /// The record of an entry if it is used. Counts those that are not.
    fn used<'e, Take>(
        &self,
        record: Result<PastRecord<'e>, String>,
        entry: &Numbered,
        Progress { met, .. }: &mut Progress<'_, '_, Take>,
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

    /// Fails if Ctrl-C was pressed.
    fn stop_if_interrupted(&self) -> Result<(), Stop> {
        match self.interrupt.has_come() {
            true => Err(Stop::Failed(anyhow!("interrupted: nothing is measured of a part").into())),
            false => Ok(()),
        }
    }
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
