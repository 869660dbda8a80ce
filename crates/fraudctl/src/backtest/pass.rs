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
use super::steps::{Lane, Steps};
use crate::Failure;
use crate::display::counted;
use crate::in_turn::{Turn, in_lanes, in_turn};
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

/// What becomes of records, in their order.
struct Progress<Take> {
    met: Met,
    /// The last place that was decided.
    last: Option<Place>,
    take: Take,
}

/// The same where they are put in order.
struct Sorting<'k, Take> {
    progress: Progress<Take>,
    sorter: Sorter,
    lanes: Vec<Lane<'k>>,
}

impl Pass<'_> {
    /// Decides on all that `input` has: several threads take chunks of it, read them as records, and decide on them. `take` gets
    /// each record in its order, and what is to be known of its decisions.
    ///
    /// # Errors
    /// [`Stop`]
    pub(super) fn run<'k, Look, R, Take>(
        &self,
        input: Input,
        steps: &Steps<'k, Look>,
        take: Take,
    ) -> Result<Met, Stop>
    where
        Look: Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync,
        R: Send,
        Take: FnMut(&PastRecord<'_>, R) + Send,
    {
        let (read, chunks) = (input.bytes_read(), read_ahead(input));
        let met = Met { lacking: (self.lacking)(), ..Met::default() };
        let mut progress = Progress { met, last: None, take };
        let mut lanes = self.lanes();
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
        let mut met = match self.sort {
            None => {
                in_lanes(self.threads, &mut lanes, &mut progress, next, |entries, lanes, turn| {
                    let records = self.reader.read(&entries);
                    let used: Vec<_> =
                        records.iter().flatten().filter(|record| self.is_used(record)).collect();
                    let looked = steps.decide(&used, lanes)?;
                    turn.finish(|progress| self.finish(&entries, &records, looked, progress))
                })?;
                progress.met
            }
            Some(limit) => {
                let mut sorting = Sorting { progress, sorter: Sorter::new(limit), lanes };
                in_turn(self.threads, &mut sorting, next, |entries: Vec<Numbered>, turn: Turn<'_, _>| {
                    let records = self.reader.read(&entries);
                    turn.finish(|sorting| self.sort(&entries, &records, steps, sorting))
                })?;
                self.decide_sorted(&sorting.sorter.rest(), steps, &mut sorting)?;
                sorting.progress.met
            }
        };
        met.entries = entries;
        Ok(met)
    }

    /// Enough that threads seldom wait for each other.
    fn lanes<'k>(&self) -> Vec<Lane<'k>> {
        let lanes = if self.threads == 1 { 1 } else { 2 * self.threads };
        (0..lanes).map(|_| Lane::default()).collect()
    }

    /// Finishes a chunk of entries that were decided as they came: `looked` is what is to be known of those that are used.
    fn finish<R, Take>(
        &self,
        entries: &[Numbered],
        records: &[Result<PastRecord<'_>, String>],
        looked: Vec<Option<R>>,
        progress: &mut Progress<Take>,
    ) -> Result<(), Stop>
    where
        Take: FnMut(&PastRecord<'_>, R),
    {
        let mut looked = looked.into_iter();
        for (record, entry) in records.iter().zip(entries) {
            let Some(record) = self.used(record, entry, &mut progress.met) else { continue };
            if progress.last.is_some_and(|last| record.place < last) {
                return Err(Stop::NotInOrder(entry.entry.location.clone()));
            }
            progress.last = Some(record.place);
            progress.decided(record, looked.next().flatten());
        }
        Ok(())
    }

    /// Keeps entries that are used, to put them in order. If there are too many, some of them are decided.
    fn sort<'k, Look, R, Take>(
        &self,
        entries: &[Numbered],
        records: &[Result<PastRecord<'_>, String>],
        steps: &Steps<'k, Look>,
        sorting: &mut Sorting<'k, Take>,
    ) -> Result<(), Stop>
    where
        Look: Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync,
        R: Send,
        Take: FnMut(&PastRecord<'_>, R) + Send,
    {
        for (record, entry) in records.iter().zip(entries) {
            let Some(record) = self.used(record, entry, &mut sorting.progress.met) else { continue };
            let not_in_order = |TooLate| Stop::NotInOrder(entry.entry.location.clone());
            sorting.sorter.keep(record.place, entry.clone()).map_err(not_in_order)?;
        }
        let decided = sorting.sorter.too_many();
        self.decide_sorted(&decided, steps, sorting)
    }

    /// Decides on entries that are in order. All were read before without a fault.
    fn decide_sorted<'k, Look, R, Take>(
        &self,
        entries: &[Numbered],
        steps: &Steps<'k, Look>,
        Sorting { progress, lanes, .. }: &mut Sorting<'k, Take>,
    ) -> Result<(), Stop>
    where
        Look: Fn(&PastRecord<'_>, &[Decided<'_>]) -> R + Sync,
        R: Send,
        Take: FnMut(&PastRecord<'_>, R) + Send,
    {
        let mut chunks = entries.chunks(CHUNK);
        let next = || self.stop_if_interrupted().map(|()| chunks.next());
        in_lanes(self.threads, lanes, progress, next, |entries, lanes, turn| {
            let records = self.reader.read(entries);
            let used: Vec<_> = records.iter().flatten().collect();
            let looked = steps.decide(&used, lanes)?;
            turn.finish(|progress| {
                used.into_iter().zip(looked).for_each(|(record, looked)| progress.decided(record, looked));
                Ok(())
            })
        })
    }

    /// Whether a record is not left out.
    fn is_used(&self, record: &PastRecord<'_>) -> bool {
        self.to.is_none_or(|to| record.second < to)
    }

    /// The record of an entry if it is used. Counts those that are not.
    fn used<'r, 'e>(
        &self,
        record: &'r Result<PastRecord<'e>, String>,
        entry: &Numbered,
        met: &mut Met,
    ) -> Option<&'r PastRecord<'e>> {
        match record {
            Ok(record) if !self.is_used(record) => {
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

impl<Take> Progress<Take> {
    /// A record was decided; `looked` is `None` of a copy.
    fn decided<R>(&mut self, record: &PastRecord<'_>, looked: Option<R>)
    where
        Take: FnMut(&PastRecord<'_>, R),
    {
        match looked {
            Some(looked) => (self.take)(record, looked),
            None => self.met.copies += 1,
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
