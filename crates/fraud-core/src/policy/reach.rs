//! What scores a policy can reach, and for whom none is high enough to raise an alert.

use std::fmt;

use super::{Factor, Policy, Shape};
use crate::inputs::Input;

/// What is known of a transaction beforehand: one input's value, or that it has none. The other inputs can be anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given(Option<(Input, Option<f64>)>);

impl Given {
    /// Nothing is known.
    pub(super) const ANYTHING: Given = Given(None);

    fn value(input: Input, value: f64) -> Self {
        Given(Some((input, Some(value))))
    }

    fn without(input: Input) -> Self {
        Given(Some((input, None)))
    }
}

/// Transactions that a policy never raises an alert for, whatever else they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Silence {
    /// Those whose customer has no risk score that can be used: there is no profile, no customer, or the profile's risk is
    /// missing or unusable. They count with the policy's `default_risk`.
    WithoutRisk,
    /// Those in these hours of day: each from the first hour to before the second.
    Hours(Vec<(u8, u8)>),
    /// Those whose event time cannot be read or is an epoch number, which has no local hour.
    WithoutLocalTime,
    /// Those with an amount up to this one.
    AmountsUpTo(f64),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::WithoutRisk => f.write_str(
                "customers without a profile or without a usable risk score (no_profile, no_customer, unavailable, invalid_profile)",
            ),
            Silence::Hours(spans) => {
                f.write_str("transactions")?;
                for (place, (from, until)) in spans.iter().enumerate() {
                    let joint = if place == 0 { "" } else { " and" };
                    write!(f, "{joint} from {from:02}:00 to {until:02}:00")?;
                }
                Ok(())
            }
            Silence::WithoutLocalTime => f.write_str("event times that are unreadable or epoch numbers"),
            Silence::AmountsUpTo(amount) => write!(f, "amounts up to {amount}"),
        }
    }
}

impl Policy {
    /// The kinds of transactions that this policy never raises an alert for. Without any, every kind can be alerted.
    pub fn silences(&self) -> Vec<Silence> {
        let is_silent = |given: Given| !self.alerts(self.highest(given));
        let mut silences = Vec::new();
        if is_silent(Given::value(Input::CustomerRisk, self.default_risk)) {
            silences.push(Silence::WithoutRisk);
        }
        let hours = (0..24).filter(|&hour| is_silent(Given::value(Input::Hour, f64::from(hour))));
        let hours = spans(hours);
        if !hours.is_empty() {
            silences.push(Silence::Hours(hours));
        }
        if is_silent(Given::without(Input::Hour)) {
            silences.push(Silence::WithoutLocalTime);
        }
        let amounts = self.amount_edges();
        let silent =
            amounts.iter().take_while(|&&amount| is_silent(Given::value(Input::Amount, amount))).last();
        silences.extend(silent.map(|&amount| Silence::AmountsUpTo(amount)));
        silences
    }

    /// The highest score of a transaction of which this is given. Rounded addition is monotonic, so that the highest
    /// contributions give the highest score.
    pub(super) fn highest(&self, given: Given) -> f64 {
        let sum = self.factors.iter().fold(0.0, |sum, factor| sum + factor.most_points(given));
        f64::min(sum, self.cap)
    }

    /// The amounts at which factors change, in ascending order. All amounts above one and up to the next score alike.
    fn amount_edges(&self) -> Vec<f64> {
        let bands = self.factors.iter().filter_map(|factor| match (factor.input, &factor.shape) {
            (Input::Amount, Shape::Bands(bands)) => Some(bands),
            _ => None,
        });
        let edges = bands.flatten().flat_map(|band| [band.above, band.up_to]);
        let mut edges: Vec<f64> = edges.filter(|edge| edge.is_finite()).collect();
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        edges
    }
}

impl Factor {
    fn most_points(&self, Given(given): Given) -> f64 {
        match given {
            Some((input, value)) if input == self.input => {
                let points = value.and_then(|value| self.shape.points(value));
                points.map_or(0.0, |(points, _)| points)
            }
            _ => self.shape.most_points(self.input.range()),
        }
    }
}

impl Shape {
    /// The most points of any value in this range, its ends included.
    fn most_points(&self, (least, greatest): (f64, f64)) -> f64 {
        match self {
            Shape::Weight { weight, .. } => weight * greatest,
            Shape::Bands(bands) => {
                let possible = bands.iter().filter(|band| band.above < greatest && band.up_to >= least);
                possible.map(|band| band.points).fold(0.0, f64::max)
            }
        }
    }
}

/// Ascending hours as spans, each up to before its second hour.
fn spans(hours: impl Iterator<Item = u8>) -> Vec<(u8, u8)> {
    let mut spans: Vec<(u8, u8)> = Vec::new();
    for hour in hours {
        match spans.last_mut() {
            Some((_, until)) if *until == hour => *until += 1,
            _ => spans.push((hour, hour + 1)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Inputs;
    use proptest::prelude::*;

    fn policy(threshold: f64, factors: &str) -> Policy {
        let head = format!("name = \"p\"\ncap = 1\nthreshold = {threshold}\ndefault_risk = 0.5\n");
        Policy::parse(&format!("{head}{factors}")).unwrap()
    }

    #[test]
    fn the_default_policy_is_silent_without_a_profile_by_day_and_up_to_ten_thousand() {
        let silences = Policy::builtin_default().unwrap().silences();
        let expected = [
            Silence::WithoutRisk,
            Silence::Hours(vec![(6, 24)]),
            Silence::WithoutLocalTime,
            Silence::AmountsUpTo(10_000.0),
        ];
        assert_eq!(silences, expected);
        assert_eq!(
            silences.iter().map(Silence::to_string).collect::<Vec<_>>()[1..],
            [
                "transactions from 06:00 to 24:00",
                "event times that are unreadable or epoch numbers",
                "amounts up to 10000"
            ]
        );
    }

    #[test]
    fn a_policy_that_can_alert_anyone_is_silent_for_nobody() {
        let any = "[[factors]]\nname = \"a\"\ninput = \"amount\"\nbands = [{ points = 1 }]\n";
        assert_eq!(policy(0.5, any).silences(), []);
    }

    #[test]
    fn silent_hours_are_told_as_spans() {
        let hours = "[[factors]]\nname = \"h\"\ninput = \"hour\"\n\
                     bands = [{ from = 2, until = 5, points = 1 }, { from = 20, until = 24, points = 1 }]\n";
        let silences = policy(0.5, hours).silences();
        assert_eq!(silences, [Silence::Hours(vec![(0, 2), (5, 20)]), Silence::WithoutLocalTime]);
        assert_eq!(silences[0].to_string(), "transactions from 00:00 to 02:00 and from 05:00 to 20:00");
    }

    proptest! {
        #[test]
        fn nothing_that_a_policy_is_silent_for_raises_an_alert_and_something_else_does(
            threshold in 0.0..0.9f64,
            points in prop::collection::vec(0.0..0.5f64, 3),
            weight in 0.0..0.6f64,
            from in 0u8..23,
        ) {
            let [low, high, night] = points[..] else { unreachable!() };
            let factors = format!(
                "[[factors]]\nname = \"a\"\ninput = \"amount\"\n\
                 bands = [{{ above = 10, up_to = 20, points = {low} }}, {{ above = 20, points = {high} }}]\n\
                 [[factors]]\nname = \"r\"\ninput = \"customer_risk\"\nweight = {weight}\n\
                 [[factors]]\nname = \"h\"\ninput = \"hour\"\nbands = [{{ from = {from}, until = 24, points = {night} }}]\n"
            );
            let head = format!("name = \"p\"\ncap = 1\nthreshold = {threshold}\ndefault_risk = 0.5\n");
            // A policy that can never alert is refused.
            if let Ok(policy) = Policy::parse(&format!("{head}{factors}")) {
                let silences = policy.silences();
                let alerts = |amount, customer_risk, hour| {
                    policy.alerts(policy.score(&Inputs { amount, customer_risk, hour }).value)
                };
                let amounts = [5.0, 10.0, 15.0, 20.0, 25.0];
                let risks = [0.0, 0.5, 1.0];
                let hours: Vec<_> = (0..24).map(Some).chain([None]).collect();
                let any = |amounts: &[f64], risks: &[f64], hours: &[Option<u8>]| {
                    amounts.iter().any(|&amount| {
                        risks.iter().any(|&risk| hours.iter().any(|&hour| alerts(amount, risk, hour)))
                    })
                };
                prop_assert_eq!(!any(&amounts, &[0.5], &hours), silences.contains(&Silence::WithoutRisk));
                prop_assert_eq!(!any(&amounts, &risks, &[None]), silences.contains(&Silence::WithoutLocalTime));
                let silent_hours: Vec<u8> =
                    (0..24).filter(|&hour| !any(&amounts, &risks, &[Some(hour)])).collect();
                let told: Vec<u8> = silences.iter().find_map(|silence| match silence {
                    Silence::Hours(spans) => Some(spans.iter().flat_map(|&(from, until)| from..until).collect()),
                    _ => None,
                }).unwrap_or_default();
                prop_assert_eq!(silent_hours, told);
                let up_to = silences.iter().find_map(|silence| match silence {
                    Silence::AmountsUpTo(amount) => Some(*amount),
                    _ => None,
                });
                let silent: Vec<f64> = amounts.into_iter().take_while(|&amount| !any(&[amount], &risks, &hours)).collect();
                let expected = silent.iter().copied().rfind(|amount| [10.0, 20.0].contains(amount));
                prop_assert_eq!(up_to, expected);
            }
        }
    }
}
