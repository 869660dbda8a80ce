//! The summary of a replay.

use serde::Serialize;

use super::transform::TransformTotals;
use crate::display::{counted, thousands};
use crate::function::InvocationTotals;

/// What a replay did, or would do.
#[derive(Debug, Serialize)]
pub(super) struct ReplaySummary {
    pub(super) stream: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) dry_run: bool,
    /// Whether all of the span was replayed.
    pub(super) complete: bool,
    /// Records of the stream that were handled.
    pub(super) records: u64,
    /// Customers' windows that the span touches, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) windows: Option<u64>,
    #[serde(flatten)]
    pub(super) tally: InvocationTotals,
    /// The transform's numbers, if it was that function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transform: Option<TransformTotals>,
    pub(super) seconds: f64,
}

impl ReplaySummary {
    pub(super) fn json(&self) -> String {
        // Texts and finite numbers always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        let ReplaySummary { stream, from, to, dry_run, complete, records, tally, .. } = self;
        let so_far = if *complete { "" } else { " before it ended early" };
        let mut text = format!(
            "{} of {stream} that arrived from {from} until {to}{so_far}{}",
            counted(*records, "record"),
            if *dry_run { "; nothing was written or sent" } else { "" },
        );
        let would = |done: &'static str, dry: &'static str| if *dry_run { dry } else { done };
        let mut rows = tally.rows(*dry_run, self.windows);
        if let Some(transform) = &self.transform {
            rows.push(("high scores".to_owned(), transform.high_scores));
            rows.extend((transform.lagging > 0).then(|| ("history lagging".to_owned(), transform.lagging)));
            rows.push((would("lines written", "lines to write").to_owned(), transform.lines));
            rows.extend(transform.failed.iter().map(|(reason, count)| (format!("failed {reason}"), *count)));
            rows.extend((!*dry_run).then(|| ("files".to_owned(), transform.files)));
        }
        for (name, count) in rows {
            text.push_str(&format!("\n{name:>24}  {}", thousands(count)));
        }
        text
    }
}
