//! Policies of every shape and inputs at their edges, for tests.

use proptest::prelude::*;

use super::{Gives, Policy, Test};
use crate::inputs::{Input, InputValue, Inputs, Place, ValueType};

const FIELDS: [&str; 3] = ["channel", "category", "a \\\"b\\\""];

/// Bounds in TOML over these numbers.
fn bounds(numbers: Vec<f64>) -> impl Strategy<Value = String> {
    let lower = prop::sample::select(vec!["", "above", "from"]);
    let upper = prop::sample::select(vec!["", "up_to", "below", "until"]);
    let pair = (prop::sample::select(numbers.clone()), prop::sample::select(numbers));
    (lower, upper, pair).prop_map(|(lower, upper, (one, other))| {
        let (from, to) = (f64::min(one, other), f64::max(one, other));
        let mut parts = Vec::new();
        if !lower.is_empty() {
            parts.push(format!("{lower} = {from:?}"));
        }
        if !upper.is_empty() {
            parts.push(format!("{upper} = {to:?}"));
        }
        parts.join(", ")
    })
}

/// A numeric input, and numbers about which its bounds are.
fn numeric() -> impl Strategy<Value = (&'static str, Vec<f64>)> {
    prop::sample::select(vec![
        ("amount", vec![-1.0, 0.0, 10.0, 99.5, 1e4]),
        ("customer.risk", vec![0.0, 0.25, 0.5, 0.75, 1.0]),
        ("hour", vec![0.0, 1.0, 6.0, 22.0, 24.0]),
        ("weekday", vec![1.0, 3.0, 6.0, 7.0, 8.0]),
        ("field.channel", vec![-1.0, 0.0, 3.0, 10.0, 100.0]),
        ("field.score", vec![0.0, 0.1, 0.2, 0.3]),
        ("merchant.risk", vec![0.0, 0.5, 0.9]),
        ("history.count_1h", vec![0.0, 1.0, 5.0, 64.0]),
        ("history.amount_ratio", vec![-1.0, 0.5, 2.0]),
    ])
}

fn condition() -> impl Strategy<Value = String> {
    let number = numeric().prop_flat_map(|(input, numbers)| {
        bounds(numbers).prop_map(move |bounds| format!("{{ input = \"{input}\", {bounds} }}"))
    });
    let texts =
        prop::collection::vec(prop::sample::select(vec!["\"web\"", "\"app\"", "\"\"", "\"ü\""]), 1..3);
    let text = (prop::sample::select(&FIELDS[..]), prop::sample::select(vec!["any_of", "none_of"]), texts)
        .prop_map(|(field, test, texts)| {
            format!("{{ field = \"{field}\", {test} = [{}] }}", texts.join(", "))
        });
    let list =
        (prop::sample::select(vec!["customer", "device"]), prop::sample::select(vec!["stolen", "trusted"]))
            .prop_map(|(kind, list)| format!("{{ entity = \"{kind}\", on_list = \"{list}\" }}"));
    let truth = (prop::sample::select(vec!["history.new_merchant", "field.pin"]), any::<bool>())
        .prop_map(|(input, truth)| format!("{{ input = \"{input}\", is = {truth} }}"));
    let segment = Just("{ input = \"customer.segment\", any_of = [\"gold\"] }".to_owned());
    prop_oneof![3 => number, 3 => text, 2 => list, 1 => truth, 1 => segment]
}

fn points() -> impl Strategy<Value = f64> {
    prop_oneof![(-20i32..60).prop_map(f64::from), -5.0..20.0f64, Just(1e9)]
}

fn factor() -> impl Strategy<Value = String> {
    let when = prop::collection::vec(condition(), 0..3);
    let missing = prop::option::of(points());
    let banded = (numeric(), points(), points()).prop_flat_map(|((input, numbers), one, other)| {
        let split = prop::sample::select(numbers.clone());
        (bounds(numbers), split, any::<bool>()).prop_map(move |(bounds, split, two)| match two {
            false => format!("input = \"{input}\"\nbands = [{{ {bounds}{} points = {one:?} }}]", if bounds.is_empty() { "" } else { "," }),
            true => format!(
                "input = \"{input}\"\nbands = [{{ up_to = {split:?}, points = {one:?} }}, {{ above = {split:?}, points = {other:?} }}]"
            ),
        })
    });
    let weighted = (numeric(), points())
        .prop_map(|((input, _), weight)| format!("input = \"{input}\"\nweight = {weight:?}"));
    let looking =
        (prop_oneof![2 => banded, 1 => weighted], missing, when).prop_map(|(gives, missing, when)| {
            let missing = missing.map_or(String::new(), |points| format!("missing = {points:?}\n"));
            let when =
                if when.is_empty() { String::new() } else { format!("when = [{}]\n", when.join(", ")) };
            format!("{gives}\n{missing}{when}")
        });
    let plain = (prop::collection::vec(condition(), 1..3), points())
        .prop_map(|(when, points)| format!("when = [{}]\npoints = {points:?}\n", when.join(", ")));
    prop_oneof![looking, plain]
}

/// Policies that are valid, of one to five factors.
pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    let threshold = prop_oneof![(0u8..60).prop_map(f64::from), 0.0..30.0f64];
    (threshold, prop::collection::vec(factor(), 1..6)).prop_filter_map("valid", |(threshold, factors)| {
        let mut toml = format!(
            "name = \"p\"\ncap = 100\nthreshold = {threshold:?}\ndefault_risk = 0.5\n\
             [history]\nprior_mean_amount = 50\noutlier_ratio = 2\n"
        );
        for (index, factor) in factors.iter().enumerate() {
            toml += &format!("[[factors]]\nname = \"f{index}\"\n{factor}\n");
        }
        Policy::parse(&toml).ok()
    })
}

/// Inputs of a policy, most of them at an edge of a band or a condition.
pub(crate) fn any_inputs(policy: &Policy) -> impl Strategy<Value = Inputs<'static>> + use<> {
    let edges = |place: Place| -> Vec<f64> {
        let bands =
            policy.factors().iter().filter(|factor| factor.looks_at() == Some(place)).filter_map(|factor| {
                match &factor.gives {
                    Gives::Bands { bands, .. } => Some(bands.iter().map(|band| &band.bounds)),
                    _ => None,
                }
            });
        let conditions =
            policy.factors().iter().flat_map(|factor| &factor.when).filter_map(|condition| match &condition
                .test
            {
                Test::Within(bounds) if condition.of == place => Some(bounds),
                _ => None,
            });
        let edges = bands.flatten().chain(conditions).flat_map(|bounds| [bounds.above, bounds.up_to]);
        edges
            .filter(|edge| edge.is_finite())
            .flat_map(|edge| [edge, edge.next_up(), edge.next_down()])
            .collect()
    };
    let number = |place: Place| {
        let input = policy.input(place).clone();
        let (least, greatest) = input.range();
        let is_whole = input.is_whole();
        let fits = move |number: &f64| {
            *number >= least && *number <= greatest && (!is_whole || number.fract() == 0.0)
        };
        let mut near: Vec<f64> =
            edges(place).into_iter().map(|edge| if is_whole { edge.round() } else { edge }).collect();
        near.extend([0.0, 1.0, 0.3, 23.0, -7.25, 1e300, -1e300]);
        near.retain(|number| fits(number));
        prop::sample::select(near)
    };
    let further: Vec<BoxedStrategy<InputValue<'static>>> = (policy.further_inputs().iter().enumerate())
        .map(|(index, further)| {
            let value = match further.input.value_type() {
                ValueType::Number => number(Place::Further(index)).prop_map(InputValue::Number).boxed(),
                ValueType::Text => prop::sample::select(vec!["web", "app", "", "ü", "gold", "other"])
                    .prop_map(|text| InputValue::Text(text.into()))
                    .boxed(),
                ValueType::Truth => any::<bool>().prop_map(InputValue::Truth).boxed(),
            };
            match further.input {
                Input::OnList(..) => prop_oneof![4 => value, 1 => Just(InputValue::Unavailable)].boxed(),
                Input::EntityRisk(_) => {
                    prop_oneof![4 => value, 1 => Just(InputValue::None), 1 => Just(InputValue::Unavailable)]
                        .boxed()
                }
                _ => prop_oneof![4 => value, 1 => Just(InputValue::None)].boxed(),
            }
        })
        .collect();
    let hour = prop_oneof![4 => number(Place::Hour).prop_map(|hour| Some(hour as u8)), 1 => Just(None)];
    (number(Place::Amount), number(Place::CustomerRisk), hour, further).prop_map(
        |(amount, customer_risk, hour, further)| Inputs {
            amount,
            customer_risk,
            hour,
            further,
            unusable_fields: 0,
        },
    )
}
