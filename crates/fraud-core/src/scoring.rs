//! The score: what each factor of a policy contributes, and why.

use exact_text::json::ObjectWriter;

use crate::inputs::Inputs;
use crate::policy::{Factor, Policy, Shape};

/// A score, and which factors made it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The sum of the contributions, at most the policy's cap.
    pub value: f64,
    /// The factors that contributed more than zero.
    pub factors: FactorSet,
}

/// A set of a policy's factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FactorSet(u32);

impl FactorSet {
    /// The indexes of the factors, in the policy's order.
    pub fn indexes(self) -> impl Iterator<Item = usize> {
        (0..u32::BITS as usize).filter(move |index| self.0 & (1 << index) != 0)
    }

    fn insert(&mut self, index: usize) {
        self.0 |= 1 << index;
    }
}

/// Why a score is what it is: one factor's contribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason<'p> {
    /// The factor's name.
    pub name: &'p str,
    /// What it contributed, more than zero.
    pub points: f64,
    /// The value that it looked at.
    pub observed: f64,
    /// The rule that the value met.
    pub rule: &'p str,
}

/// Reasons as a JSON array: of each its `name`, `points`, `observed` value and `rule`.
pub fn reasons_json(reasons: &[Reason<'_>]) -> String {
    let reason = |reason: &Reason<'_>| {
        let mut object = ObjectWriter::new();
        object.text("name", reason.name).number("points", reason.points);
        object.number("observed", reason.observed).text("rule", reason.rule);
        object.finish()
    };
    format!("[{}]", reasons.iter().map(reason).collect::<Vec<_>>().join(","))
}

impl Policy {
    /// The score of these inputs.
    pub fn score(&self, inputs: &Inputs) -> Score {
        let mut sum = 0.0;
        let mut factors = FactorSet::default();
        for (index, factor) in self.factors().iter().enumerate() {
            if let Some(reason) = factor.contribution(inputs) {
                sum += reason.points;
                factors.insert(index);
            }
        }
        Score { value: f64::min(sum, self.cap()), factors }
    }

    /// The reasons of the score of these inputs, in the policy's order.
    pub fn reasons(&self, inputs: &Inputs) -> Vec<Reason<'_>> {
        self.factors().iter().filter_map(|factor| factor.contribution(inputs)).collect()
    }

    /// Whether a score raises an alert.
    pub fn alerts(&self, score: f64) -> bool {
        score > self.threshold()
    }
}

impl Factor {
    /// What the factor contributes; `None` if that is nothing.
    #[inline(always)]
    fn contribution(&self, inputs: &Inputs) -> Option<Reason<'_>> {
        let observed = self.input.of(inputs)?;
        let (points, rule) = self.shape.points(observed)?;
        (points > 0.0).then_some(Reason { name: self.name(), points, observed, rule })
    }
}

impl Shape {
    /// The points that a value gives, and the rule that it meets; `None` outside all bands.
    #[inline(always)]
    pub(crate) fn points(&self, observed: f64) -> Option<(f64, &str)> {
        match self {
            Shape::Bands(bands) => {
                let band = bands.iter().find(|band| observed > band.above && observed <= band.up_to)?;
                Some((band.points, &band.text))
            }
            Shape::Weight { weight, text } => Some((observed * weight, text)),
        }
    }
}
