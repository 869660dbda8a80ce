//! Where bands begin if nobody says: at quantiles of the values.

/// The quantiles of the frauds' values: 5 to 95 %.
const OF_FRAUDS: [f64; 19] =
    [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];
/// The quantiles of all values: few are fraud, so that the highest tell most.
const OF_ALL: [f64; 5] = [0.9, 0.97, 0.99, 0.997, 0.999];

/// Where bands begin, ascending, each with two digits.
pub(super) fn cuts(mut of_frauds: Vec<f64>, mut of_all: Vec<f64>) -> Vec<f64> {
    let mut cuts = quantiles(&mut of_frauds, &OF_FRAUDS);
    cuts.extend(quantiles(&mut of_all, &OF_ALL));
    let mut cuts: Vec<f64> = cuts.into_iter().map(two_digits).collect();
    cuts.sort_by(f64::total_cmp);
    cuts.dedup();
    cuts
}

/// The values at these shares of all: of n values that of rank ceil(share x n), counted from 1.
fn quantiles(values: &mut [f64], shares: &[f64]) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let rank = |share: &f64| ((share * values.len() as f64).ceil() as usize).saturating_sub(1);
    shares.iter().filter_map(|share| values.get(rank(share)).copied()).collect()
}

/// The nearest number of two digits; no negative zero.
fn two_digits(value: f64) -> f64 {
    let text = format!("{value:.1e}");
    text.parse().map_or(value, |rounded: f64| rounded + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_have_two_digits_and_none_is_twice() {
        let digits = [123.4, 0.000_987_6, -55.5, 0.0, 7.0, 99.9].map(two_digits);
        assert_eq!(digits, [120.0, 0.000_99, -56.0, 0.0, 7.0, 100.0]);
        let ranks = quantiles(&mut (1..=100).map(f64::from).collect::<Vec<_>>(), &[0.05, 0.5, 0.999]);
        assert_eq!(ranks, [5.0, 50.0, 100.0]);
        assert_eq!(cuts(vec![3.0; 50], vec![3.0; 1000]), [3.0]);
        assert_eq!(cuts(Vec::new(), Vec::new()), Vec::<f64>::new());
    }
}
