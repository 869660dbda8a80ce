//! What a report says in sentences, and how its numbers are written.

use backtest::measures::{Measures, Truth};

use crate::backtest::span;
use crate::display::{counted, thousands};

/// A share as percent with two places.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", 100.0 * share))
}

/// A measure with four places.
pub(super) fn places(measure: Option<f64>) -> String {
    measure.map_or_else(|| "-".to_owned(), |measure| format!("{measure:.4}"))
}

/// Alerts a day with one place.
pub(super) fn per_day(alerts: Option<f64>) -> String {
    alerts.map_or_else(|| "-".to_owned(), |alerts| format!("{alerts:.1}"))
}

/// An amount in ten-thousandths, with two places and separators.
pub(super) fn money(value: i128) -> String {
    let cents = (value.unsigned_abs() + 50) / 100;
    let whole = thousands(u64::try_from(cents / 100).unwrap_or(u64::MAX));
    format!("{}{whole}.{:02}", if value < 0 { "-" } else { "" }, cents % 100)
}

/// What is known of a transaction.
pub(super) fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::Fraud => "fraud",
        Truth::Legitimate => "legitimate",
        Truth::Unlabelled => "without a label",
        Truth::Immature => "too young to be judged",
    }
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
