//! The TOML form of a policy, and its validation.

use std::ops::Range;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::reach::Given;
use super::{Band, Factor, MAX_FACTORS, Policy, PolicyError, PolicyProblem, Shape};
use crate::inputs::Input;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: Spanned<String>,
    cap: Spanned<f64>,
    threshold: Spanned<f64>,
    default_risk: Spanned<f64>,
    factors: Spanned<Vec<FactorEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactorEntry {
    name: Spanned<String>,
    #[serde(deserialize_with = "input")]
    input: Input,
    bands: Option<Vec<Spanned<BandEntry>>>,
    weight: Option<Spanned<f64>>,
}

/// The keys of both kinds of band; which belong together is checked by hand, for errors that say so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandEntry {
    above: Option<Spanned<f64>>,
    up_to: Option<Spanned<f64>>,
    from: Option<Spanned<f64>>,
    until: Option<Spanned<f64>>,
    points: Spanned<f64>,
}

/// An error that knows its place in the text, but not yet its line.
struct At(Range<usize>, PolicyProblem);

pub(super) fn parse(toml: &str) -> Result<Policy, PolicyError> {
    let line_of = |offset: usize| 1 + toml.bytes().take(offset).filter(|&byte| byte == b'\n').count();
    let document: Document = toml::from_str(toml).map_err(|error| PolicyError {
        line: error.span().map_or(1, |span| line_of(span.start)),
        problem: PolicyProblem::Document(error.message().trim().to_owned()),
    })?;
    validate(&document).map_err(|At(span, problem)| PolicyError { line: line_of(span.start), problem })
}

fn validate(document: &Document) -> Result<Policy, At> {
    check_name(&document.name)?;
    let cap = number("cap", &document.cap, "finite and more than 0", |cap| cap > 0.0)?;
    let threshold =
        number("threshold", &document.threshold, "finite and 0 or more", |threshold| threshold >= 0.0)?;
    let default_risk = number("default_risk", &document.default_risk, "between 0 and 1", |risk| {
        (0.0..=1.0).contains(&risk)
    })?;
    let entries = document.factors.as_ref();
    if entries.is_empty() || entries.len() > MAX_FACTORS {
        return Err(At(document.factors.span(), PolicyProblem::FactorCount(entries.len())));
    }
    let mut factors: Vec<Factor> = Vec::with_capacity(entries.len());
    for entry in entries {
        check_name(&entry.name)?;
        if factors.iter().any(|factor| factor.name == *entry.name.as_ref()) {
            return Err(At(entry.name.span(), PolicyProblem::DuplicateFactor(entry.name.as_ref().clone())));
        }
        factors.push(Factor { name: entry.name.as_ref().clone(), input: entry.input, shape: shape(entry)? });
    }
    let policy = Policy::new(document.name.as_ref(), cap, threshold, default_risk, factors);
    let highest = policy.highest(Given::ANYTHING);
    if !policy.alerts(highest) {
        let problem = PolicyProblem::UnreachableThreshold { threshold, highest };
        return Err(At(document.threshold.span(), problem));
    }
    Ok(policy)
}

fn check_name(name: &Spanned<String>) -> Result<(), At> {
    let text = name.as_ref();
    let valid = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    if (1..=64).contains(&text.len()) && text.chars().all(valid) {
        Ok(())
    } else {
        Err(At(name.span(), PolicyProblem::Name(text.clone())))
    }
}

fn number(
    key: &'static str,
    number: &Spanned<f64>,
    must: &'static str,
    accepted: impl Fn(f64) -> bool,
) -> Result<f64, At> {
    let value = *number.as_ref();
    if value.is_finite() && accepted(value) {
        // A negative zero would be another policy by its id, and the same by its scores.
        Ok(value + 0.0)
    } else {
        Err(At(number.span(), PolicyProblem::Number { key, value, must }))
    }
}

fn points(key: &'static str, value: &Spanned<f64>) -> Result<f64, At> {
    number(key, value, "finite and 0 or more", |points| points >= 0.0)
}

/// The keys that bound the bands over an input.
#[derive(Clone, Copy, PartialEq)]
enum Bounds {
    /// `above` and `up_to`, both optional.
    Numbers,
    /// `from` and `until`, both whole hours from 0 to 24.
    Hours,
}

/// How a factor over this input can give points: the bounds of its bands, and whether it can take a weight instead.
fn takes(input: Input) -> (Bounds, bool) {
    match input {
        Input::Amount => (Bounds::Numbers, false),
        Input::CustomerRisk => (Bounds::Numbers, true),
        Input::Hour => (Bounds::Hours, false),
    }
}

fn shape(entry: &FactorEntry) -> Result<Shape, At> {
    let (bounds, takes_weight) = takes(entry.input);
    match (entry.bands.as_deref(), &entry.weight) {
        (Some(entries), None) if !entries.is_empty() => bands(entry, bounds, entries).map(Shape::Bands),
        (None, Some(weight)) if takes_weight => {
            let weight = points("weight", weight)?;
            Ok(Shape::Weight { weight, text: format!("{} * {weight}", entry.input.name()) })
        }
        _ if takes_weight => Err(misshapen(entry, entry.name.span(), "either `weight` or `bands`")),
        _ => Err(misshapen(entry, entry.name.span(), "`bands`")),
    }
}

fn bands(entry: &FactorEntry, bounds: Bounds, entries: &[Spanned<BandEntry>]) -> Result<Vec<Band>, At> {
    let mut bands: Vec<Band> = Vec::with_capacity(entries.len());
    for spanned in entries {
        let band = match bounds {
            Bounds::Numbers => number_band(entry, spanned)?,
            Bounds::Hours => hour_band(entry, spanned)?,
        };
        if band.above >= band.up_to {
            let (factor, band) = (entry.name.as_ref().clone(), format!("`{}`", band.text));
            return Err(At(spanned.span(), PolicyProblem::EmptyBand { factor, band }));
        }
        let overlaps = |other: &&Band| other.above.max(band.above) < other.up_to.min(band.up_to);
        if let Some(other) = bands.iter().find(overlaps) {
            let factor = entry.name.as_ref().clone();
            let (first, second) = (format!("`{}`", other.text), format!("`{}`", band.text));
            return Err(At(spanned.span(), PolicyProblem::OverlappingBands { factor, first, second }));
        }
        bands.push(band);
    }
    Ok(bands)
}

fn number_band(entry: &FactorEntry, spanned: &Spanned<BandEntry>) -> Result<Band, At> {
    let band = spanned.as_ref();
    if band.from.is_some() || band.until.is_some() {
        return Err(misshapen(entry, spanned.span(), "bands of `above`, `up_to` and `points`"));
    }
    let bound = |key, bound: &Option<Spanned<f64>>, unbounded| match bound {
        Some(value) => number(key, value, "finite", |_| true),
        None => Ok(unbounded),
    };
    let above = bound("above", &band.above, f64::NEG_INFINITY)?;
    let up_to = bound("up_to", &band.up_to, f64::INFINITY)?;
    let input = entry.input.name();
    let text = match (above.is_finite(), up_to.is_finite()) {
        (true, true) => format!("{input} > {above} and <= {up_to}"),
        (true, false) => format!("{input} > {above}"),
        (false, true) => format!("{input} <= {up_to}"),
        (false, false) => format!("any {input}"),
    };
    let canonical = format!("above {above:?} up_to {up_to:?}");
    Ok(Band { above, up_to, points: points("points", &band.points)?, text, canonical })
}

fn hour_band(entry: &FactorEntry, spanned: &Spanned<BandEntry>) -> Result<Band, At> {
    let band = spanned.as_ref();
    let (None, None, Some(from), Some(until)) = (&band.above, &band.up_to, &band.from, &band.until) else {
        return Err(misshapen(entry, spanned.span(), "bands of `from`, `until` and `points`"));
    };
    let hour = |key, hour: &Spanned<f64>| {
        let accepted = |value: f64| (0.0..=24.0).contains(&value) && value.fract() == 0.0;
        number(key, hour, "a whole hour from 0 to 24", accepted)
    };
    let (from, until) = (hour("from", from)?, hour("until", until)?);
    Ok(Band {
        above: from.next_down(),
        up_to: until.next_down(),
        points: points("points", &band.points)?,
        text: format!("{} >= {from} and < {until}", entry.input.name()),
        canonical: format!("from {from} until {until}"),
    })
}

/// A factor, or one of its bands, that is not made of what its input takes.
fn misshapen(entry: &FactorEntry, at: Range<usize>, takes: &'static str) -> At {
    let (factor, input) = (entry.name.as_ref().clone(), entry.input.name());
    At(at, PolicyProblem::Shape { factor, input, takes })
}

/// The input of this name.
fn input<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known =
        || Input::ALL.iter().map(|input| format!("`{}`", input.name())).collect::<Vec<_>>().join(", ");
    let input = Input::ALL.iter().copied().find(|input| input.name() == name);
    input.ok_or_else(|| D::Error::custom(format!("unknown input `{name}`, expected one of {}", known())))
}
