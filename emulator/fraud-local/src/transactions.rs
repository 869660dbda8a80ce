//! Where the transactions of a run come from, and the records that are made of them.

use std::iter::Peekable;

use bytes::Bytes;
use fraud_core::transaction::{Reading, TransactionReader};
use fraudctl::generate::{Months, Transaction};
use fraudctl::input::{self, Entry, Fault, InputError, SourceLocation, SourceLocations};
use fraudctl::produce::record;
use futures_util::{Stream, StreamExt};
use stream_client::producer::Record;

use crate::status::StatusLine;

/// Entries that could not be produced, or are not transactions, and are reported one by one.
pub(crate) const FAILURES_TOLD: u64 = 10;

/// Where transactions come from.
pub enum Input {
    /// From memory.
    Generated(Vec<Transaction>),
    /// As they are generated.
    Months(Box<Peekable<Months>>),
    /// From files or standard input.
    Given(Box<input::Input>),
}

impl Input {
    /// Whether there is nothing in it. Waits for the first entry, or for the end.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn is_empty(&mut self) -> Result<bool, InputError> {
        match self {
            Input::Generated(transactions) => Ok(transactions.is_empty()),
            Input::Months(months) => Ok(months.peek().is_none()),
            Input::Given(input) => input.is_empty(),
        }
    }
}

/// The input as records, whose locations are kept in `locations`. What cannot be one is counted in `refused`.
pub(crate) fn records<'a>(
    input: Input,
    reading: &'a Reading,
    locations: &'a SourceLocations,
    status: &'a StatusLine,
    refused: &'a mut u64,
    error: &'a mut Option<InputError>,
) -> futures_util::stream::BoxStream<'a, Record> {
    let keyed = move |entry: Entry| {
        let tag = locations.keep(entry.location);
        record(entry.bytes, tag, Some(reading))
    };
    match input {
        Input::Generated(transactions) => {
            futures_util::stream::iter(entries(transactions).map(keyed)).boxed()
        }
        Input::Months(months) => futures_util::stream::iter(entries(*months).map(keyed)).boxed(),
        Input::Given(input) => {
            from_entries(input::stream(*input), reading, status, refused, error).map(keyed).boxed()
        }
    }
}

/// Transactions as the entries of a file.
fn entries(transactions: impl IntoIterator<Item = Transaction>) -> impl Iterator<Item = Entry> {
    (1..).zip(transactions).map(|(line, transaction)| Entry {
        location: SourceLocation { line, byte: 1, begins_line: true, ..SourceLocation::default() },
        bytes: Bytes::from(transaction.to_json()),
        fault: None,
        is_open: false,
    })
}

fn from_entries<'a>(
    entries: impl Stream<Item = Result<Entry, InputError>> + Send + 'a,
    reading: &'a Reading,
    status: &'a StatusLine,
    refused: &'a mut u64,
    error: &'a mut Option<InputError>,
) -> impl Stream<Item = Entry> + Send + 'a {
    let mut told = 0;
    let entries = entries.scan((), move |(), entry| {
        std::future::ready(match entry {
            Ok(entry) => Some(produced(entry, reading, status, &mut told, refused)),
            Err(failure) => {
                *error = Some(failure);
                None
            }
        })
    });
    entries.filter_map(std::future::ready)
}

/// The entry if it is to be produced. What is not a transaction is produced too, as its producer would send it, and is
/// reported.
fn produced(
    entry: Entry,
    reading: &Reading,
    status: &StatusLine,
    told: &mut u64,
    refused: &mut u64,
) -> Option<Entry> {
    let is_produced = !matches!(entry.fault, Some(Fault::TooLong(_) | Fault::Part));
    let reason = match (TransactionReader::new(reading).read(&entry.bytes), entry.fault) {
        (Ok(_), None) => return Some(entry),
        (Err(reason), _) if is_produced => reason.to_string(),
        (_, fault) => fault.map(|fault| fault.to_string()).unwrap_or_default(),
    };
    *told += 1;
    if *told <= FAILURES_TOLD {
        let cut_off = if entry.is_open { ", and the input ends here without a line break" } else { "" };
        let produced = if is_produced { "produced as it is" } else { "not produced" };
        status.tell(&format!("{}: {reason}{cut_off}; {produced}", entry.location));
    }
    *refused += u64::from(!is_produced);
    is_produced.then_some(entry)
}
