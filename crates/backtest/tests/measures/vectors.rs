//! Measures against those that `vectors/make.py` computed by scikit-learn and pandas.

use std::collections::BTreeMap;

use backtest::measures::{Figures, Measures, Spread, TallySettings, Truth};

use crate::made::{Made, measured, policy};

const EXPECTED: &str = include_str!("../vectors/expected.csv");

fn made(csv: &str) -> Vec<Made> {
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("time,score,truth,amount,customer,segment,factors"));
    let made = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [time, score, truth, amount, customer, segment, factors] = fields[..] else { panic!("{line}") };
        Made {
            time: time.parse().unwrap(),
            score: score.parse().unwrap(),
            truth: match truth {
                "F" => Truth::Fraud,
                "L" => Truth::Legitimate,
                "U" => Truth::Unlabelled,
                "I" => Truth::Immature,
                _ => panic!("{truth}"),
            },
            amount: amount.parse().unwrap(),
            customer: customer.to_owned(),
            segment: Some(segment.to_owned()).filter(|segment| !segment.is_empty()),
            factors: factors.parse().unwrap(),
        }
    };
    lines.map(made).collect()
}

/// What is expected of a case, by group and name.
fn expected(case: &str) -> BTreeMap<(&'static str, &'static str), Option<f64>> {
    let rows = EXPECTED.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [case, group, name, value] = fields[..] else { panic!("{line}") };
        (case, ((group, name), (!value.is_empty()).then(|| value.parse().unwrap())))
    });
    rows.filter(|(of, _)| *of == case).map(|(_, row)| row).collect()
}

fn figure(figures: &Figures, name: &str) -> Option<f64> {
    Some(match name {
        "transactions" => figures.transactions as f64,
        "labelled" => figures.labelled as f64,
        "frauds" => figures.frauds as f64,
        "unlabelled" => figures.unlabelled as f64,
        "immature" => figures.immature as f64,
        "days" => figures.days,
        "threshold" => figures.threshold,
        "alerts" => figures.alerts as f64,
        "alerts_per_day" => figures.alerts_per_day?,
        "frauds_caught" => figures.frauds_caught as f64,
        "false_alerts" => figures.false_alerts as f64,
        "fraud_value" => figures.fraud_value as f64 / 10_000.0,
        "value_caught" => figures.value_caught as f64 / 10_000.0,
        "auc" => figures.auc?,
        "average_precision" => figures.average_precision?,
        "card_precision_at_100" => figures.card_precision_at_100?,
        "recall_at_1_percent" => figures.recall_at_1_percent?,
        "precision" => figures.precision?,
        "recall" => figures.recall?,
        "value_recall" => figures.value_recall?,
        _ => panic!("{name}"),
    })
}

fn spread(measures: &Measures, name: &str) -> Option<Spread> {
    let spreads = &measures.spreads;
    match name {
        "alerts_per_day" => spreads.alerts_per_day,
        "auc" => spreads.auc,
        "average_precision" => spreads.average_precision,
        "card_precision_at_100" => spreads.card_precision_at_100,
        "recall_at_1_percent" => spreads.recall_at_1_percent,
        "precision" => spreads.precision,
        "recall" => spreads.recall,
        "value_recall" => spreads.value_recall,
        _ => panic!("{name}"),
    }
}

/// The measure that a row of `expected.csv` is about.
fn measure(measures: &Measures, group: &str, name: &str) -> Option<f64> {
    match group.split_once(' ') {
        None if group == "overall" => figure(&measures.overall, name),
        None => {
            let spread = spread(measures, name)?;
            match group {
                "mean" => Some(spread.mean),
                "deviation" => spread.deviation,
                "least" => Some(spread.least),
                "greatest" => Some(spread.greatest),
                _ => panic!("{group}"),
            }
        }
        Some(("week", number)) => figure(&measures.weeks[number.parse::<usize>().unwrap()].figures, name),
        Some(("segment", segment)) => {
            let segment = Some(segment.to_owned()).filter(|segment| !segment.is_empty());
            figure(&measures.segments.iter().find(|own| own.segment == segment).unwrap().figures, name)
        }
        Some(("factor", index)) => {
            let factor = &measures.factors[index.parse::<usize>().unwrap()];
            match name {
                "frauds" => Some(factor.frauds as f64),
                "others" => Some(factor.others as f64),
                "share_of_frauds" => factor.share_of_frauds,
                "share_of_others" => factor.share_of_others,
                "precision" => factor.precision,
                "lift" => factor.lift,
                _ => panic!("{name}"),
            }
        }
        Some(_) => panic!("{group}"),
    }
}

/// Holds the measures of a case against the expected ones; gives them for more.
fn assert_as_expected(case: &str, csv: &str) -> Measures {
    let mut expected = expected(case);
    let mut setting = |name| expected.remove(&("settings", name)).unwrap();
    let settings = TallySettings {
        from: setting("from").unwrap() as i64,
        until: setting("until").unwrap() as i64,
        alerts_per_day: setting("budget"),
    };
    let measures = measured(&policy(60.0), settings, &made(csv));
    let mut wrong = Vec::new();
    for ((group, name), value) in &expected {
        let own = measure(&measures, group, name);
        let is_same = match (own, value) {
            (Some(own), Some(value)) => (own - value).abs() <= 1e-12 * f64::max(1.0, value.abs()),
            (own, value) => own.is_none() && value.is_none(),
        };
        if !is_same {
            wrong.push(format!("{group}, {name}: {own:?} instead of {value:?}"));
        }
    }
    assert!(wrong.is_empty(), "{case}:\n{}", wrong.join("\n"));
    assert!(expected.len() > 100, "{}", expected.len());
    measures
}

#[test]
fn measures_of_whole_scores_are_those_of_scikit_learn() {
    let measures = assert_as_expected("points", include_str!("../vectors/points.csv"));
    let lengths: Vec<_> = measures.weeks.iter().map(|week| (week.figures.days, week.is_whole)).collect();
    assert_eq!(lengths, [(7.0, true), (7.0, true), (3.0, false)]);
}

#[test]
fn measures_of_continuous_scores_at_a_budget_are_those_of_scikit_learn() {
    let measures = assert_as_expected("continuous", include_str!("../vectors/continuous.csv"));
    let found = measures.by_budget.unwrap();
    assert_eq!((found.asked, found.at_threshold), (7.5, 1));
    assert!(found.alerts_with_them.unwrap() > 7.5);
}

#[test]
fn a_lump_of_equal_scores_that_the_budget_leaves_out_is_told() {
    let measures = assert_as_expected("lumps", include_str!("../vectors/lumps.csv"));
    let found = measures.by_budget.unwrap();
    // Above 60 are 18 in 14 days; three a day are 42. At 60 are 228 more.
    assert_eq!((found.threshold, found.at_threshold), (60.0, 228));
    assert_eq!(found.alerts_with_them, Some((18.0 + 228.0) / 14.0));
    assert_eq!(measures.overall.alerts, 18);
}

#[test]
fn without_frauds_there_is_no_measure_that_needs_some() {
    let measures = assert_as_expected("clean", include_str!("../vectors/clean.csv"));
    assert_eq!(measures.overall.auc, None);
    assert_eq!(measures.overall.recall, None);
}
