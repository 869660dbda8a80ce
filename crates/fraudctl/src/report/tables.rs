//! Tables of measures.

use backtest::measures::{Measures, Spread, WithoutFactor};
use fraud_core::policy::{Policy, Shape};
use page::{Column, Html, Table};

use super::words::{money, per_day, percent, places};
use crate::backtest::span;
use crate::display::{a_day, thousands};

/// The measures, and how they differ from week to week.
pub(super) fn headline(measures: &Measures) -> Html {
    let (all, weekly) = (&measures.overall, &measures.spreads);
    let columns = ["all", "mean of weeks", "deviation", "least", "greatest"].map(Column::number);
    let caption = "The whole span, and its whole weeks side by side: a difference smaller than the deviation may be chance";
    let mut table = Table::new(caption, [Column::text("measure")].into_iter().chain(columns));
    let mut row = |name: &str, all: Option<f64>, spread: Option<Spread>, text: fn(Option<f64>) -> String| {
        table.row([
            name.to_owned(),
            text(all),
            text(spread.map(|spread| spread.mean)),
            text(spread.and_then(|spread| spread.deviation)),
            text(spread.map(|spread| spread.least)),
            text(spread.map(|spread| spread.greatest)),
        ]);
    };
    row("alerts a day", all.alerts_per_day, weekly.alerts_per_day, per_day);
    row("precision", all.precision, weekly.precision, percent);
    row("recall", all.recall, weekly.recall, percent);
    row("fraud value caught", all.value_recall, weekly.value_recall, percent);
    row("average precision", all.average_precision, weekly.average_precision, places);
    row("AUC", all.auc, weekly.auc, places);
    row("card precision at 100", all.card_precision_at_100, weekly.card_precision_at_100, places);
    row("recall at 1 % alerts", all.recall_at_1_percent, weekly.recall_at_1_percent, percent);
    let mut html = Html::new();
    html.table(&table);
    if let Some(found) = measures.by_budget {
        html.paragraph(&format!(
            "The threshold {} keeps to {} alerts a day. {} transactions have just this score{}.",
            found.threshold,
            found.asked,
            thousands(found.at_threshold),
            found
                .alerts_with_them
                .map_or_else(String::new, |with| format!("; with them there were {} a day", a_day(with)))
        ));
    }
    html
}

/// Of each factor: where it fires, what it gives, and what the policy would be without it.
pub(super) fn factors(policy: &Policy, measures: &Measures, without: &[WithoutFactor]) -> Html {
    let numbers = ["most points", "on frauds", "of frauds", "on others", "of others", "precision", "lift"];
    let costs = ["without it: avg precision", "recall"];
    let all_numbers = numbers.into_iter().chain(costs).map(Column::number);
    let caption = "Over all judged transactions, also those on which nothing fired; without it at the same number of alerts";
    let mut table = Table::new(caption, [Column::text("factor")].into_iter().chain(all_numbers));
    let all = &measures.overall;
    let lost = |before: Option<f64>, after: Option<f64>, text: fn(Option<f64>) -> String, scale: f64| {
        let change = before.zip(after).map(|(before, after)| scale * (after - before));
        change.map_or_else(|| "-".to_owned(), |change| format!("{} ({change:+.4})", text(after)))
    };
    for (place, factor) in measures.factors.iter().enumerate() {
        let without = without.get(place);
        let most = policy.factors().get(place).map_or(0.0, |factor| most(&factor.shape()));
        table.row([
            factor.name.clone(),
            if most.is_finite() { most.to_string() } else { "by weight".to_owned() },
            thousands(factor.frauds),
            percent(factor.share_of_frauds),
            thousands(factor.others),
            percent(factor.share_of_others),
            percent(factor.precision),
            places(factor.lift),
            lost(all.average_precision, without.and_then(|without| without.average_precision), places, 1.0),
            lost(all.recall, without.and_then(|without| without.recall), places, 1.0),
        ]);
    }
    let mut html = Html::new();
    html.table(&table);
    html
}

/// The most points that a factor gives.
fn most(shape: &Shape) -> f64 {
    match shape {
        Shape::Points(points) => *points,
        Shape::Bands { bands, missing } => bands.iter().map(|band| band.points).fold(*missing, f64::max),
        Shape::Weight { .. } => f64::INFINITY,
    }
}

/// By the customers' segment; `None` if there is one only.
pub(super) fn segments(measures: &Measures) -> Option<Html> {
    let numbers = [
        "transactions",
        "frauds",
        "alerts",
        "precision",
        "recall",
        "fraud value",
        "value caught",
        "avg precision",
    ];
    let columns = [Column::text("segment")].into_iter().chain(numbers.map(Column::number));
    let mut table = Table::new("At the one threshold", columns);
    for of in &measures.segments {
        let figures = &of.figures;
        table.row([
            of.segment.clone().unwrap_or_else(|| "(no profile)".to_owned()),
            thousands(figures.transactions),
            thousands(figures.frauds),
            thousands(figures.alerts),
            percent(figures.precision),
            percent(figures.recall),
            money(figures.fraud_value),
            money(figures.value_caught),
            places(figures.average_precision),
        ]);
    }
    let mut html = Html::new();
    html.table(&table);
    (measures.segments.len() > 1).then_some(html)
}

/// How far the labels reach, week by week.
pub(super) fn labels(measures: &Measures) -> Html {
    let numbers = ["transactions", "labelled", "frauds", "without a label", "too young", "judged"];
    let columns = [Column::text("week from")].into_iter().chain(numbers.map(Column::number));
    let caption = "What is judged: labelled, or old enough that a label would have come. The newest weeks fill up as labels come";
    let mut table = Table::new(caption, columns);
    for week in &measures.weeks {
        let figures = &week.figures;
        let judged = figures.transactions - figures.immature;
        table.row([
            span::text(week.from),
            thousands(figures.transactions),
            thousands(figures.labelled),
            thousands(figures.frauds),
            thousands(figures.unlabelled),
            thousands(figures.immature),
            percent((figures.transactions > 0).then(|| judged as f64 / figures.transactions as f64)),
        ]);
    }
    let mut html = Html::new();
    html.table(&table);
    html
}
