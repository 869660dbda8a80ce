//! The policy: which factors a score is made of, and when it raises an alert. Policies are data (TOML).

use std::fmt::Write as _;

mod document;
mod error;
mod reach;

pub use error::{PolicyError, PolicyProblem};
pub use reach::Silence;

use sha2::{Digest, Sha256};

use crate::inputs::Input;
use crate::transaction::Asked;

/// The most factors a policy can have: as many as a [`FactorSet`](crate::scoring::FactorSet) has places.
pub const MAX_FACTORS: usize = 32;

const DEFAULT_POLICY: &str = include_str!("../policies/default.toml");

/// A validated policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    id: String,
    cap: f64,
    threshold: f64,
    default_risk: f64,
    factors: Vec<Factor>,
    asked: Asked,
}

/// One factor of a score: what it looks at, and how that gives points.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) shape: Shape,
}

/// How a value gives points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// The points of the band that the value lies in.
    Bands(Vec<Band>),
    /// The value times the weight.
    Weight { weight: f64, text: String },
}

/// The numbers greater than `above` and up to `up_to`. Bounds of the other kinds (`from`, `until`) are held as the
/// neighbouring f64, so that every comparison is one of these two.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    pub(crate) above: f64,
    pub(crate) up_to: f64,
    pub(crate) points: f64,
    /// The rule as reasons write it.
    pub(crate) text: String,
    /// The bounds as the policy's canonical form writes them.
    pub(crate) canonical: String,
}

impl Policy {
    /// The policy that is compiled in.
    ///
    /// # Errors
    /// None in practice: a test loads it.
    pub fn builtin_default() -> Result<Self, PolicyError> {
        Policy::parse(DEFAULT_POLICY)
    }

    /// Reads and validates a policy.
    ///
    /// # Errors
    /// [`PolicyError`] at the first line that is wrong: a syntax error, an unknown key, a number that is not finite or
    /// is negative, bands that overlap, a threshold that no transaction could pass.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        document::parse(toml)
    }

    pub(crate) fn new(name: &str, cap: f64, threshold: f64, default_risk: f64, factors: Vec<Factor>) -> Self {
        let digest = Sha256::digest(canonical_form(name, cap, threshold, default_risk, &factors));
        let mut id = format!("{name}@");
        for byte in digest.iter().take(6) {
            // Writing to a string cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        Policy { id, cap, threshold, default_risk, factors, asked: Asked::default() }
    }

    /// `<name>@<the first 12 hex digits of the SHA-256 of the canonical form>`: policies that decide alike have the
    /// same id, whatever their files' comments and layout.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The highest score.
    pub fn cap(&self) -> f64 {
        self.cap
    }

    /// A score above this raises an alert.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The risk of a customer without a profile.
    pub fn default_risk(&self) -> f64 {
        self.default_risk
    }

    /// What the policy asks of a transaction beside what every transaction is read for.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The factors, in the order in which they are summed.
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }
}

impl Factor {
    /// The factor's name: letters, digits, `.`, `_` and `-`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// One line for each thing that decides a score, numbers in their shortest form.
fn canonical_form(name: &str, cap: f64, threshold: f64, default_risk: f64, factors: &[Factor]) -> String {
    let mut form =
        format!("name {name}\ncap {cap:?}\nthreshold {threshold:?}\ndefault_risk {default_risk:?}\n");
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _ = writeln!(form, "{words}");
    };
    for Factor { name, input, shape } in factors {
        let input = input.name();
        match shape {
            Shape::Weight { weight, .. } => line(format_args!("factor {name} {input} weight {weight:?}")),
            Shape::Bands(bands) => bands.iter().for_each(|Band { canonical, points, .. }| {
                line(format_args!("factor {name} {input} {canonical} points {points:?}"));
            }),
        }
    }
    form
}

#[cfg(test)]
mod tests;
