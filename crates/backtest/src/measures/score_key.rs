//! Scores as whole numbers.

/// A score as a number that sorts as the score does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ScoreKey(u64);

const SIGN: u64 = 1 << 63;

impl ScoreKey {
    /// Both zeros are one score. No policy gives a score that is not finite; it would count as 0.
    #[inline]
    pub(super) fn of(score: f64) -> Self {
        let bits = if score.is_finite() { (score + 0.0).to_bits() } else { 0 };
        ScoreKey(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }

    pub(super) fn score(self) -> f64 {
        f64::from_bits(if self.0 & SIGN == 0 { !self.0 } else { self.0 & !SIGN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_sort_as_scores_do_and_give_them_back(one in -1e300f64..1e300, other in -1e300f64..1e300) {
            prop_assert_eq!(ScoreKey::of(one).score(), one);
            prop_assert_eq!(ScoreKey::of(one).cmp(&ScoreKey::of(other)), one.partial_cmp(&other).unwrap());
        }
    }

    #[test]
    fn both_zeros_are_one_score_and_so_is_what_is_not_finite() {
        for score in [-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(ScoreKey::of(score), ScoreKey::of(0.0), "{score}");
        }
    }
}
