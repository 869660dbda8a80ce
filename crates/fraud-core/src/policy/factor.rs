//! A factor of a score: when it counts, and what it gives.

use crate::inputs::{Input, Place};

/// One factor of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    pub(crate) name: String,
    /// All of these must hold.
    pub(crate) when: Vec<Condition>,
    pub(crate) gives: Gives,
}

/// What a factor gives whose conditions hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Gives {
    /// Points.
    Points(f64),
    /// The points of the band that an input's value lies in.
    Bands { of: Place, bands: Vec<Band>, missing: f64 },
    /// An input's value times the weight.
    Weight { of: Place, weight: f64, text: String, missing: f64 },
}

/// The numbers greater than `above` and up to `up_to`. Bounds of the other kinds (`from`, `below`) are held as the
/// neighbouring f64, so that every comparison is one of these two.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    pub(crate) bounds: Bounds,
    pub(crate) points: f64,
    /// The rule as reasons write it.
    pub(crate) text: String,
}

/// The numbers greater than `above` and up to `up_to`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) above: f64,
    pub(crate) up_to: f64,
    /// The bounds as the policy's canonical form writes them.
    pub(crate) canonical: String,
}

/// Something that must hold for a factor to count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) of: Place,
    pub(crate) test: Test,
    /// The rule as reasons write it.
    pub(crate) text: String,
}

/// What is asked of an input's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// A number within bounds.
    Within(Bounds),
    /// One of these texts, in ascending order.
    AnyOf(Vec<String>),
    /// None of these texts, or no value at all.
    NoneOf(Vec<String>),
    /// This truth.
    Is(bool),
}

/// The most points that a weight gives or takes: with it no sum leaves the numbers, whatever an input's value is.
pub(crate) const MOST_BY_WEIGHT: f64 = 1e15;

impl Factor {
    /// The factor's name: letters, digits, `.`, `_` and `-`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place of the input that its bands or its weight look at.
    pub(crate) fn looks_at(&self) -> Option<Place> {
        match &self.gives {
            Gives::Points(_) => None,
            Gives::Bands { of, .. } | Gives::Weight { of, .. } => Some(*of),
        }
    }

    /// The same as [`Factor::places`], to be changed.
    pub(crate) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let looks_at = match &mut self.gives {
            Gives::Points(_) => None,
            Gives::Bands { of, .. } | Gives::Weight { of, .. } => Some(of),
        };
        self.when.iter_mut().map(|condition| &mut condition.of).chain(looks_at)
    }

    /// The places of all inputs that it looks at.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.when.iter().map(|condition| condition.of).chain(self.looks_at())
    }
}

impl Bounds {
    #[inline(always)]
    pub(crate) fn contain(&self, number: f64) -> bool {
        number > self.above && number <= self.up_to
    }
}

/// A value times a weight, as points.
#[inline(always)]
pub(crate) fn weighted(value: f64, weight: f64) -> f64 {
    (value * weight).clamp(-MOST_BY_WEIGHT, MOST_BY_WEIGHT)
}

impl Bounds {
    /// Whether the input has values within the bounds.
    pub(crate) fn reaches(&self, input: &Input) -> bool {
        let (least, greatest) = input.range();
        let (lowest, highest) = (self.above.next_up().max(least), self.up_to.min(greatest));
        match input.is_whole() {
            true => lowest.ceil() <= highest.floor(),
            false => lowest <= highest,
        }
    }
}
