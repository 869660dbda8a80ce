//! Fits with known answers, and against a plain reference.

use fraud_core::policy::Seen;
use proptest::prelude::*;

use super::*;
use crate::measures::{Judged, Truth};

fn draft(factors: &str) -> Policy {
    let head = "name = \"draft\"\ncap = 100\nthreshold = 0.5\ndefault_risk = 0.5\n[history]\nprior_mean_amount = 50\noutlier_ratio = 2\n";
    Policy::parse(&format!("{head}{factors}")).unwrap()
}

const AMOUNT: &str = "[[factors]]\nname = \"amount\"\ninput = \"amount\"\nbands = [{ from = 100, below = 200, points = 1 }, { from = 200, points = 2 }]\n";
const COUNT: &str =
    "[[factors]]\nname = \"count\"\ninput = \"history.count_1h\"\nbands = [{ from = 3, points = 1 }]\n";

fn add(rows: &mut Rows, seen: &[Seen], is_fraud: bool, times: usize) {
    for _ in 0..times {
        let judged = Judged {
            time: 0,
            score: 0.0,
            is_alert: false,
            truth: if is_fraud { Truth::Fraud } else { Truth::Legitimate },
            amount: 0,
            customer: "C1",
            segment: None,
            factors: Default::default(),
        };
        rows.add(&judged, seen.iter().copied());
    }
}

/// Half the frauds and half the others are below 100, so that a band's weight is the logarithm of how its odds exceed those.
#[test]
fn one_factors_points_are_the_logarithms_of_its_odds() {
    let mut rows = Rows::new(1);
    for (amount, frauds, others) in [(50.0, 1_000, 100_000), (150.0, 1_000, 20_000), (250.0, 5_000, 5_000)] {
        add(&mut rows, &[Seen::Number(amount)], true, frauds);
        add(&mut rows, &[Seen::Number(amount)], false, others);
    }
    let fitted = fit(&draft(AMOUNT), &rows, BandsFrom::Draft, 1).unwrap();
    let factor = &fitted.factors[0];
    // Odds of 1 to 100, 1 to 20 and 1 to 1: 5 ln 5 = 8.05 and 5 ln 100 = 23.03.
    assert_eq!(factor.bands.iter().map(|band| band.points).collect::<Vec<_>>(), [8.0, 23.0]);
    assert_eq!((factor.bands[1].transactions, factor.bands[1].frauds), (10_000, 5_000));
    assert_eq!(factor.without, (101_000, 1_000));
    assert_eq!((factor.bands[0].of_draft, factor.bands[1].of_draft), (Some((0, 0)), Some((1, 1))));
    assert_eq!(fitted.learnt_from, (132_000, 7_000));
    assert_eq!(fitted.scores, [(23.0, 10_000), (8.0, 31_000), (0.0, 132_000)]);
    assert_eq!(
        (fitted.threshold(9_999.0), fitted.threshold(10_000.0), fitted.threshold(1e9)),
        (23.0, 8.0, 0.0)
    );
    assert_eq!(fitted.highest, 23.0);
}

#[test]
fn bands_that_are_alike_or_rare_are_one() {
    let mut rows = Rows::new(1);
    for (amount, frauds, others) in [(50.0, 100, 100_000), (150.0, 2_000, 20_000), (250.0, 1_100, 10_000)] {
        add(&mut rows, &[Seen::Number(amount)], true, frauds);
        add(&mut rows, &[Seen::Number(amount)], false, others);
    }
    let fitted = fit(&draft(AMOUNT), &rows, BandsFrom::Draft, 1).unwrap();
    let [band] = &fitted.factors[0].bands[..] else { panic!("{:?}", fitted.factors) };
    assert_eq!((band.of_draft, band.transactions, band.frauds), (Some((0, 1)), 33_100, 3_100));
    assert_eq!((band.above, band.up_to), (100f64.next_down(), f64::INFINITY));

    // Nineteen frauds and fewer than 200 transactions say nothing of their own.
    let mut rows = Rows::new(1);
    for (amount, frauds, others) in [(50.0, 100, 100_000), (150.0, 2_000, 20_000), (250.0, 19, 100)] {
        add(&mut rows, &[Seen::Number(amount)], true, frauds);
        add(&mut rows, &[Seen::Number(amount)], false, others);
    }
    let fitted = fit(&draft(AMOUNT), &rows, BandsFrom::Draft, 1).unwrap();
    assert_eq!(fitted.factors[0].bands.len(), 1, "{:?}", fitted.factors);
}

#[test]
fn a_direction_is_kept_whatever_the_data_say() {
    let mut rows = Rows::new(1);
    // More fraud below 200 than above.
    for (amount, frauds, others) in [(50.0, 100, 100_000), (150.0, 5_000, 5_000), (250.0, 1_000, 10_000)] {
        add(&mut rows, &[Seen::Number(amount)], true, frauds);
        add(&mut rows, &[Seen::Number(amount)], false, others);
    }
    let rising = fit(&draft(AMOUNT), &rows, BandsFrom::Draft, 1).unwrap();
    assert_eq!(rising.factors[0].bands.len(), 1, "one mean: {:?}", rising.factors);
    let free = draft(&AMOUNT.replace("points = 1", "points = 3"));
    let free = fit(&free, &rows, BandsFrom::Draft, 1).unwrap();
    let points: Vec<f64> = free.factors[0].bands.iter().map(|band| band.points).collect();
    assert!(points.len() == 2 && points[0] > points[1], "{points:?}");
}

#[test]
fn conditions_and_missing_values_have_points_of_their_own() {
    let factors = "[[factors]]\nname = \"night\"\nwhen = [{ input = \"hour\", below = 6 }]\npoints = 1\n\
                   [[factors]]\nname = \"ratio\"\ninput = \"history.amount_ratio\"\nbands = [{ from = 3, points = 1 }]\nmissing = 1\n";
    let mut rows = Rows::new(2);
    for (night, ratio, frauds, others) in [
        (Seen::Unmet, Seen::Number(1.0), 1_000, 1_000_000),
        (Seen::Met, Seen::Number(1.0), 1_000, 10_000),
        (Seen::Unmet, Seen::Missing, 1_000, 10_000),
        (Seen::Unmet, Seen::Number(4.0), 5_000, 5_000),
    ] {
        add(&mut rows, &[night, ratio], true, frauds);
        add(&mut rows, &[night, ratio], false, others);
    }
    let fitted = fit(&draft(factors), &rows, BandsFrom::Draft, 1).unwrap();
    // 1 in 1,000 without, 1 in 10, 1 in 10, 1 in 1.
    assert_eq!(fitted.factors[0].bands[0].points, 23.0);
    assert_eq!(fitted.factors[1].missing.as_ref().unwrap().points, 23.0);
    assert_eq!(fitted.factors[1].bands[0].points, 34.0);
}

#[test]
fn what_cannot_be_fitted_is_told() {
    let policy = draft(AMOUNT);
    let mut rows = Rows::new(1);
    let fitted = |rows: &Rows| fit(&policy, rows, BandsFrom::Draft, 1);
    assert_eq!(fitted(&rows), Err(FitError::NoTransactions));
    add(&mut rows, &[Seen::Number(5.0)], false, 1000);
    assert_eq!(fitted(&rows), Err(FitError::OneKind { transactions: 1000, frauds: 0 }));
    add(&mut rows, &[Seen::Number(5.0)], true, 100);
    assert_eq!(fitted(&rows), Err(FitError::NothingTells));
    assert_eq!(fit(&policy, &rows, BandsFrom::Draft, 0), Err(FitError::NoTransactions));
    let weight = draft("[[factors]]\nname = \"a\"\ninput = \"amount\"\nweight = 1\n");
    assert_eq!(fit(&weight, &rows, BandsFrom::Draft, 1), Err(FitError::Weight("a".to_owned())));
}

/// The penalized loss's minimum, by full Newton steps over the rows, with a dense matrix and nothing shared with the product.
fn reference(
    rows: &[([usize; 2], f64, f64)],
    weights: usize,
    place: impl Fn(&[usize; 2]) -> Vec<usize>,
) -> Vec<f64> {
    let mut found = vec![0.0; weights + 1];
    for _ in 0..200 {
        let mut slope = vec![0.0; weights + 1];
        let mut matrix = vec![vec![0.0; weights + 1]; weights + 1];
        for (levels, frauds, others) in rows {
            let mut places = place(levels);
            places.push(weights);
            let odds: f64 = places.iter().map(|place| found[*place]).sum();
            let share = 1.0 / (1.0 + (-odds).exp());
            for one in &places {
                slope[*one] += frauds - (frauds + others) * share;
                for other in &places {
                    matrix[*one][*other] += (frauds + others) * share * (1.0 - share);
                }
            }
        }
        for place in 0..weights {
            slope[place] -= found[place];
            matrix[place][place] += 1.0;
        }
        let step = eliminate(matrix, slope);
        let longest = step.iter().fold(0.0, |longest: f64, step| longest.max(step.abs()));
        let scale = if longest > 1.0 { 1.0 / longest } else { 1.0 };
        found.iter_mut().zip(step).for_each(|(found, step)| *found += scale * step);
    }
    found
}

/// Solves by Gauss's elimination.
fn eliminate(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let size = right.len();
    for pivot in 0..size {
        for row in 0..size {
            if row != pivot {
                let factor = matrix[row][pivot] / matrix[pivot][pivot];
                let (of_pivot, at_right) = (matrix[pivot].clone(), right[pivot]);
                matrix[row].iter_mut().zip(of_pivot).for_each(|(own, pivot)| *own -= factor * pivot);
                right[row] -= factor * at_right;
            }
        }
    }
    (0..size).map(|place| right[place] / matrix[place][place]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn weights_are_those_of_a_plain_regression(counts in proptest::collection::vec((20u64..200, 200u64..5_000), 6)) {
        let policy = draft(&format!("{}{COUNT}", AMOUNT.replace("points = 1", "points = 3")));
        let mut rows = Rows::new(2);
        let mut plain = Vec::new();
        for (place, (frauds, others)) in counts.iter().enumerate() {
            let levels = [place % 3, place / 3];
            let seen = [Seen::Number([50.0, 150.0, 250.0][levels[0]]), Seen::Number([0.0, 5.0][levels[1]])];
            add(&mut rows, &seen, true, *frauds as usize);
            add(&mut rows, &seen, false, *others as usize);
            plain.push((levels, *frauds as f64, *others as f64));
        }
        let levels: Vec<Levels> = policy
            .factors()
            .iter()
            .map(|factor| {
                let mut levels = Levels::of(factor, BandsFrom::Draft, || unreachable!()).unwrap();
                // Without a direction the minimum is the plain one.
                levels.direction = levels::Direction::Either;
                levels
            })
            .collect();
        let weights = newton::solve(&Cells::of(&rows, &rows.before(1), &levels), &levels);
        let expected = reference(&plain, 3, |levels| {
            let amount = levels[0].checked_sub(1);
            let count = levels[1].checked_sub(1).map(|_| 2);
            amount.into_iter().chain(count).collect()
        });
        let found = [weights.at(0, 1), weights.at(0, 2), weights.at(1, 1), weights.intercept];
        for (found, expected) in found.into_iter().zip(expected) {
            prop_assert!((found - expected).abs() < 1e-6, "{} {}", found, expected);
        }
    }

    #[test]
    fn points_keep_their_direction_and_the_rounded_score_is_near_the_exact_one(
        counts in proptest::collection::vec((0u64..300, 100u64..5_000), 8)
    ) {
        let bands = (1..8).map(|at| match at { 7 => "{ from = 7, points = 7 }".to_owned(), at => format!("{{ from = {at}, below = {}, points = {at} }}", at + 1) });
        let factor = format!("[[factors]]\nname = \"a\"\ninput = \"amount\"\nbands = [{}]\n", bands.collect::<Vec<_>>().join(", "));
        let policy = draft(&factor);
        let mut rows = Rows::new(1);
        for (place, (frauds, others)) in counts.iter().enumerate() {
            add(&mut rows, &[Seen::Number(place as f64)], true, *frauds as usize);
            add(&mut rows, &[Seen::Number(place as f64)], false, *others as usize);
        }
        let Ok(fitted) = fit(&policy, &rows, BandsFrom::Draft, 1) else { return Ok(()) };
        let bands = &fitted.factors[0].bands;
        prop_assert!(bands.is_sorted_by(|one, next| one.points + 2.0 <= next.points), "{:?}", bands);
        prop_assert!(bands.iter().all(|band| band.points >= 2.0 && (band.frauds >= 20 || band.transactions >= 200)));
        let sum: u64 = bands.iter().map(|band| band.transactions).sum();
        prop_assert_eq!(sum + fitted.factors[0].without.0, fitted.learnt_from.0);
        for row in 0..rows.len() {
            let (rounded, exact) = fitted.scores_of(&rows, row);
            prop_assert!((rounded - exact).abs() <= 0.5, "{} {}", rounded, exact);
        }
    }
}
