//! A factor.

use toml::de::DeTable;

use super::entries::{Entries, Mistakes, Numbers, Span};
use super::{Places, bounds, condition};
use crate::inputs::{Input, ValueType};
use crate::policy::factor::{Band, Condition, Factor, Gives};
use crate::policy::{PolicyProblem, keys};

/// Reads a factor; `names` are those of the factors before.
pub(super) fn read(
    table: &DeTable<'_>,
    at: Span,
    names: &mut Vec<String>,
    places: &mut Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Factor> {
    let entries = Entries::new(table, at.clone(), "a factor", keys::FACTOR);
    let all_known = entries.finish(mistakes);
    let name = entries.name("name", mistakes);
    if let Some((name, at)) = &name {
        if names.contains(name) {
            mistakes.add(at.clone(), PolicyProblem::DuplicateFactor(name.clone()));
        }
        names.push(name.clone());
    }
    // What is wrong with the whole factor is told at its name.
    let (name, at) = name.unwrap_or_else(|| ("?".to_owned(), at));
    let when = when(&entries, &name, places, mistakes);
    let gives = gives(&entries, &name, all_known.then_some(at), places, mistakes);
    Some(Factor { name, when: when?, gives: gives? })
}

/// The conditions under `when`; `None` if one is wrong.
fn when(
    entries: &Entries<'_, '_>,
    factor: &str,
    places: &mut Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<Condition>> {
    if entries.get("when").is_none() {
        return Some(Vec::new());
    }
    let (array, at) = entries.array("when", mistakes)?;
    if array.is_empty() {
        mistakes
            .add(at, PolicyProblem::Type { key: "when", found: "empty", expected: "at least one condition" });
        return None;
    }
    let mut all = true;
    let mut conditions = Vec::with_capacity(array.len());
    for entry in array.iter() {
        let read = match entry.get_ref().as_table() {
            Some(table) => condition::read(table, entry.span(), factor, places, mistakes),
            None => {
                mistakes.wrong_type(entry.span(), "when", entry.get_ref(), "a table for each condition");
                None
            }
        };
        all &= read.is_some();
        conditions.extend(read);
    }
    all.then_some(conditions)
}

fn gives(
    entries: &Entries<'_, '_>,
    factor: &str,
    at: Option<Span>,
    places: &mut Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Gives> {
    let has = |key: &str| entries.get(key).is_some();
    let shape = |takes, mistakes: &mut Mistakes<'_>| {
        // A misspelt key has been told.
        if let Some(at) = at.clone() {
            mistakes.add(at, PolicyProblem::Shape { factor: factor.to_owned(), takes });
        }
        None
    };
    if !has("input") {
        return match (has("when") && has("points"), has("bands") || has("weight") || has("missing")) {
            (true, false) => {
                entries.number("points", &Numbers::POINTS, mistakes).map(|(points, _)| Gives::Points(points))
            }
            _ => shape("`input` with `bands` or `weight`, or `when` with `points`", mistakes),
        };
    }
    let input = number_input(entries, factor, places, mistakes);
    let missing = missing(entries, factor, input.as_ref(), mistakes);
    match (has("bands"), has("weight"), has("points")) {
        (true, false, false) => {
            let (array, list_at) = entries.array("bands", mistakes)?;
            if array.is_empty() {
                let problem =
                    PolicyProblem::Type { key: "bands", found: "empty", expected: "at least one band" };
                mistakes.add(list_at, problem);
                return None;
            }
            let tables: Vec<_> =
                array.iter().filter_map(|entry| Some((entry.get_ref().as_table()?, entry.span()))).collect();
            if let Some(entry) = array.iter().find(|entry| !entry.get_ref().is_table()) {
                mistakes.wrong_type(entry.span(), "bands", entry.get_ref(), "a table for each band");
            }
            let bands = bands(&tables, input.as_ref()?, factor, mistakes);
            let bands = bands.filter(|bands| bands.len() == array.len())?;
            Some(Gives::Bands { of: places.of(input?), bands, missing: missing? })
        }
        (false, true, false) => {
            let (weight, _) = entries.number("weight", &Numbers::POINTS, mistakes)?;
            let input = input?;
            let text = format!("{} * {weight}", input.name());
            Some(Gives::Weight { of: places.of(input), weight, text, missing: missing? })
        }
        _ => shape("either `weight` or `bands` beside `input`, and no `points`", mistakes),
    }
}

/// The input of bands or of a weight: a number.
fn number_input(
    entries: &Entries<'_, '_>,
    factor: &str,
    places: &Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Input> {
    let input = condition::input(entries, "input", ValueType::Number, places, mistakes)?;
    if input.value_type() != ValueType::Number {
        let problem = PolicyProblem::Condition {
            factor: factor.to_owned(),
            subject: format!("`{}`", input.name()),
            takes: "a condition under `when`, not bands or a weight: it is no number",
        };
        mistakes.add(entries.get("input").map_or(entries.span(), |entry| entry.span()), problem);
        return None;
    }
    Some(input)
}

/// The points without a value.
fn missing(
    entries: &Entries<'_, '_>,
    factor: &str,
    input: Option<&Input>,
    mistakes: &mut Mistakes<'_>,
) -> Option<f64> {
    if entries.get("missing").is_none() {
        return Some(0.0);
    }
    let (points, at) = entries.number("missing", &Numbers::POINTS, mistakes)?;
    if let Some(input) = input.filter(|input| !input.can_be_missing()) {
        let problem =
            PolicyProblem::NeverMissing { factor: factor.to_owned(), input: input.name().into_owned() };
        mistakes.add(at, problem);
        return None;
    }
    Some(points)
}

/// The bands that are right; overlaps are told.
fn bands(
    tables: &[(&DeTable<'_>, Span)],
    input: &Input,
    factor: &str,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<Band>> {
    let mut bands: Vec<Band> = Vec::with_capacity(tables.len());
    for (table, at) in tables {
        let entries = Entries::new(table, at.clone(), "a band", keys::BAND).and(keys::BOUNDS);
        entries.finish(mistakes);
        let bounds = bounds::read(&entries, input, factor, mistakes);
        let points = entries.number("points", &Numbers::POINTS, mistakes);
        let (Some((bounds, text)), Some((points, _))) = (bounds, points) else { continue };
        let band = Band { bounds, points, text };
        let overlaps = |other: &&Band| {
            other.bounds.above.max(band.bounds.above) < other.bounds.up_to.min(band.bounds.up_to)
        };
        if let Some(other) = bands.iter().find(overlaps) {
            let (first, second) = (format!("`{}`", other.text), format!("`{}`", band.text));
            let problem = PolicyProblem::OverlappingBands { factor: factor.to_owned(), first, second };
            mistakes.add(at.clone(), problem);
        }
        bands.push(band);
    }
    Some(bands)
}
