//! The score: what each factor of a policy contributes, and why.

use crate::enrichment::Enrichment;
use crate::policy::{Band, Factor, HourBand, Policy, Rule};
use crate::profile::Profile;
use crate::transaction::{TimeField, Transaction};
use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;

/// What a score depends on, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs {
    /// The transaction's amount.
    pub amount: f64,
    /// The customer's risk, from the profile or the policy's default.
    pub customer_risk: f64,
    /// The hour of day, 0 to 23, as the producer wrote it; `None` if it wrote an epoch number or something unreadable.
    pub hour: Option<u8>,
}

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

impl Inputs {
    /// What a transaction's score depends on, under a policy.
    pub fn of(
        transaction: &Transaction<'_>,
        enrichment: Enrichment<'_>,
        arrival: Timestamp,
        policy: &Policy,
    ) -> Self {
        Inputs {
            amount: transaction.amount.value,
            customer_risk: enrichment
                .profile()
                .and_then(Profile::risk_score)
                .unwrap_or_else(|| policy.default_risk()),
            hour: match &transaction.event_time {
                TimeField::Known(time, _) => time.hour,
                TimeField::Missing => Some(arrival.calendar().hour),
                TimeField::Unreadable => None,
            },
        }
    }
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
    /// What the factor contributes; `None` where that is nothing.
    #[inline]
    fn contribution(&self, inputs: &Inputs) -> Option<Reason<'_>> {
        let (points, observed, rule) = match &self.rule {
            Rule::AmountBands(bands) => banded(bands, inputs.amount)?,
            Rule::RiskBands(bands) => banded(bands, inputs.customer_risk)?,
            Rule::RiskWeight { weight, text } => (inputs.customer_risk * weight, inputs.customer_risk, text),
            Rule::HourBands(bands) => {
                let hour = inputs.hour?;
                let HourBand { points, text, .. } =
                    bands.iter().find(|band| (band.from..band.until).contains(&hour))?;
                (*points, f64::from(hour), text)
            }
        };
        (points > 0.0).then_some(Reason { name: self.name(), points, observed, rule })
    }
}

fn banded(bands: &[Band], observed: f64) -> Option<(f64, f64, &String)> {
    let Band { points, text, .. } =
        bands.iter().find(|band| observed > band.above && observed <= band.up_to)?;
    Some((*points, observed, text))
}

/// The points of the band that a value lies in; 0 outside all of them.
pub(crate) fn points_of(bands: &[Band], observed: f64) -> f64 {
    banded(bands, observed).map_or(0.0, |(points, ..)| points)
}
