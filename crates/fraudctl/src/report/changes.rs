//! What one policy alerts and another does not.

use backtest::measures::{Difference, Differences};
use page::{Column, Html, Table};

use super::words::{money, truth};
use crate::backtest::{span, text};
use crate::display::{counted, thousands};

pub(super) fn html(differences: &Differences) -> Html {
    let mut html = Html::new();
    let [first, second] = &differences.policies;
    html.paragraph(&format!(
        "From {first} to {second}: {} have another score, {} are of both.",
        counted(differences.scored_differently, "transaction"),
        counted(differences.alerts_of_both, "alert")
    ));
    let numbers = ["alerts", "value", "frauds", "fraud value", "too young"].map(Column::number);
    let mut sums = Table::new("Alerts of one policy alone", [Column::text("")].into_iter().chain(numbers));
    for (name, of) in [("gained", &differences.gained), ("lost", &differences.lost)] {
        sums.row([
            name.to_owned(),
            thousands(of.alerts),
            money(of.value),
            thousands(of.frauds),
            money(of.fraud_value),
            thousands(of.immature),
        ]);
    }
    html.table(&sums);
    for (name, of) in [("Gained", &differences.gained), ("Lost", &differences.lost)] {
        if of.alerts > 0 {
            html.heading(3, name);
            one(of, &mut html);
        }
    }
    html
}

fn one(of: &Difference, html: &mut Html) {
    let numbers = ["alerts", "value", "frauds", "fraud value"].map(Column::number);
    let mut segments = Table::new("By segment", [Column::text("segment")].into_iter().chain(numbers));
    for segment in &of.segments {
        segments.row([
            segment.segment.clone().unwrap_or_else(|| "(no profile)".to_owned()),
            thousands(segment.alerts),
            money(segment.value),
            thousands(segment.frauds),
            money(segment.fraud_value),
        ]);
    }
    html.table(&segments);
    let numbers = ["alerts", "frauds"].map(Column::number);
    let mut factors = Table::new(
        "By factor of the policy that alerts",
        [Column::text("factor")].into_iter().chain(numbers),
    );
    for factor in &of.factors {
        factors.row([factor.name.clone(), thousands(factor.alerts), thousands(factor.frauds)]);
    }
    html.table(&factors);
    let columns = [
        Column::text("transaction"),
        Column::text("at"),
        Column::text("segment"),
        Column::number("amount"),
        Column::text("known as"),
        Column::number("before"),
        Column::number("after"),
        Column::text("reasons before"),
        Column::text("reasons after"),
    ];
    let mut examples = Table::new("Those with the largest amounts", columns);
    for example in &of.examples {
        let ([before, after], [reasons_before, reasons_after]) = (&example.scores, &example.reasons);
        examples.row([
            example.id.clone(),
            span::text(example.time),
            example.segment.clone().unwrap_or_default(),
            money(example.amount.into()),
            truth(example.truth).to_owned(),
            format!("{before:.3}"),
            format!("{after:.3}"),
            text::reasons(reasons_before),
            text::reasons(reasons_after),
        ]);
    }
    let mut inner = Html::new();
    inner.table(&examples);
    html.details(&counted(of.examples.len() as u64, "example"), inner);
}
