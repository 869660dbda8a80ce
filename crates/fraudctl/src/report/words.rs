//! What a report says in sentences, and how its numbers are written.

use backtest::measures::Measures;

use crate::backtest::span;
use crate::display::{counted, thousands};

pub(super) use crate::backtest::text::{money, per_day, places, truth};

/// A share as percent with two places.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", 100.0 * share))
}

/// What a policy would have done, in one sentence or two.
pub(super) fn verdict(measures: &Measures) -> String {
    let all = &measures.overall;
    let alerts = format!("{} alerts a day above {}", per_day(all.alerts_per_day), all.threshold);
    if all.frauds == 0 {
        return format!(
            "{alerts}. No fraud is judged in this span: there is nothing to say how good they are."
        );
    }
    if all.frauds_caught + all.false_alerts == 0 {
        return format!("{alerts}: of the frauds it catches none.");
    }
    let spread = measures.spreads.recall.map_or_else(String::new, |spread| {
        format!(
            " From week to week it catches {} to {} of the frauds.",
            percent(Some(spread.least)),
            percent(Some(spread.greatest))
        )
    });
    format!(
        "{alerts}; {} of the judged ones are fraud. They are {} of the frauds and {} of the frauds' value.{spread}",
        percent(all.precision),
        percent(all.recall),
        percent(all.value_recall)
    )
}

/// What it was measured over.
pub(super) fn basis(measures: &Measures) -> String {
    let all = &measures.overall;
    format!(
        "{} to {}: {}, {} of them fraud by the labels, {} without a label, {} too young to be judged. Amounts and times are as in the \
         files; days and weeks are UTC.",
        span::text(measures.from),
        span::text(measures.until),
        counted(all.transactions, "transaction"),
        thousands(all.frauds),
        thousands(all.unlabelled),
        thousands(all.immature)
    )
}
