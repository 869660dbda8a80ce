//! The line that shows how far a run is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;

use crate::functions::Functions;
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
            let totals = functions.totals();
            let failed: u64 = totals.failed.values().sum();
            self.bar.set_message(format!(
                "{} produced, {} scored, {failed} failed, {} alerts",
                thousands(self.produced.load(Ordering::Relaxed)),
                thousands(totals.transformed),
                thousands(totals.alerts_sent),
            ));
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
