//! What a factor sees of a transaction, before it gives points.

use super::{Factor, Gives, Policy};
use crate::inputs::Inputs;

/// What a factor sees of a transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// A condition under `when` does not hold.
    Unmet,
    /// All conditions hold, and there is nothing else to see: the factor gives points by its conditions alone.
    Met,
    /// The input has no value.
    Missing,
    /// The input's value.
    Number(f64),
}

/// What a factor gives its points by.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// By its conditions alone, these points.
    Points(f64),
    /// By bands of an input.
    Bands {
        /// In the policy's order.
        bands: Vec<BandShape>,
        /// The points where the input has no value.
        missing: f64,
    },
    /// By an input's value times this.
    Weight {
        /// The points for 1.
        weight: f64,
        /// The points where the input has no value.
        missing: f64,
    },
}

/// A band: the numbers greater than `above` and up to `up_to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandShape {
    /// The greatest number below the band.
    pub above: f64,
    /// The greatest number in the band.
    pub up_to: f64,
    /// What it gives.
    pub points: f64,
}

impl Factor {
    /// What the factor gives its points by.
    pub fn shape(&self) -> Shape {
        match &self.gives {
            Gives::Points(points) => Shape::Points(*points),
            Gives::Weight { weight, missing, .. } => Shape::Weight { weight: *weight, missing: *missing },
            Gives::Bands { bands, missing, .. } => {
                let shape = |band: &super::factor::Band| BandShape {
                    above: band.bounds.above,
                    up_to: band.bounds.up_to,
                    points: band.points,
                };
                Shape::Bands { bands: bands.iter().map(shape).collect(), missing: *missing }
            }
        }
    }
}

impl Policy {
    /// What a factor of this policy sees of a transaction's inputs.
    pub fn seen(&self, factor: &Factor, inputs: &Inputs<'_>) -> Seen {
        if !factor.when.iter().all(|condition| condition.holds(inputs)) {
            return Seen::Unmet;
        }
        let Some(place) = factor.looks_at() else { return Seen::Met };
        inputs.number(place).map_or(Seen::Missing, Seen::Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::{any_inputs, any_policy};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_points_follow_from_what_is_seen(
            (policy, inputs) in any_policy().prop_flat_map(|policy| {
                let inputs = any_inputs(&policy);
                (Just(policy), inputs)
            })
        ) {
            for factor in policy.factors() {
                let points = match (policy.seen(factor, &inputs), factor.shape()) {
                    (Seen::Unmet, _) => 0.0,
                    (Seen::Met, Shape::Points(points)) => points,
                    (Seen::Missing, Shape::Bands { missing, .. } | Shape::Weight { missing, .. }) => missing,
                    (Seen::Number(value), Shape::Bands { bands, .. }) => {
                        let holds = |band: &&BandShape| value > band.above && value <= band.up_to;
                        bands.iter().find(holds).map_or(0.0, |band| band.points)
                    }
                    (Seen::Number(value), Shape::Weight { weight, .. }) => {
                        crate::policy::weighted(value, weight)
                    }
                    (seen, shape) => panic!("{seen:?} of {shape:?}"),
                };
                prop_assert_eq!(points, factor.points(&inputs));
            }
        }
    }
}
