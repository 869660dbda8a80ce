//! The summary of a backfill.

use serde::Serialize;

use crate::display::{counted, thousands};

/// What a backfill did, or would do.
#[derive(Debug, Default, Serialize)]
pub(super) struct BackfillSummary {
    pub(super) table: String,
    pub(super) until: String,
    pub(super) dry_run: bool,
    /// Whether every customer's row was dealt with.
    pub(super) complete: bool,
    /// Lines of the files.
    pub(super) lines: u64,
    /// Lines that are no scored records.
    pub(super) refused: u64,
    /// Lines that arrived at --until or later.
    pub(super) later: u64,
    pub(super) without_customer: u64,
    pub(super) taken_in: u64,
    /// Lines of a transaction that was taken in before.
    pub(super) copies: u64,
    /// Lines that may have been taken in before, and were left out.
    pub(super) forgotten: u64,
    /// Rows that were written.
    pub(super) rows: u64,
    /// Rows that were there, and were left as they are.
    pub(super) rows_left: u64,
    /// Lines of the customers whose rows were left.
    pub(super) lines_left: u64,
    /// How often the files were read.
    pub(super) passes: u64,
    pub(super) seconds: f64,
}

impl BackfillSummary {
    pub(super) fn json(&self) -> String {
        // Texts and finite numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        let so_far = if self.complete { "" } else { " before it ended early" };
        let nothing = if self.dry_run { "; nothing was written" } else { "" };
        let mut text = format!(
            "{} read for {}, what arrived before {}{so_far}{nothing}",
            counted(self.lines, "line"),
            self.table,
            self.until
        );
        let lines = [
            ("taken in", self.taken_in),
            ("copies", self.copies),
            ("forgotten", self.forgotten),
            ("arrived later", self.later),
            ("without a customer", self.without_customer),
            ("not scored records", self.refused),
            (if self.dry_run { "rows to write" } else { "rows written" }, self.rows),
            ("rows that were there", self.rows_left),
            ("lines of those", self.lines_left),
        ];
        for (name, count) in lines {
            text.push_str(&format!("\n{name:>24}  {}", thousands(count)));
        }
        text
    }
}
