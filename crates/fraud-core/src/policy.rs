//! The policy: which factors a score is made of, and when it raises an alert. Policies are data (TOML).

use std::fmt::Write as _;

mod canonical;
mod document;
mod error;
mod explain;
mod factor;
pub mod keys;
mod reach;
mod seen;
mod silence;
mod space;
#[cfg(test)]
pub(crate) mod testing;

pub use error::{Mistake, PolicyError, PolicyProblem};
pub use explain::{Combination, Explanation};
pub use factor::Factor;
pub(crate) use factor::{Condition, Gives, Test, weighted};
pub use seen::{BandShape, Seen, Shape};
pub use silence::{Lacking, MissingCost, Silence};

use sha2::{Digest, Sha256};

use crate::entity::EntityKind;
use crate::evidence;
use crate::history::InputKey;
use crate::inputs::{Input, Place};
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
    history: Option<HistorySettings>,
    factors: Vec<Factor>,
    further: Vec<FurtherInput>,
    asked: Asked,
}

/// What the customer's history is kept by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HistorySettings {
    /// The mean amount of a customer without a past.
    pub prior_mean_amount: f64,
    /// From this ratio on an amount is an outlier for its customer.
    pub outlier_ratio: f64,
    /// A known fraud below this amount, and no outlier, points at the merchant and not at the card.
    pub ordinary_below: f64,
}

/// An input that not every policy has.
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherInput {
    /// The input.
    pub input: Input,
    /// The input's [name](Input::name).
    pub(crate) name: String,
    /// What comes before its value in a decision's [inputs](crate::evidence::inputs).
    pub(crate) label: String,
    /// What names its value in a history.
    pub(crate) key: InputKey,
    /// For a member of the transaction its place in [`Asked::fields`].
    pub(crate) slot: usize,
}

/// What a policy is made of, before it has an id.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parts {
    pub name: String,
    pub cap: f64,
    pub threshold: f64,
    pub default_risk: f64,
    pub history: Option<HistorySettings>,
    pub factors: Vec<Factor>,
    /// The inputs that are not among the basic ones, each once, in the order of their first use.
    pub further: Vec<Input>,
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
    /// [`PolicyError`] with every mistake: a syntax error, an unknown key or input, a number that is not finite, bands
    /// that overlap or that no value reaches, a threshold that no transaction could pass.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        document::parse(toml)
    }

    pub(crate) fn new(parts: Parts) -> Self {
        let digest = Sha256::digest(canonical::form(&parts));
        let mut id = format!("{}@", parts.name);
        for byte in digest.iter().take(6) {
            // Writing to a string cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        let mut asked = Asked::default();
        let further = parts.further.into_iter().map(|input| {
            let slot = asked.slot(&input);
            let name = input.name().into_owned();
            FurtherInput { label: evidence::label(&name), key: InputKey::of(&name), name, input, slot }
        });
        let further = further.collect();
        let Parts { cap, threshold, default_risk, history, factors, .. } = parts;
        Policy { id, cap, threshold, default_risk, history, factors, further, asked }
    }

    /// `<name>@<the first 12 hex digits of the SHA-256 of the canonical form>`: policies that decide alike have the
    /// same id, whatever their files' comments and layout.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The policy's name: its id up to the `@`.
    pub fn name(&self) -> &str {
        self.id.split_once('@').map_or(&self.id, |(name, _)| name)
    }

    /// The canonical form, of which the id holds the hash: one line for each thing that decides a score.
    pub fn canonical(&self) -> String {
        canonical::form(&Parts {
            name: self.name().to_owned(),
            cap: self.cap,
            threshold: self.threshold,
            default_risk: self.default_risk,
            history: self.history,
            factors: self.factors.clone(),
            further: self.further.iter().map(|further| further.input.clone()).collect(),
        })
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

    /// What the customer's history is kept by, if the policy says.
    pub fn history(&self) -> Option<HistorySettings> {
        self.history
    }

    /// Why the policy needs the customer's history, if it does: the first factor that looks at it, else its `[history]`.
    pub fn needs_history(&self) -> Option<&str> {
        let looks =
            |factor: &&Factor| factor.places().any(|place| matches!(self.input(place), Input::History(_)));
        let factor = self.factors.iter().find(looks).map(Factor::name);
        factor.or(self.history.map(|_| "[history]"))
    }

    /// Whether it looks at what is known of merchants by day.
    pub fn looks_at_merchants_days(&self) -> bool {
        let is_over_days =
            |input: &Input| matches!(input, Input::MerchantFraudRate | Input::MerchantCompromiseAge);
        self.further.iter().any(|further| is_over_days(&further.input))
    }

    /// The same policy over the inputs of another: it looks at all that `first` looks at, in the same places, and behind that at
    /// what it looks at alone. So one set of inputs serves both.
    pub(crate) fn beside(mut self, first: &Policy) -> Policy {
        let own = std::mem::replace(&mut self.further, first.further.clone());
        self.asked = first.asked.clone();
        let mut places = Vec::with_capacity(own.len());
        for further in own {
            let known = self.further.iter().position(|known| known.input == further.input);
            places.push(known.unwrap_or(self.further.len()));
            if known.is_none() {
                let slot = self.asked.slot(&further.input);
                self.further.push(FurtherInput { slot, ..further });
            }
        }
        for place in self.factors.iter_mut().flat_map(Factor::places_mut) {
            if let Place::Further(index) = place {
                *index = places.get(*index).copied().unwrap_or(*index);
            }
        }
        self
    }

    /// What the policy asks of a transaction beside what every transaction is read for.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The factors, in the order in which they are summed.
    pub fn factors(&self) -> &[Factor] {
        &self.factors
    }

    /// The inputs that not every policy has, in the order of their first use. A policy without any is one whose decisions are
    /// computed again from the fields of a scored record.
    #[inline]
    pub fn further_inputs(&self) -> &[FurtherInput] {
        &self.further
    }

    /// The input at a place.
    pub(crate) fn input(&self, place: Place) -> &Input {
        match place {
            Place::Amount => &Input::Amount,
            Place::CustomerRisk => &Input::CustomerRisk,
            Place::Hour => &Input::Hour,
            Place::Further(index) => self.further.get(index).map_or(&Input::Amount, |further| &further.input),
        }
    }
}

impl Asked {
    /// Asks for what an input reads of a transaction; gives a field's place among [`Asked::fields`].
    fn slot(&mut self, input: &Input) -> usize {
        match input {
            Input::Field(name, _) => {
                let known = self.fields.iter().position(|field| field == name);
                return known.unwrap_or_else(|| {
                    self.fields.push(name.clone());
                    self.fields.len() - 1
                });
            }
            Input::EntityRisk(kind) | Input::OnList(kind, _) => self.entities.insert(*kind),
            Input::MerchantFraudRate | Input::MerchantCompromiseAge => {
                self.entities.insert(EntityKind::Merchant);
            }
            Input::History(_) => self.currency = true,
            _ => {}
        }
        0
    }
}

#[cfg(test)]
mod tests;
