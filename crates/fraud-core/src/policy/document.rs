//! The TOML form of a policy, and its validation.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::reach::Given;
use super::{Band, Factor, HourBand, MAX_FACTORS, Policy, PolicyError, PolicyProblem, Rule};

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
    input: Input,
    bands: Option<Vec<Spanned<BandEntry>>>,
    weight: Option<Spanned<f64>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Input {
    Amount,
    CustomerRisk,
    Hour,
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

/// An error that knows where in the text it stands, but not yet on which line.
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
        factors.push(Factor { name: entry.name.as_ref().clone(), rule: rule(entry)? });
    }
    let policy = Policy::new(document.name.as_ref(), cap, threshold, default_risk, factors);
    let highest = policy.highest(Given::default());
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

fn rule(entry: &FactorEntry) -> Result<Rule, At> {
    let shape = |input, takes| {
        let factor = entry.name.as_ref().clone();
        At(entry.name.span(), PolicyProblem::Shape { factor, input, takes })
    };
    match (entry.input, entry.bands.as_deref(), &entry.weight) {
        (Input::Amount, Some(bands), None) if !bands.is_empty() => {
            Ok(Rule::AmountBands(number_bands(entry, "amount", bands)?))
        }
        (Input::Amount, ..) => Err(shape("amount", "`bands`")),
        (Input::CustomerRisk, Some(bands), None) if !bands.is_empty() => {
            Ok(Rule::RiskBands(number_bands(entry, "customer_risk", bands)?))
        }
        (Input::CustomerRisk, None, Some(weight)) => {
            let weight = points("weight", weight)?;
            Ok(Rule::RiskWeight { weight, text: format!("customer_risk * {weight}") })
        }
        (Input::CustomerRisk, ..) => Err(shape("customer_risk", "either `weight` or `bands`")),
        (Input::Hour, Some(bands), None) if !bands.is_empty() => {
            Ok(Rule::HourBands(hour_bands(entry, bands)?))
        }
        (Input::Hour, ..) => Err(shape("hour", "`bands`")),
    }
}

fn number_bands(
    entry: &FactorEntry,
    input: &'static str,
    entries: &[Spanned<BandEntry>],
) -> Result<Vec<Band>, At> {
    let mut bands: Vec<Band> = Vec::with_capacity(entries.len());
    for spanned in entries {
        let band = spanned.as_ref();
        if band.from.is_some() || band.until.is_some() {
            let takes = "bands of `above`, `up_to` and `points`";
            let factor = entry.name.as_ref().clone();
            return Err(At(spanned.span(), PolicyProblem::Shape { factor, input, takes }));
        }
        let bound = |key, bound: &Option<Spanned<f64>>, unbounded| match bound {
            Some(value) => number(key, value, "finite", |_| true),
            None => Ok(unbounded),
        };
        let above = bound("above", &band.above, f64::NEG_INFINITY)?;
        let up_to = bound("up_to", &band.up_to, f64::INFINITY)?;
        let text = match (above.is_finite(), up_to.is_finite()) {
            (true, true) => format!("{input} > {above} and <= {up_to}"),
            (true, false) => format!("{input} > {above}"),
            (false, true) => format!("{input} <= {up_to}"),
            (false, false) => format!("any {input}"),
        };
        check_band(entry, spanned, above < up_to, &text)?;
        if let Some(other) = bands.iter().find(|other| other.above.max(above) < other.up_to.min(up_to)) {
            return Err(overlap(entry, spanned, &other.text, text));
        }
        bands.push(Band { above, up_to, points: points("points", &band.points)?, text });
    }
    Ok(bands)
}

fn hour_bands(entry: &FactorEntry, entries: &[Spanned<BandEntry>]) -> Result<Vec<HourBand>, At> {
    let mut bands: Vec<HourBand> = Vec::with_capacity(entries.len());
    for spanned in entries {
        let band = spanned.as_ref();
        let (None, None, Some(from), Some(until)) = (&band.above, &band.up_to, &band.from, &band.until)
        else {
            let takes = "bands of `from`, `until` and `points`";
            let factor = entry.name.as_ref().clone();
            return Err(At(spanned.span(), PolicyProblem::Shape { factor, input: "hour", takes }));
        };
        let hour = |key, hour: &Spanned<f64>| {
            let accepted = |value: f64| (0.0..=24.0).contains(&value) && value.fract() == 0.0;
            // Checked to be a whole number from 0 to 24, which every u8 conversion keeps.
            number(key, hour, "a whole hour from 0 to 24", accepted).map(|value| value as u8)
        };
        let (from, until) = (hour("from", from)?, hour("until", until)?);
        let text = format!("hour >= {from} and < {until}");
        check_band(entry, spanned, from < until, &text)?;
        if let Some(other) = bands.iter().find(|other| other.from.max(from) < other.until.min(until)) {
            return Err(overlap(entry, spanned, &other.text, text));
        }
        bands.push(HourBand { from, until, points: points("points", &band.points)?, text });
    }
    Ok(bands)
}

fn check_band(entry: &FactorEntry, at: &Spanned<BandEntry>, holds_any: bool, text: &str) -> Result<(), At> {
    if holds_any {
        return Ok(());
    }
    let problem = PolicyProblem::EmptyBand { factor: entry.name.as_ref().clone(), band: format!("`{text}`") };
    Err(At(at.span(), problem))
}

fn overlap(entry: &FactorEntry, at: &Spanned<BandEntry>, first: &str, second: String) -> At {
    let factor = entry.name.as_ref().clone();
    let (first, second) = (format!("`{first}`"), format!("`{second}`"));
    At(at.span(), PolicyProblem::OverlappingBands { factor, first, second })
}
