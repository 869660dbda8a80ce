//! What holds for any transactions.

use backtest::measures::{DAY, Figures, Measures, Tally, TallySettings, Truth, WEEK};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::made::{Made, measured, policy};

/// The begin of the measured span: a Saturday, 13:20.
const FROM: i64 = 1_767_446_400;

const THRESHOLD: f64 = 50.0;

fn truth() -> impl Strategy<Value = Truth> {
    prop_oneof![
        2 => Just(Truth::Fraud),
        1 => Just(Truth::Legitimate),
        4 => Just(Truth::Unlabelled),
        1 => Just(Truth::Immature),
    ]
}

/// A transaction within `days` of [`FROM`], with one of few scores or one of its own.
fn transaction(days: i64) -> impl Strategy<Value = Made> {
    let score = prop_oneof![(0..8u32).prop_map(|score| f64::from(score) * 12.5), 0.0..100.0];
    let segment = prop::option::of(prop::sample::select(vec!["a", "b", "ab"]));
    (0..days * DAY, score, truth(), -50_000..9_000_000i64, 0..20u32, segment, 0..8u8).prop_map(
        |(seconds, score, truth, amount, customer, segment, factors)| Made {
            time: FROM + seconds,
            score,
            truth,
            amount,
            customer: if customer == 0 { String::new() } else { format!("C{customer}") },
            segment: segment.map(str::to_owned),
            factors,
        },
    )
}

fn transactions(days: i64, count: usize) -> impl Strategy<Value = Vec<Made>> {
    prop::collection::vec(transaction(days), 0..count)
}

fn over(days: i64) -> TallySettings {
    TallySettings { from: FROM, until: FROM + days * DAY, alerts_per_day: None }
}

fn judged(transactions: &[Made]) -> impl Iterator<Item = &Made> + Clone {
    transactions.iter().filter(|transaction| transaction.truth != Truth::Immature)
}

fn frauds(transactions: &[Made]) -> impl Iterator<Item = &Made> + Clone {
    transactions.iter().filter(|transaction| transaction.truth == Truth::Fraud)
}

fn part(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn is_same(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() < 1e-12,
        (one, other) => one == other,
    }
}

/// Of each pair of a fraud and another.
fn auc_by_pairs(transactions: &[Made]) -> Option<f64> {
    let others = || judged(transactions).filter(|transaction| transaction.truth != Truth::Fraud);
    let pairs = frauds(transactions).flat_map(|fraud| others().map(move |other| (fraud.score, other.score)));
    let won: f64 = pairs
        .clone()
        .map(|(fraud, other)| match fraud.partial_cmp(&other) {
            Some(std::cmp::Ordering::Greater) => 1.0,
            Some(std::cmp::Ordering::Equal) => 0.5,
            _ => 0.0,
        })
        .sum();
    let count = pairs.count();
    (count > 0).then(|| won / count as f64)
}

/// The mean, over the frauds, of the precision down to each one's score.
fn average_precision_by_frauds(transactions: &[Made]) -> Option<f64> {
    let down_to = |score: f64| {
        let of = judged(transactions).filter(move |transaction| transaction.score >= score);
        let frauds = of.clone().filter(|transaction| transaction.truth == Truth::Fraud);
        frauds.count() as f64 / of.count() as f64
    };
    let sum: f64 = frauds(transactions).map(|fraud| down_to(fraud.score)).sum();
    let count = frauds(transactions).count();
    (count > 0).then(|| sum / count as f64)
}

/// The best of the scores down to which at most 1 % of the judged transactions are.
fn recall_at_1_percent_by_scores(transactions: &[Made]) -> Option<f64> {
    let all = judged(transactions).count();
    let down_to = |score: f64| {
        let count = judged(transactions).filter(|transaction| transaction.score >= score).count();
        let caught = frauds(transactions).filter(|transaction| transaction.score >= score).count();
        if 100 * count <= all { caught } else { 0 }
    };
    let best = judged(transactions).map(|transaction| down_to(transaction.score)).max();
    part(best.unwrap_or(0), frauds(transactions).count())
}

fn counts(figures: &Figures) -> [i128; 10] {
    [
        figures.transactions.into(),
        figures.labelled.into(),
        figures.frauds.into(),
        figures.unlabelled.into(),
        figures.immature.into(),
        figures.alerts.into(),
        figures.frauds_caught.into(),
        figures.false_alerts.into(),
        figures.fraud_value,
        figures.value_caught,
    ]
}

fn sum<'f>(figures: impl Iterator<Item = &'f Figures>) -> [i128; 10] {
    figures.map(counts).fold([0; 10], |sum, own| std::array::from_fn(|index| sum[index] + own[index]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn measures_over_all_thresholds_are_those_of_their_definitions(transactions in transactions(3, 250)) {
        let overall = measured(&policy(THRESHOLD), over(3), &transactions).overall;
        prop_assert!(is_same(overall.auc, auc_by_pairs(&transactions)));
        prop_assert!(is_same(overall.average_precision, average_precision_by_frauds(&transactions)));
        prop_assert!(is_same(overall.recall_at_1_percent, recall_at_1_percent_by_scores(&transactions)));
        prop_assert!(overall.share_at_1_percent.is_none_or(|share| share <= 0.01));
    }

    #[test]
    fn measures_at_the_threshold_are_shares_of_what_is_above_it(transactions in transactions(3, 100)) {
        let measures = measured(&policy(THRESHOLD), over(3), &transactions);
        let overall = &measures.overall;
        let is_alert = |transaction: &&Made| transaction.score > THRESHOLD;
        let caught = frauds(&transactions).filter(is_alert);
        let value = |transaction: &Made| i128::from(transaction.amount.max(0));
        prop_assert_eq!(overall.alerts, transactions.iter().filter(is_alert).count() as u64);
        prop_assert_eq!(overall.alerts_per_day, Some(overall.alerts as f64 / 3.0));
        prop_assert_eq!(overall.precision, part(caught.clone().count(), judged(&transactions).filter(is_alert).count()));
        prop_assert_eq!(overall.recall, part(caught.clone().count(), frauds(&transactions).count()));
        prop_assert_eq!(overall.fraud_value, frauds(&transactions).map(value).sum::<i128>());
        prop_assert_eq!(overall.value_caught, caught.map(value).sum::<i128>());
        prop_assert_eq!(overall.frauds_caught + overall.false_alerts, judged(&transactions).filter(is_alert).count() as u64);
        for (index, factor) in measures.factors.iter().enumerate() {
            let fired = judged(&transactions).filter(|transaction| transaction.factors & (1 << index) != 0);
            let on_frauds = fired.clone().filter(|transaction| transaction.truth == Truth::Fraud).count();
            prop_assert_eq!((factor.frauds, factor.frauds + factor.others), (on_frauds as u64, fired.count() as u64));
        }
    }

    /// More days than are held open, and more weeks than one.
    #[test]
    fn the_order_of_transactions_changes_nothing(
        (ascending, any_order) in transactions(24, 150).prop_flat_map(|mut transactions| {
            transactions.sort_by_key(|transaction| transaction.time);
            (Just(transactions.clone()), Just(transactions).prop_shuffle())
        }),
        alerts_per_day in prop::option::of(0.0..3.0),
    ) {
        let settings = TallySettings { alerts_per_day, ..over(24) };
        let policy = policy(THRESHOLD);
        let measures = measured(&policy, settings, &ascending);
        let others = measured(&policy, settings, &any_order);
        prop_assert_eq!(measures.to_json(), others.to_json());
        prop_assert_eq!(measures, others);
    }

    #[test]
    fn weeks_and_segments_add_up_and_each_week_is_as_if_measured_alone(
        transactions in transactions(19, 200),
        outside in transactions(60, 20),
    ) {
        let policy = policy(THRESHOLD);
        let measures = measured(&policy, over(19), &transactions);
        prop_assert_eq!(counts(&measures.overall), sum(measures.weeks.iter().map(|week| &week.figures)));
        prop_assert_eq!(counts(&measures.overall), sum(measures.segments.iter().map(|segment| &segment.figures)));
        for week in &measures.weeks {
            let settings = TallySettings { from: week.from, until: week.until, alerts_per_day: None };
            let alone = measured(&policy, settings, &transactions);
            prop_assert_eq!(&alone.overall, &week.figures);
            prop_assert_eq!(alone.weeks.len(), 1);
            prop_assert_eq!((week.from - FROM) % WEEK, 0);
            prop_assert_eq!(week.is_whole, week.until - week.from == WEEK);
        }
        prop_assert!(measures.weeks.is_sorted_by_key(|week| week.from));

        // What lies outside the span changes nothing.
        let outside = outside.into_iter().filter(|transaction| transaction.time >= FROM + 19 * DAY);
        let with_outside: Vec<Made> = transactions.into_iter().chain(outside).collect();
        prop_assert_eq!(measured(&policy, over(19), &with_outside), measures);
    }

    #[test]
    fn a_threshold_by_budget_is_the_smallest_that_keeps_to_it(
        transactions in transactions(4, 80),
        alerts_per_day in prop_oneof![0.0..30.0, (0..40u32).prop_map(|count| f64::from(count) / 4.0)],
    ) {
        let settings = TallySettings { alerts_per_day: Some(alerts_per_day), ..over(4) };
        let measures = measured(&policy(THRESHOLD), settings, &transactions);
        let found = measures.by_budget.unwrap();
        let above = |threshold: f64| transactions.iter().filter(|own| own.score > threshold).count();
        let keeps = |threshold: f64| above(threshold) as f64 <= alerts_per_day * 4.0;
        prop_assert!(keeps(found.threshold));
        prop_assert_eq!(measures.overall.threshold, found.threshold);
        prop_assert_eq!(measures.overall.alerts, above(found.threshold) as u64);
        for week in &measures.weeks {
            prop_assert_eq!(week.figures.threshold, found.threshold);
        }
        let at = transactions.iter().filter(|own| own.score == found.threshold).count();
        if found.threshold > 0.0 {
            prop_assert!(!keeps(found.threshold.next_down()));
            prop_assert_eq!(found.at_threshold, at as u64);
            prop_assert_eq!(found.alerts_with_them, Some((above(found.threshold) + at) as f64 / 4.0));
        } else {
            prop_assert_eq!((found.threshold, found.at_threshold, found.alerts_with_them), (0.0, 0, None));
        }
    }

    #[test]
    fn no_number_is_too_large(
        transactions in prop::collection::vec((any::<i64>(), prop::num::f64::ANY, truth(), any::<i64>(), any::<Index>()), 0..40),
        from in any::<i64>(),
        until in any::<i64>(),
        alerts_per_day in prop::option::of(prop::num::f64::ANY),
    ) {
        let made = |(time, score, truth, amount, customer): (i64, f64, Truth, i64, Index)| Made {
            time,
            score,
            truth,
            amount,
            customer: customer.index(5).to_string(),
            segment: None,
            factors: 7,
        };
        let transactions: Vec<Made> = transactions.into_iter().map(made).collect();
        for settings in [
            TallySettings { from, until, alerts_per_day },
            TallySettings { from: i64::MIN, until: i64::MAX, alerts_per_day },
        ] {
            let measures: Measures = measured(&policy(THRESHOLD), settings, &transactions);
            let json = measures.to_json();
            prop_assert!(!json.contains("inf") && !json.contains("NaN"), "{}", json);
        }
    }
}

#[test]
fn a_span_without_length_has_no_alerts_a_day() {
    for until in [FROM, FROM - DAY] {
        let settings = TallySettings { from: FROM, until, alerts_per_day: Some(1.0) };
        let measures = measured(&policy(THRESHOLD), settings, &[]);
        assert_eq!((measures.overall.days, measures.overall.alerts_per_day), (0.0, None));
        assert_eq!(measures.weeks, []);
    }
}

#[test]
fn the_end_of_the_span_lies_outside() {
    let made = |time| Made {
        time,
        score: 99.0,
        truth: Truth::Fraud,
        amount: 1,
        customer: "A".to_owned(),
        segment: None,
        factors: 1,
    };
    let times = [FROM - 1, FROM, FROM + DAY - 1, FROM + DAY];
    let measures = measured(&policy(THRESHOLD), over(1), &times.map(made));
    assert_eq!(measures.overall.transactions, 2);
    assert_eq!(measures.weeks.len(), 1);
}

#[test]
fn a_span_can_be_ended_when_its_last_transaction_is_known() {
    let settings = TallySettings { from: FROM, until: i64::MAX, alerts_per_day: Some(1.0) };
    let policy = policy(THRESHOLD);
    let made = Made {
        time: FROM + DAY,
        score: 99.0,
        truth: Truth::Fraud,
        amount: 1,
        customer: "A".to_owned(),
        segment: None,
        factors: 1,
    };
    let mut tally = Tally::new(&policy, settings);
    tally.add(&made.judged(&policy));
    tally.end(FROM + 2 * DAY);
    tally.end(FROM + 3 * DAY);
    assert_eq!(
        tally.measures(),
        measured(&policy, TallySettings { until: FROM + 2 * DAY, ..settings }, &[made])
    );
}

#[test]
fn a_budget_that_is_not_above_0_allows_no_alert() {
    let made = |score| Made {
        time: FROM,
        score,
        truth: Truth::Fraud,
        amount: 1,
        customer: String::new(),
        segment: None,
        factors: 1,
    };
    for budget in [0.0, -5.0, f64::NAN] {
        let settings = TallySettings { alerts_per_day: Some(budget), ..over(2) };
        let measures = measured(&policy(THRESHOLD), settings, &[20.0, 80.0, 80.0].map(made));
        let found = measures.by_budget.unwrap();
        assert_eq!((found.threshold, found.at_threshold, found.alerts_with_them), (80.0, 2, Some(1.0)));
        assert_eq!((measures.overall.alerts, measures.overall.recall), (0, Some(0.0)));
    }
}
