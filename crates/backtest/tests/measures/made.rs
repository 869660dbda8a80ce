//! Transactions as a test makes them.

use backtest::measures::{Judged, Measures, Tally, TallySettings, Truth};
use fraud_core::inputs::Inputs;
use fraud_core::policy::Policy;
use fraud_core::scoring::FactorSet;

/// A transaction that a policy decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    pub(crate) time: i64,
    pub(crate) score: f64,
    pub(crate) truth: Truth,
    pub(crate) amount: i64,
    pub(crate) customer: String,
    pub(crate) segment: Option<String>,
    /// Bit 0 is the first factor of [`policy`].
    pub(crate) factors: u8,
}

/// A policy of three factors. Tests give scores of their own.
pub(crate) fn policy(threshold: f64) -> Policy {
    let toml = format!(
        "name = 'made'\ncap = 100\nthreshold = {threshold}\ndefault_risk = 0.5\n
         [[factors]]\nname = 'amount'\ninput = 'amount'\nbands = [{{ above = 0, points = 40 }}]\n
         [[factors]]\nname = 'risk'\ninput = 'customer_risk'\nbands = [{{ above = 0.5, points = 40 }}]\n
         [[factors]]\nname = 'night'\ninput = 'hour'\nbands = [{{ from = 0, until = 6, points = 40 }}]\n"
    );
    Policy::parse(&toml).unwrap()
}

impl Made {
    pub(crate) fn judged(&self, policy: &Policy) -> Judged<'_> {
        Judged {
            time: self.time,
            score: self.score,
            is_alert: policy.alerts(self.score),
            truth: self.truth,
            amount: self.amount,
            customer: &self.customer,
            segment: self.segment.as_deref(),
            factors: factors(policy, self.factors),
        }
    }
}

/// The factors of [`policy`] that have a bit here.
fn factors(policy: &Policy, bits: u8) -> FactorSet {
    let has = |bit: u8| bits & bit != 0;
    let inputs = Inputs {
        amount: if has(1) { 1.0 } else { 0.0 },
        customer_risk: if has(2) { 1.0 } else { 0.0 },
        hour: Some(if has(4) { 3 } else { 12 }),
        further: Vec::new(),
        unusable_fields: 0,
    };
    policy.score(&inputs).factors
}

pub(crate) fn measured(policy: &Policy, settings: TallySettings, transactions: &[Made]) -> Measures {
    let mut tally = Tally::new(policy, settings);
    for transaction in transactions {
        tally.add(&transaction.judged(policy));
    }
    tally.measures()
}
