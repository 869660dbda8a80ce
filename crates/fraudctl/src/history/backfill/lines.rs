//! The lines of the files, in one pass or several.

use anyhow::anyhow;
use exact_text::timestamp::Timestamp;
use fraud_core::history::Incoming;
use fraud_core::policy::Policy;
use fraud_core::profile::Profile;
use fraud_core::record::ScoredLine;
use fraud_core::schema::Schema;
use fraud_core::transaction::Reading;
use indicatif::ProgressBar;

use super::past::Past;
use super::summary::BackfillSummary;
use crate::Failure;
use crate::display::{counted, note, progress};
use crate::input::{Entry, Input, Source};
use crate::interrupt::Interrupt;

/// This many lines that cannot be used are reported one by one; the others are counted.
const REFUSED_TOLD: u64 = 10;
/// Lines between two looks at Ctrl-C.
const LINES_A_LOOK: u64 = 1024;

/// Reads the files.
pub(super) struct LineReader<'a> {
    sources: &'a [Source],
    reading: Reading,
    until: Timestamp,
    /// In bytes.
    memory: usize,
}

/// What a line is.
enum Line {
    /// A record of a customer.
    Past {
        customer: String,
        incoming: Incoming,
        profile: Option<Profile>,
    },
    /// It arrived at --until or later.
    Later,
    WithoutCustomer,
}

impl<'a> LineReader<'a> {
    /// A reader of lines as the functions read their records under `policy`.
    pub(super) fn new(sources: &'a [Source], policy: &Policy, until: Timestamp, memory: usize) -> Self {
        // Under any schema a line has our names at its top level.
        let reading = Reading::new(&Schema::builtin_default(), policy.asked());
        LineReader { sources, reading, until, memory }
    }

    /// Opens the files once more.
    ///
    /// # Errors
    /// [`Failure::Input`] if that cannot be done.
    pub(super) fn open_again(&self) -> Result<Input, Failure> {
        if self.sources.contains(&Source::Stdin) {
            return Err(Failure::input(anyhow!(
                "the records do not fit into --memory-mib, and standard input cannot be read twice: allow more memory, or name files"
            )));
        }
        Input::open(self.sources).map_err(Failure::input)
    }

    /// The records of as many customers as fit into memory, from this hash on. The first pass counts and tells.
    ///
    /// # Errors
    /// [`Failure::Input`] if a file cannot be read or has changed, or one customer's records do not fit.
    pub(super) fn read(
        &self,
        input: Input,
        from: u64,
        interrupt: &Interrupt,
        summary: &mut BackfillSummary,
    ) -> Result<Past, Failure> {
        let bar = progress(input.size());
        let result = self.read_showing(input, from, interrupt, summary, &bar);
        bar.finish_and_clear();
        result
    }

    fn read_showing(
        &self,
        input: Input,
        from: u64,
        interrupt: &Interrupt,
        summary: &mut BackfillSummary,
        bar: &ProgressBar,
    ) -> Result<Past, Failure> {
        summary.passes += 1;
        let is_first = summary.passes == 1;
        let (read, mut lines) = (input.bytes_read(), 0);
        let mut past = Past::new(from, self.memory);
        for entry in input {
            let entry = entry.map_err(Failure::input)?;
            lines += 1;
            if lines % LINES_A_LOOK == 0 {
                if interrupt.has_come() {
                    return Ok(past);
                }
                bar.set_position(read.get());
                bar.set_message(format!("{} read, pass {}", counted(lines, "line"), summary.passes));
            }
            let line = self.line(&entry);
            if is_first {
                summary.lines = lines;
                count(&entry, &line, summary, bar);
            }
            if let Ok(Line::Past { customer, incoming, profile }) = line {
                past.keep(&customer, incoming, profile).map_err(Failure::input)?;
            }
        }
        match lines == summary.lines {
            true => Ok(past),
            false => Err(Failure::input(anyhow!("the files changed while they were read: run it again"))),
        }
    }

    fn line(&self, entry: &Entry) -> Result<Line, String> {
        let line = ScoredLine::read(&self.reading, &entry.bytes);
        if let Some(fault) = entry.fault {
            return Err(fault.to_string());
        }
        let line = line.map_err(|fault| fault.to_string())?;
        if line.arrival >= self.until {
            return Ok(Line::Later);
        }
        let Some(customer) = line.transaction.customer_id.as_deref() else {
            return Ok(Line::WithoutCustomer);
        };
        let incoming = line.incoming().ok_or("it has neither transaction_id nor decision_id")?;
        Ok(Line::Past { customer: customer.to_owned(), incoming, profile: line.profile.clone() })
    }
}

fn count(entry: &Entry, line: &Result<Line, String>, summary: &mut BackfillSummary, bar: &ProgressBar) {
    match line {
        Ok(Line::Past { .. }) => {}
        Ok(Line::Later) => summary.later += 1,
        Ok(Line::WithoutCustomer) => summary.without_customer += 1,
        Err(reason) => {
            summary.refused += 1;
            if summary.refused <= REFUSED_TOLD {
                let cut_off = if entry.is_open { " (is the file cut off here?)" } else { "" };
                bar.suspend(|| note!("{}: {reason}{cut_off}", entry.location));
            }
        }
    }
}
