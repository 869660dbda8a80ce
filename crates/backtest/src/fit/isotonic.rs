//! Weights that only rise: pool adjacent violators.

/// The nearest weights that do not fall, by squares weighed with `masses`: neighbours that would fall become their mean.
pub(super) fn rising(weights: &[f64], masses: &[f64]) -> Vec<f64> {
    // Of each pool its mean, its mass, and how many weights it holds.
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(weights.len());
    for (weight, mass) in weights.iter().zip(masses) {
        let mut pool = (*weight, *mass, 1);
        while let Some((mean, mass, count)) = pools.pop_if(|(mean, ..)| *mean >= pool.0) {
            let all = mass + pool.1;
            pool = ((mean * mass + pool.0 * pool.1) / all, all, count + pool.2);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(mean, _, count)| std::iter::repeat_n(mean, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_fall_becomes_its_mean() {
        assert_eq!(rising(&[1.0, 2.0, 3.0], &[1.0; 3]), [1.0, 2.0, 3.0]);
        assert_eq!(rising(&[1.0, 4.0, 1.0], &[1.0, 1.0, 2.0]), [1.0, 2.0, 2.0]);
        assert_eq!(rising(&[3.0, 2.0, 1.0], &[1.0; 3]), [2.0, 2.0, 2.0]);
        assert_eq!(rising(&[], &[]), Vec::<f64>::new());
    }

    proptest! {
        /// Against the definition by maxima of minima (Robertson, Wright, Dykstra, "Order Restricted Statistical Inference", 1.2.1).
        #[test]
        fn it_is_the_isotonic_regression(pairs in proptest::collection::vec((-5.0..5.0f64, 0.1..9.0f64), 1..12)) {
            let (weights, masses): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let mean = |from: usize, to: usize| {
                let mass: f64 = masses[from..=to].iter().sum();
                (from..=to).map(|at| weights[at] * masses[at]).sum::<f64>() / mass
            };
            let expected = (0..weights.len()).map(|at| {
                let least = |from: usize| (at..weights.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min);
                (0..=at).map(least).fold(f64::NEG_INFINITY, f64::max)
            });
            for (found, expected) in rising(&weights, &masses).into_iter().zip(expected) {
                prop_assert!((found - expected).abs() < 1e-9, "{} {}", found, expected);
            }
        }
    }
}
