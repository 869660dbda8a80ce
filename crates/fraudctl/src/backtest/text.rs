//! What was measured, for people.

use std::fmt::Write as _;

use backtest::measures::{Difference, Differences, Figures, Measures, Spread};

use super::Measured;
use super::span;
use crate::display::{Table, a_day, counted, table, thousands};

/// A back-test.
pub(super) fn backtest(measured: &Measured) -> String {
    let mut measures = measured.measures.iter().rev();
    let mut out = measures.next().map(policy).unwrap_or_default();
    if let (Some(against), Some(differences)) = (measures.next(), &measured.differences) {
        let _ = write!(out, "\n\nAgainst it:\n{}\n\n{}", policy(against), gained_and_lost(differences));
    }
    out
}

/// A policy's measures.
pub(crate) fn policy(measures: &Measures) -> String {
    let all = &measures.overall;
    let mut out = format!(
        "{}, {} to {} ({})\n",
        measures.policy,
        span::text(measures.from),
        span::text(measures.until),
        days(all.days)
    );
    let _ = writeln!(
        out,
        "{}: {} labelled ({} of them fraud), {} without a label, {} too young",
        counted(all.transactions, "transaction"),
        thousands(all.labelled),
        thousands(all.frauds),
        thousands(all.unlabelled),
        thousands(all.immature)
    );
    out += &threshold(measures);
    let _ = writeln!(out, "\n{}", spreads(measures));
    for (title, shown) in [
        (weeks_title(measures), weeks(measures)),
        ("segments", segments(measures)),
        ("factors", factors(measures)),
    ] {
        if let Some(shown) = shown {
            let _ = writeln!(out, "\n{title}\n{shown}");
        }
    }
    out.trim_end().to_owned()
}

/// Alerts a day.
pub(crate) fn per_day(alerts: Option<f64>) -> String {
    alerts.map_or_else(|| "-".to_owned(), a_day)
}

/// Where the threshold is, and why.
pub(crate) fn threshold(measures: &Measures) -> String {
    let all = &measures.overall;
    let alerts = format!("{} ({} a day)", counted(all.alerts, "alert"), per_day(all.alerts_per_day));
    let Some(found) = measures.by_budget else {
        return format!("threshold {}: {alerts}\n", all.threshold);
    };
    let mut out =
        format!("threshold {} for at most {} alerts a day: {alerts}\n", found.threshold, found.asked);
    if let Some(with_them) = found.alerts_with_them {
        let _ = writeln!(
            out,
            "{} have just this score; with them there were {} alerts a day",
            counted(found.at_threshold, "transaction"),
            a_day(with_them)
        );
    }
    out
}

fn days(days: f64) -> String {
    match days.fract() == 0.0 {
        true => counted(days as u64, "day"),
        false => format!("{days:.1} days"),
    }
}

/// A share with four places; `-` if there is none.
pub(crate) fn places(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{share:.4}"))
}

fn spreads(measures: &Measures) -> Table {
    let (all, weekly) = (&measures.overall, &measures.spreads);
    let columns = ["measure", "all", "mean of weeks", "spread", "least", "greatest"];
    let mut shown = table(&columns, &columns[1..]);
    let mut row = |name: &str, all: Option<f64>, spread: Option<Spread>| {
        let digits = |number: Option<f64>| match name {
            "alerts a day" => per_day(number),
            _ => places(number),
        };
        shown.add_row([
            name.to_owned(),
            digits(all),
            digits(spread.map(|spread| spread.mean)),
            digits(spread.and_then(|spread| spread.deviation)),
            digits(spread.map(|spread| spread.least)),
            digits(spread.map(|spread| spread.greatest)),
        ]);
    };
    row("alerts a day", all.alerts_per_day, weekly.alerts_per_day);
    row("precision", all.precision, weekly.precision);
    row("recall", all.recall, weekly.recall);
    row("fraud value caught", all.value_recall, weekly.value_recall);
    row("AUC", all.auc, weekly.auc);
    row("average precision", all.average_precision, weekly.average_precision);
    row("card precision at 100", all.card_precision_at_100, weekly.card_precision_at_100);
    row("recall at 1 % alerts", all.recall_at_1_percent, weekly.recall_at_1_percent);
    shown
}

fn row_of(first: String, figures: &Figures) -> [String; 7] {
    [
        first,
        thousands(figures.transactions),
        thousands(figures.frauds),
        thousands(figures.alerts),
        places(figures.precision),
        places(figures.recall),
        places(figures.average_precision),
    ]
}

const FIGURES: [&str; 6] = ["transactions", "frauds", "alerts", "precision", "recall", "avg prec."];

fn figures_table(first: &str) -> Table {
    let columns: Vec<&str> = [first].into_iter().chain(FIGURES).collect();
    table(&columns, &FIGURES)
}

fn weeks_title(measures: &Measures) -> &'static str {
    let is_whole = measures.weeks.last().is_none_or(|week| week.is_whole);
    if is_whole { "weeks" } else { "weeks, the last one in part" }
}

fn weeks(measures: &Measures) -> Option<Table> {
    let mut shown = figures_table("from");
    for week in &measures.weeks {
        shown.add_row(row_of(span::text(week.from), &week.figures));
    }
    (measures.weeks.len() > 1).then_some(shown)
}

fn segments(measures: &Measures) -> Option<Table> {
    let mut shown = figures_table("segment");
    for of in &measures.segments {
        shown.add_row(row_of(of.segment.clone().unwrap_or_else(|| "(no profile)".to_owned()), &of.figures));
    }
    (measures.segments.len() > 1).then_some(shown)
}

fn factors(measures: &Measures) -> Option<Table> {
    let columns = ["factor", "on frauds", "share", "on others", "share", "prec."];
    let mut shown = table(&columns, &columns[1..]);
    for factor in &measures.factors {
        shown.add_row([
            factor.name.clone(),
            thousands(factor.frauds),
            places(factor.share_of_frauds),
            thousands(factor.others),
            places(factor.share_of_others),
            places(factor.precision),
        ]);
    }
    (measures.overall.frauds > 0 && !measures.factors.is_empty()).then_some(shown)
}

/// What the second policy decides differently than the first.
pub(crate) fn gained_and_lost(differences: &Differences) -> String {
    let [first, second] = &differences.policies;
    let mut out = format!(
        "From {first} to {second}: {} with another score, {} of both\n",
        counted(differences.scored_differently, "transaction"),
        counted(differences.alerts_of_both, "alert")
    );
    for (name, of) in [("gained", &differences.gained), ("lost", &differences.lost)] {
        let _ = write!(out, "\n{}", difference(name, of));
    }
    out.trim_end().to_owned()
}

fn difference(name: &str, of: &Difference) -> String {
    let mut out = format!(
        "{} {name}, worth {}; {} among them, worth {}\n",
        counted(of.alerts, "alert"),
        money(of.value),
        counted(of.frauds, "fraud"),
        money(of.fraud_value)
    );
    if of.alerts == 0 {
        return out;
    }
    let mut segments = table(
        &["segment", "alerts", "value", "frauds", "fraud value"],
        &["alerts", "value", "frauds", "fraud value"],
    );
    for segment in &of.segments {
        segments.add_row([
            segment.segment.clone().unwrap_or_else(|| "(no profile)".to_owned()),
            thousands(segment.alerts),
            money(segment.value),
            thousands(segment.frauds),
            money(segment.fraud_value),
        ]);
    }
    let mut factors = table(&["factor", "alerts", "frauds"], &["alerts", "frauds"]);
    for factor in of.factors.iter().filter(|factor| factor.alerts > 0) {
        factors.add_row([factor.name.clone(), thousands(factor.alerts), thousands(factor.frauds)]);
    }
    let _ = writeln!(out, "{segments}\n{factors}");
    for example in &of.examples {
        let [before, after] = example.scores;
        let [reasons_before, reasons_after] = &example.reasons;
        let _ = writeln!(
            out,
            "{} at {}: {}, {before:.3} before, {after:.3} after, {}\n  before {}\n  after  {}",
            example.id,
            span::text(example.time),
            money(example.amount.into()),
            truth(example.truth),
            reasons(reasons_before),
            reasons(reasons_after)
        );
    }
    out
}

/// What is known of a transaction.
pub(crate) fn truth(truth: backtest::measures::Truth) -> &'static str {
    use backtest::measures::Truth;
    match truth {
        Truth::Fraud => "fraud",
        Truth::Legitimate => "legitimate",
        Truth::Unlabelled => "without a label",
        Truth::Immature => "too young to be judged",
    }
}

/// Reasons as names with points.
pub(crate) fn reasons(json: &str) -> String {
    let reasons: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let reason = |reason: &serde_json::Value| {
        let (name, points) = (reason["name"].as_str().unwrap_or_default(), reason["points"].as_f64());
        // Scored lines name their reasons only.
        points.map_or_else(
            || name.to_owned(),
            |points| {
                let points = format!("{points:+.3}");
                format!("{name} {}", points.trim_end_matches('0').trim_end_matches('.'))
            },
        )
    };
    match reasons.is_empty() {
        true => "no reason".to_owned(),
        false => reasons.iter().map(reason).collect::<Vec<_>>().join(", "),
    }
}

/// An amount in ten-thousandths, with two places.
pub(crate) fn money(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let cents = (value.unsigned_abs() + 50) / 100;
    let whole = u64::try_from(cents / 100).unwrap_or(u64::MAX);
    format!("{sign}{}.{:02}", thousands(whole), cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_to_cents() {
        assert_eq!(
            [0, 4_949, 12_345_678, -15_000, 9_999_999].map(money),
            ["0.00", "0.49", "1,234.57", "-1.50", "1,000.00"]
        );
    }

    #[test]
    fn reasons_are_names_with_points() {
        assert_eq!(reasons("[]"), "no reason");
        assert_eq!(reasons(r#"[{"name":"a","points":12.5},{"name":"b","points":-3}]"#), "a +12.5, b -3");
    }
}
