//! The rows: built and written, or looked for.

use std::time::Duration;

use anyhow::anyhow;
use aws_calls::fault::{CallFault, FaultKind};
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::history::{HistoryFault, Written};
use fraud_core::policy::HistorySettings;
use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;

use super::past::{Built, CustomerPast, Past};
use super::summary::BackfillSummary;
use crate::Failure;
use crate::display::{counted, progress};
use crate::history::{HistoryTable, LIMIT};
use crate::interrupt::Interrupt;

/// Rows written, or looked for, at once.
const AT_ONCE: usize = 16;
/// How often a row is written while the table is asked too much or does not answer; the SDK's own attempts are within.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Writes rows that are not there yet.
pub(super) struct RowWriter<'a> {
    pub(super) table: &'a HistoryTable,
    pub(super) settings: HistorySettings,
    pub(super) until: Timestamp,
    /// Rows are looked for only.
    pub(super) dry_run: bool,
}

impl RowWriter<'_> {
    /// Writes the rows of these customers until Ctrl-C comes or one cannot be written.
    ///
    /// # Errors
    /// [`Failure::Failed`] if the table does not take a row.
    pub(super) async fn write(
        &self,
        past: Past,
        interrupt: &Interrupt,
        summary: &mut BackfillSummary,
    ) -> Result<(), Failure> {
        let bar = progress(None);
        let customers = past.into_customers().take_while(|_| !interrupt.has_come());
        let mut rows = stream::iter(customers)
            .map(|(customer, past)| async move { self.row(&customer, past).await })
            .buffer_unordered(AT_ONCE);
        let mut result = Ok(());
        while let Some(row) = rows.next().await {
            match row {
                Ok((built, is_new)) => summary.add(built, is_new),
                Err(fault) => {
                    result = Err(self.cannot(&fault).into());
                    break;
                }
            }
            bar.set_message(counted(summary.rows + summary.rows_left, "row"));
            bar.tick();
        }
        bar.finish_and_clear();
        result
    }

    /// Builds a row and writes it. Says whether it is new.
    async fn row(&self, customer: &str, past: CustomerPast) -> Result<(Built, bool), HistoryFault> {
        let (history, built) = past.into_history(self.settings, self.until);
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let deadline = Instant::now() + LIMIT;
            let is_new = match self.dry_run {
                true => {
                    self.table.rows.row(customer, deadline).await.map(|row| row.is_none()).map_err(Into::into)
                }
                false => {
                    let created =
                        self.table.rows.create(customer, &history, SystemClock.now(), deadline).await;
                    created.map(|written| written == Written::Done)
                }
            };
            match is_new {
                Ok(is_new) => return Ok((built, is_new)),
                Err(fault) if attempt < ATTEMPTS && is_passing(&fault) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(fault) => return Err(fault),
            }
        }
        Err(CallFault::deadline().into())
    }

    fn cannot(&self, fault: &HistoryFault) -> anyhow::Error {
        let what = if self.dry_run { "read" } else { "write to" };
        anyhow!(
            "cannot {what} the table {}: {fault}; rows that are written stay: run it again for the others",
            self.table.name
        )
    }
}

fn is_passing(fault: &HistoryFault) -> bool {
    match fault {
        HistoryFault::Call(fault) => {
            matches!(fault.kind, FaultKind::Throttled | FaultKind::Failed | FaultKind::NoAnswer)
        }
        HistoryFault::Ledger(_) | HistoryFault::Apart => false,
    }
}

impl BackfillSummary {
    fn add(&mut self, built: Built, is_new: bool) {
        let Built { taken_in, copies, forgotten } = built;
        if !is_new {
            self.rows_left += 1;
            self.lines_left += taken_in + copies + forgotten;
            return;
        }
        self.rows += 1;
        self.taken_in += taken_in;
        self.copies += copies;
        self.forgotten += forgotten;
    }
}
