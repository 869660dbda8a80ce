//! The line that shows how far a run is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;

use crate::functions::{FunctionTotals, Functions};
use crate::readers::Readers;
use crate::report::by_reason;
use fraudctl::display::{note, progress, thousands};

/// How often the line is refreshed.
const INTERVAL: Duration = Duration::from_millis(200);

/// A line on standard error, on a terminal only.
pub(crate) struct StatusLine {
    bar: ProgressBar,
    pub(crate) produced: AtomicU64,
}

impl StatusLine {
    pub(crate) fn new() -> Self {
        let bar = progress(None);
        bar.enable_steady_tick(INTERVAL);
        StatusLine { bar, produced: AtomicU64::new(0) }
    }

    /// Shows what is being prepared.
    pub(crate) fn preparing(&self, what: String) {
        self.bar.set_message(what);
    }

    /// Shows the line until this is dropped.
    pub(crate) async fn show(&self, functions: &Functions) {
        loop {
            self.bar.set_message(counts(self.produced.load(Ordering::Relaxed), &functions.totals()));
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// As [`show`](Self::show), for a run that only processes what others put on the streams.
    pub(crate) async fn show_further(&self, functions: &Functions, readers: &Readers) {
        loop {
            let (stream, direct) = readers.records();
            let direct = match direct {
                0 => String::new(),
                records => format!(", {} delivered directly", thousands(records)),
            };
            self.bar.set_message(format!("{}{direct}", counts(stream, &functions.totals())));
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Prints a note without disturbing the line.
    pub(crate) fn tell(&self, text: &str) {
        self.bar.suspend(|| note!("{text}"));
    }

    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn counts(produced: u64, totals: &FunctionTotals) -> String {
    let retried: u64 = totals.retried.values().sum();
    let retried = match retried {
        0 => String::new(),
        retried => format!(", retried: {}", by_reason(retried, &totals.retried)),
    };
    format!(
        "{} produced, {} scored, {} failed{retried}, {} alerts",
        thousands(produced),
        thousands(totals.transformed),
        thousands(totals.failed.values().sum()),
        thousands(totals.alerts_sent),
    )
}
