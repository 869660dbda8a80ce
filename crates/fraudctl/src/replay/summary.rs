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
        let mut line = |name: &str, count: u64| {
            text.push_str(&format!("\n{:>24}  {}", name, thousands(count)));
        };
        let would = |done: &'static str, dry: &'static str| if *dry_run { dry } else { done };
        line("transactions", tally.transactions);
        if let Some(alerts) = &tally.alerts {
            line("high scores", alerts.high_scores);
            line("alerted before", alerts.suppressed);
            line(would("alerted now", "would be alerted"), alerts.sent);
        }
        if let Some(analytics) = &tally.analytics {
            self.windows.inspect(|windows| line("windows touched", *windows));
            line("counted before", analytics.counted_before + analytics.repeated);
            line(would("counted now", "would be counted"), analytics.counted);
            line("ids reused", analytics.ids_reused);
            line("not for counting", analytics.not_for_counting);
        }
        if let Some(transform) = &self.transform {
            line("high scores", transform.high_scores);
            if transform.lagging > 0 {
                line("history lagging", transform.lagging);
            }
            line(would("lines written", "lines to write"), transform.lines);
            for (reason, count) in &transform.failed {
                line(&format!("failed {reason}"), *count);
            }
            if !*dry_run {
                line("files", transform.files);
            }
        }
        for (reason, count) in &tally.dead_letters {
            line(&format!("{} {reason}", would("dead letters", "to dead letters")), *count);
        }
        text
    }
}
