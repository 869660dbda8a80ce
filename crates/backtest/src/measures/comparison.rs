//! What two policies decide differently about the same transactions.

use std::cmp::Reverse;
use std::ops::Range;

use fraud_core::policy::Policy;

use super::{Judged, Truth};

/// The most examples that are kept of gained, and of lost alerts.
const EXAMPLES: usize = 20;

/// A transaction as two policies decided it.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    /// As the first and the second policy decided it. Both have the same time, truth, amount, customer and segment.
    pub judged: [&'a Judged<'a>; 2],
    /// Its identity.
    pub id: &'a str,
    /// Both policies' reasons as JSON. Called only for examples.
    pub reasons: &'a dyn Fn() -> [String; 2],
}

/// Collects what two policies decide differently.
#[derive(Debug, Clone)]
pub struct Comparison {
    span: Range<i64>,
    differences: Differences,
}

/// What the second policy decides differently than the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// The policies' ids.
    pub policies: [String; 2],
    /// The compared transactions.
    pub transactions: u64,
    /// How many of them have another score.
    pub scored_differently: u64,
    /// Alerts of both.
    pub alerts_of_both: u64,
    /// Alerts of the second alone. Its factors are counted.
    pub gained: Difference,
    /// Alerts of the first alone. Its factors are counted.
    pub lost: Difference,
}

/// Alerts of one of two policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// How many.
    pub alerts: u64,
    /// Their amounts in ten-thousandths.
    pub value: i128,
    /// How many of them are frauds.
    pub frauds: u64,
    /// These frauds' amounts in ten-thousandths.
    pub fraud_value: i128,
    /// How many are too young to be judged.
    pub immature: u64,
    /// By the customers' segment: by name, those without one last.
    pub segments: Vec<SegmentCount>,
    /// The factors of the policy that alerts, in its order: on how many of these alerts each contributed.
    pub factors: Vec<FactorCount>,
    /// Those with the largest amounts, at equal amounts by id.
    pub examples: Vec<Example>,
}

/// Alerts of a segment.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentCount {
    /// The segment; `None` for transactions without a profile.
    pub segment: Option<String>,
    /// How many.
    pub alerts: u64,
    /// Their amounts in ten-thousandths.
    pub value: i128,
    /// How many of them are frauds.
    pub frauds: u64,
    /// These frauds' amounts in ten-thousandths.
    pub fraud_value: i128,
}

/// Alerts to which a factor contributed.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorCount {
    /// The factor's name.
    pub name: String,
    /// How many.
    pub alerts: u64,
    /// How many of them are frauds.
    pub frauds: u64,
}

/// An alert of one of two policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The transaction's identity.
    pub id: String,
    /// When it counts, in seconds since the epoch.
    pub time: i64,
    /// The customer's id; empty if there is none.
    pub customer: String,
    /// The segment of the customer's profile.
    pub segment: Option<String>,
    /// The amount in ten-thousandths.
    pub amount: i64,
    /// What is known of it.
    pub truth: Truth,
    /// Both policies' scores.
    pub scores: [f64; 2],
    /// Both policies' reasons as JSON.
    pub reasons: [String; 2],
}

impl Comparison {
    /// Of two policies over a span of seconds since the epoch.
    pub fn new(policies: [&Policy; 2], span: Range<i64>) -> Self {
        let [first, second] = policies;
        let differences = Differences {
            policies: policies.map(|policy| policy.id().to_owned()),
            transactions: 0,
            scored_differently: 0,
            alerts_of_both: 0,
            gained: Difference::of(second),
            lost: Difference::of(first),
        };
        Comparison { span, differences }
    }

    /// Adds a transaction, in any order. One outside the span is left out.
    pub fn add(&mut self, compared: &Compared<'_>) {
        let [first, second] = compared.judged;
        if !self.span.contains(&first.time) {
            return;
        }
        let differences = &mut self.differences;
        differences.transactions += 1;
        differences.scored_differently += u64::from(first.score != second.score);
        match (first.is_alert, second.is_alert) {
            (false, false) => {}
            (true, true) => differences.alerts_of_both += 1,
            (false, true) => differences.gained.add(second, compared),
            (true, false) => differences.lost.add(first, compared),
        }
    }

    /// The differences.
    pub fn finish(self) -> Differences {
        self.differences
    }
}

impl Difference {
    fn of(policy: &Policy) -> Self {
        let factor = |factor: &fraud_core::policy::Factor| FactorCount {
            name: factor.name().to_owned(),
            alerts: 0,
            frauds: 0,
        };
        Difference {
            alerts: 0,
            value: 0,
            frauds: 0,
            fraud_value: 0,
            immature: 0,
            segments: Vec::new(),
            factors: policy.factors().iter().map(factor).collect(),
            examples: Vec::new(),
        }
    }

    fn add(&mut self, alert: &Judged<'_>, compared: &Compared<'_>) {
        let value = alert.value();
        let is_fraud = alert.truth == Truth::Fraud;
        let (fraud, fraud_value) = if is_fraud { (1, value) } else { (0, 0) };
        self.alerts += 1;
        self.value += value;
        self.frauds += fraud;
        self.fraud_value += fraud_value;
        self.immature += u64::from(alert.truth == Truth::Immature);

        let segment = self.segment(alert.segment);
        segment.alerts += 1;
        segment.value += value;
        segment.frauds += fraud;
        segment.fraud_value += fraud_value;

        for index in alert.factors.indexes() {
            if let Some(factor) = self.factors.get_mut(index) {
                factor.alerts += 1;
                factor.frauds += fraud;
            }
        }
        self.keep_example(compared);
    }

    fn segment(&mut self, segment: Option<&str>) -> &mut SegmentCount {
        let place =
            self.segments.binary_search_by(|known| order(known.segment.as_deref()).cmp(&order(segment)));
        match place {
            #[expect(clippy::indexing_slicing, reason = "it was found there")]
            Ok(index) => &mut self.segments[index],
            Err(index) => {
                let segment = segment.map(str::to_owned);
                let none = SegmentCount { segment, alerts: 0, value: 0, frauds: 0, fraud_value: 0 };
                self.segments.insert_mut(index, none)
            }
        }
    }

    fn keep_example(&mut self, compared: &Compared<'_>) {
        let [first, second] = compared.judged;
        let own = rank(first.amount, compared.id, first.time);
        let place = self.examples.partition_point(|kept| rank(kept.amount, &kept.id, kept.time) <= own);
        if place >= EXAMPLES {
            return;
        }
        self.examples.truncate(EXAMPLES - 1);
        let example = Example {
            id: compared.id.to_owned(),
            time: first.time,
            customer: first.customer.to_owned(),
            segment: first.segment.map(str::to_owned),
            amount: first.amount,
            truth: first.truth,
            scores: [first.score, second.score],
            reasons: (compared.reasons)(),
        };
        self.examples.insert(place, example);
    }
}

/// Sorts examples.
fn rank(amount: i64, id: &str, time: i64) -> (Reverse<i64>, &str, i64) {
    (Reverse(amount), id, time)
}

/// No segment comes last.
fn order(segment: Option<&str>) -> (bool, Option<&str>) {
    (segment.is_none(), segment)
}
