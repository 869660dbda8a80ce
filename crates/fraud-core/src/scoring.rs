//! The score: what each factor of a policy contributes, and why.

use std::borrow::Cow;

use exact_text::json::ObjectWriter;

use crate::inputs::{InputValue, Inputs};
use crate::policy::{Condition, Factor, Gives, Policy, Test, weighted};

/// A score, and which factors made it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The sum of the contributions, cut to 0 and the policy's cap.
    pub value: f64,
    /// The factors that contributed other than zero.
    pub factors: FactorSet,
}

/// A set of a policy's factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FactorSet(u32);

impl FactorSet {
    /// The indexes of the factors, in the policy's order.
    pub fn indexes(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let index = (left != 0).then(|| left.trailing_zeros() as usize);
            left &= left.wrapping_sub(1);
            index
        })
    }

    fn insert(&mut self, index: usize) {
        self.0 |= 1 << index;
    }
}

/// Of the indexes of a policy's factors; no policy has more than 32.
impl FromIterator<usize> for FactorSet {
    fn from_iter<I: IntoIterator<Item = usize>>(indexes: I) -> Self {
        let bit = |index| u32::try_from(index).ok().and_then(|index| 1u32.checked_shl(index));
        FactorSet(indexes.into_iter().filter_map(bit).fold(0, |set, bit| set | bit))
    }
}

/// Why a score is what it is: one factor's contribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason<'p> {
    /// The factor's name.
    pub name: &'p str,
    /// What it contributed, other than zero.
    pub points: f64,
    /// What it looked at.
    pub observed: Observed<'p>,
    /// The rule that was met.
    pub rule: Cow<'p, str>,
}

/// What a factor looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed<'p> {
    /// One input, and its number.
    Number(f64),
    /// One input, which has no value.
    Missing,
    /// Several inputs, or one that is no number: each name and value.
    Values(Vec<(Cow<'static, str>, InputValue<'p>)>),
}

/// Reasons as a JSON array: of each its `name`, `points`, what was `observed` and the `rule`. Observed is a number, null,
/// or an object of the inputs' values.
pub fn reasons_json(reasons: &[Reason<'_>]) -> String {
    let reason = |reason: &Reason<'_>| {
        let mut object = ObjectWriter::new();
        object.text("name", reason.name).number("points", reason.points);
        match &reason.observed {
            Observed::Number(number) => object.number("observed", *number),
            Observed::Missing => object.json("observed", "null"),
            Observed::Values(values) => object.json("observed", &values_json(values)),
        };
        object.text("rule", &reason.rule);
        object.finish()
    };
    format!("[{}]", reasons.iter().map(reason).collect::<Vec<_>>().join(","))
}

/// Named values as a JSON object.
fn values_json(values: &[(Cow<'_, str>, InputValue<'_>)]) -> String {
    let mut object = ObjectWriter::new();
    for (name, value) in values {
        object.named_value(name, value);
    }
    object.finish()
}

/// Writes the values of inputs.
pub(crate) trait WriteValue {
    /// Adds an input's value; one that there is not is null.
    fn named_value(&mut self, name: &str, value: &InputValue<'_>) -> &mut Self;
}

impl WriteValue for ObjectWriter {
    fn named_value(&mut self, name: &str, value: &InputValue<'_>) -> &mut Self {
        match value {
            InputValue::None => self.json(name, "null"),
            InputValue::Number(number) => self.number(name, *number),
            InputValue::Text(text) => self.text(name, text),
            InputValue::Truth(truth) => self.bool(name, *truth),
            InputValue::Unavailable => self.text(name, "unavailable"),
        }
    }
}

impl Policy {
    /// The score of these inputs.
    pub fn score(&self, inputs: &Inputs<'_>) -> Score {
        let mut sum = 0.0;
        let mut factors = FactorSet::default();
        for (index, factor) in self.factors().iter().enumerate() {
            let points = factor.points(inputs);
            if points != 0.0 {
                sum += points;
                factors.insert(index);
            }
        }
        Score { value: self.cut(sum), factors }
    }

    /// What each factor gives, in the policy's order.
    pub fn points<'p>(&'p self, inputs: &'p Inputs<'_>) -> impl Iterator<Item = f64> + 'p {
        self.factors().iter().map(|factor| factor.points(inputs))
    }

    /// A sum of points as a score: from 0 to the cap.
    #[inline(always)]
    pub(crate) fn cut(&self, sum: f64) -> f64 {
        f64::min(f64::max(sum, 0.0), self.cap())
    }

    /// The reasons of the score of these inputs, in the policy's order. Their points, summed in that order, are the score
    /// before it is cut.
    pub fn reasons<'p>(&'p self, inputs: &'p Inputs<'_>) -> Vec<Reason<'p>> {
        self.factors().iter().filter_map(|factor| self.reason(factor, inputs)).collect()
    }

    /// Whether a score raises an alert.
    pub fn alerts(&self, score: f64) -> bool {
        score > self.threshold()
    }

    fn reason<'p>(&'p self, factor: &'p Factor, inputs: &'p Inputs<'_>) -> Option<Reason<'p>> {
        let points = factor.points(inputs);
        if points == 0.0 {
            return None;
        }
        let observed = match (factor.when.is_empty(), factor.looks_at()) {
            (true, Some(place)) => inputs.number(place).map_or(Observed::Missing, Observed::Number),
            _ => {
                let mut values: Vec<(Cow<'static, str>, InputValue<'_>)> = Vec::new();
                for place in factor.places() {
                    let name = self.input(place).name();
                    if !values.iter().any(|(known, _)| *known == name) {
                        values.push((name, inputs.value(place)));
                    }
                }
                Observed::Values(values)
            }
        };
        Some(Reason { name: factor.name(), points, observed, rule: self.rule(factor, inputs) })
    }

    /// The rule of a factor that these inputs meet.
    pub(crate) fn rule<'p>(&self, factor: &'p Factor, inputs: &Inputs<'_>) -> Cow<'p, str> {
        let given: Option<Cow<'p, str>> = match &factor.gives {
            Gives::Points(_) => None,
            Gives::Bands { of, bands, .. } => Some(match inputs.number(*of) {
                Some(number) => bands
                    .iter()
                    .find(|band| band.bounds.contain(number))
                    .map_or(Cow::Borrowed("no band"), |band| Cow::Borrowed(&band.text)),
                None => format!("no {}", self.input(*of).name()).into(),
            }),
            Gives::Weight { of, text, .. } => Some(match inputs.number(*of) {
                Some(_) => Cow::Borrowed(text),
                None => format!("no {}", self.input(*of).name()).into(),
            }),
        };
        if let (true, Some(given)) = (factor.when.is_empty(), &given) {
            return given.clone();
        }
        let conditions = factor.when.iter().map(|condition| condition.text.as_str());
        conditions.chain(given.as_deref()).collect::<Vec<_>>().join(" and ").into()
    }
}

impl Factor {
    /// What the factor contributes.
    #[inline(always)]
    pub(crate) fn points(&self, inputs: &Inputs<'_>) -> f64 {
        let points = match &self.gives {
            Gives::Points(points) => *points,
            Gives::Bands { of, bands, missing } => match inputs.number(*of) {
                Some(number) => {
                    let band = bands.iter().find(|band| band.bounds.contain(number));
                    band.map_or(0.0, |band| band.points)
                }
                None => *missing,
            },
            Gives::Weight { of, weight, missing, .. } => {
                inputs.number(*of).map_or(*missing, |number| weighted(number, *weight))
            }
        };
        if self.when.is_empty() || self.when.iter().all(|condition| condition.holds(inputs)) {
            points
        } else {
            0.0
        }
    }
}

impl Condition {
    /// Whether the condition holds. One over an input without a value does not, but for `none_of`.
    pub(crate) fn holds(&self, inputs: &Inputs<'_>) -> bool {
        match &self.test {
            Test::Within(bounds) => inputs.number(self.of).is_some_and(|number| bounds.contain(number)),
            Test::AnyOf(texts) => match inputs.value(self.of) {
                InputValue::Text(text) => texts.iter().any(|own| **own == *text),
                _ => false,
            },
            Test::NoneOf(texts) => match inputs.value(self.of) {
                InputValue::Text(text) => !texts.iter().any(|own| **own == *text),
                _ => true,
            },
            Test::Is(truth) => inputs.value(self.of) == InputValue::Truth(*truth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::{any_inputs, any_policy};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_score_is_from_0_to_the_cap_and_the_reasons_sum_up_to_it(
            (policy, inputs) in any_policy().prop_flat_map(|policy| {
                let inputs = any_inputs(&policy);
                (Just(policy), inputs)
            })
        ) {
            let score = policy.score(&inputs);
            prop_assert!((0.0..=policy.cap()).contains(&score.value), "{}", score.value);
            let reasons = policy.reasons(&inputs);
            let sum = reasons.iter().fold(0.0, |sum, reason| sum + reason.points);
            prop_assert_eq!(policy.cut(sum), score.value);
            let names: Vec<_> = reasons.iter().map(|reason| reason.name).collect();
            let factors: Vec<_> = score.factors.indexes().map(|index| policy.factors()[index].name()).collect();
            prop_assert_eq!(names, factors);
            let json = reasons_json(&reasons);
            prop_assert_eq!(&json, &reasons_json(&policy.reasons(&inputs)));
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.as_array().unwrap().len(), reasons.len());
            prop_assert_eq!(policy.score(&inputs), score);
        }

        #[test]
        fn policies_that_decide_alike_have_one_id_and_canonical_form(policy in any_policy()) {
            let canonical = policy.canonical();
            prop_assert!(canonical.starts_with("name p\ncap 100.0\n"));
            let hash: String = sha2::Sha256::digest(&canonical).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(policy.id(), format!("p@{hash}"));
        }
    }

    use sha2::Digest as _;
}
