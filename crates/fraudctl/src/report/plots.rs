//! The plots of a report, each with the numbers that it is drawn from.

use backtest::measures::{Figures, Measures, OutlineStep};
use page::{Axis, Column, Html, Ink, Plot, Table};

use super::words::{money, per_day, percent};
use crate::backtest::span;
use crate::display::thousands;

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The last policy is what the report is about.
fn ink(place: usize, policies: usize) -> Ink {
    if place + 1 == policies { Ink::Main } else { Ink::Other }
}

/// What a line is called; a single one needs no name.
fn name(place: usize, policies: usize) -> &'static str {
    match (place + 1 == policies, policies) {
        (_, 1) => "",
        (true, _) => "this policy",
        (false, _) => "the other",
    }
}

/// Precision over recall, with the threshold marked.
pub(super) fn precision_recall(all: &[&Measures]) -> Html {
    let mut html = Html::new();
    let Some(main) = all.last().filter(|main| main.overall.frauds > 0) else { return html };
    let figures = &main.overall;
    let says = format!(
        "How many of the alerts are fraud (precision) for each share of the frauds that is caught (recall), from the highest scores \
         down. At the threshold {}: precision {}, recall {}. Alerting at random would be at {}.",
        figures.threshold,
        percent(figures.precision),
        percent(figures.recall),
        percent(Some(share(figures.frauds, figures.transactions - figures.immature)))
    );
    let axes = (Axis::share("recall"), Axis::share("precision"));
    let mut plot = Plot::new("precision-recall", "Precision and recall", &says, axes.0, axes.1);
    for (place, measures) in all.iter().enumerate() {
        let points = measures.outline.steps.iter().filter(|step| step.frauds + step.others > 0).map(|step| {
            (share(step.frauds, measures.overall.frauds), share(step.frauds, step.frauds + step.others))
        });
        plot.line(ink(place, all.len()), name(place, all.len()), points);
    }
    if let (Some(precision), Some(recall)) = (figures.precision, figures.recall) {
        plot.dot((recall, precision), "threshold");
    }
    html.plot(&plot, &steps(main));
    html
}

/// The frauds' value that is caught, over the alerts a day.
pub(super) fn value(all: &[&Measures]) -> Html {
    let mut html = Html::new();
    let Some(main) = all.last().filter(|main| main.overall.fraud_value > 0) else { return html };
    let figures = &main.overall;
    let says = format!(
        "How much of the frauds' value is caught by this many alerts a day. At the threshold: {} of {} by {} alerts a day.",
        money(figures.value_caught),
        money(figures.fraud_value),
        per_day(figures.alerts_per_day)
    );
    let per_day_of = |step: &OutlineStep, figures: &Figures| {
        if figures.days > 0.0 {
            (step.frauds + step.others + step.immature) as f64 / figures.days
        } else {
            0.0
        }
    };
    let shown = f64::max(
        4.0 * figures.alerts_per_day.unwrap_or_default(),
        figures.transactions as f64 / figures.days / 50.0,
    );
    let across = Axis::up_to("alerts a day", shown);
    let most = across.to;
    let mut plot =
        Plot::new("value", "Fraud value caught", &says, across, Axis::share("of the frauds' value"));
    for (place, measures) in all.iter().enumerate() {
        let of = &measures.overall;
        let points = measures
            .outline
            .steps
            .iter()
            .map(|step| (per_day_of(step, of), step.value as f64 / of.fraud_value as f64))
            .filter(|(alerts, _)| *alerts <= most);
        plot.line(ink(place, all.len()), name(place, all.len()), [(0.0, 0.0)].into_iter().chain(points));
    }
    if let (Some(alerts), Some(value)) = (figures.alerts_per_day, figures.value_recall) {
        plot.dot((alerts, value), "threshold");
    }
    html.plot(&plot, &steps(main));
    html
}

/// What is at each score or above; of many scores some.
fn steps(measures: &Measures) -> Table {
    let figures = &measures.overall;
    let columns = ["score", "alerts a day", "precision", "recall", "fraud value caught"].map(Column::number);
    let mut table = Table::new(&format!("{}: what is at a score or above", measures.policy), columns);
    for step in &measures.outline.steps {
        let all = step.frauds + step.others + step.immature;
        table.row([
            step.score.to_string(),
            per_day((figures.days > 0.0).then(|| all as f64 / figures.days)),
            percent(Some(share(step.frauds, step.frauds + step.others))),
            percent(Some(share(step.frauds, figures.frauds))),
            money(step.value),
        ]);
    }
    table
}

/// How scores of frauds and of the rest lie, and what share of each score is fraud.
pub(super) fn scores(measures: &Measures) -> Html {
    let figures = &measures.overall;
    let others = figures.transactions - figures.immature - figures.frauds;
    let bins = &measures.outline.bins;
    let end = bins.last().map_or(1.0, |bin| bin.to);
    let across = || {
        let ticks = (0..=4).map(|quarter| end * f64::from(quarter) / 4.0);
        Axis {
            name: "score".to_owned(),
            from: 0.0,
            to: end,
            ticks: ticks.map(|tick| (tick, tick.to_string())).collect(),
        }
    };
    let caption = "Judged transactions by score";
    let columns = ["score from", "to", "frauds", "others", "of the frauds", "of the others", "fraud share"];
    let mut table = Table::new(caption, columns.map(Column::number));
    for bin in bins {
        table.row([
            number(bin.from),
            number(bin.to),
            thousands(bin.frauds),
            thousands(bin.others),
            percent(Some(share(bin.frauds, figures.frauds))),
            percent(Some(share(bin.others, others))),
            percent((bin.frauds + bin.others > 0).then(|| share(bin.frauds, bin.frauds + bin.others))),
        ]);
    }
    let lowest = bins.first().copied().unwrap_or_default();
    let says = format!(
        "How the scores lie: of each pair of bars the left one is all others, the right one frauds. In the lowest part are {} of the frauds and {} of the others.",
        percent(Some(share(lowest.frauds, figures.frauds))),
        percent(Some(share(lowest.others, others)))
    );
    let mut plot =
        Plot::new("scores", "Scores of frauds and of the rest", &says, across(), Axis::share("of its kind"));
    let middle = |bin: &backtest::measures::ScoreBin| bin.from + (bin.to - bin.from) / 2.0;
    plot.bars(Ink::Other, bins.iter().map(|bin| (bin.from, middle(bin), share(bin.others, others))));
    plot.bars(Ink::Alarm, bins.iter().map(|bin| (middle(bin), bin.to, share(bin.frauds, figures.frauds))));
    plot.column(figures.threshold, "threshold");
    let mut html = Html::new();
    html.plot(&plot, &table);

    if figures.frauds == 0 {
        return html;
    }
    let highest = bins.iter().rev().find(|bin| bin.frauds + bin.others > 0).copied().unwrap_or_default();
    let says = format!(
        "What share of the transactions with a score is fraud. It should rise with the score. From {} on it is {}.",
        number(highest.from),
        percent(Some(share(highest.frauds, highest.frauds + highest.others)))
    );
    let mut plot = Plot::new("calibration", "What a score means", &says, across(), Axis::share("fraud"));
    let judged = bins.iter().filter(|bin| bin.frauds + bin.others > 0);
    plot.bars(Ink::Alarm, judged.map(|bin| (bin.from, bin.to, share(bin.frauds, bin.frauds + bin.others))));
    plot.column(figures.threshold, "threshold");
    html.plot(&plot, &table);
    html
}

fn number(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The alerts a day of each week beside the budget, and each week's measures.
pub(super) fn weeks(measures: &Measures) -> Html {
    let figures = &measures.overall;
    let numbers = [
        "transactions",
        "frauds",
        "alerts",
        "alerts a day",
        "precision",
        "recall",
        "value caught",
        "avg precision",
    ];
    let columns = [Column::text("week from")].into_iter().chain(numbers.map(Column::number));
    let mut table = Table::new("Each week at the threshold of the whole span", columns);
    for week in &measures.weeks {
        let of = &week.figures;
        table.row([
            format!("{}{}", span::text(week.from), if week.is_whole { "" } else { " (in part)" }),
            thousands(of.transactions),
            thousands(of.frauds),
            thousands(of.alerts),
            per_day(of.alerts_per_day),
            percent(of.precision),
            percent(of.recall),
            percent(of.value_recall),
            super::words::places(of.average_precision),
        ]);
    }
    let budget = measures.by_budget.map(|found| found.asked);
    let each = measures.weeks.iter().filter_map(|week| week.figures.alerts_per_day);
    // Month and day: the table has the years.
    let day = |second: i64| span::text(second).chars().skip(5).take(5).collect::<String>();
    let most = each.chain(budget).fold(0.0, f64::max);
    let says = match budget {
        Some(budget) => format!(
            "Alerts a day by week, {} on average, beside the budget of {budget}.",
            per_day(figures.alerts_per_day)
        ),
        None => format!("Alerts a day by week, {} on average.", per_day(figures.alerts_per_day)),
    };
    let ticks = measures.weeks.iter().enumerate().step_by(measures.weeks.len().div_ceil(5).max(1));
    let ticks = ticks.map(|(place, week)| (place as f64 + 0.5, day(week.from)));
    let across = Axis {
        name: "week from".to_owned(),
        from: 0.0,
        to: measures.weeks.len().max(1) as f64,
        ticks: ticks.collect(),
    };
    let mut plot = Plot::new("alerts", "Alerts a day", &says, across, Axis::up_to("alerts a day", most));
    let bars = measures.weeks.iter().enumerate();
    let bars = bars.map(|(place, week)| {
        (place as f64, place as f64 + 1.0, week.figures.alerts_per_day.unwrap_or_default())
    });
    plot.bars(Ink::Main, bars);
    match budget {
        Some(budget) => plot.level(budget, "budget"),
        None => plot.level(figures.alerts_per_day.unwrap_or_default(), "average"),
    }
    let mut html = Html::new();
    html.plot(&plot, &table);
    html.table(&table);
    html
}
