//! A score taken apart: what each factor gave, and what it would have taken for more.

use crate::inputs::{InputValue, Inputs, Place};
use crate::policy::{Factor, Gives, Policy};

/// What a factor came to for one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorOutcome<'p> {
    /// The factor's name.
    pub name: &'p str,
    /// What it gave.
    pub points: f64,
    /// The most that it can give any transaction.
    pub most: f64,
    /// What it looked at: each input's name and value.
    pub observed: Vec<(String, String)>,
    /// The rule that it gave its points for, and what did not hold.
    pub why: String,
}

impl Policy {
    /// What each factor came to, in the policy's order.
    pub fn breakdown<'p>(&'p self, inputs: &Inputs<'_>) -> Vec<FactorOutcome<'p>> {
        self.factors().iter().map(|factor| self.outcome(factor, inputs)).collect()
    }

    fn outcome<'p>(&'p self, factor: &'p Factor, inputs: &Inputs<'_>) -> FactorOutcome<'p> {
        let mut observed: Vec<(String, String)> = Vec::new();
        for place in factor.places() {
            let name = self.input(place).name().into_owned();
            if !observed.iter().any(|(known, _)| *known == name) {
                observed.push((name, words(&inputs.value(place))));
            }
        }
        let unmet = factor.when.iter().filter(|condition| !condition.holds(inputs));
        let unmet: Vec<String> =
            unmet.map(|condition| format!("`{}` does not hold", condition.text)).collect();
        let why = match unmet.is_empty() {
            true => self.given(factor, inputs),
            false => unmet.join(", "),
        };
        FactorOutcome {
            name: factor.name(),
            points: factor.points(inputs),
            most: self.most(factor),
            observed,
            why,
        }
    }

    /// Why a factor whose conditions hold gives what it gives, and which band would give the most.
    fn given(&self, factor: &Factor, inputs: &Inputs<'_>) -> String {
        let rule = self.rule(factor, inputs);
        let Gives::Bands { of, bands, .. } = &factor.gives else {
            return rule.into_owned();
        };
        let points = factor.points(inputs);
        let best = bands.iter().max_by(|one, other| one.points.total_cmp(&other.points));
        match best.filter(|best| best.points > points) {
            Some(best) if inputs.number(*of).is_some() => {
                format!("{rule}; `{}` gives {}", best.text, best.points)
            }
            _ => rule.into_owned(),
        }
    }

    /// The most that a factor can give.
    fn most(&self, factor: &Factor) -> f64 {
        let range = |place: &Place| self.input(*place).range();
        match &factor.gives {
            Gives::Points(points) => points.max(0.0),
            Gives::Bands { bands, missing, .. } => {
                bands.iter().map(|band| band.points).fold(missing.max(0.0), f64::max)
            }
            Gives::Weight { of, weight, missing, .. } => {
                let (least, greatest) = range(of);
                let ends = [least, greatest].map(|end| crate::policy::weighted(end, *weight));
                ends.into_iter().filter(|points| !points.is_nan()).fold(missing.max(0.0), f64::max)
            }
        }
    }
}

fn words(value: &InputValue<'_>) -> String {
    match value {
        InputValue::None => "no value".to_owned(),
        InputValue::Number(number) => number.to_string(),
        InputValue::Text(text) => text.to_string(),
        InputValue::Truth(truth) => if *truth { "yes" } else { "no" }.to_owned(),
        InputValue::Unavailable => "unavailable".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::{any_inputs, any_policy};
    use proptest::prelude::*;

    #[test]
    fn each_factor_says_what_it_gave_and_what_it_missed() {
        let policy = Policy::builtin_default().unwrap();
        let inputs = Inputs {
            amount: 7000.0,
            customer_risk: 0.5,
            hour: Some(12),
            further: Vec::new(),
            unusable_fields: 0,
        };
        let told: Vec<_> = policy
            .breakdown(&inputs)
            .iter()
            .map(|outcome| (outcome.name, outcome.points, outcome.most, outcome.why.clone()))
            .collect();
        assert_eq!(
            told,
            [
                ("amount", 0.2, 0.3, "amount > 5000 and <= 10000; `amount > 10000` gives 0.3".to_owned()),
                ("customer_risk", 0.2, 0.4, "customer_risk * 0.4".to_owned()),
                ("time_of_day", 0.0, 0.2, "no band; `hour >= 0 and < 6` gives 0.2".to_owned()),
            ]
        );
    }

    proptest! {
        #[test]
        fn the_points_are_those_of_the_score_and_none_exceeds_the_most(
            (policy, inputs) in any_policy().prop_flat_map(|policy| {
                let inputs = any_inputs(&policy);
                (Just(policy), inputs)
            })
        ) {
            let outcomes = policy.breakdown(&inputs);
            let sum = outcomes.iter().fold(0.0, |sum, outcome| sum + outcome.points);
            prop_assert_eq!(policy.cut(sum), policy.score(&inputs).value);
            for outcome in &outcomes {
                prop_assert!(outcome.points <= outcome.most, "{:?}", outcome);
                prop_assert!(!outcome.why.is_empty() && !outcome.observed.is_empty());
            }
        }
    }
}
