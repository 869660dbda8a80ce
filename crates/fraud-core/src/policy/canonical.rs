//! A policy's canonical form: one line for each thing that decides a score.

use std::fmt::Write as _;

use exact_text::json::push_escaped;

use super::{Factor, Gives, Parts, Test};
use crate::inputs::{Input, Place};

/// The form: numbers in their shortest text, texts as JSON strings.
pub(super) fn form(parts: &Parts) -> String {
    let Parts { name, cap, threshold, default_risk, history, factors, further } = parts;
    let mut form =
        format!("name {name}\ncap {cap:?}\nthreshold {threshold:?}\ndefault_risk {default_risk:?}\n");
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(form, "{words}");
    };
    if let Some(history) = history {
        line(format_args!("history prior_mean_amount {:?}", history.prior_mean_amount));
        line(format_args!("history outlier_ratio {:?}", history.outlier_ratio));
        line(format_args!("history ordinary_below {:?}", history.ordinary_below));
    }
    for Factor { name, when, gives } in factors {
        for condition in when {
            let input = input_name(condition.of, further);
            match &condition.test {
                Test::Within(bounds) => line(format_args!("factor {name} when {input} {}", bounds.canonical)),
                Test::AnyOf(texts) => line(format_args!("factor {name} when {input} any_of {}", list(texts))),
                Test::NoneOf(texts) => {
                    line(format_args!("factor {name} when {input} none_of {}", list(texts)))
                }
                Test::Is(truth) => line(format_args!("factor {name} when {input} is {truth}")),
            }
        }
        let missing = match gives {
            Gives::Points(points) => {
                line(format_args!("factor {name} points {points:?}"));
                0.0
            }
            Gives::Weight { of, weight, missing, .. } => {
                line(format_args!("factor {name} {} weight {weight:?}", input_name(*of, further)));
                *missing
            }
            Gives::Bands { of, bands, missing } => {
                let input = input_name(*of, further);
                for band in bands {
                    let (bounds, points) = (&band.bounds.canonical, band.points);
                    line(format_args!("factor {name} {input} {bounds} points {points:?}"));
                }
                *missing
            }
        };
        if missing != 0.0 {
            line(format_args!("factor {name} missing points {missing:?}"));
        }
    }
    form
}

fn input_name(place: Place, further: &[Input]) -> String {
    let input = match place {
        Place::Amount => Some(&Input::Amount),
        Place::CustomerRisk => Some(&Input::CustomerRisk),
        Place::Hour => Some(&Input::Hour),
        Place::Further(index) => further.get(index),
    };
    match input {
        // The name is the producer's: it can hold anything.
        Some(Input::Field(name, _)) => format!("field {}", quoted(name)),
        Some(input) => input.name().into_owned(),
        None => String::new(),
    }
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(","))
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = vec![b'"'];
    push_escaped(&mut quoted, text);
    quoted.push(b'"');
    String::from_utf8_lossy(&quoted).into_owned()
}
